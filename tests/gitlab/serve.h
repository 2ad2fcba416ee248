/* serve.h: one API request from its arrival to its answer, with all that was ordered for it. */
#ifndef SERVE_H
#define SERVE_H

#include "request.h"

/* Takes the lock while it works and not while it waits; `readable` is false when the body was
 * none. The fault is for answering with, and for fault_done(). */
void serve(struct sim *sim, struct request *request, bool readable, struct answer *answer,
	struct fault *fault);

/* With the lock held. Handles what was delayed until now; and lets go all that is held. */
void serve_due(struct sim *sim);
void serve_held(struct sim *sim);

#endif
