/* rules.h: what a decoded policy must hold to, beyond what a key alone can say.
 * Touches nothing. For this layer and its tests. */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "base/diag.h"
#include "policy/policy.h"

/* Whether GitLab can be asked with this section alone; what is wrong with it goes to `diags`. */
bool rules_check_gitlab(const struct gitlab_section *gitlab, struct diags *diags);

/* Lifetimes, limits, and every entry: by itself, under its lifetime, and against all others. `whole`: the main file was
 * decoded without an error, so that a lifetime that is not there is really missing. */
void rules_check(const struct policies *policies, bool whole, struct diags *diags);

#endif
