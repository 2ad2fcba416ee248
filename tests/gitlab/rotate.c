#include "rotate.h"

#include "access.h"
#include "expiry.h"
#include "secret.h"

#include <stdlib.h>

struct token *
rotate_token(struct sim *sim, struct token *old, int expires)
{
	struct token *token =
		token_add(&sim->world, 0, old->user, old->name, secret_new(sim, old->user));

	token->scopes = json_deep_copy(old->scopes);
	token->impersonation = old->impersonation;
	if (old->description && sim->version >= V(17, 7))
		token->description = must_copy(old->description);
	token->expires = expires;
	token->created_at = clock_now(&sim->clock);
	token->predecessor = old;
	list_add(&old->successors, token);
	old->revoked = true;
	return token;
}

void
rotate_answer(struct sim *sim, struct request *request, struct token *token,
	json_t *(*view)(struct sim *sim, struct request *request, void *row),
	struct answer *answer)
{
	char message[128];
	int expires;
	json_t *json;

	if (token->revoked) {
		error_bad_request(answer, sim->version < V(17, 0) ? "token already revoked"
								  : "Token already revoked");
		return;
	}
	if (token->user->kind == USER_HUMAN && sim->version >= V(19, 0) &&
		setting_true(sim, "granular_tokens_enforced")) {
		error_bad_request(answer,
			"Rotation of legacy personal access tokens is disabled. "
			"Use a fine-grained token instead.");
		return;
	}
	if (!expiry_choose(sim, request, token->user, EXPIRY_ROTATE, &expires, message)) {
		error_bad_request(answer, message);
		return;
	}
	token = rotate_token(sim, token, expires);
	json = view(sim, request, token);
	json_object_set_new(json, "token", json_string(token->secret));
	answer_json(answer, 200, json);
}

struct token *
create_token(struct sim *sim, struct request *request, struct user *user, int expires)
{
	const char *description = param_text(request, "description");
	struct token *token = token_add(
		&sim->world, 0, user, param_text(request, "name"), secret_new(sim, user));

	token->scopes = json_deep_copy(json_object_get(request->params, "scopes"));
	if (description)
		token->description = must_copy(description);
	token->expires = expires;
	token->created_at = clock_now(&sim->clock);
	return token;
}
