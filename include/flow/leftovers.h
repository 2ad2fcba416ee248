/* leftovers.h: what a selftest has made, known by its name, and how it is cleared away.
 * Touches GitLab: in one project tokens called glrotate-selftest-XXXXXXXX and variables called GLROTATE_SELFTEST_XXXXXXXX. */
#ifndef FLOW_LEFTOVERS_H
#define FLOW_LEFTOVERS_H

#include "gitlab/gitlab.h"
#include "gitlab/kinds.h"
#include "policy/policy.h"

/* Behind these, and behind SELFTEST_TOKEN, the mark of one selftest in upper hexadecimal digits. */
#define SELFTEST_KEY "GLROTATE_SELFTEST_"
#define SELFTEST_MARK_BYTES ((size_t)4)

struct leftovers {
	const struct owner *project;
	const struct policies *policies; /* a token that an entry names is left alone */
	int64_t own_id;                  /* and so is the one that we present */
	int64_t now;                     /* by GitLab's clock */
};

struct swept {
	size_t tokens, variables;
};

/* Sweeps until a sweep finds nothing: that proves what was cleared away gone. `all` is what the first one found. What fails keeps
 * nothing else from being cleared away.
 * Fails: as GitLab's first refusal says; ERR_LATER when it still shows what it said was gone. */
must_check bool leftovers_clear(struct gitlab *gitlab, const struct leftovers *leftovers,
	struct swept *all, struct err *err);

#endif
