#include "gitlab/deploy_token.h"

#include "base/json.h"
#include "base/when.h"

/* What GitLab answers, before it becomes a token as all others are. */
struct row {
	struct place at;
	struct secret *secret;
	int64_t id;
	const char *name, *username;
	int64_t expires_msec;
	struct texts scopes;
	enum stated revoked;
};
#define FILLS(member) offsetof(struct row, member)
static const struct field row_fields[] = {
	/* The first, so that what is only read is of a shape that begins behind it. */
	{ "token", FIELD_SECRET, FILLS(secret) },
	{ "id", FIELD_INT, FILLS(id), .required = true },
	{ "name", FIELD_TEXT, FILLS(name), .required = true },
	{ "username", FIELD_TEXT, FILLS(username), .required = true },
	{ "expires_at", FIELD_MOMENT, FILLS(expires_msec) },
	{ "scopes", FIELD_TEXTS, FILLS(scopes) },
	{ "revoked", FIELD_BOOL, FILLS(revoked) },
	{ NULL },
};
static const struct shape new_shape = { "a deploy token", row_fields, sizeof(struct row),
	.tolerant = true };
static const struct shape read_shape = { "a deploy token", row_fields + 1, sizeof(struct row),
	.tolerant = true };

/* The least of an answer with a new secret, which is shown this once. */
static const struct field least_fields[] = {
	{ "token", FIELD_SECRET, FILLS(secret), .required = true },
	{ "id", FIELD_INT, FILLS(id), .required = true },
	{ NULL },
};
static const struct shape least_shape = { "a deploy token", least_fields, sizeof(struct row),
	.tolerant = true };

struct wish {
	struct place at;
	const char *name, *username, *expires_at;
	struct texts scopes;
};
#define WISH(member) offsetof(struct wish, member)
static const struct field wish_fields[] = {
	{ "name", FIELD_TEXT, WISH(name), .required = true },
	{ "username", FIELD_TEXT, WISH(username) },
	{ "expires_at", FIELD_TEXT, WISH(expires_at), .required = true },
	{ "scopes", FIELD_TEXTS, WISH(scopes) },
	{ NULL },
};
static const struct shape wish_shape = { "a creation", wish_fields, sizeof(struct wish) };

/* Its day of death is the one in which its last moment lies: GitLab's own `expired` goes by the day too, and says so a day late,
 * so it is not read. */
static struct token
token_of(const struct row *row)
{
	const bool ends = row->expires_msec != NO_MOMENT && row->expires_msec > 0;

	return (struct token){
		.id = row->id,
		.name = row->name ? row->name : "",
		.username = row->username ? row->username : "",
		.scopes = row->scopes,
		.created_msec = NO_MOMENT,
		.last_used_msec = NO_MOMENT,
		.expires_msec = ends ? row->expires_msec : 0,
		.expires_on = ends ? date_of(row->expires_msec / 1000) : NO_DATE,
		.revoked = row->revoked,
		.secret = row->secret,
	};
}

bool
deploy_token_list(struct gitlab *gitlab, const struct owner *owner, struct arena *arena,
	struct tokens *tokens, struct err *err)
{
	const struct row *rows;
	struct list list;

	if (!gitlab_list(
		    gitlab, kind_tokens_path(owner, arena), &read_shape, arena, &list, err))
		return false;
	rows = list.items;
	tokens->count = list.count;
	tokens->items = arena_alloc(arena, (list.count + 1) * sizeof(*tokens->items));
	for (size_t i = 0; i < list.count; i++)
		tokens->items[i] = token_of(&rows[i]);
	return true;
}

bool
deploy_token_get(struct gitlab *gitlab, const struct owner *owner, int64_t id,
	struct arena *arena, struct token *token, struct err *err)
{
	struct row row = { 0 };

	if (!gitlab_get(
		    gitlab, kind_token_path(owner, id, arena), &read_shape, arena, &row, err))
		return false;
	*token = token_of(&row);
	return true;
}

/* An answer without a secret has done its work and lost it. */
static bool
read_new(const struct http_answer *answer, struct arena *arena, struct token *token,
	struct err *err)
{
	struct row row = { 0 };
	struct err ignored;

	if (!json_decode(answer->body, &new_shape, arena, &row, err)) {
		row = (struct row){ .expires_msec = NO_MOMENT };
		if (!json_decode(answer->body, &least_shape, arena, &row, &ignored)) {
			err->kind = ERR_DOUBT;
			return err_wrap(err, "GitLab's answer with the new deploy token");
		}
		row.name = row.username = NULL;
		row.expires_msec = NO_MOMENT;
	}
	if (row.secret && secret_length(row.secret)) {
		*token = token_of(&row);
		return true;
	}
	secret_free(row.secret);
	return err_set(err, ERR_DOUBT, 0, "GitLab's answer holds no new secret");
}

bool
deploy_token_create(struct gitlab *gitlab, const struct owner *owner,
	const struct token_wish *wish, struct arena *arena, struct token *token,
	struct err *err)
{
	char moment[WHEN_TEXT_BYTES];
	const struct wish create = { .name = wish->name,
		.username = wish->username,
		.expires_at = moment_iso(wish->expires_msec / 1000, moment),
		.scopes = wish->scopes };
	auto_secret struct secret *body = json_encode(&wish_shape, &create);
	auto_http_answer struct http_answer answer = { 0 };

	return (gitlab_call(
			gitlab, "POST", kind_create_path(owner, arena), body, &answer, err) &&
		       read_new(&answer, arena, token, err)) ||
	       err_wrap(err, "creating deploy token '%s'", wish->name);
}
