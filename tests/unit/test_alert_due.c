#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/when.h"
#include "report/alert_due.h"

#define NOW INT64_C(1800000000)
#define NAME "mail ops@example.com"
#define HOURS(count) ((count)*HOUR_SEC)

static const struct alert_rules rules = {
	.again_sec = 7 * DAY_SEC, .margin_sec = 7 * DAY_SEC, .lasting_sec = DAY_SEC
};

static struct condition
condition(enum condition_kind kind, const char *address, int advice, int64_t since)
{
	return (struct condition){ .kind = kind,
		.trouble = { .address = address,
			.text = "",
			.advice = advice,
			.since = since,
			.works_until = NO_MOMENT },
		.destination = "" };
}

static struct told
told(enum condition_kind kind, const char *address, int advice, int64_t told_at)
{
	return (struct told){ .alert = NAME,
		.address = address,
		.destination = "",
		.headline = "",
		.advice = advice,
		.kind = kind,
		.told_at = told_at };
}

/* What is due of one condition (kind 0: none) and one memory (alert NULL: none); -1: nothing. */
static int
reason(const struct alert_rules *by, const struct condition *one, const struct told *memory)
{
	auto_arena struct arena *arena = arena_new();
	struct condition conditions[1];
	struct told remembered[1];
	const struct conditions all = { conditions, one != NULL };
	const struct memory before = { remembered, memory != NULL };
	struct alert_items due;

	if (one)
		conditions[0] = *one;
	if (memory)
		remembered[0] = *memory;
	due = alert_due(by, NAME, &all, &before, NOW, arena);
	assert_true(due.count <= 1);
	return due.count ? (int)due.items[0].reason : -1;
}

static void
a_condition_is_told_once_and_again_after_a_while(void **state)
{
	const struct condition one = condition(CONDITION_PERSON, "project:a:b", 113, NOW - 60);
	static const struct {
		const char *what;
		int64_t told_at;
		int advice, kind, reason;
	} rows[] = {
		{ "an hour ago", NOW - HOURS(1), 113, CONDITION_PERSON, -1 },
		{ "nearly a week ago", NOW - 7 * DAY_SEC + 1, 113, CONDITION_PERSON, -1 },
		{ "a week ago", NOW - 7 * DAY_SEC, 113, CONDITION_PERSON, ALERT_AGAIN },
		{ "as another kind", NOW - 1, 113, CONDITION_UNFINISHED, ALERT_CHANGED },
		{ "never for sure", 0, 113, CONDITION_PERSON, ALERT_NEW },
	};
	(void)state;

	assert_int_equal(reason(&rules, &one, NULL), ALERT_NEW);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct told memory = told((enum condition_kind)rows[i].kind,
			"project:a:b", rows[i].advice, rows[i].told_at);

		if (reason(&rules, &one, &memory) != rows[i].reason)
			fail_msg("told %s", rows[i].what);
	}
}

static void
what_is_over_is_told_unless_something_else_took_its_place(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const struct told memory = told(CONDITION_PERSON, "project:a:b", 113, NOW - 60);
	struct condition conditions[] = { condition(
		CONDITION_PERSON, "project:a:b", 108, NOW) };
	struct told remembered[] = { memory };
	struct alert_items due;
	(void)state;

	assert_int_equal(reason(&rules, NULL, &memory), ALERT_OVER);
	due = alert_due(&rules, NAME, &(struct conditions){ conditions, 1 },
		&(struct memory){ remembered, 1 }, NOW, arena);
	assert_int_equal(due.count, 2);
	assert_int_equal(due.items[0].reason, ALERT_NEW);
	assert_int_equal(due.items[1].reason, ALERT_REPLACED);
	/* What another alert was told is none of ours. */
	remembered[0].alert = "exec /bin/true";
	due = alert_due(&rules, NAME, &(struct conditions){ conditions, 0 },
		&(struct memory){ remembered, 1 }, NOW, arena);
	assert_int_equal(due.count, 0);
}

static void
destinations_of_one_token_are_conditions_of_their_own(void **state)
{
	struct condition one = condition(CONDITION_PERSON, "project:a:b", 113, NOW);
	struct told memory = told(CONDITION_PERSON, "project:a:b", 113, NOW);
	(void)state;

	one.destination = "file /a";
	memory.destination = "file /a";
	assert_int_equal(reason(&rules, &one, &memory), -1);
	auto_arena struct arena *arena = arena_new();
	memory.destination = "file /b";
	const struct alert_items due = alert_due(&rules, NAME, &(struct conditions){ &one, 1 },
		&(struct memory){ &memory, 1 }, NOW, arena);
	assert_int_equal(due.count, 2);
	assert_int_equal(due.items[0].reason, ALERT_NEW);
}

static void
margin_and_lasting_are_waited_for(void **state)
{
	struct condition dying = condition(CONDITION_MARGIN, "project:a:b", 0, NOW);
	struct condition open = condition(CONDITION_UNFINISHED, "", 0, NOW - DAY_SEC + 1);
	(void)state;

	assert_int_equal(reason(&rules, &dying, NULL), -1); /* it never dies */
	dying.trouble.works_until = NOW + 7 * DAY_SEC + 1;
	assert_int_equal(reason(&rules, &dying, NULL), -1);
	dying.trouble.works_until = NOW + 7 * DAY_SEC;
	assert_int_equal(reason(&rules, &dying, NULL), ALERT_NEW);
	assert_int_equal(reason(&rules, &open, NULL), -1);
	open.trouble.since--;
	assert_int_equal(reason(&rules, &open, NULL), ALERT_NEW);
}

static void
only_what_was_asked_for_is_told(void **state)
{
	const char *words[] = { "margin" };
	struct alert_rules some = rules;
	const struct condition one = condition(CONDITION_PERSON, "project:a:b", 113, NOW);
	(void)state;

	some.when = (struct texts){ words, 1 };
	assert_int_equal(reason(&some, &one, NULL), -1);
	words[0] = "person";
	assert_int_equal(reason(&some, &one, NULL), ALERT_NEW);
}

static void
what_is_in_doubt_rests(void **state)
{
	const struct condition one = condition(CONDITION_PERSON, "project:a:b", 113, NOW);
	struct told memory = told(CONDITION_PERSON, "project:a:b", 113, 0);
	(void)state;

	memory.doubt_at = NOW - ALERT_DOUBT_SEC + 1;
	assert_int_equal(reason(&rules, &one, &memory), -1);
	assert_int_equal(reason(&rules, NULL, &memory), -1);
	memory.doubt_at--;
	assert_int_equal(reason(&rules, &one, &memory), ALERT_NEW);
	assert_int_equal(reason(&rules, NULL, &memory), ALERT_OVER);
}

static void
what_was_told_is_found_by_all_that_tells_conditions_apart(void **state)
{
	const struct condition one = condition(CONDITION_PERSON, "project:a:b", 113, NOW);
	struct told items[] = { told(CONDITION_PERSON, "project:a:c", 113, NOW),
		told(CONDITION_PERSON, "project:a:b", 112, NOW),
		told(CONDITION_PERSON, "project:a:b", 113, NOW),
		told(CONDITION_MARGIN, "project:a:b", 113, NOW) };
	const struct memory memory = { items, ARRAY_SIZE(items) };
	(void)state;

	items[2].destination = "file /a";
	assert_ptr_equal(alert_told_of(&memory, NAME, &one), &items[3]);
	assert_null(alert_told_of(&memory, "another", &one));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_is_told_once_and_again_after_a_while),
		cmocka_unit_test(what_is_over_is_told_unless_something_else_took_its_place),
		cmocka_unit_test(destinations_of_one_token_are_conditions_of_their_own),
		cmocka_unit_test(margin_and_lasting_are_waited_for),
		cmocka_unit_test(only_what_was_asked_for_is_told),
		cmocka_unit_test(what_is_in_doubt_rests),
		cmocka_unit_test(what_was_told_is_found_by_all_that_tells_conditions_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
