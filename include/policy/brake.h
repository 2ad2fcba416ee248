/* brake.h: what the files of policies.d may use on this machine: programs, units, files, and credentials of glrotate's.
 * Touches nothing. Who may write such a file need not be who may run programs and write files as the user that runs glrotate, or send what it can
 * read to a server, so the main file says which: `limits: { programs: ["/usr/local/lib/glrotate/…"], credentials: [vault-…] }`.
 * What opens GitLab, or the journal, is sent to no destination, whoever says so: its names are refused here, whatever holds the
 * same where it is read (credential_read_apart()). */
#ifndef POLICY_BRAKE_H
#define POLICY_BRAKE_H

#include "destination/destination.h"
#include "policy/policy.h"

/* Whether `entry` may use what that destination uses. Fails: ERR_POLICY. */
must_check bool brake_allows(const struct policies *policies, const struct token_entry *entry,
	const struct destination *destination, struct err *err);

/* The same of its `secret`, which is read and shown to GitLab; true where it has none. */
must_check bool brake_allows_secret(
	const struct policies *policies, const struct token_entry *entry, struct err *err);

#endif
