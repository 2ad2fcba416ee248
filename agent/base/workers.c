#include "base/workers.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/memory.h"

struct crew {
	pthread_mutex_t lock; /* over next and stopped */
	size_t next, jobs;
	bool stopped;
	workers_job *job;
	void *context;
};

struct hand {
	struct crew *crew;
	size_t worker;
	pthread_t thread;
};

static bool
next_job(struct crew *crew, size_t *job)
{
	bool handed_out;

	pthread_mutex_lock(&crew->lock);
	handed_out = !crew->stopped && crew->next < crew->jobs;
	if (handed_out)
		*job = crew->next++;
	pthread_mutex_unlock(&crew->lock);
	return handed_out;
}

static void
stop(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	crew->stopped = true;
	pthread_mutex_unlock(&crew->lock);
}

static void *
work(void *argument)
{
	struct hand *hand = argument;
	size_t job;

	while (next_job(hand->crew, &job))
		if (!hand->crew->job(hand->crew->context, hand->worker, job))
			stop(hand->crew);
	return NULL;
}

/* Signals are the calling thread's: the others are born with them blocked. What the kernel raises
 * for a fault of the thread itself stays open, so that a sanitizer can report it. */
static void
block_signals(sigset_t *before)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT,
		SIGSYS };
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&all, faults[i]);
	pthread_sigmask(SIG_BLOCK, &all, before);
}

/* A thread that cannot be started is one worker less: the calling one always works. */
static size_t
start_others(struct hand *hands, size_t workers)
{
	size_t started = 1;
	sigset_t before;

	block_signals(&before);
	while (started < workers &&
		!pthread_create(&hands[started].thread, NULL, work, &hands[started]))
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

bool
workers_run(size_t workers, size_t jobs, workers_job *job, void *context)
{
	struct crew crew = { PTHREAD_MUTEX_INITIALIZER, 0, jobs, false, job, context };
	size_t wanted = workers < jobs ? workers : jobs, started;
	auto_free struct hand *hands = NULL;

	assert(workers);
	if (!jobs)
		return true;
	hands = memory_or_abort(calloc(wanted, sizeof(*hands)));
	for (size_t i = 0; i < wanted; i++)
		hands[i] = (struct hand){ .crew = &crew, .worker = i };
	started = start_others(hands, wanted);
	work(&hands[0]);
	for (size_t i = 1; i < started; i++)
		pthread_join(hands[i].thread, NULL);
	pthread_mutex_destroy(&crew.lock);
	return !crew.stopped;
}
