#include "serve.h"

#include "auth.h"

#include <string.h>
#include <time.h>

/* A delay without a time lasts until it is released. */
#define HELD INT64_MAX

static int64_t
due_at(int64_t began, const struct fault *fault)
{
	return fault->msec ? began + fault->msec : HELD;
}

static bool
is_released(struct sim *sim, unsigned releases)
{
	bool released;

	pthread_mutex_lock(&sim->lock);
	released = sim->later.releases != releases;
	pthread_mutex_unlock(&sim->lock);
	return released;
}

/* Slices, so that stopping does not wait for a long delay. */
static void
wait_until(struct sim *sim, int64_t due, unsigned releases)
{
	int64_t left;

	while ((left = due - later_now()) > 0 && !atomic_load(&sim->stopping)) {
		int64_t slice = left < 20 ? left : 20;
		struct timespec span = { .tv_nsec = (due == HELD ? 2 : slice) * 1000000 };

		if (due == HELD && is_released(sim, releases))
			return;
		nanosleep(&span, NULL);
	}
}

/* A read from an old state, its credentials and all; nothing is left of it. */
static void
handle_in(struct sim *sim, struct world *old, struct request *request, struct answer *answer)
{
	struct world now = sim->world;

	sim->world = *old;
	gitlab_handle(sim, request, answer);
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
	gitlab_handle(sim, request, answer);
	if (fault->kind == FAULT_TWICE) {
		answer_done(answer);
		gitlab_handle(sim, request, answer);
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
	answer_spoil(answer, fault, clock_told(&sim->clock));
	record_answer(
		&sim->record, n, request, fault_drops(fault) ? 0 : answer->status, outcome);
	hooks_run(sim, request, AFTER);
}

static void
delayed_run(struct sim *sim, struct delayed *one)
{
	list_remove(&sim->later.delayed, one);
	one->is_done = true;
	handle(sim, one->request, one->readable, one->n, one->fault, one->answer);
}

/* Those whose time has come go first, however slow this machine is to wake them. */
void
serve_due(struct sim *sim)
{
	const struct list *all = &sim->later.delayed;
	const int64_t now = later_now();
	struct delayed *first;

	do {
		first = NULL;
		for (size_t i = 0; i < all->count; i++) {
			struct delayed *one = all->items[i];

			if (one->due <= now && (!first || one->due < first->due))
				first = one;
		}
		if (first)
			delayed_run(sim, first);
	} while (first);
}

void
serve_held(struct sim *sim)
{
	const struct list *all = &sim->later.delayed;

	sim->later.releases++;
	for (size_t i = 0; i < all->count; i++) {
		struct delayed *one = all->items[i];

		if (one->due == HELD)
			one->due = later_now();
	}
	serve_due(sim);
}

void
serve(struct sim *sim, struct request *request, bool readable, struct answer *answer,
	struct fault *fault)
{
	struct delayed one = {
		.request = request, .readable = readable, .fault = fault, .answer = answer
	};
	unsigned releases;

	pthread_mutex_lock(&sim->lock);
	releases = sim->later.releases;
	*fault = faults_match(&sim->faults, request->method, request->path);
	one.n = record_request(
		&sim->record, clock_now(&sim->clock), request, fault_name(fault->kind));
	one.due = later_now() + sim->latency_msec;
	if (fault->kind == FAULT_DELAY)
		one.due = due_at(one.due, fault);
	list_add(&sim->later.delayed, &one);
	pthread_mutex_unlock(&sim->lock);

	wait_until(sim, one.due, releases);

	pthread_mutex_lock(&sim->lock);
	serve_due(sim);
	if (!one.is_done)
		delayed_run(sim, &one);
	pthread_mutex_unlock(&sim->lock);

	if (fault->kind == FAULT_DELAY_AFTER)
		wait_until(sim, due_at(later_now(), fault), releases);
}
