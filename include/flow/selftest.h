/* selftest.h: a whole rotation on the real server, with a token that is made for it and cleared away again.
 * Touches GitLab: in one project tokens called glrotate-selftest-XXXXXXXX and variables called GLROTATE_SELFTEST_XXXXXXXX, and
 * nothing else. The journal knows nothing of it. */
#ifndef FLOW_SELFTEST_H
#define FLOW_SELFTEST_H

#include "flow/context.h"

/* One thing that was tried; texts live in the context's arena. */
struct selftest_step {
	const char *name;
	bool ok;
	const char *text;
};

struct selftest {
	const char *project; /* its path */
	/* Called after each step. */
	void (*tell)(void *context, const struct selftest_step *step);
	void *context;
};

/* Goes on as far as it can, and clears away what it made in every case: also after a failure, and when a signal has asked to stop.
 * What a killed one left behind in that project is cleared away first. `*exit_code` is 0 when every step was ok.
 * Fails: when the credential is refused, or its state cannot be known, before anything was made. */
must_check bool selftest_do(struct context *context, const struct selftest *selftest,
	int *exit_code, struct err *err);

#endif
