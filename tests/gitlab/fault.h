/* fault.h: rules that make requests go wrong on demand. */
#ifndef FAULT_H
#define FAULT_H

#include "base.h"

#include <stdbool.h>

#include <jansson.h>

enum fault_kind {
	FAULT_NONE,
	FAULT_DROP_BEFORE_COMMIT,
	FAULT_DROP_AFTER_COMMIT,
	FAULT_DELAY,
	FAULT_DELAY_AFTER,
	FAULT_CUT_BODY,
	FAULT_GARBAGE,
	FAULT_WRONG_CONTENT_TYPE,
	FAULT_STATUS,
	FAULT_TOO_MANY,
	FAULT_REDIRECT,
};

/* What one request suffers; the texts are the rule's copies, for fault_done(). */
struct fault {
	enum fault_kind kind;
	long msec;
	int status;
	bool commit;
	long retry_after; /* -1: no header */
	char *body, *content_type, *location;
};

struct faults {
	struct list rules;
};

/* NULL, or what is wrong with the rule. */
const char *faults_add(struct faults *faults, const json_t *rule);
json_t *faults_json(const struct faults *faults);
void faults_clear(struct faults *faults);

/* The first rule that applies to this request has its way with it. */
struct fault faults_match(struct faults *faults, const char *method, const char *path);
/* A glob when it has one of *?[, a part of the path otherwise. */
bool path_matches(const char *pattern, const char *path);
const char *fault_name(enum fault_kind kind);
/* Whether the request is carried out at all. */
bool fault_commits(const struct fault *fault);
void fault_done(struct fault *fault);

#endif
