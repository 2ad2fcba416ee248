/* grip.h: what open rows hold on to, whatever the policy says by now.
 * Touches the journal, read-only. */
#ifndef FLOW_GRIP_H
#define FLOW_GRIP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "store/journal.h"

struct grip {
	bool is_uncommitted;         /* it follows the policy when it goes on: see begin.h */
	struct list places;          /* struct destination: of its deliveries, but for what was set aside */
};

/* One a row, in the order of `open`; they live in `arena`.
 * Fails: ERR_STORE. */
must_check bool grips_read(struct journal *journal, const struct rotations *open,
	struct arena *arena, struct grip **grips, struct err *err);

#endif
