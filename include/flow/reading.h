/* reading.h: everything a plan rests on, read once.
 * Touches the journal and GitLab, both read-only. */
#ifndef FLOW_READING_H
#define FLOW_READING_H

#include "flow/context.h"
#include "flow/plan.h"

/* Everything a plan rests on, read once; for `plan`, `explain`, `check`, `run --dry-run`. */
struct reading {
	struct holdings holdings;
	struct token_records records;
	struct rotations rows;        /* open ones */
	struct brakes brakes;
	struct plan *plan;
};
void reading_done(struct reading *reading);
#define auto_reading __attribute__((cleanup(reading_done)))

/* Reads the journal and the owners' tokens, and plans. `now` 0: the server's. Changes nothing. The credential was proven before. */
must_check bool reading_take(struct context *context, const struct plan_options *options, int64_t now,
	struct reading *reading, struct err *err);

/* The same, after the credential was proven. */
must_check bool reading_open(struct context *context, const struct plan_options *options, int64_t now,
	struct reading *reading, struct err *err);

#endif
