/* later.h: requests that are carried out when their client is long gone. The lock is held. */
#ifndef LATER_H
#define LATER_H

#include "base.h"

struct sim;
struct request;
struct fault;

struct later {
	struct list waiting;
};

/* `n` is where the record has the request, which is copied. */
void later_add(struct sim *sim, const struct request *request, unsigned long n,
	const struct fault *fault);
/* Carries out what is due, as of the moment at which it was. Called before anybody looks or
 * changes anything, so that nobody can tell it from work done at that moment. */
void later_run(struct sim *sim);
void later_done(struct later *later);

#endif
