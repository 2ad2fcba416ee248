#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/when.h"
#include "flow/due.h"

#define DAYS(count) ((count)*DAY_SEC)
#define NOW (DAYS(20000) + 10 * HOUR_SEC)

static struct due
compute(const struct due_facts *facts)
{
	struct due due;

	due_compute(facts, &due);
	return due;
}

/* Numbers without a library's state: the same in every run. */
static int64_t
draw(uint64_t *seed, int64_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((*seed >> 33) % (uint64_t)below);
}

static void
due_counts_from_the_earlier_of_expiry_and_max_lifetime(void **state)
{
	static const struct {
		int64_t created, expires_on, max, basis_at;
		enum due_basis basis;
	} rows[] = {
		{ DAYS(100), 190, DAYS(90), DAYS(190), DUE_BY_EXPIRY },
		{ DAYS(100), 189, DAYS(90), DAYS(189), DUE_BY_EXPIRY },
		{ DAYS(100), 191, DAYS(90), DAYS(190), DUE_BY_LIFETIME },
		{ DAYS(100) + 5, 190, DAYS(90), DAYS(190), DUE_BY_EXPIRY },
		{ DAYS(100), NO_DATE, DAYS(90), DAYS(190), DUE_BY_LIFETIME },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct due_facts facts = { .identity = "project:a/b:c",
			.created_at = rows[i].created,
			.expires_on = rows[i].expires_on,
			.max_lifetime_sec = rows[i].max,
			.renew_before_sec = DAYS(10),
			.rule_since = rows[i].created,
			.ramp_sec = DAYS(30) };
		struct due due = compute(&facts);

		assert_int_equal(due.basis, rows[i].basis);
		assert_int_equal(due.basis_at, rows[i].basis_at);
		assert_int_equal(due.due_at, due.basis_at - DAYS(10) + due.spread_sec);
		assert_int_equal(due.urgent_at, due.basis_at - DAYS(5));
		assert_false(due.ramped);
	}
}

static void
due_renews_at_most_a_third_of_what_was_granted_before_the_end(void **state)
{
	static const struct {
		int64_t granted_days, renew, effective;
	} rows[] = {
		{ 90, DAYS(10), DAYS(10) },
		{ 30, DAYS(10), DAYS(10) },
		{ 9, DAYS(10), DAYS(3) },
		{ 1, DAYS(10), 8 * HOUR_SEC },
		{ 0, DAYS(10), 0 },
		{ -5, DAYS(10), 0 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct due_facts facts = { .identity = "project:a/b:c",
			.created_at = DAYS(1000),
			.expires_on = 1000 + rows[i].granted_days,
			.max_lifetime_sec = DAYS(90),
			.renew_before_sec = rows[i].renew };

		assert_int_equal(compute(&facts).renew_before_sec, rows[i].effective);
	}
}

static void
due_does_not_come_twice_within_a_day_or_a_quarter_of_what_was_granted(void **state)
{
	static const struct {
		int64_t granted_days, wait;
	} rows[] = { { 100, DAYS(25) }, { 8, DAYS(2) }, { 4, DAYS(1) }, { 1, DAYS(1) },
		{ 0, DAYS(1) } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct due_facts facts = { .identity = "project:a/b:c",
			.created_at = DAYS(1000),
			.expires_on = 1000 + rows[i].granted_days,
			.max_lifetime_sec = DAYS(365),
			.renew_before_sec = DAYS(100),
			.rotated_at = DAYS(1000) + 7 };
		struct due due = compute(&facts);

		assert_int_equal(due.not_before, DAYS(1000) + 7 + rows[i].wait);
		assert_true(due.due_at >= due.not_before);
	}
}

static void
due_ramps_only_what_adoption_or_an_edit_made_due(void **state)
{
	static const struct {
		const char *what;
		int64_t age_days, expires_in_days; /* 0: never */
		bool ramped;
	} rows[] = {
		{ "over its lifetime, far from its date", 100, 265, true },
		{ "without expiry, over its lifetime", 900, 0, true },
		{ "without expiry, young", 3, 0, false },
		{ "over its lifetime, near its own date", 360, 5, false },
		{ "by its own date", 25, 4, false },
		{ "already dead", 400, -3, false },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct due_facts facts = { .identity = "project:a/b:c",
			.created_at = NOW - DAYS(rows[i].age_days),
			.expires_on = rows[i].expires_in_days
			                      ? date_of(NOW) + rows[i].expires_in_days
			                      : NO_DATE,
			.max_lifetime_sec = DAYS(30),
			.renew_before_sec = DAYS(10),
			.rule_since = NOW,
			.ramp_sec = DAYS(30) };
		struct due due = compute(&facts);

		if (due.ramped != rows[i].ramped)
			fail_msg("%s", rows[i].what);
		if (!due.ramped)
			continue;
		assert_true(due.ramp_at >= NOW + DAY_SEC);
		assert_true(due.ramp_at < NOW + DAYS(30));
		assert_int_equal(due.due_at, due.ramp_at);
	}
}

static void
due_puts_a_ramp_point_no_later_than_the_own_date_allows(void **state)
{
	(void)state;

	for (int i = 0; i < 200; i++) {
		char identity[32];
		struct due_facts facts = { .identity = identity,
			.created_at = NOW - DAYS(350),
			.expires_on = date_of(NOW) + 15,
			.max_lifetime_sec = DAYS(30),
			.renew_before_sec = DAYS(10),
			.rule_since = NOW,
			.ramp_sec = DAYS(30) };
		struct due due;

		snprintf(identity, sizeof(identity), "project:a/b:c%d", i);
		due = compute(&facts);
		assert_true(due.due_at <= due.dies_at - DAYS(10) + due.spread_sec);
		assert_int_equal(due.urgent_at, due.dies_at - DAYS(5));
	}
}

static void
due_spreads_a_thousand_adopted_tokens_evenly_and_none_on_that_day(void **state)
{
	unsigned on_day[31] = { 0 };
	(void)state;

	for (int i = 0; i < 1000; i++) {
		char identity[32];
		struct due_facts facts = { .identity = identity,
			.created_at = NOW - DAYS(i % 300) - 77 * i,
			.expires_on = date_of(NOW) - i % 300 + 365,
			.max_lifetime_sec = DAYS(30),
			.renew_before_sec = DAYS(10),
			.rule_since = NOW,
			.ramp_sec = DAYS(30) };
		int64_t day;

		snprintf(identity, sizeof(identity), "project:fleet/p%d:ci", i);
		day = (compute(&facts).due_at - NOW) / DAY_SEC;
		assert_in_range(day, 1, 30);
		on_day[day]++;
	}
	assert_int_equal(on_day[0], 0);
	for (size_t day = 2; day < 29; day++)
		assert_in_range(on_day[day], 10, 75);
}

static struct due_facts
draw_facts(uint64_t *seed, char *identity, size_t bytes)
{
	int64_t created = DAYS(15000) + draw(seed, DAYS(5000));
	int64_t max = DAYS(2) + draw(seed, DAYS(400));

	snprintf(identity, bytes, "project:g/p%lld:t", (long long)draw(seed, 100000));
	return (struct due_facts){ .identity = identity,
		.created_at = created,
		.expires_on = draw(seed, 4) ? date_of(created) + 1 + draw(seed, 400) : NO_DATE,
		.max_lifetime_sec = max,
		.renew_before_sec = HOUR_SEC + draw(seed, max - HOUR_SEC),
		.rule_since = created - DAYS(100) + draw(seed, DAYS(500)),
		.ramp_sec = HOUR_SEC + draw(seed, DAYS(60)),
		.rotated_at = draw(seed, 2) ? 0 : created };
}

static void
due_keeps_its_promises_for_whatever_facts(void **state)
{
	uint64_t seed = 42;
	(void)state;

	for (int i = 0; i < 20000; i++) {
		char identity[48];
		struct due_facts facts = draw_facts(&seed, identity, sizeof(identity));
		struct due due = compute(&facts), again = compute(&facts);
		int64_t begins = due.basis_at - due.renew_before_sec;

		assert_memory_equal(&due, &again, sizeof(due));
		assert_in_range(due.spread_sec, 0, due.renew_before_sec / 2);
		assert_true(due.due_at >= begins + due.spread_sec);
		assert_true(due.due_at >= due.not_before);
		assert_true(due.urgent_at <= due.basis_at || due.ramped ||
			    due.dies_at != NO_MOMENT);
		if (due.dies_at == NO_MOMENT)
			continue;
		/* Only the rule against spinning may wait longer than a token lives. */
		assert_true(due.due_at <= due.dies_at || due.due_at == due.not_before);
		assert_true(due.urgent_at <= due.dies_at);
	}
}

static void
due_differs_from_token_to_token_and_not_from_run_to_run(void **state)
{
	struct due_facts facts = { .identity = "project:a/b:one",
		.created_at = NOW,
		.expires_on = date_of(NOW) + 90,
		.max_lifetime_sec = DAYS(90),
		.renew_before_sec = DAYS(30) };
	struct due one = compute(&facts), two;
	(void)state;

	facts.identity = "project:a/b:two";
	two = compute(&facts);
	assert_int_not_equal(one.spread_sec, two.spread_sec);
	/* A change of the hash would move every token's date once. */
	assert_int_equal(one.spread_sec, 94474);
}

static void
due_asks_for_max_lifetime_and_two_utc_days_at_the_least(void **state)
{
	static const struct {
		int64_t now, max, days_ahead;
	} rows[] = {
		{ DAYS(100), DAYS(90), 90 },
		{ DAYS(100) + 23 * HOUR_SEC, DAYS(90), 90 },
		{ DAYS(100) + 23 * HOUR_SEC, DAYS(90) + HOUR_SEC, 91 },
		{ DAYS(100) + 23 * HOUR_SEC, HOUR_SEC, 2 },
		{ DAYS(100), 0, 2 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			due_wanted_date(rows[i].now, rows[i].max), 100 + rows[i].days_ahead);
}

/* Nobody tells when a deploy token was made. */
static void
due_takes_first_sight_for_creation_but_gives_a_near_end_its_window(void **state)
{
	static const struct {
		int64_t seen_at, expires_on, max, created_at;
	} rows[] = {
		{ DAYS(100), NO_DATE, DAYS(90), DAYS(100) },
		{ DAYS(100), 105, DAYS(90), DAYS(15) },
		{ DAYS(100), 190, DAYS(90), DAYS(100) },
		/* It lives longer than the policy lets it: counted from when it was seen. */
		{ DAYS(100), 400, DAYS(90), DAYS(100) },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(due_created(rows[i].seen_at, rows[i].expires_on, rows[i].max),
			rows[i].created_at);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(due_counts_from_the_earlier_of_expiry_and_max_lifetime),
		cmocka_unit_test(due_renews_at_most_a_third_of_what_was_granted_before_the_end),
		cmocka_unit_test(
			due_does_not_come_twice_within_a_day_or_a_quarter_of_what_was_granted),
		cmocka_unit_test(due_ramps_only_what_adoption_or_an_edit_made_due),
		cmocka_unit_test(due_puts_a_ramp_point_no_later_than_the_own_date_allows),
		cmocka_unit_test(
			due_spreads_a_thousand_adopted_tokens_evenly_and_none_on_that_day),
		cmocka_unit_test(due_keeps_its_promises_for_whatever_facts),
		cmocka_unit_test(due_differs_from_token_to_token_and_not_from_run_to_run),
		cmocka_unit_test(
			due_takes_first_sight_for_creation_but_gives_a_near_end_its_window),
		cmocka_unit_test(due_asks_for_max_lifetime_and_two_utc_days_at_the_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
