/* running.h: what one run holds besides its context; for run.c and later.c only. */
#ifndef FLOW_RUNNING_H
#define FLOW_RUNNING_H

#include "flow/attempt.h"
#include "flow/run.h"

struct run {
	struct context *context;
	const struct run_orders *orders;
	struct outcome *outcome;
	size_t workers;
	struct gitlab **connections; /* one a worker, opened by it */
	struct attempt **attempts;   /* every row of this run */
	size_t count, capacity;
	struct attempt **walking; /* those that are walked now */
	struct err *ends;      /* why each of them ended the run; kind ERR_NONE: it did not */
	struct rotations rows; /* that were open when the run began */
	struct token_records records;
	struct troubles before;      /* what earlier runs told */
	bool knows_version;
};

/* Walks all of them at once, each as far as it goes. A row without a number is begun.
 * Fails: what ended the run. */
must_check bool run_walk(
	struct run *run, struct attempt **attempts, size_t count, struct err *err);

/* --- later.c: what a run does when all else is done --- */
/* Rows that rest until a moment: a lost answer is settled by time, and the run waits for it. */
must_check bool run_walk_waiting(struct run *run, struct err *err);
/* Tokens that were lost through us, or ran out unseen, are made anew where the policy says so: up to three, or none. */
must_check bool run_repair_losses(struct run *run, struct err *err);

#endif
