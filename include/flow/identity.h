/* identity.h: whose a credential is, and whether it lives.
 * Touches GitLab, read-only. One object for all connections that present it, with its own lock (never held over a request). */
#ifndef FLOW_IDENTITY_H
#define FLOW_IDENTITY_H

#include "base/arena.h"
#include "base/err.h"
#include "gitlab/gitlab.h"
#include "gitlab/token.h"

struct identity;
/* `what` is for people: "our own credential"; borrowed. */
struct identity *identity_new(const char *what);
void identity_free(struct identity *identity);

/* GET /personal_access_tokens/self. The first call of a run remembers id and user.
 * Fails: ERR_CREDENTIAL (GLR-114) when GitLab refuses the credential or it is another token than before: from then on every
 * call of this module fails so, and nobody walks a rotate path any more. */
must_check bool identity_prove(struct identity *identity, struct gitlab *gitlab, struct err *err);

/* Rule 4: true only when the credential answered on /self less than 30 s ago, with the expected id; asks again when the
 * last proof is older than 20 s. To be called directly before every request on a rotate path. */
must_check bool identity_fresh(struct identity *identity, struct gitlab *gitlab, struct err *err);

/* Whether it still is, without asking. */
bool identity_is_fresh(const struct identity *identity);

/* Tells that an answer put the credential in doubt; identity_fresh() fails from then on. */
void identity_distrust(struct identity *identity);
bool identity_is_distrusted(const struct identity *identity);

/* A plain 401 (ERR_REFUSED) is about our credential when /self fails too (rule 8): asks, and turns `err` into ERR_CREDENTIAL
 * then. Always returns false. */
bool identity_judge(struct identity *identity, struct gitlab *gitlab, struct err *err);

/* It ran out or was revoked, as GitLab said: that does not pass. */
bool identity_is_dead(const struct identity *identity);

/* After the first proof; NULL before. What never changes of it, as the first proof showed it. */
const struct token *identity_token(const struct identity *identity);
/* After the first proof; 0 before. */
int64_t identity_token_id(const struct identity *identity);
int64_t identity_expires_on(const struct identity *identity);
bool identity_has_scope(const struct identity *identity, const char *scope);

/* GitLab lets it rotate itself. */
bool identity_may_rotate_itself(const struct identity *identity);

CLEANUP(identity, struct identity *, identity_free)
#define auto_identity __attribute__((cleanup(identity_cleanup)))

#endif
