/* decide.h: one token of the plan: which one is meant, when it is due, what is to be done; for plan.c only.
 * Touches nothing. */
#ifndef FLOW_DECIDE_H
#define FLOW_DECIDE_H

#include "flow/plan.h"

struct deciding {
	const struct policies *policies;
	const struct plan_options *options;
	struct arena *arena;
	int64_t now;
};

/* Fills what depends on the token itself; address, holding, entry, record and row are set. A limit is not looked at. */
void decide_item(const struct deciding *deciding, struct plan_item *item);

#endif
