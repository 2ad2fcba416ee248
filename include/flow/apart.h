/* apart.h: tokens that a pattern means and does not keep alive, since they can do more than it allows; for who does not ask GitLab.
 * Touches the journal. */
#ifndef FLOW_APART_H
#define FLOW_APART_H

#include "flow/plan.h"

struct apart {
	struct place at;
	const char *address, *why; /* "not managed: it is owner, above level_at_most" */
	int64_t token_id;
	int64_t expires_on; /* a day; NO_DATE */
};
struct aparts {
	struct apart *items;
	size_t count;
};

/* Those of the last run's plan. Fails: ERR_STORE. */
must_check bool aparts_read(
	struct journal *journal, struct arena *arena, struct aparts *aparts, struct err *err);

/* Those of this plan take their place; one that was not among them gets an event, and a line in the log. Fails: ERR_STORE. */
must_check bool aparts_remember(
	struct journal *journal, const struct plan *plan, struct arena *arena, struct err *err);

#endif
