#include "gitlab/door.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"

#define REGISTRY "/jwt/auth?service=container_registry"
#define ADVERTISES "# service=git-upload-pack\n"
#define DENIED "HTTP Basic: Access denied"

/* --- what an answer says --- */

struct said {
	struct place at;
	struct secret *token; /* for the registry itself; that it came is all that counts */
	struct list errors;
};

struct said_error {
	struct place at;
	const char *code;
};
static const struct field error_fields[] = {
	{ "code", FIELD_TEXT, offsetof(struct said_error, code) },
	{ NULL },
};
static const struct shape error_shape = { "an error", error_fields, sizeof(struct said_error),
	.tolerant = true };
static const struct field said_fields[] = {
	{ "token", FIELD_SECRET, offsetof(struct said, token) },
	{ "errors", FIELD_LIST, offsetof(struct said, errors), .shape = &error_shape },
	{ NULL },
};
static const struct shape said_shape = { "an answer", said_fields, sizeof(struct said),
	.tolerant = true };

/* Whether it has a token, without `code`; or an error of that code. */
static bool
says(const struct http_answer *answer, const char *code)
{
	auto_arena struct arena *arena = arena_new();
	struct said said = { 0 };
	struct err ignored;
	bool does;

	if (!strstr(answer->content_type, "json") ||
		!json_decode(answer->body, &said_shape, arena, &said, &ignored))
		return false;
	does = !code && said.token && secret_length(said.token);
	for (size_t i = 0; i < said.errors.count && code; i++) {
		const struct said_error *error = (struct said_error *)said.errors.items + i;

		does = does || (error->code && !strcmp(error->code, code));
	}
	secret_free(said.token);
	return does;
}

static bool
holds(const struct http_answer *answer, const char *words)
{
	auto_secret struct secret *wanted = secret_copy(words, strlen(words));

	return secret_holds(answer->body, wanted);
}

bool
door_is_registry(const struct http_answer *answer)
{
	return answer->status == 403 && says(answer, "DENIED");
}

enum door_word
door_word_of_registry(const struct http_answer *answer)
{
	if (answer->status == 200 && says(answer, NULL))
		return DOOR_OPENS;
	return answer->status == 401 && says(answer, "UNAUTHORIZED") ? DOOR_REFUSES
	                                                             : DOOR_SILENT;
}

enum door_word
door_word_of_git(const struct http_answer *answer)
{
	if (answer->status == 200 &&
		!strcmp(answer->content_type, "application/x-git-upload-pack-advertisement") &&
		holds(answer, ADVERTISES))
		return DOOR_OPENS;
	return answer->status == 401 && !strcmp(answer->content_type, "text/plain") &&
	                       holds(answer, DENIED)
	               ? DOOR_REFUSES
	               : DOOR_SILENT;
}

/* --- asking --- */

struct asking {
	struct gitlab *gitlab;
	const struct door_login *login;
	struct arena *arena;
	enum door_word word;
	const char *why;
};

/* Never its text: it may repeat what it was shown. */
static const char *
why_of(const struct asking *asking, const char *door, const struct http_answer *answer)
{
	return answer->status
	               ? arena_format(asking->arena, "the door of %s answered %d", door,
				 answer->status)
	               : arena_format(asking->arena, "the door of %s did not answer", door);
}

static bool
knock(struct asking *asking, const char *door, const char *path,
	enum door_word (*word_of)(const struct http_answer *answer), struct err *err)
{
	const struct door_login *login = asking->login;
	const size_t length = strlen(login->username);
	auto_secret struct secret *pair = secret_new(length + 1 + secret_length(login->secret));
	auto_secret struct secret *text = NULL;
	auto_http_answer struct http_answer answer = { 0 };

	if (!secret_append(pair, login->username, length) || !secret_append(pair, ":", 1) ||
		!secret_join(pair, login->secret))
		return true;
	text = secret_base64(pair);
	if (!gitlab_knock(asking->gitlab, path, text, &answer, err))
		return false;
	asking->word = word_of(&answer);
	asking->why = why_of(asking, door, &answer);
	return true;
}

static bool
ask_registry(struct asking *asking, struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };

	if (!gitlab_knock(asking->gitlab, REGISTRY, NULL, &answer, err))
		return false;
	if (door_is_registry(&answer))
		return knock(
			asking, "the container registry", REGISTRY, door_word_of_registry, err);
	asking->why = answer.status == 404 ? "GitLab has no container registry"
	                                   : why_of(asking, "the container registry", &answer);
	return true;
}

struct project {
	struct place at;
	int64_t id;
	const char *path, *repository;
};
static const struct field project_fields[] = {
	{ "id", FIELD_INT, offsetof(struct project, id), .required = true },
	{ "path_with_namespace", FIELD_TEXT, offsetof(struct project, path), .required = true },
	{ "repository_access_level", FIELD_TEXT, offsetof(struct project, repository) },
	{ NULL },
};
static const struct shape project_shape = { "a project", project_fields, sizeof(struct project),
	.tolerant = true };

static const char *
git_path(const char *path, struct arena *arena)
{
	const char *escaped = "";

	for (size_t length; *path; path += length + (path[length] == '/')) {
		length = strcspn(path, "/");
		escaped = arena_format(arena, "%s/%s", escaped,
			http_escape(arena, arena_format(arena, "%.*s", (int)length, path)));
	}
	return arena_format(arena, "%s.git/info/refs?service=git-upload-pack", escaped);
}

/* Where the repository is switched off GitLab refuses every deploy token. A refusal is believed when it comes twice. */
static bool
ask_git(struct asking *asking, struct err *err)
{
	const int64_t id = asking->login->owner->id;
	struct project project = { 0 };

	if (!gitlab_get(asking->gitlab,
		    arena_format(asking->arena, "/api/v4/projects/%" PRId64, id),
		    &project_shape, asking->arena, &project, err)) {
		asking->why = "its project cannot be read";
		return err->kind == ERR_REFUSED || err->kind == ERR_MOVED;
	}
	if (project.id != id ||
		(project.repository && !strcmp(project.repository, "disabled"))) {
		asking->why = "its project has no repository";
		return true;
	}
	/* What takes the login away on its way is refused by GitLab too, at this door. At the registry's, be it there or not, only a login is. */
	return knock(asking, "the repository", git_path(project.path, asking->arena),
		       door_word_of_git, err) &&
	       (asking->word != DOOR_REFUSES || knock(asking, "the container registry",
							REGISTRY, door_word_of_registry, err));
}

static bool
has_scope(const struct door_login *login, const char *scope)
{
	for (size_t i = 0; i < login->scopes.count; i++)
		if (!strcmp(login->scopes.items[i], scope))
			return true;
	return false;
}

bool
door_ask(struct gitlab *gitlab, const struct door_login *login, struct arena *arena,
	enum door_word *word, const char **why, struct err *err)
{
	struct asking asking = { gitlab, login, arena, DOOR_SILENT,
		"its scopes are for no door that could be asked" };

	/* A colon ends the name. */
	if (!login->username || !*login->username || strchr(login->username, ':'))
		asking.why = "its user name cannot be shown at a door";
	else if (((has_scope(login, "read_registry") || has_scope(login, "write_registry")) &&
			 !ask_registry(&asking, err)) ||
		 (asking.word == DOOR_SILENT && has_scope(login, "read_repository") &&
			 login->owner->type == TYPE_PROJECT_DEPLOY && !ask_git(&asking, err)))
		return false;
	*word = asking.word;
	*why = asking.why;
	return true;
}
