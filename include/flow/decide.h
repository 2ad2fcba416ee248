/* decide.h: one token of the plan: which one is meant, when it is due, what is to be done; for plan.c, and between decide.c and meant.c.
 * Touches nothing. */
#ifndef FLOW_DECIDE_H
#define FLOW_DECIDE_H

#include "flow/plan.h"

struct deciding {
	const struct policies *policies;
	const struct plan_options *options;
	struct arena *arena;
	int64_t now;
};

/* Fills what depends on the token itself; address, holding, entry, record and row are set. A limit is not looked at. */
void decide_item(const struct deciding *deciding, struct plan_item *item);

/* --- meant.c --- */
/* Which token is meant: item->token, or PLAN_CREATE, or what a person is to know. */
void decide_slot(const struct deciding *deciding, struct plan_item *item); /* two in one slot */
void decide_token(const struct deciding *deciding, struct plan_item *item);
void decide_person(struct plan_item *item, int advice, const char *why);
bool decide_is_ordered(const struct deciding *deciding, const struct plan_item *item);
const struct token *decide_find(const struct tokens *namesakes, int64_t id); /* or NULL */

#endif
