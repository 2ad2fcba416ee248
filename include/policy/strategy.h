/* strategy.h: how an entry's tokens are renewed: which keys go together, for rules.c.
 * Touches nothing. */
#ifndef POLICY_STRATEGY_H
#define POLICY_STRATEGY_H

#include "policy/policy.h"

bool strategy_is_deploy(enum token_type type);

/* What is wrong with the keys that say how, at the entry's place, into `diags`. */
void strategy_check(const struct policies *policies, const struct token_entry *entry,
	struct diags *diags);

#endif
