/* begin.h: a row at its beginning: what it freezes of the plan, and what becomes of one that a former run left there.
 * Touches the journal, to give a row up. */
#ifndef FLOW_BEGIN_H
#define FLOW_BEGIN_H

#include "flow/attempt.h"
#include "flow/outcome.h"
#include "flow/plan.h"

/* Fills attempt->row (zeroed) and attempt->deliveries for journal_begin(): the token's identity, rules and destinations as the plan
 * has them. Texts live in attempt->arena. Nothing is written. */
void begin_row(struct attempt *attempt, const struct policies *policies,
	const struct plan_item *item, const struct token_record *record, int64_t now);

/* Whether nothing of the row has left yet, or all that left is dead: it begins something new when it goes on. */
bool begin_is_uncommitted(const struct rotation *row, const struct frozen *frozen);

/* For an open row that a former run left, already opened. One whose request never left, or that only waits for a person, follows
 * the policy as it is now, when that is valid: new destinations and rules, or DROPPED when the entry is gone or says another strategy.
 * Every other row goes on by what it froze. `*goes_on` is false when it was dropped.
 * Fails: ERR_STORE. */
must_check bool begin_again(struct attempt *attempt, const struct policies *policies,
	const struct token_record *record, struct outcome *outcome, bool *goes_on,
	struct err *err);

/* For the same, when no brake holds its token. A replacement's secret that no destination took yet is ended, and another one made, when
 * the policy names other destinations by now or a person ordered it: the old token lives, and nothing is lost. One that is ended anyway
 * is made anew for the destinations of today.
 * Fails: ERR_STORE. */
must_check bool begin_elsewhere(struct attempt *attempt, const struct policies *policies,
	const struct token_record *record, bool ordered, struct outcome *outcome,
	struct err *err);

#endif
