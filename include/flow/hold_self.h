/* hold_self.h: the tokens that rotate themselves, as their own secrets show them: no list needs to be readable.
 * Touches the journal, the files of the secrets, and GitLab, read-only. */
#ifndef FLOW_HOLD_SELF_H
#define FLOW_HOLD_SELF_H

#include "flow/context.h"
#include "flow/plan.h"

/* Appends a holding for each entry with `rotate_with: self`, our own credential's among them; `*ids` gets the tokens they showed to
 * be. In a run the journal, and `records`, follow a token that the operator gave. What cannot be read is a holding that says so.
 * Fails: ERR_STORE, ERR_CREDENTIAL (our own), ERR_REACH, ERR_STOPPED. */
must_check bool hold_self(struct context *context, struct token_records *records,
	const struct rotations *rows, struct holdings *holdings, int64_t **ids, size_t *count,
	struct err *err);

#endif
