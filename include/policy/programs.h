/* programs.h: which programs the files of policies.d may have run.
 * Touches nothing. Who may write such a file need not be who may run programs as the user that runs glrotate, so the main file
 * says which: `limits: { programs: ["/usr/local/lib/glrotate/…"] }`. */
#ifndef POLICY_PROGRAMS_H
#define POLICY_PROGRAMS_H

#include "destination/destination.h"
#include "policy/policy.h"

/* Tells a program that `entry` may not have run. */
void programs_check(const struct policies *policies, const struct token_entry *entry,
	const struct destination *destination, struct place at, struct diags *diags);

#endif
