#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "destination/destination.h"
#include "flow/pins.h"
#include "plan_fixture.h"

static void
plan_puts_open_rows_first_and_then_who_dies_first(void **state)
{
	struct world *world = *state;
	struct token open = living(1, 10, 80), young = living(2, 10, 80),
		     late = living(3, 82, 8), soon = living(4, 88, 2);

	hold(world, "project:fleet/young:ci", &young, 1);
	hold(world, "project:fleet/late:ci", &late, 1);
	hold(world, "project:fleet/soon:ci", &soon, 1);
	hold(world, API, &open, 1);
	hold(world, WEB, NULL, 0);
	record(world, API, &open);
	world->row[world->open.count++] = (struct rotation){ .token = 1,
		.state = STATE_HELD,
		.trouble = "refused",
		.advice = 113,
		.new_id = 1 };
	build(world);
	assert_int_equal(world->plan->count, 5);
	expect(&world->plan->items[0], PLAN_OPEN, 113, "HELD: refused");
	expect(&world->plan->items[1], PLAN_PERSON, GLR_CANNOT_CREATE, "");
	assert_int_equal(world->plan->items[2].token->id, 4);
	assert_int_equal(world->plan->items[3].token->id, 3);
	assert_int_equal(world->plan->items[4].token->id, 2);
	assert_int_equal(plan_count(world->plan, PLAN_ROTATE), 2);
}

static void
plan_limits_rotations_but_not_in_the_second_half_of_a_window(void **state)
{
	static const struct {
		int64_t limit;
		bool ordered;
		size_t rotates, waits;
	} rows[] = {
		{ 20, false, 5, 0 },
		{ 3, false, 3, 2 },
		{ 1, false, 2, 3 }, /* two are urgent */
		{ 0, false, 0, 5 },
		{ 0, true, 5, 0 },
	};
	struct world *world = *state;

	for (int i = 0; i < 5; i++) {
		struct token token = living(10 + i, 400, i < 2 ? 5 : 16);

		token.scopes = (struct texts){ 0 };
		hold(world, arena_format(world->arena, "project:fleet/p%d:ci", i), &token, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world->options.limit = rows[i].limit;
		world->options.ordered = rows[i].ordered ? order_all : NULL;
		build(world);
		assert_int_equal(plan_count(world->plan, PLAN_ROTATE), rows[i].rotates);
		assert_int_equal(plan_count(world->plan, PLAN_WAITS), rows[i].waits);
	}
}

static void
plan_keeps_a_pattern_from_what_is_wider_than_it_may_be(void **state)
{
	static const char *const read_api[] = { "read_api" }, *const api[] = { "read_api",
		"api" };
	struct world *world = *state;
	struct token fits = living(5, 88, 2), wide = fits, high = fits, own = fits;
	const struct plan_item *items;

	fits.scopes = (struct texts){ (const char **)read_api, 1 };
	wide.scopes = (struct texts){ (const char **)api, 2 };
	high.access_level = 40;
	own.id = 99;
	world->options.own_token_id = 99;
	hold(world, "project:fleet/a:ci", &fits, 1);
	hold(world, "project:fleet/b:ci", &wide, 1);
	hold(world, "project:fleet/c:ci", &high, 1);
	hold(world, "project:fleet/d:ci", &own, 1);
	items = build(world);
	expect(&items[0], PLAN_ROTATE, 0, "expires");
	expect(&items[1], PLAN_NOTHING, 0, "its scope api is not in scopes_at_most");
	expect(&items[2], PLAN_NOTHING, 0, "maintainer, above level_at_most");
	expect(&items[3], PLAN_NOTHING, 0, "the credential that glrotate itself uses");
	assert_false(items[1].adopts);
	world->holdings.count = 0;
	hold(world, API, &own, 1);
	expect(build(world), PLAN_PERSON, 0, "the credential that glrotate itself uses");
	world->options.own_token_id = 98;
	world->options.rescue_token_id = 99;
	expect(build(world), PLAN_PERSON, 0, "the rescue credential");
	world->options.rescue_token_id = 0;
	world->options.in_use = (const int64_t[]){ 97, 99 };
	world->options.in_use_count = 2;
	expect(build(world), PLAN_PERSON, 0, "another entry says that it rotates itself");
	world->options.in_use_count = 1;
	expect(build(world), PLAN_ROTATE, 0, "expires");
}

static void
plan_says_why_an_owner_or_a_pattern_could_not_be_read(void **state)
{
	struct world *world = *state;
	struct holding *holding = hold(world, API, NULL, 0);
	struct err err;

	holding->is_readable = false;
	err_set(&holding->trouble, ERR_REFUSED, 0, "403 Forbidden");
	err_advise(&holding->trouble, GLR_OWNER_UNREADABLE);
	expect(build(world), PLAN_PERSON, GLR_OWNER_UNREADABLE, "403 Forbidden");
	assert_true(address_parse(
		world->arena, "project:fleet/**:ci", true, &holding->address, &err));
	holding->entry = policies_entry(world->policies, &holding->address);
	expect(build(world), PLAN_PERSON, GLR_OWNER_UNREADABLE, "403 Forbidden");
}

static void
plan_gives_destinations_the_numbers_they_were_pinned_to(void **state)
{
	struct world *world = *state;
	struct token token = living(5, 10, 80);
	struct variable_place place = {
		.level = VARIABLE_PROJECT, .owner = "g/api", .key = "A", .scope = "*"
	};
	struct destination pinned = { .text = "ci_variable g/api A *",
		.owner_id = 77,
		.to = { .kind = DESTINATION_CI_VARIABLE, .value = &place } };
	struct list pins = { &pinned, 1 };
	const struct destination *planned;

	hold(world, API, &token, 1);
	record(world, API, &token)->destinations = pins_text(&pins, world->arena);
	planned = build(world)->destinations.items;
	assert_int_equal(planned->owner_id, 77);
	pinned.text = "ci_variable g/api B *";
	world->record[0].destinations = pins_text(&pins, world->arena);
	planned = build(world)->destinations.items;
	assert_int_equal(planned->owner_id, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plan_puts_open_rows_first_and_then_who_dies_first),
		TEST(plan_limits_rotations_but_not_in_the_second_half_of_a_window),
		TEST(plan_keeps_a_pattern_from_what_is_wider_than_it_may_be),
		TEST(plan_says_why_an_owner_or_a_pattern_could_not_be_read),
		TEST(plan_gives_destinations_the_numbers_they_were_pinned_to),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
