#include "gitlab/token.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/when.h"
#include "gitlab/deploy_token.h"

#define FILLS(member) offsetof(struct token, member)
static const struct field token_fields[] = {
	/* The first, so that what is only read is of a shape that begins behind it. */
	{ "token", FIELD_SECRET, FILLS(secret) },
	{ "id", FIELD_INT, FILLS(id), .required = true },
	{ "user_id", FIELD_INT, FILLS(user_id), .required = true },
	{ "name", FIELD_TEXT, FILLS(name), .required = true },
	{ "description", FIELD_TEXT, FILLS(description) },
	{ "scopes", FIELD_TEXTS, FILLS(scopes) },
	{ "access_level", FIELD_INT, FILLS(access_level) },
	{ "created_at", FIELD_MOMENT, FILLS(created_msec), .required = true },
	{ "expires_at", FIELD_DATE, FILLS(expires_on) },
	{ "last_used_at", FIELD_MOMENT, FILLS(last_used_msec) },
	{ "last_used_ips", FIELD_TEXTS, FILLS(last_used_ips) },
	{ "revoked", FIELD_BOOL, FILLS(revoked) },
	{ "active", FIELD_BOOL, FILLS(active) },
	{ NULL },
};

const struct shape token_shape = { "a token", token_fields, sizeof(struct token),
	.tolerant = true };
static const struct shape read_shape = { "a token", token_fields + 1, sizeof(struct token),
	.tolerant = true };

/* The least of an answer with a new secret: whatever else is wrong with it, the secret is shown this once. */
static const struct field least_fields[] = {
	{ "token", FIELD_SECRET, FILLS(secret), .required = true },
	{ "id", FIELD_INT, FILLS(id), .required = true },
	{ "user_id", FIELD_INT, FILLS(user_id) },
	{ NULL },
};
static const struct shape least_shape = { "a token", least_fields, sizeof(struct token),
	.tolerant = true };

struct rotate_body {
	struct place at;
	int64_t expires_on;
};
static const struct field rotate_fields[] = {
	{ "expires_at", FIELD_DATE, offsetof(struct rotate_body, expires_on),
		.required = true },
	{ NULL },
};
static const struct shape rotate_shape = { "a rotation", rotate_fields,
	sizeof(struct rotate_body) };

#define WISH(member) offsetof(struct create_body, member)
struct create_body {
	struct place at;
	struct token_wish wish;
};
static const struct field create_fields[] = {
	{ "name", FIELD_TEXT, WISH(wish.name), .required = true },
	{ "description", FIELD_TEXT, WISH(wish.description) },
	{ "scopes", FIELD_TEXTS, WISH(wish.scopes) },
	{ "access_level", FIELD_INT, WISH(wish.access_level) },
	{ "expires_at", FIELD_DATE, WISH(wish.expires_on), .required = true },
	{ NULL },
};
static const struct shape create_shape = { "a creation", create_fields,
	sizeof(struct create_body) };

bool
token_is_revoked(const struct token *token)
{
	return token->revoked == STATED_YES;
}

bool
token_is_alive(const struct token *token, int64_t now)
{
	if (token->expires_msec)
		return !token_is_revoked(token) && now * 1000 < token->expires_msec;
	return !token_is_revoked(token) &&
	       (token->expires_on == NO_DATE || now < date_start(token->expires_on));
}

/* --- reading --- */

bool
token_self(struct gitlab *gitlab, struct arena *arena, struct token *token,
	enum credential_state *state, struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };
	const bool ok = gitlab_call(
		gitlab, "GET", "/api/v4/personal_access_tokens/self", NULL, &answer, err);

	if (state)
		*state = answer.body ? answer_credential_state(&answer) : CREDENTIAL_UNKNOWN;
	if (!ok)
		return false;
	if (json_decode(answer.body, &read_shape, arena, token, err))
		return true;
	err->kind = ERR_LATER;
	return err_wrap(err, "GitLab's answer about the credential itself");
}

static int
compare_ids(const void *a, const void *b)
{
	const struct token *left = a, *right = b;

	return left->id < right->id ? -1 : left->id > right->id;
}

/* The list of a person shows a person's tokens; whatever else a release may mix in is another's. */
static void
keep_users(struct tokens *tokens, int64_t user_id)
{
	size_t kept = 0;

	for (size_t i = 0; i < tokens->count; i++)
		if (tokens->items[i].user_id == user_id)
			tokens->items[kept++] = tokens->items[i];
	tokens->count = kept;
}

/* A token that was made while we paged pushes others onto the next page, where they come again. */
static void
drop_repeated(struct tokens *tokens)
{
	size_t kept = 0;

	for (size_t i = 0; i < tokens->count; i++)
		if (!kept || tokens->items[kept - 1].id != tokens->items[i].id)
			tokens->items[kept++] = tokens->items[i];
	tokens->count = kept;
}

static bool
is_of_user(const struct owner *owner)
{
	return kind_of(owner->type)->of_user;
}

static bool
read_list(struct gitlab *gitlab, const struct owner *owner, struct arena *arena,
	struct list *list, struct err *err)
{
	const char *general = arena_format(
		arena, "/api/v4/personal_access_tokens?user_id=%" PRId64, owner->user_id);
	struct err second;

	if (is_of_user(owner) && !owner->id && owner->type != TYPE_IMPERSONATION)
		return gitlab_list(gitlab, general, &read_shape, arena, list, err);
	if (gitlab_list(gitlab, kind_tokens_path(owner, arena), &read_shape, arena, list, err))
		return true;
	/* Before 17.11 a service account's home does not list its tokens; an administrator and the account itself
	 * see them all the same. */
	return is_of_user(owner) && owner->id &&
	       (err->kind == ERR_MOVED || err->kind == ERR_REFUSED) &&
	       gitlab_list(gitlab, general, &read_shape, arena, list, &second);
}

bool
token_list(struct gitlab *gitlab, const struct owner *owner, struct arena *arena,
	struct tokens *tokens, struct err *err)
{
	struct list list;

	if (kind_of(owner->type)->is_deploy) {
		if (!deploy_token_list(gitlab, owner, arena, tokens, err))
			return false;
	} else if (read_list(gitlab, owner, arena, &list, err)) {
		*tokens = (struct tokens){ list.items, list.count };
	} else {
		return false;
	}
	if (is_of_user(owner))
		keep_users(tokens, owner->user_id);
	if (tokens->count)
		qsort(tokens->items, tokens->count, sizeof(*tokens->items), compare_ids);
	drop_repeated(tokens);
	return true;
}

/* Service accounts of groups and projects have no GET of one token: their list shows it. */
static bool
find_in_list(struct gitlab *gitlab, const struct owner *owner, int64_t id, struct arena *arena,
	struct token *token, struct err *err)
{
	struct tokens tokens;

	if (!token_list(gitlab, owner, arena, &tokens, err))
		return false;
	for (size_t i = 0; i < tokens.count; i++)
		if (tokens.items[i].id == id) {
			*token = tokens.items[i];
			return true;
		}
	return err_set(err, ERR_MOVED, 0, "it is not among its owner's tokens");
}

bool
token_get(struct gitlab *gitlab, const struct owner *owner, int64_t id, struct arena *arena,
	struct token *token, struct err *err)
{
	if (kind_of(owner->type)->is_deploy)
		return deploy_token_get(gitlab, owner, id, arena, token, err);
	if (owner->type == TYPE_SERVICE_ACCOUNT && owner->id)
		return find_in_list(gitlab, owner, id, arena, token, err);
	return gitlab_get(
		gitlab, kind_token_path(owner, id, arena), &read_shape, arena, token, err);
}

/* --- changing --- */

/* An answer without a secret has done its work and lost it. */
static bool
read_new(const struct http_answer *answer, struct arena *arena, struct token *token,
	struct err *err)
{
	struct err ignored;
	struct token draft;

	if (!json_decode(answer->body, &token_shape, arena, &draft, err)) {
		if (!json_decode(answer->body, &least_shape, arena, &draft, &ignored)) {
			err->kind = ERR_DOUBT;
			return err_wrap(err, "GitLab's answer with the new token");
		}
		draft.name = "";
		draft.created_msec = draft.last_used_msec = NO_MOMENT;
		draft.expires_on = NO_DATE;
	}
	if (draft.secret && secret_length(draft.secret)) {
		*token = draft;
		return true;
	}
	secret_free(draft.secret);
	return err_set(err, ERR_DOUBT, 0, "GitLab's answer holds no new secret");
}

static bool
post(struct gitlab *gitlab, const char *path, const struct secret *body, struct arena *arena,
	struct token *token, struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };

	return gitlab_call(gitlab, "POST", path, body, &answer, err) &&
	       read_new(&answer, arena, token, err);
}

static bool
rotate_at(struct gitlab *gitlab, const char *path, int64_t id, int64_t expires_on,
	struct arena *arena, struct token *token, struct err *err)
{
	const struct rotate_body wish = { .expires_on = expires_on };
	auto_secret struct secret *body = json_encode(&rotate_shape, &wish);

	return post(gitlab, arena_format(arena, "%s/rotate", path), body, arena, token, err) ||
	       err_wrap(err, "rotating token #%" PRId64, id);
}

bool
token_rotate(struct gitlab *gitlab, const struct owner *owner, int64_t id, int64_t expires_on,
	struct arena *arena, struct token *token, struct err *err)
{
	return rotate_at(
		gitlab, kind_rotated_path(owner, id, arena), id, expires_on, arena, token, err);
}

/* A bot's token goes through its project or group, so that GitLab mends the bot's membership. Before 16.10 there is no
 * `self`, but a user may always rotate what is theirs. */
static const char *
self_path(struct gitlab *gitlab, const struct owner *owner, int64_t id, struct arena *arena)
{
	const struct gitlab_server *server = gitlab_server_of(gitlab);

	if (!is_of_user(owner) && owner->id && gitlab_at_least(server, 17, 9))
		return arena_format(arena, "%s/self", kind_tokens_path(owner, arena));
	if (gitlab_at_least(server, 16, 10))
		return "/api/v4/personal_access_tokens/self";
	return arena_format(arena, "/api/v4/personal_access_tokens/%" PRId64, id);
}

bool
token_rotate_self(struct gitlab *gitlab, const struct owner *owner, int64_t id,
	int64_t expires_on, struct arena *arena, struct token *token, struct err *err)
{
	return rotate_at(
		gitlab, self_path(gitlab, owner, id, arena), id, expires_on, arena, token, err);
}

bool
token_create(struct gitlab *gitlab, const struct owner *owner, const struct token_wish *wish,
	struct arena *arena, struct token *token, struct err *err)
{
	const struct create_body create = { .wish = *wish };
	auto_secret struct secret *body = json_encode(&create_shape, &create);

	if (kind_of(owner->type)->is_deploy)
		return deploy_token_create(gitlab, owner, wish, arena, token, err);
	return post(gitlab, kind_create_path(owner, arena), body, arena, token, err) ||
	       err_wrap(err, "creating token '%s'", wish->name);
}

bool
token_revoke(struct gitlab *gitlab, const struct owner *owner, int64_t id, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	auto_http_answer struct http_answer answer = { 0 };

	if (gitlab_call(
		    gitlab, "DELETE", kind_token_path(owner, id, arena), NULL, &answer, err))
		return true;
	/* ERR_MOVED to a 400: it was revoked already. */
	return answer_is_absence(&answer) || (answer.status == 400 && err->kind == ERR_MOVED);
}
