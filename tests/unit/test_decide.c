#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "flow/decide.h"
#include "plan_fixture.h"

/* One item by itself, as plan.c gives it. */
static struct plan_item
decide(struct world *world, const struct holding *holding)
{
	const struct deciding deciding = { world->policies, &world->options, world->arena,
		NOW };
	struct plan_item item = { .address = holding->address,
		.holding = holding,
		.entry = holding->entry,
		.record = world->records.count ? &world->record[0] : NULL,
		.row = world->open.count ? &world->row[0] : NULL,
		.due = { .dies_at = NO_MOMENT, .due_at = NO_MOMENT, .urgent_at = INT64_MAX },
		.rule = "",
		.why = "" };

	decide_item(&deciding, &item);
	return item;
}

static void
decide_follows_no_path_to_another_owner(void **state)
{
	static const struct {
		const char *what;
		int64_t was, is;
		bool released, ordered;
		int advice;
	} rows[] = {
		{ "the same", 5, 5, false, false, 0 },
		{ "another project of that path", 5, 9, false, false, GLR_PATH_MOVED },
		{ "the same by order", 5, 9, false, true, GLR_PATH_MOVED },
		{ "released, and resolved anew", 5, 9, true, false, 0 },
		{ "not known what it was", 0, 9, false, false, 0 },
	};
	struct world *world = *state;
	struct token token = living(5, 88, 2);
	struct holding *holding = hold(world, API, &token, 1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plan_item item;

		print_message("%s\n", rows[i].what);
		world->records.count = 0;
		record(world, API, &token)->owner_id = rows[i].was;
		world->record[0].released_at = rows[i].released ? NOW - DAYS(3) : 0;
		world->options.ordered = rows[i].ordered ? order_all : NULL;
		holding->owner = (struct owner){ .type = TYPE_PROJECT, .id = rows[i].is };
		item = decide(world, holding);
		if (rows[i].advice) {
			expect(&item, PLAN_PERSON, rows[i].advice,
				"'g/api' is number 9 now, and was 5 when it was adopted");
			assert_null(item.token);
		} else {
			assert_int_not_equal(item.action, PLAN_PERSON);
			assert_non_null(item.token);
		}
	}
}

/* A project of that path with a namesake in it: an order does not hand it over. */
static void
decide_takes_no_namesake_of_another_owner_for_a_successor(void **state)
{
	struct world *world = *state;
	struct token ours = living(5, 10, 80), theirs = living(8, 1, 89);
	struct holding *holding = hold(world, API, &theirs, 1);
	struct plan_item item;

	record(world, API, &ours)->owner_id = 5;
	holding->owner = (struct owner){ .type = TYPE_PROJECT, .id = 9 };
	world->options.ordered = order_all;
	item = decide(world, holding);
	expect(&item, PLAN_PERSON, GLR_PATH_MOVED, "was 5");
	holding->owner.id = 5;
	item = decide(world, holding);
	expect(&item, PLAN_ROTATE, 0, "ordered");
}

static void
decide_knows_a_person_by_number(void **state)
{
	struct world *world = *state;
	struct token token = living(5, 10, 80);
	struct holding *holding;
	struct plan_item item;

	load_policy(world, "gitlab: { url: https://gitlab.example.com, credential: c }\n"
			   "lifetimes: [ { for: '*', max_lifetime: 90d } ]\n"
			   "tokens: [ { token: 'personal:al:ci', deliver: [ file: /t ] } ]\n");
	holding = hold(world, "personal:al:ci", &token, 1);
	record(world, "personal:al:ci", &token);
	holding->owner = (struct owner){ .type = TYPE_PERSONAL, .user_id = 1005 };
	item = decide(world, holding);
	expect(&item, PLAN_NOTHING, 0, "expires");
	holding->owner.user_id = 1006;
	item = decide(world, holding);
	expect(&item, PLAN_PERSON, GLR_PATH_MOVED, "'al' is number 1006 now, and was 1005");
}

/* A name that fits no template, an owner that cannot be read, one that moved: begun is begun. */
static void
decide_lets_an_open_row_go_first_whatever_else_is_wrong(void **state)
{
	struct world *world = *state;
	struct token token = living(5, 10, 80);
	struct holding *holding;
	struct plan_item item;

	load_policy(world,
		"gitlab: { url: https://gitlab.example.com, credential: c }\n"
		"lifetimes: [ { for: '*', max_lifetime: 90d } ]\n"
		"tokens: [ { token: 'project:g/**:*', deliver: [ file: '/t/{name}' ] } ]\n");
	holding = hold(world, "project:g/x:ci-ä", &token, 1);
	item = decide(world, holding);
	expect(&item, PLAN_PERSON, 0, "glrotate.yaml:3");
	record(world, "project:g/x:ci-ä", &token)->owner_id = 5;
	world->row[world->open.count++] = (struct rotation){ .token = 1,
		.state = STATE_HELD,
		.trouble = "refused",
		.advice = GLR_DESTINATION_REFUSED,
		.target_id = 4,
		.new_id = 5 };
	holding->owner.id = 9;
	item = decide(world, holding);
	expect(&item, PLAN_OPEN, GLR_DESTINATION_REFUSED,
		"its rotation stands at HELD: refused");
	assert_int_equal(item.token->id, 5);
	assert_int_not_equal(item.due.due_at, NO_MOMENT);
	holding->is_readable = false;
	holding->namesakes.count = 0;
	item = decide(world, holding);
	expect(&item, PLAN_OPEN, GLR_DESTINATION_REFUSED, "HELD");
	assert_null(item.token);
}

static void
decide_rotates_what_only_ran_out_and_nothing_that_was_revoked(void **state)
{
	struct token out = living(5, 95, -5), out_and_revoked = out, gone = revoked(5);
	struct world *world = *state;
	struct holding *holding = hold(world, API, &out, 1);
	struct plan_item item;

	record(world, API, &out);
	item = decide(world, holding);
	expect(&item, PLAN_ROTATE, 0, "it ran out on");
	out_and_revoked.revoked = STATED_YES;
	holding->namesakes.items[0] = out_and_revoked;
	item = decide(world, holding);
	expect(&item, PLAN_PERSON, GLR_REVOKED, "was revoked, not by us");
	holding->namesakes.items[0] = gone;
	world->options.ordered = order_all;
	item = decide(world, holding);
	expect(&item, PLAN_PERSON, GLR_REVOKED, "nothing of that name is alive");
}

/* What was never adopted was perhaps taken away on purpose. */
static void
decide_creates_nothing_beside_a_dead_namesake(void **state)
{
	struct token out = living(5, 95, -5);
	struct world *world = *state;
	struct holding *holding = hold(world, API, &out, 1);
	struct plan_item item = decide(world, holding);

	expect(&item, PLAN_PERSON, GLR_REVOKED, "only dead tokens have that name: #5");
	holding->namesakes.count = 0;
	item = decide(world, holding);
	expect(&item, PLAN_CREATE, 0, "does not exist yet");
	assert_int_equal(item.due.due_at, NO_MOMENT);
}

static void
decide_holds_a_rule_since_the_day_its_line_was_last_edited(void **state)
{
	static const struct {
		const char *rule;
		bool released;
		int64_t since;
	} rows[] = {
		{ "max 90d renew 30d", false, NOW - DAYS(200) },
		{ "max 90d renew 29d", false, NOW },
		{ "max 30d renew 10d", false, NOW },
		{ "max 90d renew 30d", true, NOW },
	};
	struct world *world = *state;
	struct token token = living(5, 10, 80);
	struct holding *holding = hold(world, API, &token, 1);

	record(world, API, &token);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world->record[0].rule = rows[i].rule;
		world->record[0].released_at = rows[i].released ? NOW - DAYS(1) : 0;
		assert_int_equal(decide(world, holding).rule_since, rows[i].since);
		assert_string_equal(decide(world, holding).rule, "max 90d renew 30d");
	}
}

/* Whose entry it is decides, not only that it is in use. */
static void
decide_leaves_a_credential_in_use_to_its_own_entry(void **state)
{
	static const struct {
		const char *what;
		int64_t own, rescue, in_use;
		bool self, is_own;
		enum plan_action action;
	} rows[] = {
		{ "our own, by its own entry", 5, 0, 5, true, true, PLAN_NOTHING },
		{ "our own, by an entry of a file that rotates it itself", 5, 0, 5, true, false,
			PLAN_PERSON },
		{ "one that rotates itself, by its entry", 9, 0, 5, true, false, PLAN_NOTHING },
		{ "one that rotates itself, by another entry", 9, 0, 5, false, false,
			PLAN_PERSON },
		{ "the rescue, by an entry that rotates it itself", 9, 5, 5, true, false,
			PLAN_PERSON },
		{ "the rescue", 9, 5, 0, false, false, PLAN_PERSON },
		{ "neither", 9, 8, 7, false, false, PLAN_NOTHING },
	};
	struct world *world = *state;
	struct token token = living(5, 10, 80);
	struct holding *holding = hold(world, API, &token, 1);
	struct token_entry entry = *holding->entry;

	record(world, API, &token);
	holding->entry = &entry;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		entry.rotate_with = rows[i].self ? ROTATE_WITH_SELF : ROTATE_WITH_UNSTATED;
		entry.is_own = rows[i].is_own;
		world->options.own_token_id = rows[i].own;
		world->options.rescue_token_id = rows[i].rescue;
		world->options.in_use = &rows[i].in_use;
		world->options.in_use_count = 1;
		if (decide(world, holding).action != rows[i].action)
			fail_msg("%s: %s", rows[i].what,
				plan_action_name(decide(world, holding).action));
	}
}

#define RESPONDING                                                                             \
	"gitlab: { url: https://gitlab.example.com, credential: c }\n"                         \
	"lifetimes: [ { for: '*', max_lifetime: 90d } ]\n"                                     \
	"tokens: [ { token: 'project:g/api:ci', scopes: [api], access_level: developer,"       \
	" on_foreign_rotation: takeover, on_loss: recreate, deliver: [ file: /t ] } ]\n"

static void
decide_takes_over_what_was_made_by_rotating_ours_once_a_day(void **state)
{
	static const struct {
		const char *what;
		int64_t id, user_id, rotated_at;
		bool is_revoked, takes;
		const char *why;
	} rows[] = {
		{ "rotated", 8, 1005, 0, true, true, "#8 is taken over" },
		{ "and ours was yesterday", 8, 1005, NOW - DAYS(1), true, true,
			"#8 is taken over" },
		{ "and ours was today", 8, 1005, NOW - DAYS(1) + 1, true, false,
			"once a day at most" },
		{ "another bot", 8, 1008, 0, true, false, "not made by rotating ours" },
		{ "beside one that ran out", 8, 1005, 0, false, false,
			"not made by rotating ours" },
		{ "an older one", 3, 1005, 0, true, false, "not made by rotating ours" },
	};
	struct world *world = *state;

	load_policy(world, RESPONDING);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token both[2] = { living(5, 95, -5), living(rows[i].id, 1, 80) };
		struct holding *holding;
		struct plan_item item;

		print_message("%s\n", rows[i].what);
		both[0].revoked = rows[i].is_revoked ? STATED_YES : STATED_NO;
		both[1].user_id = rows[i].user_id;
		world->records.count = world->holdings.count = 0;
		holding = hold(world, API, both, 2);
		record(world, API, &both[0])->rotated_at = rows[i].rotated_at;
		item = decide(world, holding);
		expect(&item, rows[i].takes ? PLAN_ROTATE : PLAN_PERSON,
			rows[i].takes ? 0 : GLR_FOREIGN_ROTATION, rows[i].why);
		assert_int_equal(item.takes_over, rows[i].takes);
	}
}

static void
decide_makes_anew_only_what_ran_out_unseen(void **state)
{
	static const struct {
		const char *what;
		int64_t dies_in_days, well_days_ago;
		size_t namesakes;
		enum plan_action action;
		int advice;
	} rows[] = {
		{ "away since before its date", -5, 10, 0, PLAN_CREATE, 0 },
		{ "seen well after its date", -5, 3, 0, PLAN_PERSON, GLR_REVOKED },
		{ "never seen well", -5, 0, 0, PLAN_PERSON, GLR_REVOKED },
		{ "gone before its date", 5, 10, 0, PLAN_PERSON, GLR_REVOKED },
		{ "endless", 0, 10, 0, PLAN_PERSON, GLR_REVOKED },
		{ "a dead namesake is left", -5, 10, 1, PLAN_PERSON, GLR_REVOKED },
	};
	struct world *world = *state;

	load_policy(world, RESPONDING);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token ours = living(5, 95, rows[i].dies_in_days), dead = revoked(4);
		struct holding *holding;
		struct plan_item item;

		print_message("%s\n", rows[i].what);
		world->records.count = world->holdings.count = 0;
		holding = hold(world, API, &dead, rows[i].namesakes);
		record(world, API, &ours);
		world->options.well_at =
			rows[i].well_days_ago ? NOW - DAYS(rows[i].well_days_ago) : 0;
		item = decide(world, holding);
		expect(&item, rows[i].action, rows[i].advice, "");
		assert_int_equal(item.recreates, rows[i].action == PLAN_CREATE);
	}
	/* Without a word in the entry it is for a person. */
	load_policy(world, policy_text);
	world->records.count = world->holdings.count = 0;
	{
		struct token ours = living(5, 95, -5);
		struct holding *holding = hold(world, API, &ours, 0);
		struct plan_item item;

		record(world, API, &ours);
		world->options.well_at = NOW - DAYS(10);
		item = decide(world, holding);
		expect(&item, PLAN_PERSON, GLR_REVOKED, "not among its owner's tokens");
	}
}

static void
decide_supersedes_a_held_secret_that_is_due_again(void **state)
{
	static const struct {
		const char *what;
		enum state_of_row state;
		int64_t dies_in_days, new_id;
		bool is_revoked, ordered, supersedes;
	} rows[] = {
		{ "due again", STATE_HELD, 2, 5, false, false, true },
		{ "not yet due", STATE_HELD, 80, 5, false, false, false },
		{ "not yet due, and ordered", STATE_HELD, 80, 5, false, true, true },
		{ "delivered everywhere", STATE_DELIVERED, 2, 5, false, true, false },
		{ "in doubt", STATE_DOUBTED, 2, 0, false, true, false },
		{ "dead", STATE_HELD, 2, 5, true, true, false },
		{ "ran out", STATE_HELD, -2, 5, false, true, false },
	};
	struct world *world = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token token =
			living(5, rows[i].dies_in_days < 10 ? 88 : 10, rows[i].dies_in_days);
		struct holding *holding;
		struct plan_item item;

		print_message("%s\n", rows[i].what);
		token.revoked = rows[i].is_revoked ? STATED_YES : STATED_NO;
		world->records.count = world->holdings.count = 0;
		holding = hold(world, API, &token, 1);
		record(world, API, &token);
		world->options.ordered = rows[i].ordered ? order_all : NULL;
		world->row[0] = (struct rotation){ .token = 1,
			.state = rows[i].state,
			.trouble = "",
			.target_id = 4,
			.new_id = rows[i].new_id };
		world->open.count = 1;
		item = decide(world, holding);
		assert_int_equal(item.supersedes, rows[i].supersedes);
		assert_int_equal(item.action, rows[i].supersedes ? PLAN_ROTATE : PLAN_OPEN);
	}
}

static void
decide_tells_what_gitlab_grants_where_the_policy_says_more(void **state)
{
	struct world *world = *state;
	struct token token = living(5, 10, 80);
	struct holding *holding = hold(world, API, &token, 1);
	struct plan_item item;

	record(world, API, &token);
	world->options.longest_days[TYPE_PROJECT] = 30;
	item = decide(world, holding);
	expect(&item, PLAN_NOTHING, 0, "; GitLab grants 30d at most");
	world->options.longest_days[TYPE_PROJECT] = 90;
	item = decide(world, holding);
	assert_null(strstr(item.why, "grants"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(decide_follows_no_path_to_another_owner),
		TEST(decide_takes_no_namesake_of_another_owner_for_a_successor),
		TEST(decide_knows_a_person_by_number),
		TEST(decide_lets_an_open_row_go_first_whatever_else_is_wrong),
		TEST(decide_rotates_what_only_ran_out_and_nothing_that_was_revoked),
		TEST(decide_creates_nothing_beside_a_dead_namesake),
		TEST(decide_leaves_a_credential_in_use_to_its_own_entry),
		TEST(decide_takes_over_what_was_made_by_rotating_ours_once_a_day),
		TEST(decide_makes_anew_only_what_ran_out_unseen),
		TEST(decide_supersedes_a_held_secret_that_is_due_again),
		TEST(decide_tells_what_gitlab_grants_where_the_policy_says_more),
		TEST(decide_holds_a_rule_since_the_day_its_line_was_last_edited),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
