/* idle.h: waits for a moment in which no job holds the secret that is about to die.
 * Touches GitLab, read-only. A row of `when_idle` stands at PLANNED from run to run until the projects it delivers to have no running
 * jobs, or until idle_until(). */
#ifndef FLOW_IDLE_H
#define FLOW_IDLE_H

#include "flow/attempt.h"

/* Until when a rotation that began to wait at `begun_at` may: `span_sec` from then, but never beyond the middle of the life that was
 * left, nor into its last two hours, for runs may be an hour apart. `dies_at` NO_MOMENT: it does not die. */
int64_t idle_until(int64_t begun_at, int64_t span_sec, int64_t dies_at);

/* Looks at the jobs when the row's rules say so, and decides. True: go on; what is hit then stands in attempt->idle. False: ERR_LATER,
 * with attempt->waits when all is as it should be; ERR_CREDENTIAL. To be asked after the target was read and the destinations were
 * pinned, and directly before the intent. */
must_check bool idle_allows(struct attempt *attempt, struct err *err);

/* So long a look at idle projects holds. */
bool idle_is_fresh(const struct attempt *attempt);

/* What a row waits for, in its own words, when all is as it should be; NULL when it does not wait. */
const char *idle_words(const struct rotation *row);

#endif
