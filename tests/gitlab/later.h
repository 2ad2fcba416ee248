/* later.h: requests that are carried out later than they came: by who comes next, when their client is long gone; or
 * by themselves, after a delay. The lock is held. */
#ifndef LATER_H
#define LATER_H

#include "base.h"

#include <stdbool.h>
#include <stdint.h>

struct sim;
struct request;
struct fault;
struct answer;

struct later {
	struct list waiting;
	struct list delayed;
	unsigned releases; /* how often all that were held were let go */
};

/* What serve() has in hand of a request that a rule holds up; whoever sets `is_done` has handled it. */
struct delayed {
	struct request *request;
	bool readable;
	unsigned long n;
	const struct fault *fault;
	struct answer *answer;
	int64_t due;
	bool is_done;
};

/* Milliseconds that only run forward. */
int64_t later_now(void);

/* `n` is where the record has the request, which is copied. */
void later_add(struct sim *sim, const struct request *request, unsigned long n,
	const struct fault *fault);
/* Carries out what is due, as of the moment at which it was. Called before anybody looks or
 * changes anything, so that nobody can tell it from work done at that moment. */
void later_run(struct sim *sim);
void later_done(struct later *later);

#endif
