#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plan_fixture.h"

#define WEEK DAYS(7)

/* A brake as brakes_read() makes it; `until` NO_MOMENT: the file. */
static struct brake
make(struct arena *arena, const char *pattern, bool is_exact, int64_t until)
{
	struct pause *pause = arena_alloc(arena, sizeof(*pause));
	struct brake brake = { .pause = pause, .until = until, .text = pattern };
	struct err err;

	pause->is_exact = is_exact;
	if (until == NO_MOMENT)
		brake.pause = NULL;
	assert_true(address_parse(arena, pattern, !is_exact, &brake.pattern, &err));
	return brake;
}

static void
put_on(struct world *world, struct brake *brake)
{
	struct brakes *brakes = arena_alloc(world->arena, sizeof(*brakes));

	*brakes = (struct brakes){ brake, 1, NULL };
	world->options.brakes = brakes;
}

static void
the_brake_that_lasts_longest_holds(void **state)
{
	static const struct {
		const char *address;
		int64_t at;
		const char *holds; /* NULL: none */
	} rows[] = {
		{ "project:g/api:ci", NOW, "project:g/**" },
		{ "project:g/api:ci", NOW + WEEK - 1, "project:g/**" },
		{ "project:g/api:ci", NOW + WEEK, NULL }, /* it ends with its first moment */
		{ "project:G/api:ci", NOW, "project:g/**" },
		{ "project:h/api:c*", NOW, "project:h/api:c*" },
		{ "project:h/api:ci", NOW, NULL }, /* to the letter: the star is the name's */
		{ "group:g:ci", NOW, NULL },
	};
	struct world *world = *state;
	struct brake items[] = { make(world->arena, "project:g/api:ci", true, NOW + 10),
		make(world->arena, "project:g/**", false, NOW + WEEK),
		make(world->arena, "project:h/api:c*", true, NOW + WEEK) };
	const struct brakes brakes = { items, ARRAY_SIZE(items), NULL };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct brake *found;
		struct address address;
		struct err err;

		assert_true(
			address_parse(world->arena, rows[i].address, false, &address, &err));
		found = brakes_find(&brakes, &address, rows[i].at);
		if (found != NULL && rows[i].holds != NULL)
			assert_string_equal(found->text, rows[i].holds);
		else if (found != NULL || rows[i].holds != NULL)
			fail_msg("%s: %s", rows[i].address, found ? found->text : "free");
		assert_null(brakes_find(NULL, &address, rows[i].at));
	}
}

static void
what_has_no_end_outlasts_what_dies_within_a_week(void **state)
{
	struct world *world = *state;
	struct brake file = make(world->arena, "*", false, NO_MOMENT);
	struct brake pause = make(world->arena, "*", false, NOW + DAYS(30));

	assert_true(brake_is_on(&file, INT64_MAX));
	assert_true(brake_outlasts(&file, NOW + WEEK, NOW));
	assert_false(brake_outlasts(&file, NOW + WEEK + 1, NOW));
	assert_true(brake_outlasts(&pause, NOW + DAYS(30), NOW));
	assert_false(brake_outlasts(&pause, NOW + DAYS(30) + 1, NOW));
	assert_false(brake_outlasts(&pause, NO_MOMENT, NOW));
	assert_false(brake_outlasts(&pause, NOW, NOW)); /* it is dead already */
	assert_string_equal(brake_words(&pause, DAYS(TODAY + 8), NOW, world->arena),
		"*; dies 2024-10-12, within the pause");
}

static void
a_brake_holds_what_is_new_but_no_order(void **state)
{
	static const struct {
		int64_t age_days, dies_in_days;
		bool ordered;
		enum plan_action action;
		const char *why;
		bool dies;
	} rows[] = {
		{ 88, 2, false, PLAN_PAUSED, "; *; dies", true },
		{ 60, 40, false, PLAN_NOTHING, "", false },
		{ 10, 20, false, PLAN_NOTHING, "; *; dies", true },
		{ 10, 80, false, PLAN_NOTHING, "", false },
		{ 88, 2, true, PLAN_ROTATE, "ordered", false },
	};
	struct world *world = *state;
	struct brake pause = make(world->arena, "*", false, NOW + DAYS(30));

	put_on(world, &pause);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token token = living(7, rows[i].age_days, rows[i].dies_in_days);
		const struct plan_item *item;

		world->holdings.count = world->records.count = 0;
		hold(world, API, &token, 1);
		record(world, API, &token);
		world->options.ordered = rows[i].ordered ? order_all : NULL;
		item = build(world);
		expect(item, rows[i].action, 0, rows[i].why);
		assert_int_equal(strstr(item->why, "; *") != NULL, rows[i].dies);
		assert_int_equal(item->dies_braked, rows[i].dies);
		assert_ptr_equal(item->brake, &pause);
	}
}

static void
a_held_secret_is_finished_under_a_brake_and_not_begun_anew(void **state)
{
	struct world *world = *state;
	struct brake pause = make(world->arena, API, true, NOW + DAYS(30));
	struct token token = living(7, 88, 2);

	hold(world, API, &token, 1);
	record(world, API, &token);
	world->row[world->open.count++] = (struct rotation){
		.token = 1, .state = STATE_HELD, .trouble = "", .target_id = 6, .new_id = 7
	};
	assert_true(build(world)->supersedes);
	put_on(world, &pause);
	assert_false(build(world)->supersedes);
	expect(build(world), PLAN_OPEN, 0, "HELD");
	world->options.ordered = order_all;
	assert_true(build(world)->supersedes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_brake_that_lasts_longest_holds, open_world, close_world),
		cmocka_unit_test_setup_teardown(
			what_has_no_end_outlasts_what_dies_within_a_week, open_world,
			close_world),
		cmocka_unit_test_setup_teardown(
			a_brake_holds_what_is_new_but_no_order, open_world, close_world),
		cmocka_unit_test_setup_teardown(
			a_held_secret_is_finished_under_a_brake_and_not_begun_anew, open_world,
			close_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
