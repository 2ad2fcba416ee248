/* choose.h: which tokens the command line means, among those of a plan or of the journal.
 * Touches nothing. */
#ifndef VERB_CHOOSE_H
#define VERB_CHOOSE_H

#include "flow/plan.h"
#include "verb/verb.h"

/* `chosen` gets a truth a token, in `arena`: those that --owner, --type and TOKEN… mean.
 * Fails: ERR_USAGE when one of them means nothing, or a bare name means several. */
must_check bool choose_items(const struct options *options, const struct plan *plan,
	struct arena *arena, bool **chosen, struct err *err);
must_check bool choose_records(const struct options *options, const struct token_records *records,
	struct arena *arena, bool **chosen, struct err *err);

#endif
