#include "flow/breaker.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/memory.h"

/* Fewer happen by chance; more would each break somebody's pipeline. */
#define FAILURES_MOST 5

struct breaker {
	pthread_mutex_t lock;
	unsigned in_a_row[BREAKER_KIND_COUNT];
	bool ends;
	struct err why; /* kind ERR_NONE: nothing holds */
};

struct breaker *
breaker_new(void)
{
	struct breaker *breaker = memory_or_abort(calloc(1, sizeof(*breaker)));

	pthread_mutex_init(&breaker->lock, NULL);
	return breaker;
}

void
breaker_free(struct breaker *breaker)
{
	if (!breaker)
		return;
	pthread_mutex_destroy(&breaker->lock);
	free(breaker);
}

/* Under the lock. */
static void
trip(struct breaker *breaker, enum breaker_kind kind, const struct err *why)
{
	static const char *const words[BREAKER_KIND_COUNT] = {
		[BREAKER_READING] = "GitLab did not answer before %d rotations in a row",
		[BREAKER_REQUEST] =
			"%d requests in a row that make a new secret were not answered",
		[BREAKER_DELIVERY] =
			"%d new secrets in a row were not taken by their destinations",
	};
	char text[128];

	snprintf(text, sizeof(text), words[kind], FAILURES_MOST);
	breaker->ends = true;
	err_set(&breaker->why, ERR_LATER, 0, "%s; nothing more is begun in this run (%.200s)",
		text, why->text);
}

void
breaker_note(struct breaker *breaker, enum breaker_kind kind, const struct err *why)
{
	if (!breaker)
		return;
	pthread_mutex_lock(&breaker->lock);
	if (!why)
		breaker->in_a_row[kind] = 0;
	else if (++breaker->in_a_row[kind] >= FAILURES_MOST && !breaker->ends)
		trip(breaker, kind, why);
	pthread_mutex_unlock(&breaker->lock);
}

void
breaker_hold(struct breaker *breaker, const struct err *why)
{
	pthread_mutex_lock(&breaker->lock);
	if (breaker->why.kind == ERR_NONE)
		breaker->why = *why;
	pthread_mutex_unlock(&breaker->lock);
}

bool
breaker_holds(struct breaker *breaker, struct err *why)
{
	bool holds;

	if (!breaker)
		return false;
	pthread_mutex_lock(&breaker->lock);
	holds = breaker->why.kind != ERR_NONE;
	if (holds && why)
		*why = breaker->why;
	pthread_mutex_unlock(&breaker->lock);
	return holds;
}

bool
breaker_ends(struct breaker *breaker)
{
	bool ends;

	if (!breaker)
		return false;
	pthread_mutex_lock(&breaker->lock);
	ends = breaker->ends;
	pthread_mutex_unlock(&breaker->lock);
	return ends;
}
