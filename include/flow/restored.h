/* restored.h: whether GitLab was put back from a backup of its own.
 * Touches the journal, read-only. */
#ifndef FLOW_RESTORED_H
#define FLOW_RESTORED_H

#include "flow/plan.h"

/* What the plan's readings show against what the journal knows: `*found` is the item that proves it, or NULL, `*proof` one sentence.
 *   a token that the journal saw die lives again: what is revoked never does
 *   a number is another token's than the one it was given to
 *   a user's highest number fell: the tokens of people and service accounts are never removed, those of bots are
 * Fails: ERR_STORE. */
must_check bool restored_find(struct journal *journal, const struct plan *plan,
	struct arena *arena, const struct plan_item **found, const char **proof,
	struct err *err);

#endif
