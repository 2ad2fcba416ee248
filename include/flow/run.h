/* run.h: reads, plans, walks the step table; the only module that sees every stage.
 * Touches the journal and GitLab, and through the steps the destinations. */
#ifndef FLOW_RUN_H
#define FLOW_RUN_H

#include "flow/context.h"
#include "flow/outcome.h"
#include "flow/reading.h"

struct run_orders {
	int64_t limit;                /* -1: the policy's */
	/* `rotate TOKEN…`: which tokens are due now by order; NULL: none is. With it only those are touched. */
	bool (*ordered)(void *context, const struct address *address);
	void *context;
};

/* The timer's verb: finishes open rows, adopts, rotates what is due, delivers, verifies. What went wrong with single tokens is in
 * `outcome`; failure means that the run itself ended early. */
must_check bool run_do(struct context *context, const struct run_orders *orders,
	struct outcome *outcome, struct err *err);

#endif
