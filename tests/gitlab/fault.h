/* fault.h: rules that make requests go wrong on demand. */
#ifndef FAULT_H
#define FAULT_H

#include "base.h"
#include "match.h"

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct answer;

enum fault_kind {
	FAULT_NONE,
	FAULT_DROP_BEFORE_COMMIT,
	FAULT_DROP_AFTER_COMMIT,
	FAULT_RESET_BEFORE_COMMIT,
	FAULT_RESET_AFTER_COMMIT,
	FAULT_RESET_BODY,
	FAULT_COMMIT_LATER,
	FAULT_DELAY,
	FAULT_DELAY_AFTER,
	FAULT_CUT_BODY,
	FAULT_GARBAGE,
	FAULT_WRONG_CONTENT_TYPE,
	FAULT_STATUS,
	FAULT_HTML,
	FAULT_TOO_MANY,
	FAULT_EXHAUSTED,
	FAULT_REDIRECT,
	FAULT_TWICE,
	FAULT_STALE_READS,
};

/* What one request suffers; the texts are the rule's copies, for fault_done(). */
struct fault {
	enum fault_kind kind;
	long msec;        /* of real time */
	int64_t lag_msec; /* of the simulator's clock, or -1 */
	long changes;
	int status;
	bool commit;
	long retry_after; /* -1: not said */
	char *body, *content_type, *location, *by;
};

struct faults {
	struct list rules;
	/* How far back rules read: so many changes, and so long. Both 0: none does. */
	long stale_changes;
	int64_t stale_msec;
};

/* False: `wrong` says why there is no such rule. */
bool faults_add(struct faults *faults, const json_t *json, char wrong[512]);
json_t *faults_json(const struct faults *faults);
/* The names of all kinds. */
json_t *fault_kinds(void);
void faults_clear(struct faults *faults);

/* The first rule that applies to this request has its way with it. */
struct fault faults_match(struct faults *faults, const char *method, const char *path);
const char *fault_name(enum fault_kind kind);
/* Whether the request is carried out at all, and now. */
bool fault_commits(const struct fault *fault);
/* Whether the connection ends without a byte. */
bool fault_drops(const struct fault *fault);
/* Whether it ends with a reset, there or in the middle of the answer. */
bool fault_resets(const struct fault *fault);
void fault_done(struct fault *fault);

/* spoil.c: what the fault makes of the answer. */
void answer_spoil(struct answer *answer, const struct fault *fault, int64_t now);
/* Whether `by` has pages. */
bool page_known(const char *by);

#endif
