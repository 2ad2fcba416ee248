#include "store_fixture.h"

#include <signal.h>
#include <sys/wait.h>

/* --- a process that is killed --- */

static void
what_rode_is_lost_whole_with_a_crash_and_what_waited_is_there(void **unused)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations rotations = { 0 };
	struct deliveries deliveries;
	struct events events;
	struct fixture fixture;
	int status;
	pid_t child = fork();
	(void)unused;

	if (!child) {
		struct rotation row;
		struct delivery written = {
			.id = 1, .place = "one", .spec = "{}", .state = DELIVERY_WRITTEN
		};
		fixture_open(&fixture);
		row = fixture_begin(&fixture, fixture_token(&fixture, "a"), "a");
		move(&fixture, &row, STATE_INTENDED);
		fixture_answer(&row, 101);
		move(&fixture, &row, STATE_HELD);
		_exit(!journal_delivery(fixture.journal, &row, &written, "w", &fixture.err) ||
			!journal_move(fixture.journal, &row, STATE_DELIVERED, NULL, "d",
				&fixture.err));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fixture_open(&fixture);
	worked(journal_open_rows(fixture.journal, arena, &rotations, &fixture.err),
		&fixture.err);
	assert_int_equal(rotations.count, 1);
	assert_int_equal(rotations.items[0].state, STATE_HELD);
	assert_string_equal(secret_reveal(rotations.items[0].secret), "glpat-secret-of-1-101");
	worked(journal_deliveries(fixture.journal, 1, arena, &deliveries, &fixture.err),
		&fixture.err);
	assert_int_equal(deliveries.items[0].state, DELIVERY_PENDING);
	worked(journal_events(fixture.journal, NULL, 1, arena, &events, &fixture.err),
		&fixture.err);
	assert_string_equal(events.items[0].name, "rotation.held");
	assert_chain_holds(&fixture);
	fixture_close(&fixture);
}

struct promise {
	int64_t row;
	int state;
};

/* Rotates one token after the other until it is killed, and says after each move that waits what is
 * on the disk now. */
static void
promise_until_killed(int pipe)
{
	struct fixture fixture;
	struct token_records records;
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations open = { 0 };
	int64_t token;

	fixture_open(&fixture);
	worked(journal_tokens(fixture.journal, arena, &records, &fixture.err), &fixture.err);
	token = records.count ? records.items[0].number : fixture_token(&fixture, "a");
	worked(journal_open_rows(fixture.journal, arena, &open, &fixture.err), &fixture.err);
	for (size_t i = 0; i < open.count; i++)
		move(&fixture, &open.items[i], STATE_CLOSED);
	for (;;) {
		struct rotation row = fixture_begin(&fixture, token, "a");
		struct promise promise = { row.id, STATE_INTENDED };
		move(&fixture, &row, STATE_INTENDED);
		if (write(pipe, &promise, sizeof(promise)) != sizeof(promise))
			_exit(1);
		fixture_answer(&row, 101);
		move(&fixture, &row, STATE_HELD);
		promise.state = STATE_HELD;
		if (write(pipe, &promise, sizeof(promise)) != sizeof(promise))
			_exit(1);
		move(&fixture, &row, STATE_DELIVERED);
		move(&fixture, &row, STATE_CLOSED);
		rotation_done(&row);
	}
}

static void
assert_kept(struct fixture *fixture, const struct promise *last)
{
	auto_arena struct arena *arena = arena_new();
	auto_rotations struct rotations open = { 0 };
	const char *name = last->state == STATE_HELD ? "rotation.held" : "rotation.intended";
	struct events events;
	bool told = false;

	worked(journal_events(fixture->journal, NULL, 0, arena, &events, &fixture->err),
		&fixture->err);
	for (size_t i = 0; i < events.count; i++)
		told |= events.items[i].rotation == last->row &&
		        !strcmp(events.items[i].name, name);
	assert_true(told);
	worked(journal_open_rows(fixture->journal, arena, &open, &fixture->err), &fixture->err);
	for (size_t i = 0; i < open.count; i++) {
		const struct rotation *row = &open.items[i];
		assert_true(row->id >= last->row);
		assert_true(row->id > last->row || (int)row->state >= last->state);
		assert_int_equal(row->secret != NULL, row->state >= STATE_HELD);
	}
	assert_chain_holds(fixture);
}

static void
every_promise_of_a_killed_process_is_kept(void **unused)
{
	enum { KILLS = 30 };
	unsigned seed = 20260101;
	(void)unused;

	for (int round = 0; round < KILLS; round++) {
		struct promise promise, last = { 0 };
		struct fixture fixture;
		int pipes[2], status, wanted = 1 + rand_r(&seed) % 12;
		pid_t child;
		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		child = fork();
		if (!child)
			promise_until_killed(pipes[1]);
		close(pipes[1]);
		while (wanted-- && read(pipes[0], &promise, sizeof(promise)) == sizeof(promise))
			last = promise;
		for (volatile int spin = rand_r(&seed) % 400000; spin > 0; spin--)
			;
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		while (read(pipes[0], &promise, sizeof(promise)) == sizeof(promise))
			last = promise;
		close(pipes[0]);
		assert_int_not_equal(last.row, 0);
		fixture_open(&fixture);
		assert_kept(&fixture, &last);
		fixture_close(&fixture);
	}
}

/* --- readers --- */

static void
read_until_killed(void)
{
	for (;;) {
		auto_state struct state *state = NULL;
		auto_journal struct journal *journal = NULL;
		char head[EVENT_HASH_TEXT];
		int64_t broken;
		struct err err;
		if (!state_open(fixture_path, false, &state, &err) ||
			!journal_open_reader(state, &journal, &err) ||
			!journal_verify(journal, head, &broken, &err) || broken) {
			fprintf(stderr, "reader: %s\n", err.text);
			_exit(1);
		}
	}
}

static void
readers_in_a_loop_hold_up_no_commit_and_see_whole_states(void **unused)
{
	enum { READERS = 2, ROUNDS = 60 };
	pid_t readers[READERS];
	struct fixture fixture;
	int64_t token;
	int status;
	(void)unused;

	/* Before the writer opens: a connection must not be carried across a fork. */
	for (int i = 0; i < READERS; i++) {
		readers[i] = fork();
		if (!readers[i])
			read_until_killed();
	}
	fixture_open(&fixture);
	token = fixture_token(&fixture, "a");
	for (int round = 0; round < ROUNDS; round++) {
		struct rotation row = fixture_begin(&fixture, token, "a");
		move(&fixture, &row, STATE_INTENDED);
		fixture_answer(&row, 101);
		move(&fixture, &row, STATE_HELD);
		move(&fixture, &row, STATE_CLOSED);
		rotation_done(&row);
	}
	for (int i = 0; i < READERS; i++) {
		kill(readers[i], SIGKILL);
		assert_int_equal(waitpid(readers[i], &status, 0), readers[i]);
		assert_true(WIFSIGNALED(status));
	}
	fixture_close(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(what_rode_is_lost_whole_with_a_crash_and_what_waited_is_there),
		FIXTURE_TEST(every_promise_of_a_killed_process_is_kept),
		FIXTURE_TEST(readers_in_a_loop_hold_up_no_commit_and_see_whole_states),
	};
	struct err err;

	unsetenv("CREDENTIALS_DIRECTORY");
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
