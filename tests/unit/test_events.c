#include "store_fixture.h"

#include "store/db.h"
#include "store/open.h"

#define ADDRESS "project:platform/api:registry-push"

static void
tell(struct fixture *fixture, const char *address, const char *name, const char *text)
{
	worked(journal_event(fixture->journal, address, 0, name, text, &fixture->err),
		&fixture->err);
}

static void
events_carry_the_run_and_come_back_oldest_first(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	struct fixture fixture;
	struct events events;
	(void)unused;

	fixture_open(&fixture);
	tell(&fixture, NULL, "run.begin", NULL);
	tell(&fixture, ADDRESS, "token.adopted", "it was there");
	tell(&fixture, "personal:alice:laptop", "token.adopted", "it was there too");
	worked(journal_events(fixture.journal, NULL, 0, arena, &events, &fixture.err),
		&fixture.err);
	assert_int_equal(events.count, 3);
	assert_string_equal(events.items[0].name, "run.begin");
	assert_string_equal(events.items[0].address, "");
	assert_string_equal(events.items[0].text, "");
	assert_string_equal(events.items[1].actor, fixture_facts.actor);
	assert_string_equal(events.items[1].revision, fixture_facts.revision);
	assert_string_equal(events.items[1].correlation, fixture_facts.correlation);
	worked(journal_events(fixture.journal, NULL, 2, arena, &events, &fixture.err),
		&fixture.err);
	assert_int_equal(events.count, 2);
	assert_int_equal(events.items[0].id, 2);
	worked(journal_events(fixture.journal, ADDRESS, 9, arena, &events, &fixture.err),
		&fixture.err);
	assert_int_equal(events.count, 1);
	assert_string_equal(events.items[0].text, "it was there");
	fixture_close(&fixture);
}

static void
moves_and_deliveries_are_told_under_their_row(void **unused)
{
	static const char *const expected[] = { "token.adopted", "rotation.planned",
		"rotation.intended", "delivery.set_aside", "rotation.planned",
		"rotation.dropped" };
	auto_arena struct arena *arena = arena_new();
	struct deliveries deliveries;
	struct fixture fixture;
	struct rotation row;
	struct events events;
	(void)unused;

	fixture_open(&fixture);
	row = fixture_begin(&fixture, fixture_token(&fixture, ADDRESS), ADDRESS);
	worked(journal_move(fixture.journal, &row, STATE_INTENDED, NULL, "asks", &fixture.err),
		&fixture.err);
	worked(journal_deliveries(fixture.journal, row.id, arena, &deliveries, &fixture.err),
		&fixture.err);
	worked(journal_delivery(
		       fixture.journal, &row, &deliveries.items[0], NULL, &fixture.err),
		&fixture.err);
	deliveries.items[0].state = DELIVERY_SET_ASIDE;
	worked(journal_delivery(
		       fixture.journal, &row, &deliveries.items[0], "no", &fixture.err),
		&fixture.err);
	worked(journal_move(fixture.journal, &row, STATE_PLANNED, NULL, "", &fixture.err),
		&fixture.err);
	worked(journal_move(fixture.journal, &row, STATE_DROPPED, NULL, "", &fixture.err),
		&fixture.err);
	worked(journal_events(fixture.journal, ADDRESS, 0, arena, &events, &fixture.err),
		&fixture.err);
	assert_int_equal(events.count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_string_equal(events.items[i].name, expected[i]);
		assert_int_equal(events.items[i].rotation, i ? row.id : 0);
	}
	assert_string_equal(events.items[2].text, "asks");
	fixture_close(&fixture);
}

static void
the_head_is_the_same_for_all_who_ask_and_grows_with_each_event(void **unused)
{
	char empty[EVENT_HASH_TEXT], one[EVENT_HASH_TEXT], again[EVENT_HASH_TEXT];
	auto_journal struct journal *reader = NULL;
	struct fixture fixture;
	int64_t broken;
	(void)unused;

	fixture_open(&fixture);
	worked(journal_verify(fixture.journal, empty, &broken, &fixture.err), &fixture.err);
	assert_int_equal(broken, 0);
	tell(&fixture, NULL, "run.begin", "hello");
	worked(journal_verify(fixture.journal, one, &broken, &fixture.err), &fixture.err);
	assert_int_equal(broken, 0);
	assert_int_equal(strlen(one), 64);
	assert_string_not_equal(empty, one);
	worked(journal_flush(fixture.journal, &fixture.err), &fixture.err);
	worked(journal_open_reader(fixture.state, &reader, &fixture.err), &fixture.err);
	worked(journal_verify(reader, again, &broken, &fixture.err), &fixture.err);
	assert_string_equal(one, again);
	assert_int_equal(broken, 0);
	fixture_close(&fixture);
}

/* As somebody with the file in hand would: past the triggers. */
static void
tamper(const char *text)
{
	auto_db struct db *db = NULL;
	struct err err;

	worked(db_open(fixture_file("journal.db"), DB_WRITE, &db, &err), &err);
	worked(db_settle(db, &err), &err);
	worked(db_execute(db,
		       "DROP TRIGGER events_keep; DROP TRIGGER events_stay; DROP TRIGGER events_last",
		       &err),
		&err);
	worked(db_execute(db, text, &err), &err);
}

static void
the_first_event_that_does_not_fit_is_named(void **unused)
{
	static const struct {
		const char *tampering;
		int64_t broken;
	} rows[] = {
		{ "UPDATE events SET text = 'four' WHERE id = 3", 3 },
		{ "UPDATE events SET at = at + 1 WHERE id = 1", 1 },
		{ "UPDATE events SET rotation = 1 WHERE id = 5", 5 },
		{ "UPDATE events SET actor = reason, reason = actor WHERE id = 2", 2 },
		{ "UPDATE events SET name = name || 't', text = substr(text, 2) WHERE id = 4",
			4 },
		{ "UPDATE events SET hash = zeroblob(32) WHERE id = 3", 3 },
		{ "UPDATE events SET hash = NULL || 'x' WHERE id = 99", 0 },
		{ "DELETE FROM events WHERE id = 2", 3 },
		{ "DELETE FROM events WHERE id = 1", 2 },
		{ "UPDATE events SET id = 9 WHERE id = 5", 9 },
		{ "INSERT INTO events SELECT 6, at, actor, reason, revision, correlation, address,"
		  " rotation, name, text, hash FROM events WHERE id = 5",
			6 },
	};
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char head[EVENT_HASH_TEXT];
		struct fixture fixture;
		int64_t broken = -1;
		assert_int_equal(fixture_setup(NULL), 0);
		fixture_open(&fixture);
		for (size_t event = 0; event < 5; event++)
			tell(&fixture, ADDRESS, "test.event", "text");
		fixture_close(&fixture);
		tamper(rows[i].tampering);
		fixture_open(&fixture);
		worked(journal_verify(fixture.journal, head, &broken, &fixture.err),
			&fixture.err);
		if (broken != rows[i].broken)
			fail_msg("%s: %lld", rows[i].tampering, (long long)broken);
		fixture_close(&fixture);
		assert_int_equal(fixture_teardown(NULL), 0);
	}
}

static void
the_database_itself_refuses_to_change_an_event(void **unused)
{
	static const char *const refused[] = { "UPDATE events SET text = 'x' WHERE id = 1",
		"DELETE FROM events", "DELETE FROM events WHERE id = 1",
		"INSERT OR REPLACE INTO events SELECT * FROM events WHERE id = 1" };
	auto_db struct db *db = NULL;
	struct fixture fixture;
	struct err err;
	(void)unused;

	fixture_open(&fixture);
	tell(&fixture, ADDRESS, "test.event", "text");
	fixture_close(&fixture);
	worked(db_open(fixture_file("journal.db"), DB_WRITE, &db, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_false(db_execute(db, refused[i], &err));
		assert_non_null(strstr(err.text, "append-only"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(events_carry_the_run_and_come_back_oldest_first),
		FIXTURE_TEST(moves_and_deliveries_are_told_under_their_row),
		FIXTURE_TEST(the_head_is_the_same_for_all_who_ask_and_grows_with_each_event),
		cmocka_unit_test(the_first_event_that_does_not_fit_is_named),
		FIXTURE_TEST(the_database_itself_refuses_to_change_an_event),
	};
	struct err err;

	unsetenv("CREDENTIALS_DIRECTORY");
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
