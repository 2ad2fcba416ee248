#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "destination/destination.h"
#include "plan_fixture.h"

#define FLEET(deliver)                                                                         \
	"gitlab: { url: https://gitlab.example.com, credential: c }\n"                         \
	"lifetimes: [ { for: '*', max_lifetime: 90d, renew_before: 30d } ]\n"                  \
	"tokens:\n"                                                                            \
	"  - { token: 'project:g/api:ci', deliver: [ file: /t/api ] }\n"                       \
	"  - { token: 'personal:al:ci', deliver: [ file: /t/al ] }\n"                          \
	"  - { token: 'project:fleet/**:*', level_at_most: developer, outside_owner: yes, "    \
	"deliver: [ " deliver " ] }\n"

#define DUE 2 /* days to live */

static const struct plan_item *
item_of(const struct world *world, const char *address)
{
	for (size_t i = 0; i < world->plan->count; i++)
		if (!strcmp(world->plan->items[i].address.text, address))
			return &world->plan->items[i];
	fail_msg("no item '%s'", address);
	return NULL;
}

static const struct holding *
hold_due(struct world *world, const char *address, int64_t id)
{
	struct token token = living(id, 88, DUE);

	return hold(world, address, &token, 1);
}

/* Two tokens of one project, whose names come to one variable: CI_X. */
static struct world *
two_that_meet(void **state)
{
	struct world *world = *state;

	load_policy(world, FLEET("ci_variable: '{name:key}'"));
	hold_due(world, "project:fleet/a:ci-x", 1);
	hold_due(world, "project:fleet/a:ci_x", 2);
	return world;
}

static void
remember(struct world *world, const char *address, int64_t id)
{
	struct token token = living(id, 88, DUE);

	record(world, address, &token);
}

static void
unique_asks_a_person_where_two_new_secrets_would_meet_and_goes_on_with_the_rest(void **state)
{
	struct world *world = two_that_meet(state);
	const struct plan_item *item;

	hold_due(world, "project:fleet/a:ci.x", 3);
	hold_due(world, "project:fleet/b:ci-x", 4);
	build(world);
	item = item_of(world, "project:fleet/a:ci-x");
	expect(item, PLAN_PERSON, 0, "'ci_variable fleet/a CI_X *' would get two secrets");
	assert_non_null(
		strstr(item->why, "of 'project:fleet/a:ci-x' and of 'project:fleet/a:ci"));
	assert_false(item->adopts);
	expect(item_of(world, "project:fleet/a:ci_x"), PLAN_PERSON, 0, "two secrets");
	expect(item_of(world, "project:fleet/a:ci.x"), PLAN_PERSON, 0, "two secrets");
	expect(item_of(world, "project:fleet/b:ci-x"), PLAN_ROTATE, 0, "expires");
}

static void
unique_knows_a_file_and_its_entries_for_one_place(void **state)
{
	struct world *world = *state;

	load_policy(world, FLEET("file: { path: '/t/{name}', format: env, key: A }"));
	hold_due(world, "project:g/api:ci", 9);
	hold_due(world, "project:fleet/a:api", 1);
	hold_due(world, "project:fleet/a:other", 2);
	build(world);
	expect(item_of(world, "project:fleet/a:api"), PLAN_PERSON, 0, "two secrets");
	expect(item_of(world, "project:fleet/a:other"), PLAN_ROTATE, 0, "expires");
	expect(item_of(world, "project:g/api:ci"), PLAN_ROTATE, 0, "expires");
}

static void
unique_lets_nobody_take_the_place_of_a_token_that_is_remembered(void **state)
{
	struct world *world = two_that_meet(state);

	remember(world, "project:fleet/a:ci_x", 2);
	build(world);
	expect(item_of(world, "project:fleet/a:ci_x"), PLAN_ROTATE, 0, "expires");
	expect(item_of(world, "project:fleet/a:ci-x"), PLAN_PERSON, 0,
		"of 'project:fleet/a:ci-x' and of 'project:fleet/a:ci_x'");
	/* One that was released gave its place up. */
	world->record[0].released_at = NOW - DAYS(3);
	build(world);
	expect(item_of(world, "project:fleet/a:ci_x"), PLAN_PERSON, 0, "two secrets");
}

static void
unique_lets_an_open_row_go_on_before_all_others(void **state)
{
	struct world *world = two_that_meet(state);

	remember(world, "project:fleet/a:ci-x", 1);
	remember(world, "project:fleet/a:ci_x", 2);
	world->row[world->open.count++] = (struct rotation){
		.token = 2, .state = STATE_DELIVERED, .trouble = "", .new_id = 2
	};
	build(world);
	expect(item_of(world, "project:fleet/a:ci_x"), PLAN_OPEN, 0, "DELIVERED");
	expect(item_of(world, "project:fleet/a:ci-x"), PLAN_PERSON, 0, "two secrets");
}

static void
unique_lets_nobody_take_the_token_of_an_open_row_whatever_shows_it(void **state)
{
	static struct brake frozen = {
		.pattern = { .type = TYPE_ANY, .owner = "**", .name = "**", .text = "*" },
		.until = NO_MOMENT,
		.text = "frozen"
	};
	static const struct brakes brakes = { &frozen, 1, &frozen };
	struct world *world = *state;

	load_policy(world, FLEET("ci_variable: '{name:key}'"));
	hold_due(world, "project:fleet/a:ci-x", 7);
	hold_due(world, "project:fleet/a:ci-y", 8);
	hold_due(world, "project:fleet/a:ci-z", 9);
	remember(world, "project:gone/a:ci-x", 7);
	world->row[world->open.count++] = (struct rotation){
		.token = 1, .state = STATE_HELD, .trouble = "", .target_id = 7, .new_id = 8
	};
	build(world);
	expect(item_of(world, "project:gone/a:ci-x"), PLAN_OPEN, 0, "its entry is gone");
	expect(item_of(world, "project:fleet/a:ci-x"), PLAN_WAITS, 0,
		"the rotation of 'project:gone/a:ci-x', which stands at HELD: #7 is its token");
	assert_false(item_of(world, "project:fleet/a:ci-x")->adopts);
	expect(item_of(world, "project:fleet/a:ci-y"), PLAN_WAITS, 0, "#8 is its token");
	expect(item_of(world, "project:fleet/a:ci-z"), PLAN_ROTATE, 0, "expires");
	/* Under a brake it is as ordered that nothing happens. */
	world->options.brakes = &brakes;
	build(world);
	expect(item_of(world, "project:fleet/a:ci-x"), PLAN_PAUSED, 0, "frozen");
	assert_null(item_of(world, "project:fleet/a:ci-x")->waits_for);
}

static void
unique_keeps_the_places_of_an_open_row_unless_it_follows_the_policy(void **state)
{
	static const struct {
		enum state_of_row state;
		bool is_uncommitted;
		enum plan_action expected;
	} cases[] = {
		{ STATE_PLANNED, true, PLAN_ROTATE },
		{ STATE_PLANNED, false, PLAN_WAITS },
		{ STATE_FOREIGN, true, PLAN_WAITS },
		{ STATE_DOUBTED, false, PLAN_WAITS },
		{ STATE_RETIRING, false, PLAN_WAITS },
	};
	struct world *world = *state;
	const struct holding *other;
	struct grip *grip = arena_alloc(world->arena, sizeof(*grip));
	struct err err;

	load_policy(world, FLEET("ci_variable: '{name:key}'"));
	hold_due(world, "project:fleet/a:ci-x", 1);
	other = hold_due(world, "project:fleet/a:ci-y", 2);
	remember(world, "project:fleet/a:ci-x", 1);
	assert_true(policies_destinations(world->policies, other->entry, &other->address,
		world->arena, &grip->places, &err));
	world->open.count = 1;
	world->options.grips = grip;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		grip->is_uncommitted = cases[i].is_uncommitted;
		world->row[0] = (struct rotation){
			.token = 1, .state = cases[i].state, .trouble = "", .target_id = 1
		};
		build(world);
		expect(item_of(world, "project:fleet/a:ci-x"), PLAN_OPEN, 0, "stands at");
		expect(item_of(world, "project:fleet/a:ci-y"), cases[i].expected, 0, "expires");
	}
}

static void
unique_prefers_what_the_policy_names_to_what_a_pattern_finds(void **state)
{
	struct world *world = *state;

	load_policy(world, FLEET("file: '/t/{name}'"));
	hold_due(world, API, 1);
	hold_due(world, "project:fleet/a:api", 2);
	build(world);
	expect(item_of(world, API), PLAN_ROTATE, 0, "expires");
	expect(item_of(world, "project:fleet/a:api"), PLAN_PERSON, 0, "'file /t/api'");
}

static void
unique_counts_no_token_that_a_pattern_does_not_keep_alive(void **state)
{
	struct world *world = two_that_meet(state);

	world->held[1].namesakes.items[0].access_level = 40;
	build(world);
	expect(item_of(world, "project:fleet/a:ci-x"), PLAN_ROTATE, 0, "expires");
	expect(item_of(world, "project:fleet/a:ci_x"), PLAN_NOTHING, 0, "not managed");
}

static void
unique_rotates_a_token_for_one_of_two_entries_only(void **state)
{
	struct world *world = *state;

	load_policy(world, FLEET("ci_variable: '{name:key}'"));
	/* A project that moved is read by its number, and found again where it is now. */
	hold_due(world, API, 1);
	hold_due(world, "project:fleet/api:ci", 1);
	remember(world, API, 1);
	build(world);
	expect(item_of(world, API), PLAN_ROTATE, 0, "expires");
	expect(item_of(world, "project:fleet/api:ci"), PLAN_PERSON, 0,
		"#1 is the token of 'project:g/api:ci' too");
	hold_due(world, "personal:al:ci", 1);
	world->records.count = 0;
	build(world);
	expect(item_of(world, API), PLAN_PERSON, 0, "#1 is the token of 'personal:al:ci' too");
	expect(item_of(world, "personal:al:ci"), PLAN_PERSON, 0, "#1 is the token of");
}

static void
unique_refuses_a_place_that_one_token_names_twice(void **state)
{
	struct world *world = *state;

	load_policy(world, FLEET("ci_variable: CI_X, ci_variable: '{name:key}'"));
	hold_due(world, "project:fleet/a:ci-x", 1);
	hold_due(world, "project:fleet/a:ci-y", 2);
	world->held[1].address.owner = "fleet/b";
	build(world);
	expect(item_of(world, "project:fleet/a:ci-x"), PLAN_PERSON, 0,
		"'ci_variable fleet/a CI_X *' stands twice in its 'deliver'");
}

static void
unique_leaves_a_better_reason_for_a_person_as_it_is(void **state)
{
	struct world *world = *state;

	load_policy(world, FLEET("file: /t/all"));
	hold_due(world, "project:fleet/a:ci", 1);
	hold_due(world, "project:fleet/b:ci", 2);
	remember(world, "project:fleet/b:ci", 9);
	build(world);
	expect(item_of(world, "project:fleet/b:ci"), PLAN_PERSON, GLR_RESTORED, "restored");
	expect(item_of(world, "project:fleet/a:ci"), PLAN_PERSON, 0, "two secrets");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unique_asks_a_person_where_two_new_secrets_would_meet_and_goes_on_with_the_rest),
		TEST(unique_knows_a_file_and_its_entries_for_one_place),
		TEST(unique_lets_nobody_take_the_place_of_a_token_that_is_remembered),
		TEST(unique_lets_an_open_row_go_on_before_all_others),
		TEST(unique_lets_nobody_take_the_token_of_an_open_row_whatever_shows_it),
		TEST(unique_keeps_the_places_of_an_open_row_unless_it_follows_the_policy),
		TEST(unique_prefers_what_the_policy_names_to_what_a_pattern_finds),
		TEST(unique_counts_no_token_that_a_pattern_does_not_keep_alive),
		TEST(unique_rotates_a_token_for_one_of_two_entries_only),
		TEST(unique_refuses_a_place_that_one_token_names_twice),
		TEST(unique_leaves_a_better_reason_for_a_person_as_it_is),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
