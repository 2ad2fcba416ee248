#include "store_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/workers.h"
#include "store/group.h"

#define WORKERS 8

static const char *
address_of(struct arena *arena, size_t number)
{
	return arena_format(arena, "project:fleet/app%zu:deploy", number);
}

/* SQLite counts its commits in the file's header. */
static uint32_t
commits_so_far(void)
{
	auto_arena struct arena *arena = arena_new();
	size_t length;
	const unsigned char *bytes = fixture_bytes(arena, "journal.db", &length);

	return (uint32_t)bytes[24] << 24 | (uint32_t)bytes[25] << 16 |
	       (uint32_t)bytes[26] << 8 | bytes[27];
}

static void
only_the_intent_and_the_answer_cost_a_commit(void **unused)
{
	struct fixture fixture;
	struct rotation row;
	uint32_t before;
	(void)unused;

	fixture_open(&fixture);
	before = commits_so_far();
	row = fixture_begin(&fixture, fixture_token(&fixture, "a"), "a");
	worked(journal_trouble(fixture.journal, &row, &fixture.err), &fixture.err);
	assert_int_equal(commits_so_far() - before, 0);
	move(&fixture, &row, STATE_INTENDED);
	assert_int_equal(commits_so_far() - before, 1);
	fixture_answer(&row, 101);
	move(&fixture, &row, STATE_HELD);
	assert_int_equal(commits_so_far() - before, 2);
	move(&fixture, &row, STATE_DELIVERED);
	move(&fixture, &row, STATE_VERIFIED);
	assert_int_equal(commits_so_far() - before, 2);
	worked(journal_flush(fixture.journal, &fixture.err), &fixture.err);
	worked(journal_flush(fixture.journal, &fixture.err), &fixture.err);
	assert_int_equal(commits_so_far() - before, 3);
	rotation_done(&row);
	fixture_close(&fixture);
}

/* --- many workers --- */

struct crowd {
	struct fixture *fixture;
	struct rotation *rows;
	struct arena **arenas; /* one a worker */
	atomic_int failures, successes;
};

static bool
whole_rotation(void *context, size_t worker, size_t job)
{
	struct crowd *crowd = context;
	struct journal *journal = crowd->fixture->journal;
	const char *address = address_of(crowd->arenas[worker], job);
	struct token_record record = { .address = address, .expires_on = NO_DATE };
	struct rotation row = { .address = address, .frozen = "{}" }, twin = row;
	struct delivery delivery = { .place = "one", .spec = "{}" };
	struct deliveries deliveries = { &delivery, 1 };
	struct err err;
	bool ok;

	ok = journal_adopt(journal, &record, "adopted", &err);
	row.token = twin.token = record.number;
	ok = ok && journal_begin(journal, &row, &deliveries, &err);
	ok = ok && !journal_begin(journal, &twin, &deliveries, &err) && err.kind == ERR_LATER;
	ok = ok && journal_move(journal, &row, STATE_INTENDED, NULL, "asks", &err);
	fixture_answer(&row, 101);
	ok = ok && journal_move(journal, &row, STATE_HELD, NULL, "holds", &err);
	delivery.state = DELIVERY_PROVEN;
	ok = ok && journal_delivery(journal, &row, &delivery, "proven", &err);
	ok = ok && journal_move(journal, &row, STATE_DELIVERED, NULL, "delivered", &err);
	if (job % 2)
		ok = ok && journal_move(journal, &row, STATE_CLOSED, NULL, "done", &err);
	rotation_done(&row);
	if (!ok)
		atomic_fetch_add(&crowd->failures, 1);
	return ok;
}

static void
crowd_arenas(struct arena *arenas[WORKERS], void (*end)(struct arena *))
{
	for (size_t i = 0; i < WORKERS; i++) {
		if (end)
			end(arenas[i]);
		else
			arenas[i] = arena_new();
	}
}

static void
workers_share_commits_and_no_refusal_spoils_anothers_move(void **unused)
{
	enum { JOBS = 64 };
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct arena *arenas[WORKERS];
	struct fixture fixture;
	struct crowd crowd = { .fixture = &fixture, .arenas = arenas };
	struct events events;
	uint32_t before;
	(void)unused;

	fixture_open(&fixture);
	before = commits_so_far();
	crowd_arenas(arenas, NULL);
	assert_true(workers_run(WORKERS, JOBS, whole_rotation, &crowd));
	crowd_arenas(arenas, arena_free);
	assert_int_equal(crowd.failures, 0);
	fixture_close(&fixture);
	print_message(
		"%u commits for %d moves that wait\n", commits_so_far() - before, 2 * JOBS);
	fixture_open(&fixture);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.count, JOBS / 2);
	for (size_t i = 0; i < rotations.count; i++) {
		assert_int_equal(rotations.items[i].state, STATE_DELIVERED);
		assert_non_null(rotations.items[i].secret);
	}
	worked(journal_events(fixture.journal, NULL, 0, arena, &events, &fixture.err),
		&fixture.err);
	assert_int_equal(events.count, JOBS * 6 + JOBS / 2);
	assert_chain_holds(&fixture);
	fixture_close(&fixture);
}

static void
write_fact(struct group *group, const char *key, bool keep)
{
	const struct db_value values[] = { DB_STRING(key), DB_STRING("yes") };
	struct err err;
	struct db *db = group_enter(group, false, &err);

	assert_non_null(db);
	worked(db_run(db, FACT_WRITE, values, ARRAY_SIZE(values), NULL, &err), &err);
	assert_int_equal(group_leave(group, keep, false, &err), keep);
}

static bool
count_row(void *context, const struct db_row *row, struct err *err)
{
	(void)row, (void)err;
	++*(int *)context;
	return true;
}

static void
what_is_taken_back_takes_nothing_else_with_it(void **unused)
{
	static const struct {
		const char *key;
		bool kept;
	} rows[] = { { "before", true }, { "taken back", false }, { "after", true } };
	auto_group struct group *group = NULL;
	struct db *db = NULL;
	struct err err;
	(void)unused;

	worked(db_open(NULL, DB_MEMORY, &db, &err), &err);
	worked(db_execute(db, schema_migrations[0], &err), &err);
	group = group_new(db, true);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		write_fact(group, rows[i].key, rows[i].kept);
	worked(group_flush(group, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct db_value key = DB_STRING(rows[i].key);
		int found = 0;
		assert_ptr_equal(group_look(group, &err), db);
		worked(db_each(db, FACT_READ, &key, 1, count_row, &found, &err), &err);
		group_done_looking(group);
		assert_int_equal(found, rows[i].kept);
	}
}

/* --- a disk that is full, or fails --- */

static void
begin_crowd(struct fixture *fixture, struct arena *arena, struct rotation rows[WORKERS])
{
	for (size_t i = 0; i < WORKERS; i++) {
		const char *address = address_of(arena, i);
		rows[i] = fixture_begin(fixture, fixture_token(fixture, address), address);
		move(fixture, &rows[i], STATE_INTENDED);
	}
}

static bool
bring_answer(void *context, size_t worker, size_t job)
{
	struct crowd *crowd = context;
	struct rotation *row = &crowd->rows[job];
	struct err err;
	(void)worker;

	if (!row->secret)
		fixture_answer(row, 1000000000 + (int64_t)job);
	if (journal_move(crowd->fixture->journal, row, STATE_HELD, NULL, "holds", &err))
		atomic_fetch_add(&crowd->successes, 1);
	else if (err.kind == ERR_STORE && row->state == STATE_INTENDED)
		atomic_fetch_add(&crowd->failures, 1);
	return true;
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static off_t
size_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(fixture_file(name), &st), 0);
	return st.st_size;
}

static void
no_file_grows_between_the_intent_and_its_answer(void **unused)
{
	enum { ROUNDS = 12 };
	auto_arena struct arena *arena = arena_new();
	struct rotation rows[WORKERS];
	struct fixture fixture;
	(void)unused;

	fixture_open(&fixture);
	begin_crowd(&fixture, arena, rows);
	for (int round = 0; round < ROUNDS; round++) {
		struct crowd crowd = { .fixture = &fixture, .rows = rows };
		off_t database = size_of("journal.db"), journal = size_of("journal.db-journal");
		limit_files((rlim_t)(database > journal ? database : journal));
		assert_true(workers_run(WORKERS, WORKERS, bring_answer, &crowd));
		limit_files(RLIM_INFINITY);
		assert_int_equal(crowd.successes, WORKERS);
		assert_int_equal(size_of("journal.db"), database);
		assert_int_equal(size_of("journal.db-journal"), journal);
		for (size_t i = 0; i < WORKERS; i++) {
			move(&fixture, &rows[i], STATE_CLOSED);
			rotation_done(&rows[i]);
			rows[i] = fixture_begin(&fixture, rows[i].token, rows[i].address);
			move(&fixture, &rows[i], STATE_INTENDED);
		}
	}
	assert_chain_holds(&fixture);
	fixture_close(&fixture);
}

static void
after_a_failure_all_is_refused_but_an_answer_may_be_brought_again(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct rotation rows[WORKERS], lost;
	struct fixture fixture;
	struct crowd failing = { .fixture = &fixture, .rows = rows }, mended = failing;
	struct events events;
	(void)unused;

	fixture_open(&fixture);
	begin_crowd(&fixture, arena, rows);
	lost = fixture_begin(&fixture, fixture_token(&fixture, "lost"), "lost");
	limit_files(0);
	assert_true(workers_run(WORKERS, WORKERS, bring_answer, &failing));
	limit_files(RLIM_INFINITY);
	assert_int_equal(failing.failures, WORKERS);
	assert_false(
		journal_move(fixture.journal, &lost, STATE_INTENDED, NULL, "", &fixture.err));
	assert_int_equal(fixture.err.kind, ERR_STORE);
	assert_false(journal_flush(fixture.journal, &fixture.err));
	assert_false(journal_events(fixture.journal, NULL, 0, arena, &events, &fixture.err));
	assert_true(workers_run(WORKERS, WORKERS, bring_answer, &mended));
	assert_int_equal(mended.successes, WORKERS);
	assert_false(journal_set(fixture.journal, "a", "b", &fixture.err));
	fixture_close(&fixture);
	fixture_open(&fixture);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.count, WORKERS);
	for (size_t i = 0; i < WORKERS; i++) {
		assert_int_equal(rotations.items[i].state, STATE_HELD);
		assert_true(secret_equal(rotations.items[i].secret, rows[i].secret));
		rotation_done(&rows[i]);
	}
	assert_chain_holds(&fixture);
	fixture_close(&fixture);
}

/* Stands before the C library's: SQLite's syncs come through here. */
static atomic_int syncs_until_failure;

int
fdatasync(int fd)
{
	if (atomic_load(&syncs_until_failure) &&
		atomic_fetch_sub(&syncs_until_failure, 1) == 1) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* Brings an answer while the nth sync fails; false when there are fewer. `*failures` counts the moves that failed by it: SQLite
 * does not mind when the folder cannot be synced. */
static bool
answer_survives_a_failing_sync(int nth, int *failures)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct fixture fixture;
	struct rotation row;
	bool reached;

	assert_int_equal(fixture_setup(NULL), 0);
	fixture_open(&fixture);
	row = fixture_begin(&fixture, fixture_token(&fixture, "a"), "a");
	move(&fixture, &row, STATE_INTENDED);
	fixture_answer(&row, 101);
	atomic_store(&syncs_until_failure, nth);
	if (!journal_move(fixture.journal, &row, STATE_HELD, NULL, "holds", &fixture.err)) {
		++*failures;
		move(&fixture, &row, STATE_HELD);
	}
	reached = !atomic_exchange(&syncs_until_failure, 0);
	fixture_close(&fixture);
	fixture_open(&fixture);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.count, 1);
	assert_int_equal(rotations.items[0].state, STATE_HELD);
	assert_true(secret_equal(rotations.items[0].secret, row.secret));
	assert_chain_holds(&fixture);
	rotation_done(&row);
	fixture_close(&fixture);
	assert_int_equal(fixture_teardown(NULL), 0);
	return reached;
}

static void
an_answer_is_kept_whichever_sync_failed_when_it_was_first_brought(void **unused)
{
	int failures = 0;
	(void)unused;

	for (int nth = 1; answer_survives_a_failing_sync(nth, &failures); nth++)
		;
	assert_true(failures >= 3);
}

/* --- holders --- */

static void
a_later_holder_joins_those_of_the_last_rotation_that_is_done(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	const struct delivery later = {
		.place = "three", .spec = "{}", .state = DELIVERY_PROVEN
	};
	struct token_record record = { .address = "a" };
	struct deliveries deliveries;
	struct fixture fixture;
	struct rotation row;
	(void)unused;

	fixture_open(&fixture);
	record.number = fixture_token(&fixture, "a");
	row = fixture_begin(&fixture, record.number, "a");
	assert_false(journal_hold(fixture.journal, &record, &later, "late", &fixture.err));
	assert_int_equal(fixture.err.kind, ERR_STORE);
	move(&fixture, &row, STATE_INTENDED);
	fixture_answer(&row, 101);
	move(&fixture, &row, STATE_HELD);
	move(&fixture, &row, STATE_CLOSED);
	worked(journal_hold(fixture.journal, &record, &later, "late", &fixture.err),
		&fixture.err);
	worked(journal_holders(
		       fixture.journal, record.number, arena, &deliveries, &fixture.err),
		&fixture.err);
	assert_int_equal(deliveries.count, 3);
	assert_string_equal(deliveries.items[2].place, "three");
	assert_int_equal(deliveries.items[2].state, DELIVERY_PROVEN);
	rotation_done(&row);
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(only_the_intent_and_the_answer_cost_a_commit),
		FIXTURE_TEST(workers_share_commits_and_no_refusal_spoils_anothers_move),
		cmocka_unit_test(what_is_taken_back_takes_nothing_else_with_it),
		FIXTURE_TEST(no_file_grows_between_the_intent_and_its_answer),
		FIXTURE_TEST(after_a_failure_all_is_refused_but_an_answer_may_be_brought_again),
		cmocka_unit_test(
			an_answer_is_kept_whichever_sync_failed_when_it_was_first_brought),
		FIXTURE_TEST(a_later_holder_joins_those_of_the_last_rotation_that_is_done),
	};
	struct err err;

	unsetenv("CREDENTIALS_DIRECTORY");
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
