/* verb.h: the verbs, one file each under agent/verb/, and what main.c hands them.
 * A verb prints its answer on stdout; main.c prints what kept it from answering, and turns that into the exit code. */
#ifndef VERB_VERB_H
#define VERB_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/context.h"

struct options {
	const char *policy, *state, *reason;
	bool user;                     /* a person's own policy and state, see user.h */
	bool quiet, verbose;
	bool json, raw, no_headings;
	const char *output;            /* --output COLUMNS */
	const char *in;                /* --in PROJECT */
	const char *url;               /* --url URL */
	const char *owner, *type;      /* selectors */
	bool due, failed;
	bool all, dry_run, offline, verify;
	bool yes;                      /* a pattern may mean several tokens without asking */
	bool health, test;
	int64_t max_age_sec;           /* --max-age SPAN; 0: 26h */
	int64_t at;                    /* --at DATE as a moment; 0: now */
	int64_t until;                 /* --until DATE as a moment; 0: not given */
	bool asks;                     /* no token, no selector, and no --until was given */
	int64_t limit;                 /* --limit N; -1: the policy's */
	const char *const *arguments;  /* TOKEN…, as many as the verb's row allows */
	size_t argument_count;
};

/* Each fills *exit_code (design: 0 all well, 1 unfinished, 2 usage or policy, 3 a person, 4 locked, 5 out of reach) and returns
 * true, or returns false when `err` says why there is no answer. `context` holds what the verb's row in main.c needs. */
bool verb_check(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_plan(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_run(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_status(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_explain(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_rotate(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_alert(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_pause(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_pauses(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_resume(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_history(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_setup(struct context *context, const struct options *options, int *exit_code, struct err *err);
bool verb_selftest(struct context *context, const struct options *options, int *exit_code, struct err *err);

#endif
