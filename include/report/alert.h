/* alert.h: who is told what, at the very end of a run; and that a run was.
 * Touches the journal's memory of what was told, and whatever an alert touches: programs, sendmail, HTTP, GitLab. Nothing of it fails
 * a run: what could not be told is logged, and told by the next one. */
#ifndef REPORT_ALERT_H
#define REPORT_ALERT_H

#include "flow/context.h"
#include "report/alert_due.h"
#include "report/standing.h"

/* One alert of the policy. */
struct alert {
	const char *name;                /* "mail ops@example.com", "webhook hooks.example.com", unique; no secret */
	enum alert_kind kind;
	const struct alert_rules *rules; /* the head of a struct alert_mail …, by kind */
};
struct alerts {
	struct alert *items;
	size_t count;
};
/* Those that can be read; `is_whole` (may be NULL) tells whether that is all of them. */
struct alerts alerts_of(const struct policies *policies, struct arena *arena, bool *is_whole);

/* What is wrong, as that alert sees it; what is not for it (alert_is_for()) may be among it. */
struct conditions alert_conditions(const struct standings *standings,
	const struct alert *alert, int64_t now, struct arena *arena);

/* What was told, in `arena`. Fails: ERR_STORE. */
must_check bool alert_memory_read(
	struct journal *journal, struct arena *arena, struct memory *memory, struct err *err);

/* At the end of a run: tells what is due, and remembers it. `end` NULL: the run went through. */
void alert_run(struct context *context, const struct err *end);

/* Where no journal could be read: tells, at most once a day, what needs a person. */
void alert_unopened(struct context *context, const struct err *end);

/* A message that says that it is a test. The context needs GitLab for an issue.
 * Fails: why nobody got it. */
must_check bool alert_test(
	struct context *context, const struct alert *alert, struct err *err);

#endif
