/* rotate.h: the rotation itself, the same for every kind of token. */
#ifndef ROTATE_H
#define ROTATE_H

#include "request.h"

/* Revokes `token` and puts its successor in its place, both or neither; answers 200 with the
 * new secret, or 400 with GitLab's reason. The caller has decided that it may happen. */
void rotate_answer(struct sim *sim, struct request *request, struct token *token,
	json_t *(*view)(struct sim *sim, struct request *request, void *row),
	struct answer *answer);

/* The same by another hand, for /sim/act. */
struct token *rotate_token(struct sim *sim, struct token *token, int expires);

/* A new token with the name, scopes and description of the request. */
struct token *create_token(
	struct sim *sim, struct request *request, struct user *user, int expires);

#endif
