#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/workers.h"

#define JOBS 200
#define WORKERS 4

struct tally {
	atomic_int done[JOBS];
	atomic_int busy[WORKERS]; /* jobs of one worker index at the same time */
	atomic_int overlaps, threads_with_open_signals, refuse_at, jobs_done;
	pthread_t caller;
	pthread_barrier_t meeting;
};

static bool
count_job(void *context, size_t worker, size_t job)
{
	struct tally *tally = context;

	if (atomic_fetch_add(&tally->busy[worker], 1))
		atomic_fetch_add(&tally->overlaps, 1);
	atomic_fetch_add(&tally->done[job], 1);
	atomic_fetch_add(&tally->jobs_done, 1);
	atomic_fetch_sub(&tally->busy[worker], 1);
	return (int)job != atomic_load(&tally->refuse_at);
}

static void
workers_run_does_every_job_once_and_never_two_under_one_index(void **state)
{
	static const struct {
		size_t workers, jobs;
	} rows[] = { { 1, 1 }, { 1, 5 }, { WORKERS, 0 }, { WORKERS, 1 }, { WORKERS, 3 },
		{ WORKERS, JOBS } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tally tally = { .refuse_at = -1 };
		assert_true(workers_run(rows[i].workers, rows[i].jobs, count_job, &tally));
		assert_int_equal(tally.jobs_done, rows[i].jobs);
		for (size_t job = 0; job < rows[i].jobs; job++)
			assert_int_equal(tally.done[job], 1);
		assert_int_equal(tally.overlaps, 0);
	}
}

static void
workers_run_hands_out_nothing_after_a_refusal(void **state)
{
	struct tally alone = { .refuse_at = 3 }, crowd = { .refuse_at = 3 };
	struct tally last = { .refuse_at = 4 };
	(void)state;

	assert_false(workers_run(1, JOBS, count_job, &alone));
	assert_int_equal(alone.jobs_done, 4);
	assert_false(workers_run(WORKERS, JOBS, count_job, &crowd));
	assert_true(crowd.jobs_done >= 4 && crowd.jobs_done <= JOBS);
	assert_false(workers_run(1, 5, count_job, &last));
}

/* Every worker waits here for all the others: this ends only when all run at the same time. */
static bool
meet(void *context, size_t worker, size_t job)
{
	struct tally *tally = context;
	sigset_t mask;
	(void)worker, (void)job;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (!sigismember(&mask, SIGTERM) || !sigismember(&mask, SIGINT))
		atomic_fetch_add(&tally->threads_with_open_signals, 1);
	pthread_barrier_wait(&tally->meeting);
	return true;
}

static void
workers_run_works_at_once_and_leaves_signals_to_the_caller(void **state)
{
	struct tally tally = { .refuse_at = -1 };
	sigset_t mask;
	(void)state;

	pthread_barrier_init(&tally.meeting, NULL, WORKERS);
	assert_true(workers_run(WORKERS, WORKERS, meet, &tally));
	pthread_barrier_destroy(&tally.meeting);
	assert_int_equal(tally.threads_with_open_signals, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_run_does_every_job_once_and_never_two_under_one_index),
		cmocka_unit_test(workers_run_hands_out_nothing_after_a_refusal),
		cmocka_unit_test(workers_run_works_at_once_and_leaves_signals_to_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
