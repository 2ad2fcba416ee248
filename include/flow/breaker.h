/* breaker.h: what keeps a run from beginning anything new.
 * Touches nothing but its own lock; one object for all workers. Rows whose request may have left go forward all the same: what is held
 * is delivered, what is lost is found. A NULL breaker holds nothing. */
#ifndef FLOW_BREAKER_H
#define FLOW_BREAKER_H

#include "base/cleanup.h"
#include "base/err.h"

/* What can fail row after row for a reason that is not a row's. Refusals are not among them: GitLab says them of one token, and tokens
 * that are always refused must not keep the others from their turn. */
enum breaker_kind {
	BREAKER_READING, /* GitLab does not answer a preflight */
	BREAKER_REQUEST, /* a rotate or create request is not answered, or by a 5xx: each such one may have ended a secret */
	BREAKER_DELIVERY, /* a new secret is not taken by its destinations: each such one leaves consumers with a dead one */
	BREAKER_KIND_COUNT,
};

struct breaker;
struct breaker *breaker_new(void);
void breaker_free(struct breaker *breaker);

/* Told of rows that this run itself began, so that what failed in earlier runs does not keep the others from their turn for ever.
 * `why` NULL: it went well. The fifth failure in a row of one kind ends the run. */
void breaker_note(struct breaker *breaker, enum breaker_kind kind, const struct err *why);

/* Nothing new is begun from now on, for `why`. The first one holds. */
void breaker_hold(struct breaker *breaker, const struct err *why);

/* Whether nothing new is begun; `why` (may be NULL) says why. */
bool breaker_holds(struct breaker *breaker, struct err *why);

/* Whether failures end the run: nothing is waited for, either. */
bool breaker_ends(struct breaker *breaker);

CLEANUP(breaker, struct breaker *, breaker_free)
#define auto_breaker __attribute__((cleanup(breaker_cleanup)))

#endif
