/* deploy_token.h: deploy tokens of projects and groups, which are made and deleted, and never rotated; for token.c, which sends
 * each call to the right module.
 * Touches GitLab. Source: lib/api/deploy_tokens.rb, app/models/deploy_token.rb. */
#ifndef GITLAB_DEPLOY_TOKEN_H
#define GITLAB_DEPLOY_TOKEN_H

#include "gitlab/token.h"

/* As token.h says of token_list(), token_get() and token_create(); in any order. Of an answer that can be read in part the secret is
 * kept, with id alone. They are deleted as other tokens are revoked. */
must_check bool deploy_token_list(struct gitlab *gitlab, const struct owner *owner,
	struct arena *arena, struct tokens *tokens, struct err *err);
must_check bool deploy_token_get(struct gitlab *gitlab, const struct owner *owner, int64_t id,
	struct arena *arena, struct token *token, struct err *err);
must_check bool deploy_token_create(struct gitlab *gitlab, const struct owner *owner,
	const struct token_wish *wish, struct arena *arena, struct token *token, struct err *err);

#endif
