/* remember.h: what a run leaves behind for `status`: when it was, and what stood in the way since when.
 * Touches the journal. */
#ifndef FLOW_REMEMBER_H
#define FLOW_REMEMBER_H

#include "base/arena.h"
#include "base/err.h"
#include "flow/outcome.h"

/* What the last runs told, in `arena`; each address once. That of a run that ended early has the address "".
 * Fails: ERR_STORE. */
must_check bool remember_read(
	struct journal *journal, struct arena *arena, struct troubles *troubles, struct err *err);

struct remembering {
	struct journal *journal;
	const struct outcome *outcome;
	const struct troubles *before; /* as read when the run began */
	int64_t now;                   /* server time */
	const struct err *ended_by;    /* NULL: the run went through */
	bool is_partial;               /* an order looks at a part only: it says nothing of the rest */
	/* Whether the run was about this address; what it was not about stays told. */
	bool (*is_about)(void *context, const char *address);
	void *context;
};

/* At the end of a run, also of one that ended early: then what it did not come to stays told as well. The journal is flushed.
 * Fails: ERR_STORE. */
must_check bool remember_run(const struct remembering *remembering, struct err *err);

#endif
