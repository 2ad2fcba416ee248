#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plan_fixture.h"

static void
plan_of_an_adopted_token_rotates_it_inside_its_window_only(void **state)
{
	static const struct {
		const char *what;
		int64_t age_days, dies_in_days;
		enum plan_action action;
		const char *why;
	} rows[] = {
		{ "the first day", 1, 89, PLAN_NOTHING, "expires" },
		{ "a day before its window", 59, 31, PLAN_NOTHING, "renewed" },
		{ "in the second half of its window", 80, 10, PLAN_ROTATE, "expires" },
		{ "dead for a while", 95, -5, PLAN_ROTATE, "ran out" },
		{ "over max_lifetime, adopted long ago", 120, 200, PLAN_ROTATE, "outlived" },
		{ "without expiry, near max_lifetime", 80, 0, PLAN_ROTATE, "max_lifetime" },
		{ "without expiry, young", 10, 0, PLAN_NOTHING, "max_lifetime" },
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token token = living(5, rows[i].age_days, rows[i].dies_in_days);

		world->holdings.count = world->records.count = 0;
		hold(world, API, &token, 1);
		record(world, API, &token);
		print_message("%s\n", rows[i].what);
		expect(build(world), rows[i].action, 0, rows[i].why);
		assert_false(world->plan->items[0].adopts);
		assert_int_equal(world->plan->items[0].token->id, 5);
	}
}

static void
plan_adopts_a_living_token_without_rotating_it(void **state)
{
	struct world *world = *state;
	struct token tokens[] = { revoked(3), living(5, 300, 65) };
	const struct plan_item *item;

	hold(world, API, tokens, 2);
	item = build(world);
	expect(item, PLAN_NOTHING, 0, "lives longer than max_lifetime; its turn in the ramp");
	assert_true(item->adopts);
	assert_int_equal(item->token->id, 5);
	assert_string_equal(item->rule, "max 90d renew 30d");
	assert_int_equal(item->rule_since, NOW);
	assert_int_equal(item->destinations.count, 1);
}

static void
plan_ramps_again_from_the_day_a_line_was_edited(void **state)
{
	struct world *world = *state;
	struct token token = living(5, 200, 165);

	hold(world, API, &token, 1);
	record(world, API, &token)->rule = "max 365d renew 30d";
	expect(build(world), PLAN_NOTHING, 0, "ramp");
	assert_int_equal(world->plan->items[0].rule_since, NOW);
	world->record[0].rule = "max 90d renew 30d";
	expect(build(world), PLAN_ROTATE, 0, "");
	assert_int_equal(world->plan->items[0].rule_since, NOW - DAYS(200));
}

static void
plan_creates_only_what_never_was_and_is_wholly_described(void **state)
{
	struct world *world = *state;
	struct token dead = revoked(3);
	const struct plan_item *items;

	hold(world, API, NULL, 0);
	expect(build(world), PLAN_CREATE, 0, "does not exist yet");
	assert_false(world->plan->items[0].adopts);
	world->holdings.count = 0;
	hold(world, API, &dead, 1);
	expect(build(world), PLAN_PERSON, GLR_REVOKED, "only dead tokens have that name: #3");
	world->holdings.count = 0;
	hold(world, "project:g/lost:ci", NULL, 0);
	hold(world, WEB, NULL, 0);
	items = build(world);
	expect(&items[0], PLAN_PERSON, GLR_CANNOT_CREATE, "access_level");
	expect(&items[1], PLAN_PERSON, GLR_CANNOT_CREATE, "scopes");
}

static void
plan_asks_a_person_which_of_two_living_namesakes_is_meant(void **state)
{
	struct world *world = *state;
	struct token tokens[] = { living(5, 10, 80), living(7, 5, 85) };

	hold(world, API, tokens, 2);
	expect(build(world), PLAN_PERSON, GLR_NAMESAKES,
		"2 living tokens have that name: #5, #7");
	assert_null(world->plan->items[0].token);
	world->holdings.count = 0;
	hold(world, "project:g/pick:ci", tokens, 2);
	expect(build(world), PLAN_NOTHING, 0, "expires");
	assert_int_equal(world->plan->items[0].token->id, 7);
	assert_true(world->plan->items[0].adopts);
	world->holdings.count = 0;
	hold(world, "project:g/pick:ci", tokens, 1);
	expect(build(world), PLAN_PERSON, GLR_NAMESAKES, "id: 7");
}

static void
plan_does_not_pass_over_an_id_that_means_another_living_token(void **state)
{
	struct world *world = *state;
	struct token tokens[] = { living(5, 10, 80), living(7, 5, 85) };

	hold(world, "project:g/pick:ci", tokens, 2);
	record(world, "project:g/pick:ci", &tokens[0]);
	expect(build(world), PLAN_PERSON, GLR_NAMESAKES, "#5 is the one adopted");
	/* Rotated by us, its number changed, and the one that the entry says is dead. */
	world->held[0].namesakes.items[0] = revoked(7);
	world->held[0].namesakes.items[1] = living(9, 5, 85);
	record(world, "project:g/pick:ci", &world->held[0].namesakes.items[1]);
	world->record[0] = world->record[1];
	world->records.count = 1;
	expect(build(world), PLAN_NOTHING, 0, "expires");
	assert_int_equal(world->plan->items[0].token->id, 9);
}

static void
plan_of_a_token_that_somebody_touched_needs_a_person(void **state)
{
	struct world *world = *state;
	struct token ours = living(5, 10, 80), other = ours;
	const struct {
		const char *what;
		struct token tokens[2];
		size_t count;
		int advice;
		const char *why;
	} rows[] = {
		{ "revoked", { revoked(5) }, 1, GLR_REVOKED, "revoked, not by us" },
		{ "gone", { revoked(1) }, 0, GLR_REVOKED, "not among its owner's tokens" },
		{ "rotated", { revoked(5), living(8, 1, 89) }, 2, GLR_FOREIGN_ROTATION,
			"#5 is dead, and #8 is the token now" },
		{ "restored", { living(4, 20, 70) }, 1, GLR_RESTORED, "restored" },
	};

	record(world, API, &ours);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world->holdings.count = 0;
		hold(world, API, rows[i].tokens, rows[i].count);
		print_message("%s\n", rows[i].what);
		expect(build(world), PLAN_PERSON, rows[i].advice, rows[i].why);
		assert_null(world->plan->items[0].token);
	}
	other.created_msec++;
	world->holdings.count = 0;
	hold(world, API, &other, 1);
	expect(build(world), PLAN_PERSON, GLR_IDENTITY, "another token than the one adopted");
}

static void
plan_takes_a_successor_over_by_order_alone(void **state)
{
	struct world *world = *state;
	struct token ours = living(5, 10, 80);
	struct token tokens[] = { revoked(5), living(8, 1, 89) };

	hold(world, API, tokens, 2);
	record(world, API, &ours);
	world->options.ordered = order_all;
	expect(build(world), PLAN_ROTATE, 0, "ordered");
	assert_int_equal(world->plan->items[0].token->id, 8);
}

static void
plan_releases_what_has_no_entry_and_manages_what_comes_back(void **state)
{
	struct world *world = *state;
	struct token token = living(5, 200, 165);
	const struct plan_item *items;

	record(world, "project:g/gone:ci", &token);
	items = build(world);
	expect(&items[0], PLAN_RELEASED, 0, "nobody renews it");
	assert_null(items[0].holding);
	assert_int_equal(items[0].due.dies_at, DAYS(TODAY + 165));
	world->records.count = 0;
	record(world, API, &token)->released_at = NOW - DAYS(3);
	hold(world, API, &token, 1);
	items = build(world);
	expect(&items[0], PLAN_NOTHING, 0, "ramp");
	assert_true(items[0].adopts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plan_of_an_adopted_token_rotates_it_inside_its_window_only),
		TEST(plan_adopts_a_living_token_without_rotating_it),
		TEST(plan_ramps_again_from_the_day_a_line_was_edited),
		TEST(plan_creates_only_what_never_was_and_is_wholly_described),
		TEST(plan_asks_a_person_which_of_two_living_namesakes_is_meant),
		TEST(plan_does_not_pass_over_an_id_that_means_another_living_token),
		TEST(plan_of_a_token_that_somebody_touched_needs_a_person),
		TEST(plan_takes_a_successor_over_by_order_alone),
		TEST(plan_releases_what_has_no_entry_and_manages_what_comes_back),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
