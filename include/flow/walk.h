/* walk.h: one row, from where it stands as far as it goes in this run.
 * Touches the journal, and through the steps GitLab and the destinations. */
#ifndef FLOW_WALK_H
#define FLOW_WALK_H

#include "flow/attempt.h"
#include "flow/outcome.h"

/* Reads what the row froze and its deliveries. `row`, `journal` and `arena` are set by the caller and borrowed; the rest is filled
 * or zeroed. `generation` is the token record's, `token_id` its present token's.
 * Fails: ERR_STORE when what was frozen cannot be read. */
must_check bool attempt_open(
	struct attempt *attempt, int64_t generation, int64_t token_id, struct err *err);

/* Walks until the row is closed or rests; attempt->trouble says why it rests. A row that rests with `wait_until` may be walked again
 * later in the same run. attempt->gitlab is the calling worker's.
 * Fails: ERR_STORE, ERR_CREDENTIAL: the run ends. */
must_check bool attempt_walk(struct attempt *attempt, struct outcome *outcome, struct err *err);

/* Counts what was done, and tells why the row is not closed or was given up. Once, after its last walk. */
void attempt_report(const struct attempt *attempt, struct outcome *outcome);

#endif
