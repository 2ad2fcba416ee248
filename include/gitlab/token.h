/* token.h: personal, project, group and service-account tokens: all rows of personal_access_tokens; and deploy tokens, which are
 * deploy_token.c's, behind the same calls.
 * Touches GitLab. Source: lib/api/personal_access_tokens.rb, lib/api/resource_access_tokens.rb,
 * ee/lib/api/group_service_accounts.rb. */
#ifndef GITLAB_TOKEN_H
#define GITLAB_TOKEN_H

#include "base/arena.h"
#include "base/fields.h"
#include "base/secret.h"
#include "gitlab/answer.h"
#include "gitlab/gitlab.h"
#include "gitlab/kinds.h"

/* As GitLab answers it. Strings live in the caller's arena. */
struct token {
	struct place at;            /* unused, the decoder's */
	int64_t id, user_id;
	const char *name;
	const char *description;    /* NULL before 17.7 and when unset */
	struct texts scopes;
	int64_t access_level;       /* 0 where there is none */
	int64_t created_msec;
	int64_t expires_on;         /* first dead day, UTC; NO_DATE: never */
	int64_t last_used_msec;     /* NO_MOMENT: never; lags by 10 minutes */
	struct texts last_used_ips; /* where from; empty where GitLab does not say */
	enum stated revoked;        /* UNSTATED (null, ancient rows) counts as not revoked */
	enum stated active;         /* shown only: `revoked` and the date decide */
	/* Of deploy tokens, which have no user, no created_at and no last_used_at (0 and NO_MOMENT): */
	const char *username;       /* NULL for all others */
	int64_t expires_msec;       /* the exact moment of its end; 0 for all others, and never */
	struct secret *secret;      /* after rotate and create only; the caller's */
};

extern const struct shape token_shape;

struct tokens {
	struct token *items;
	size_t count;
};

bool token_is_revoked(const struct token *token);
/* Neither revoked nor past its date at `now`. */
bool token_is_alive(const struct token *token, int64_t now);

/* The credential itself: GET /personal_access_tokens/self; a safe probe, also with a dead secret.
 * `state` (may be NULL) says what was learned, also on failure: ERR_CREDENTIAL with EXPIRED or REVOKED; a
 * bare 401 is ERR_REFUSED with UNKNOWN. */
must_check bool token_self(struct gitlab *gitlab, struct arena *arena, struct token *token,
	enum credential_state *state, struct err *err);

/* All of the owner's tokens in all states, by id upwards; all pages. For persons and service accounts the
 * user's own tokens. */
must_check bool token_list(struct gitlab *gitlab, const struct owner *owner, struct arena *arena,
	struct tokens *tokens, struct err *err);

must_check bool token_get(struct gitlab *gitlab, const struct owner *owner, int64_t id,
	struct arena *arena, struct token *token, struct err *err);

/* One POST …/:id/rotate, sent once, asking for `expires_on`. On success token->secret is set; where the rest of the
 * answer cannot be read, the secret is kept all the same, with id alone (name "", NO_MOMENT, NO_DATE).
 * Fails: ERR_REACH nothing was sent; ERR_DOUBT also when the 200 holds no token. */
must_check bool token_rotate(struct gitlab *gitlab, const struct owner *owner, int64_t id,
	int64_t expires_on, struct arena *arena, struct token *token, struct err *err);

/* The same of the token that `gitlab` presents, by itself; `owner` and `id` are its own. */
must_check bool token_rotate_self(struct gitlab *gitlab, const struct owner *owner, int64_t id,
	int64_t expires_on, struct arena *arena, struct token *token, struct err *err);

struct token_wish {
	const char *name;
	const char *description; /* holds the nonce */
	struct texts scopes;
	int64_t access_level;    /* 0: not sent */
	int64_t expires_on;
	/* Deploy tokens, which have neither description nor level: */
	const char *username;    /* to the letter */
	int64_t expires_msec;    /* instead of expires_on */
};
must_check bool token_create(struct gitlab *gitlab, const struct owner *owner,
	const struct token_wish *wish, struct arena *arena, struct token *token, struct err *err);

/* DELETE by id; already revoked and a 404 of the token itself are success. A 404 of its project, group or user, or of
 * the route, says nothing about the token: ERR_MOVED. */
must_check bool token_revoke(
	struct gitlab *gitlab, const struct owner *owner, int64_t id, struct err *err);

#endif
