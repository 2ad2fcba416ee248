/* serve.h: one API request from its arrival to its answer, with all that was ordered for it. */
#ifndef SERVE_H
#define SERVE_H

#include "request.h"

/* Takes the lock while it works and not while it waits; `readable` is false when the body was
 * none. The fault is for answering with, and for fault_done(). */
void serve(struct sim *sim, struct request *request, bool readable, struct answer *answer,
	struct fault *fault);

#endif
