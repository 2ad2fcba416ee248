/* adopt.h: what the journal remembers of tokens follows what the policy names and GitLab shows. No token is touched.
 * Touches the journal, and GitLab read-only, to pin destinations by number. Thread-safe over different items. */
#ifndef FLOW_ADOPT_H
#define FLOW_ADOPT_H

#include "destination/destination.h"
#include "flow/outcome.h"
#include "flow/plan.h"

struct adopting {
	struct journal *journal;
	struct outcome *outcome;
	struct destination_tools tools; /* the calling worker's; *record is made in its arena */
	int64_t now;                    /* server time */
};

/* Brings the record of one planned token up to date: adopts it, notes what has changed since it was last seen, releases it when its
 * entry is gone. Nothing is written when nothing changed. `*record` gets what the journal remembers now; its number is 0
 * for what is not remembered (a token that a person must look at first).
 * Fails: ERR_STORE; ERR_CREDENTIAL and ERR_REACH while a destination is pinned. */
must_check bool adopt_item(const struct adopting *adopting, const struct plan_item *item,
	struct token_record *record, struct err *err);

#endif
