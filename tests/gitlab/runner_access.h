/* runner_access.h: who may see and change which runner. */
#ifndef RUNNER_ACCESS_H
#define RUNNER_ACCESS_H

#include "request.h"

/* Runners of the instance are everybody's to see. */
bool runner_may_see(
	const struct sim *sim, const struct request *request, const struct runner *runner);
bool runner_may_change(
	const struct sim *sim, const struct request *request, const struct runner *runner);

/* The runner of the `id` parameter. NULL: `answer` says 404, or 403 when `may` does not let. */
struct runner *runner_require(struct sim *sim, struct request *request,
	bool (*may)(const struct sim *sim, const struct request *request,
		const struct runner *runner),
	struct answer *answer);

#endif
