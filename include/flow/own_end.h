/* own_end.h: when our own credential dies, which nothing renews unless the policy says `rotate: yes`; for who does not ask GitLab.
 * Touches the journal. */
#ifndef FLOW_OWN_END_H
#define FLOW_OWN_END_H

#include "gitlab/token.h"
#include "policy/policy.h"
#include "store/journal.h"

struct own_end {
	int64_t token_id;
	int64_t dies_at; /* NO_MOMENT: never, not known, or it rotates itself */
	int64_t warn_at; /* 14d before, or a third of its life */
	int64_t near_at; /* half of that: nobody can say later that it was not told */
};
/* `policies` NULL: none can be read. */
struct own_end own_end_of(const struct token *token, const struct policies *policies);
bool own_end_warns(const struct own_end *end, int64_t now);
bool own_end_is_near(const struct own_end *end, int64_t now);
/* "our own credential #12 dies 2026-12-03 00:00 UTC (in 4h), and nobody renews it"; only where it warns. */
const char *own_end_words(const struct own_end *end, int64_t now, struct arena *arena);

/* As the last run saw it. Fails: ERR_STORE. */
must_check bool own_end_read(struct journal *journal, const struct policies *policies,
	struct arena *arena, struct own_end *end, struct err *err);
must_check bool own_end_remember(
	struct journal *journal, const struct token *token, struct arena *arena, struct err *err);

#endif
