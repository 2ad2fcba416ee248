/* running.h: what one run holds besides its context; for run.c, crew.c, later.c, fill.c, held.c and own_run.c only. */
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
	size_t walking_count;
	_Atomic size_t walked; /* of them so many are done with */
	struct err *ends;      /* why each of them ended the run; kind ERR_NONE: it did not */
	struct rotations rows; /* that were open when the run began */
	struct token_records records;
	struct troubles before;      /* what earlier runs told */
	int64_t own_number;    /* our own credential's record; 0: none */
	const struct err *rests; /* why nothing else is done; NULL: it is */
	struct attempt *own;   /* …and its row, which is the last one to be walked; NULL: it is not due */
	struct breaker *breaker;
	struct brakes brakes;
	const struct plan_item *proof; /* that GitLab was put back from a backup, told as that; or NULL */
	bool knows_version;
};

/* --- crew.c --- */
/* Walks all of them at once, each as far as it goes. A row without a number is begun.
 * Fails: what ended the run. */
must_check bool run_walk(
	struct run *run, struct attempt **attempts, size_t count, struct err *err);

/* An open row of a former run, as an attempt that is not walked yet. */
must_check bool run_open_row(struct run *run, struct rotation *row, struct err *err);

/* --- own_run.c: our own credential within a run --- */
/* Its row is finished before anything else is asked, for only that shows which secret is the present one; while that is in doubt
 * run->rests says why, and the run does no more. */
must_check bool run_finish_own(struct run *run, struct err *err);
/* Presents it, and proves it; the rescue credential too. */
must_check bool run_present_own(struct run *run, struct err *err);
/* The last act of a run: nothing is asked with it afterwards. */
must_check bool run_rotate_own(struct run *run, struct err *err);

/* Those that were not walked yet. What begins something new waits until all was read, as long as something is read. */
must_check bool run_walk_rest(struct run *run, bool but_uncommitted, struct err *err);
struct gitlab *run_connection(struct run *run, size_t worker);

/* --- fill.c --- */
/* New destinations of tokens that are not due; `records` one an item, as of this run. What cannot be done is told.
 * Fails: what ends the run. */
must_check bool run_fill(struct run *run, const struct plan *plan,
	const struct token_record *records, struct err *err);

/* --- later.c: what a run does when all else is done --- */
/* Rows that rest until a moment: a lost answer is settled by time, and the run waits for it. */
must_check bool run_walk_waiting(struct run *run, struct err *err);
/* Tokens that were lost through us, or ran out unseen, are made anew where the policy says so: up to three, or none. */
must_check bool run_repair_losses(struct run *run, struct err *err);

/* --- held.c: when nothing new is begun --- */
/* Reads what is paused. Says that all is frozen, and ends the pauses whose time is over.
 * Fails: ERR_STORE. */
must_check bool run_read_brakes(struct run *run, struct err *err);
/* Whether a brake holds the row's token, and no order goes through it. */
bool run_has_brake(struct run *run, const struct attempt *attempt);
/* Whether a row that a former run left begins something new when it goes on, and a brake holds that. What is lost is repaired. */
bool run_is_braked(struct run *run, const struct attempt *attempt);
/* One of two clocks is wrong, and nothing tells which. */
void run_check_clock(struct run *run);
/* GitLab was put back from a backup. An order, which names its tokens, is carried out all the same.
 * Fails: ERR_STORE. */
must_check bool run_check_restored(struct run *run, const struct plan *plan, struct err *err);
/* An order that comes to nothing: said, and kept among the events with its reason.
 * Fails: ERR_STORE. */
must_check bool run_refuse_order(
	struct run *run, const struct plan_item *item, struct err *err);
/* What failed in a row ended the run: tells it, once. */
void run_tell_breaker(struct run *run);

#endif
