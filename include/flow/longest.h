/* longest.h: how long GitLab lets a token live, as its refusals say.
 * Touches the journal: what was learned is remembered for a month, for every question is a refused request. */
#ifndef FLOW_LONGEST_H
#define FLOW_LONGEST_H

#include "base/address.h"
#include "base/arena.h"
#include "base/err.h"
#include "store/journal.h"

/* The date in "… Expiration date must be before 2027-08-07", which itself is still accepted; NO_DATE when it says none. */
int64_t longest_date_in(const char *refusal);

/* How many days a new token of that type may live; 0: no bound is known, or it was learned more than a month ago. */
must_check bool longest_known(struct journal *journal, enum token_type type, int64_t now,
	struct arena *arena, int64_t *days, struct err *err);

/* Remembers it, with an event the first time and whenever it changed. */
must_check bool longest_learn(struct journal *journal, enum token_type type, int64_t now,
	int64_t days, struct arena *arena, struct err *err);

#endif
