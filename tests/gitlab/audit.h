/* audit.h: what is written down of what is done to tokens and variables. */
#ifndef AUDIT_H
#define AUDIT_H

#include "route.h"

/* After a request was answered: adds the event that GitLab would, if any. */
void audit_write(struct sim *sim, const struct route *route, const struct request *request,
	const struct answer *answer);

#endif
