/* fill.h: a destination that an entry has got since its token was last rotated gets the present secret from
 * another that holds it; so does one that was set aside.
 * Touches the journal, the destinations and GitLab. */
#ifndef FLOW_FILL_H
#define FLOW_FILL_H

#include "flow/plan.h"
#include "store/journal.h"

/* The destinations of an item that is not due which do not hold its secret, by the journal; and one that can be asked for it. Deploy
 * tokens, whose secrets open no API and so cannot be proven, and tokens that were not rotated by us yet are not looked at. */
struct fill {
	const struct destination **missing; /* into the item's */
	bool *was_aside;                    /* one a missing: it refused for seven days, and may take the secret by now */
	size_t count;
	const struct destination *source;   /* into the item's; NULL: none can be read, and they wait for the next rotation */
};
must_check bool fill_find(struct journal *journal, const struct plan_item *item, struct arena *arena,
	struct fill *fill, struct err *err);

/* When a missing one gets the secret, and from where; NULL: that place is not missing. */
const char *fill_words(const struct fill *fill, const char *place, struct arena *arena);

#endif
