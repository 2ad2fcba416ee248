/* auth.h: whose the presented secret is, what it may ask, and reuse detection. */
#ifndef AUTH_H
#define AUTH_H

#include "request.h"

/* Which scopes let a request pass. */
enum scope_rule {
	SCOPE_API,         /* api; for reading read_api too */
	SCOPE_USER,        /* as above, and read_user for reading */
	SCOPE_SELF_ROTATE, /* api, self_rotate */
	SCOPE_CREATE_RUNNER,
	SCOPE_MANAGE_RUNNER,
	SCOPE_ANY,
	SCOPE_NONE, /* no credential needed */
};

/* Finds the credential, and no more. */
void auth_look(struct sim *sim, struct request *request);
/* The same as GitLab does it: presented with a revoked one on a rotate path, it
 * revokes the descendants of that, whatever the route or the method. */
void auth_identify(struct sim *sim, struct request *request);

/* False: `answer` says why not. */
bool auth_check(
	struct sim *sim, struct request *request, enum scope_rule rule, struct answer *answer);

/* Why somebody may not come in, or NULL. */
const char *user_denied(const struct user *user);
/* The token of the request was used. */
void token_touch(struct sim *sim, struct request *request);

bool token_expired(const struct sim *sim, const struct token *token);
bool token_alive(const struct sim *sim, const struct token *token);
bool deploy_token_alive(const struct sim *sim, const struct deploy_token *token);
bool token_has_scope(const struct token *token, const char *scope);

#endif
