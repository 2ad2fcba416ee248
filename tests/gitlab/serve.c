#include "serve.h"

#include "auth.h"

#include <string.h>
#include <time.h>

/* Slices, so that stopping does not wait for a long delay. */
static void
wait_msec(const struct sim *sim, long msec)
{
	while (msec > 0 && !atomic_load(&sim->stopping)) {
		long slice = msec < 20 ? msec : 20;
		struct timespec span = { .tv_nsec = slice * 1000000 };

		nanosleep(&span, NULL);
		msec -= slice;
	}
}

/* A read from an old state, its credentials and all; nothing is left of it. */
static void
handle_in(struct sim *sim, struct world *old, struct request *request, struct answer *answer)
{
	struct world now = sim->world;

	sim->world = *old;
	api_handle(sim, request, answer);
	*old = sim->world;
	sim->world = now;
}

static void
carry_out(struct sim *sim, struct request *request, const struct fault *fault,
	struct answer *answer)
{
	struct world *old = fault->kind == FAULT_STALE_READS ? history_find(sim, fault) : NULL;

	if (old) {
		handle_in(sim, old, request, answer);
		return;
	}
	if (strcmp(request->method, "GET") != 0)
		history_note(sim);
	api_handle(sim, request, answer);
	if (fault->kind == FAULT_TWICE) {
		answer_done(answer);
		api_handle(sim, request, answer);
	}
}

static void
handle(struct sim *sim, struct request *request, bool readable, unsigned long n,
	const struct fault *fault, struct answer *answer)
{
	int outcome;

	later_run(sim);
	hooks_run(sim, request, BEFORE);
	if (fault->kind == FAULT_COMMIT_LATER && readable)
		later_add(sim, request, n, fault);
	if (!fault_commits(fault))
		auth_look(sim, request);
	else if (readable)
		carry_out(sim, request, fault, answer);
	else
		error_error(answer, 400, "Problem processing request");
	outcome = answer->status;
	answer_spoil(answer, fault);
	record_answer(
		&sim->record, n, request, fault_drops(fault) ? 0 : answer->status, outcome);
	hooks_run(sim, request, AFTER);
}

void
serve(struct sim *sim, struct request *request, bool readable, struct answer *answer,
	struct fault *fault)
{
	unsigned long n;

	pthread_mutex_lock(&sim->lock);
	*fault = faults_match(&sim->faults, request->method, request->path);
	n = record_request(
		&sim->record, clock_now(&sim->clock), request, fault_name(fault->kind));
	pthread_mutex_unlock(&sim->lock);

	wait_msec(sim, sim->latency_msec + (fault->kind == FAULT_DELAY ? fault->msec : 0));

	pthread_mutex_lock(&sim->lock);
	handle(sim, request, readable, n, fault, answer);
	pthread_mutex_unlock(&sim->lock);

	wait_msec(sim, fault->kind == FAULT_DELAY_AFTER ? fault->msec : 0);
}
