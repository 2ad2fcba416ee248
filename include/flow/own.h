/* own.h: our own credential as a managed token: an entry that no file has, whose secret is the gitlab section's credential, and
 * whose one destination is the file that it stands in.
 * Touches the journal, that file, and GitLab, read-only. */
#ifndef FLOW_OWN_H
#define FLOW_OWN_H

#include "flow/context.h"
#include "flow/outcome.h"

/* The number of its record, or 0. */
must_check bool own_number(struct context *context, int64_t *number, struct err *err);

/* Adds the entry to the policy when it says `rotate: yes`. Before our credential was proven by what the journal remembers of it
 * alone; afterwards it asks GitLab whose it is where that is not known. */
must_check bool own_add_entry(struct context *context, struct err *err);

/* Before the first request: the context presents the newest living secret of the credential, see bearer.h.
 * Fails: ERR_LATER, ERR_PERSON while its rotation is in doubt; only run_do() settles that. */
must_check bool own_present(struct context *context, struct err *err);

/* After it was proven, in a run: the journal follows a token that the operator gave; an old copy in the file is written over. */
must_check bool own_settle(struct context *context, struct outcome *outcome, struct err *err);

/* The rescue credential, proven once a day in runs: its token's id, 0 when there is none or it is refused, which is told in `trouble`
 * (kind ERR_NONE: it is well). */
must_check bool own_rescue(
	struct context *context, int64_t *id, struct err *trouble, struct err *err);

#endif
