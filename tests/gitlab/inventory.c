/* inventory.c: what owners of a top-level group may do with the tokens of its enterprise users
 * and of the bots below it. A part of GitLab.com alone: the setting `saas` turns it on. */
#include "access.h"
#include "rotate.h"
#include "route.h"
#include "token_view.h"

#include <string.h>

static struct resource *
group_require(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *group = resource_require(sim, request, GROUP, answer);

	if (!group)
		return NULL;
	if (!setting_true(sim, "saas"))
		error_not_found(answer, NULL);
	else if (!has_level(sim, request, group, LEVEL_OWNER))
		error_forbidden(answer);
	else
		return group;
	return NULL;
}

static bool
person_counts(const struct token *token, const struct resource *group)
{
	return token->user->kind == USER_HUMAN && !token->impersonation &&
	       token->user->enterprise == group;
}

static bool
bot_counts(const struct token *token, const struct resource *group)
{
	const struct resource *home = token->user->home;

	if (token->user->kind != USER_BOT)
		return false;
	while (home && home != group)
		home = home->parent;
	return home == group;
}

static void
list_answer(struct sim *sim, struct request *request,
	bool (*counts)(const struct token *token, const struct resource *group),
	json_t *(*view)(struct sim *sim, struct request *request, void *row),
	struct answer *answer)
{
	const struct resource *group = group_require(sim, request, answer);
	const struct list *tokens = &sim->world.tokens;
	struct list found = { 0 };

	if (!group)
		return;
	for (size_t i = 0; i < tokens->count; i++) {
		struct token *token = tokens->items[i];

		if (token && counts(token, group))
			list_add(&found, token);
	}
	token_filter(sim, request, &found);
	page_answer(sim, request, &found, view, answer);
	list_done(&found);
}

static void
personal_list(struct sim *sim, struct request *request, struct answer *answer)
{
	list_answer(sim, request, person_counts, token_view, answer);
}

static void
resource_list_tokens(struct sim *sim, struct request *request, struct answer *answer)
{
	list_answer(sim, request, bot_counts, resource_token_view, answer);
}

/* The row is looked up before anything is asked of its owner. */
static struct token *
token_require(struct sim *sim, struct request *request, struct resource **group,
	struct answer *answer)
{
	struct token *token = NULL;

	*group = group_require(sim, request, answer);
	if (!*group)
		return NULL;
	token = list_at(&sim->world.tokens, param_number(request, "token_id"));
	if (!token)
		error_record_not_found(answer);
	return token;
}

static struct token *
personal_require(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *group;
	struct token *token = token_require(sim, request, &group, answer);

	if (!token || person_counts(token, group))
		return token;
	error_forbidden(answer);
	return NULL;
}

static struct token *
bot_require(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *group;
	struct token *token = token_require(sim, request, &group, answer);

	if (!token)
		return NULL;
	if (token->user->kind != USER_BOT)
		error_message(answer, 403,
			"403 Forbidden - Cannot revoke resource access token: Token does not "
			"belong to bot user");
	else if (!bot_counts(token, group) || group->parent)
		error_message(answer, 403,
			"403 Forbidden - Cannot access resource access token: Token belongs to "
			"a resource outside group's hierarchy");
	else
		return token;
	return NULL;
}

static void
revoke_answer(struct token *token, struct answer *answer)
{
	if (!token)
		return;
	token->revoked = true;
	answer_no_content(answer);
}

static void
personal_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	revoke_answer(personal_require(sim, request, answer), answer);
}

static void
resource_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	revoke_answer(bot_require(sim, request, answer), answer);
}

static void
personal_rotate(struct sim *sim, struct request *request, struct answer *answer)
{
	struct token *token = personal_require(sim, request, answer);

	if (token)
		rotate_answer(sim, request, token, token_view, answer);
}

static void
resource_rotate(struct sim *sim, struct request *request, struct answer *answer)
{
	struct token *token = bot_require(sim, request, answer);

	if (token)
		rotate_answer(sim, request, token, resource_token_view, answer);
}

/* Nobody has such keys here. */
static void
keys_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct list none = { 0 };

	if (group_require(sim, request, answer))
		page_answer(sim, request, &none, token_view, answer);
}

static void
key_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	if (group_require(sim, request, answer))
		error_not_found(answer, "Key");
}

/* clang-format off */
#define TOKEN_ID { "token_id", PARAM_NUMBER, .required = true }
static const struct param list_params[] = { TOKEN_FILTER_PARAMS(0, 0, 0), { 0 } };
static const struct param id_params[] = { TOKEN_ID, { 0 } };
static const struct param rotate_params[] = { TOKEN_ID, { "expires_at", PARAM_DAY }, { 0 } };
static const struct param keys_params[] = { PAGE_PARAMS, { 0 } };

#define PATS "/groups/:id/manage/personal_access_tokens"
#define RATS "/groups/:id/manage/resource_access_tokens"
#define KEYS "/groups/:id/manage/ssh_keys"

const struct route inventory_routes[] = {
	{ "GET",    PATS,                     personal_list,        list_params,   .from = V(17, 8) },
	{ "DELETE", PATS "/:token_id",        personal_delete,      id_params,     .from = V(17, 8) },
	{ "POST",   PATS "/:token_id/rotate", personal_rotate,      rotate_params, .from = V(17, 8) },
	{ "GET",    RATS,                     resource_list_tokens, list_params,   .from = V(17, 10) },
	{ "DELETE", RATS "/:token_id",        resource_delete,      id_params,     .from = V(17, 10) },
	{ "POST",   RATS "/:token_id/rotate", resource_rotate,      rotate_params, .from = V(17, 10) },
	{ "GET",    KEYS,                     keys_list,            keys_params,   .from = V(17, 9) },
	{ "DELETE", KEYS "/:key_id",          key_delete,           NULL,          .from = V(17, 9) },
	{ 0 }
};
/* clang-format on */
