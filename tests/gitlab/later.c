#include "later.h"

#include "history.h"
#include "request.h"

#include <stdlib.h>
#include <time.h>

struct wait {
	struct request request;
	char *method;
	unsigned long n;
	int64_t real_due, clock_due;
};

/* It asks nothing of that clock, and can be subtracted from its time. */
#define ANY_TIME (INT64_MIN / 2)

int64_t
later_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *
text_copy(const char *text)
{
	return text ? must_copy(text) : NULL;
}

void
later_add(struct sim *sim, const struct request *request, unsigned long n,
	const struct fault *fault)
{
	struct wait *wait = must_alloc(sizeof(*wait));

	wait->n = n;
	wait->real_due = fault->msec ? later_now() + fault->msec : ANY_TIME;
	wait->clock_due =
		fault->lag_msec < 0 ? ANY_TIME : clock_now(&sim->clock) + fault->lag_msec;
	wait->request = *request;
	wait->method = must_copy(request->method);
	wait->request.method = wait->method;
	wait->request.path = text_copy(request->path);
	wait->request.query = text_copy(request->query);
	wait->request.login = text_copy(request->login);
	wait->request.secret = text_copy(request->secret);
	wait->request.host = text_copy(request->host);
	wait->request.body = json_deep_copy(request->body);
	wait->request.params = NULL;
	list_add(&sim->later.waiting, wait);
}

static void
wait_free(struct wait *wait)
{
	free(wait->method);
	free(wait->request.path);
	free(wait->request.query);
	free(wait->request.login);
	free(wait->request.secret);
	free(wait->request.host);
	json_decref(wait->request.body);
	json_decref(wait->request.params);
	free(wait);
}

/* For how long it has been due, in either time; negative: not yet. */
static int64_t
overdue(const struct sim *sim, const struct wait *wait)
{
	int64_t real = later_now() - wait->real_due;
	int64_t clock = clock_now(&sim->clock) - wait->clock_due;

	return real < clock ? real : clock;
}

static void
wait_run(struct sim *sim, struct wait *wait, int64_t late)
{
	struct answer answer = { 0 };

	sim->clock.behind_msec = late;
	history_note(sim);
	gitlab_handle(sim, &wait->request, &answer);
	record_answer(&sim->record, wait->n, &wait->request, 0, answer.status);
	sim->clock.behind_msec = 0;
	answer_done(&answer);
}

void
later_run(struct sim *sim)
{
	struct list *waiting = &sim->later.waiting;

	for (;;) {
		struct wait *first = NULL;

		for (size_t i = 0; i < waiting->count; i++) {
			struct wait *wait = waiting->items[i];

			if (overdue(sim, wait) >= 0 &&
				(!first || overdue(sim, wait) > overdue(sim, first)))
				first = wait;
		}
		if (!first)
			return;
		list_remove(waiting, first);
		wait_run(sim, first, overdue(sim, first));
		wait_free(first);
	}
}

void
later_done(struct later *later)
{
	for (size_t i = 0; i < later->waiting.count; i++)
		wait_free(later->waiting.items[i]);
	list_done(&later->waiting);
	list_done(&later->delayed);
}
