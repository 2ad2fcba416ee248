/* self.h: rows of tokens that are rotated with their own secret: our own credential, and `rotate_with: self`.
 * Touches GitLab through the steps, and the file that holds the secret, read-only.
 *
 * The row walks ROTATE as all others do. What differs is who asks: reading is /self with the present secret, the request is
 * …/self/rotate. A secret that proves revoked while its answer is in doubt is lost: our own credential (where the token is another's),
 * else the rescue credential, looks for the successor, and from then on the row is rotated by id with that. */
#ifndef FLOW_SELF_H
#define FLOW_SELF_H

#include "flow/attempt.h"
#include "flow/outcome.h"

/* Whether the row is (still) rotated with its own secret. */
bool self_is(const struct attempt *attempt);

/* Before a row is walked: gives it the rescue credential where it came to that, and drops it (`*on` false) when the operator gave
 * another token meanwhile.
 * Fails: ERR_STORE. */
must_check bool self_enter(
	struct attempt *attempt, struct outcome *outcome, bool *on, struct err *err);
void self_done(struct attempt *attempt);

/* The parts of the steps, which see to it that self_is(). */
must_check bool self_read_target(struct attempt *attempt, struct err *err);
must_check bool self_rotate(struct attempt *attempt, struct token *token, struct err *err);
must_check bool self_reconcile(struct attempt *attempt, struct err *err);
must_check bool self_recover(struct attempt *attempt, struct err *err);

/* Whichever credential the request is sent with, and its connection. */
struct identity *self_identity(const struct attempt *attempt);
struct gitlab *self_connection(const struct attempt *attempt);

#endif
