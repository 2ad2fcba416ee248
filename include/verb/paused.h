/* paused.h: what the command line means for a pause: patterns, which stay patterns, and single tokens.
 * Touches nothing. */
#ifndef VERB_PAUSED_H
#define VERB_PAUSED_H

#include "store/journal.h"
#include "verb/verb.h"

/* pattern and is_exact of each are set. What stands in the journal or in the policy is known; a pattern may mean nothing yet.
 * Fails: ERR_USAGE. */
must_check bool paused_read(
	struct context *context, const struct options *options, struct pauses *pauses, struct err *err);

#endif
