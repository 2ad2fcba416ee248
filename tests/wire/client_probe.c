/* client_probe.c: one call of agent/gitlab/ from a command line, for test_client.py.
 * CREDENTIAL=SECRET client_probe URL COMMAND ARGUMENT… prints what the call said: `ok` or an error's kind in the first
 * line, then NAME=VALUE, new secrets included. Never installed. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/when.h"
#include "gitlab/job.h"
#include "gitlab/people.h"
#include "gitlab/token.h"
#include "gitlab/variable.h"

struct probe {
	struct gitlab *gitlab;
	struct arena *arena;
	char **words; /* the arguments; NULL behind the last */
	struct err *err;
};

static const char *const kind_names[] = {
	[ERR_NONE] = "ok",
	[ERR_USAGE] = "usage",
	[ERR_POLICY] = "policy",
	[ERR_REFUSED] = "refused",
	[ERR_LATER] = "later",
	[ERR_MOVED] = "moved",
	[ERR_DOUBT] = "doubt",
	[ERR_STORE] = "store",
	[ERR_CREDENTIAL] = "credential",
	[ERR_REACH] = "reach",
	[ERR_BUSY] = "busy",
	[ERR_PERSON] = "person",
	[ERR_STOPPED] = "stopped",
};

static int64_t
number(const char *word)
{
	return strtoll(word, NULL, 10);
}

static int64_t
date(const char *word)
{
	int64_t days = NO_DATE;

	if (strcmp(word, "never") != 0 && !date_parse(word, &days))
		abort();
	return days;
}

static void
print_secret(const char *name, const struct secret *secret)
{
	printf("%s=%s\n", name, secret ? secret_reveal(secret) : "");
}

/* --- tokens --- */

static void
print_token(struct token *token)
{
	char day[WHEN_TEXT_BYTES];

	printf("id=%" PRId64 "\nuser_id=%" PRId64 "\nname=%s\nlevel=%" PRId64 "\n", token->id,
		token->user_id, token->name, token->access_level);
	printf("expires=%s\ncreated=%" PRId64 "\nrevoked=%d\nscopes=%zu\n",
		date_text(token->expires_on, day), token->created_msec, token_is_revoked(token),
		token->scopes.count);
	print_secret("secret", token->secret);
	secret_free(token->secret);
}

static bool
resolve(struct probe *probe, struct owner *owner)
{
	struct address address;

	return address_parse(probe->arena, probe->words[0], false, &address, probe->err) &&
	       people_owner(probe->gitlab, &address, probe->arena, owner, probe->err);
}

static bool
probe_owner(struct probe *probe)
{
	struct owner owner;

	if (!resolve(probe, &owner))
		return false;
	printf("ok\nid=%" PRId64 "\nuser_id=%" PRId64 "\nin_project=%d\npath=%s\n", owner.id,
		owner.user_id, owner.in_project, owner.path);
	return true;
}

static bool
probe_self(struct probe *probe)
{
	static const char *const names[] = { "unknown", "alive", "expired", "revoked" };
	enum credential_state state;
	struct token token;

	if (!token_self(probe->gitlab, probe->arena, &token, &state, probe->err))
		return err_wrap(probe->err, "%s", names[state]);
	printf("ok\nstate=%s\n", names[state]);
	print_token(&token);
	return true;
}

static bool
probe_list(struct probe *probe)
{
	struct owner owner;
	struct tokens tokens;

	if (!resolve(probe, &owner) ||
		!token_list(probe->gitlab, &owner, probe->arena, &tokens, probe->err))
		return false;
	printf("ok\ncount=%zu\n", tokens.count);
	for (size_t i = 0; i < tokens.count; i++)
		printf("%" PRId64 "=%s\n", tokens.items[i].id, tokens.items[i].name);
	return true;
}

static bool
probe_get(struct probe *probe)
{
	struct owner owner;
	struct token token;

	if (!resolve(probe, &owner) ||
		!token_get(probe->gitlab, &owner, number(probe->words[1]), probe->arena, &token,
			probe->err))
		return false;
	puts("ok");
	print_token(&token);
	return true;
}

static bool
probe_rotate(struct probe *probe)
{
	struct owner owner;
	struct token token;

	if (!resolve(probe, &owner) ||
		!token_rotate(probe->gitlab, &owner, number(probe->words[1]),
			date(probe->words[2]), probe->arena, &token, probe->err))
		return false;
	puts("ok");
	print_token(&token);
	return true;
}

/* OWNER NAME SCOPE LEVEL DATE */
static bool
probe_create(struct probe *probe)
{
	const char **scopes = (const char **)&probe->words[2];
	struct owner owner;
	struct token token;

	if (!resolve(probe, &owner) || !token_create(probe->gitlab, &owner,
					       &(struct token_wish){ .name = probe->words[1],
						       .description = "a nonce",
						       .scopes = { scopes, 1 },
						       .access_level = number(probe->words[3]),
						       .expires_on = date(probe->words[4]) },
					       probe->arena, &token, probe->err))
		return false;
	puts("ok");
	print_token(&token);
	return true;
}

static bool
probe_revoke(struct probe *probe)
{
	struct owner owner;

	if (!resolve(probe, &owner) ||
		!token_revoke(probe->gitlab, &owner, number(probe->words[1]), probe->err))
		return false;
	puts("ok");
	return true;
}

/* --- variables: LEVEL ID KEY SCOPE [VALUE DESCRIPTION VISIBILITY] --- */

static struct variable_where
where_of(char **words)
{
	static const struct word levels[] = { { "project", VARIABLE_PROJECT },
		{ "group", VARIABLE_GROUP }, { "instance", VARIABLE_INSTANCE } };
	struct variable_where where = {
		.owner_id = number(words[1]), .key = words[2], .scope = words[3]
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (!strcmp(words[0], levels[i].word))
			where.level = (enum variable_level)levels[i].value;
	return where;
}

static void
print_variable(const struct variable *variable)
{
	printf("key=%s\nscope=%s\ndescription=%s\nmasked=%d\nhidden=%d\nprotected=%d\nraw=%d\n",
		variable->key, variable->environment_scope ? variable->environment_scope : "",
		variable->description ? variable->description : "", variable->masked,
		variable->hidden, variable->protected, variable->raw);
	print_secret("value", variable->value);
}

static bool
probe_variable_get(struct probe *probe)
{
	const struct variable_where where = where_of(probe->words);
	auto_variable struct variable variable = { 0 };
	bool found;

	if (!variable_get(probe->gitlab, &where, probe->arena, &found, &variable, probe->err))
		return false;
	printf("ok\nfound=%d\n", found);
	if (found)
		print_variable(&variable);
	return true;
}

static bool
write_variable(struct probe *probe, bool creates)
{
	static const char *const visibilities[] = { "kept", "visible", "masked", "hidden" };
	const struct variable_where where = where_of(probe->words);
	auto_secret struct secret *value =
		*probe->words[4] ? secret_copy(probe->words[4], strlen(probe->words[4])) : NULL;
	struct variable_change change = { .value = value,
		.description = probe->words[5],
		.raw = creates ? STATED_YES : UNSTATED };
	auto_variable struct variable variable = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(visibilities); i++)
		if (!strcmp(probe->words[6], visibilities[i]))
			change.visibility = (enum visibility)i;
	if (!(creates ? variable_create : variable_update)(
		    probe->gitlab, &where, &change, probe->arena, &variable, probe->err))
		return false;
	puts("ok");
	print_variable(&variable);
	return true;
}

static bool
probe_variable_create(struct probe *probe)
{
	return write_variable(probe, true);
}

static bool
probe_variable_update(struct probe *probe)
{
	return write_variable(probe, false);
}

/* --- people --- */

static bool
probe_me(struct probe *probe)
{
	struct person me;
	const char *version;

	if (!people_me(probe->gitlab, probe->arena, &me, probe->err) ||
		!people_version(probe->gitlab, probe->arena, &version, probe->err))
		return false;
	printf("ok\nid=%" PRId64 "\nusername=%s\nis_admin=%d\nversion=%s\nhides=%d\n", me.id,
		me.username, me.is_admin, version,
		gitlab_at_least(gitlab_server_of(probe->gitlab), 17, 6));
	printf("now=%" PRId64 "\nsent=%u\n", gitlab_now(gitlab_server_of(probe->gitlab)),
		gitlab_requests_sent(gitlab_server_of(probe->gitlab)));
	return true;
}

/* project|group ID USER */
static bool
probe_level(struct probe *probe)
{
	int64_t level;

	if (!people_level(probe->gitlab, !strcmp(probe->words[0], "project"),
		    number(probe->words[1]), number(probe->words[2]), &level, probe->err))
		return false;
	printf("ok\nlevel=%" PRId64 "\n", level);
	return true;
}

/* projects|groups ID */
static bool
probe_places(struct probe *probe)
{
	const bool of_projects = !strcmp(probe->words[0], "projects");
	const struct place_of_work *items;
	struct list list;

	if (!(of_projects ? people_projects : people_groups)(
		    probe->gitlab, number(probe->words[1]), probe->arena, &list, probe->err))
		return false;
	items = list.items;
	printf("ok\ncount=%zu\n", list.count);
	for (size_t i = 0; i < list.count; i++)
		printf("%" PRId64 "=%s\n", items[i].id, items[i].path);
	return true;
}

static bool
probe_jobs(struct probe *probe)
{
	const struct job *items;
	struct list list;

	if (!job_list_active(
		    probe->gitlab, number(probe->words[0]), probe->arena, &list, probe->err))
		return false;
	items = list.items;
	printf("ok\ncount=%zu\n", list.count);
	for (size_t i = 0; i < list.count; i++)
		printf("%s=%s %s %s %d\n", items[i].name, items[i].status, items[i].stage,
			items[i].ref, items[i].started_msec != NO_MOMENT);
	return true;
}

static const struct {
	const char *name;
	int words;
	bool (*does)(struct probe *probe);
} commands[] = {
	{ "owner", 1, probe_owner },
	{ "self", 0, probe_self },
	{ "list", 1, probe_list },
	{ "get", 2, probe_get },
	{ "rotate", 3, probe_rotate },
	{ "create", 5, probe_create },
	{ "revoke", 2, probe_revoke },
	{ "variable-get", 4, probe_variable_get },
	{ "variable-create", 7, probe_variable_create },
	{ "variable-update", 7, probe_variable_update },
	{ "me", 0, probe_me },
	{ "level", 3, probe_level },
	{ "places", 2, probe_places },
	{ "jobs", 1, probe_jobs },
};

static bool
run(const char *url, char **words, int count, struct err *err)
{
	const struct http_options options = { .url = url, .user_agent = "client_probe" };
	const char *text = getenv("CREDENTIAL");
	auto_secret struct secret *credential =
		secret_copy(text ? text : "", text ? strlen(text) : 0);
	auto_http_site struct http_site *site = NULL;
	auto_gitlab_server struct gitlab_server *server = NULL;
	auto_gitlab struct gitlab *gitlab = NULL;
	auto_arena struct arena *arena = arena_new();

	if (!http_site_new(&options, &site, err))
		return false;
	server = gitlab_server_new(site, NULL);
	gitlab = gitlab_new(server, credential);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(words[0], commands[i].name) && count == commands[i].words + 1)
			return commands[i].does(
				&(struct probe){ gitlab, arena, words + 1, err });
	return err_set(err, ERR_USAGE, 0, "no such command, or not so many words");
}

int
main(int count, char **words)
{
	struct err err = { 0 };

	json_start();
	if (count >= 3 && secret_start(&err) && http_start(&err) &&
		run(words[1], words + 2, count - 2, &err))
		return 0;
	printf("%s\ntext=%s\n", kind_names[err.kind], err.text);
	return 1;
}
