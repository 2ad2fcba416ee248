/* claims.h: what the entries of a policy claim, against each other: an address, a place and a secret is one entry's.
 * Touches nothing. For rules.c. */
#ifndef POLICY_CLAIMS_H
#define POLICY_CLAIMS_H

#include "base/diag.h"
#include "policy/policy.h"

/* Resolves the destinations of all entries; those of a pattern only as far as they can be known, and tried out on a sample. What
 * cannot be resolved, what its file may not use and what two entries claim goes to `diags`, at the later one's place. */
void claims_check(const struct policies *policies, struct diags *diags);

#endif
