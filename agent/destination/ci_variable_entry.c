#include "destination/ci_variable.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/advice.h"
#include "base/checks.h"
#include "gitlab/people.h"

#define SCOPES_MOST 100

static bool
check_type(const char *text, char *why, size_t why_bytes)
{
	if (!strcmp(text, "env_var") || !strcmp(text, "file"))
		return true;
	snprintf(why, why_bytes, "expected env_var or file, not '%s'", text);
	return false;
}

/* clang-format off */
const struct word ci_variable_visibilities[] = {
	{ "visible", VISIBILITY_VISIBLE }, { "masked", VISIBILITY_MASKED },
	{ "hidden", VISIBILITY_HIDDEN }, { NULL },
};

#define FILLS(member) offsetof(struct ci_variable_entry, member)
static const struct field entry_fields[] = {
	{ "key",               FIELD_TEXT,  FILLS(key), .required = true, .max = VARIABLE_TEXT_MAX,
	  .help = "the variable's name; may hold templates" },
	{ "project",           FIELD_TEXT,  FILLS(project), .max = VARIABLE_TEXT_MAX,
	  .help = "full path of the project; unstated: the token's own" },
	{ "group",             FIELD_TEXT,  FILLS(group), .max = VARIABLE_TEXT_MAX,
	  .help = "full path of the group; unstated: the token's own" },
	{ "instance",          FIELD_BOOL,  FILLS(instance),
	  .help = "yes: a variable of the whole instance, for administrators; it has no environment scope and cannot be hidden" },
	{ "environment_scope", FIELD_TEXTS, FILLS(environment_scope), .max = VARIABLE_TEXT_MAX,
	  .help = "one or several (100 at the most), each its own variable; unstated: *" },
	{ "visibility",        FIELD_WORD,  FILLS(visibility), .words = ci_variable_visibilities,
	  .help = "unstated: kept; a new variable is masked" },
	{ "protected",         FIELD_BOOL,  FILLS(protected),
	  .help = "unstated: kept; a new variable is protected" },
	{ "raw",               FIELD_BOOL,  FILLS(raw),
	  .help = "yes: $ in the value stays as it is; unstated: kept; a new variable is raw" },
	{ "type",              FIELD_TEXT,  FILLS(type), .check = check_type,
	  .help = "env_var or file; unstated: kept; a new variable is env_var" },
	{ NULL },
};
/* clang-format on */

const struct shape ci_variable_entry_shape = {
	.name = "a ci_variable",
	.fields = entry_fields,
	.bytes = sizeof(struct ci_variable_entry),
	.scalar = "key",
};

/* clang-format off */
#undef FILLS
#define FILLS(member) offsetof(struct variable_place, member)
static const struct word levels[] = {
	{ "project", VARIABLE_PROJECT }, { "group", VARIABLE_GROUP },
	{ "instance", VARIABLE_INSTANCE }, { NULL },
};
static const struct field place_fields[] = {
	{ "level",      FIELD_WORD, FILLS(level), .required = true, .words = levels },
	{ "owner",      FIELD_TEXT, FILLS(owner) },
	{ "key",        FIELD_TEXT, FILLS(key), .required = true },
	{ "scope",      FIELD_TEXT, FILLS(scope), .required = true },
	{ "type",       FIELD_TEXT, FILLS(type) },
	{ "visibility", FIELD_WORD, FILLS(visibility), .words = ci_variable_visibilities },
	{ "protected",  FIELD_BOOL, FILLS(protected) },
	{ "raw",        FIELD_BOOL, FILLS(raw) },
	{ NULL },
};
/* clang-format on */

const struct shape variable_place_shape = {
	.name = "a variable's place",
	.fields = place_fields,
	.bytes = sizeof(struct variable_place),
};

const struct variable_place *
ci_variable_place(const struct destination *variable)
{
	assert(variable->to.kind == DESTINATION_CI_VARIABLE ||
		variable->to.kind == DESTINATION_CI_DEPLOY_PAIR);
	return variable->to.value;
}

/* --- from the policy's words to one place --- */

static bool
path_is_possible(const char *path, int level)
{
	return text_is_made_of(path, "_./-") && strlen(path) <= VARIABLE_TEXT_MAX &&
	       path[0] != '/' && path[strlen(path) - 1] != '/' && !strstr(path, "..") &&
	       !strstr(path, "//") && (level != VARIABLE_PROJECT || strchr(path, '/'));
}

static bool
scope_is_possible(const char *scope)
{
	if (!*scope || strlen(scope) > VARIABLE_TEXT_MAX)
		return false;
	for (; *scope; scope++)
		if ((unsigned char)*scope <= 0x20 || *scope == 0x7f)
			return false;
	return true;
}

/* The level at which the token's own owner keeps variables; 0 when the address does not say it. */
static int
own_level(enum token_type type)
{
	switch (type) {
	case TYPE_PROJECT:
	case TYPE_PROJECT_DEPLOY:
	case TYPE_TRIGGER:
	case TYPE_KUBERNETES_AGENT:
		return VARIABLE_PROJECT;
	case TYPE_GROUP:
	case TYPE_GROUP_DEPLOY:
		return VARIABLE_GROUP;
	default:
		return 0;
	}
}

/* GitLab knows neither for the instance's. */
static bool
resolve_instance(
	const struct ci_variable_entry *entry, struct variable_place *variable, struct err *err)
{
	if (entry->project || entry->group)
		return err_set(err, ERR_POLICY, 0,
			"'instance' excludes 'project' and 'group': the variable is for all of them");
	if (entry->environment_scope.count)
		return err_set(err, ERR_POLICY, 0,
			"a variable of the instance has no 'environment_scope'");
	if (entry->visibility == VISIBILITY_HIDDEN)
		return err_set(
			err, ERR_POLICY, 0, "a variable of the instance cannot be hidden");
	variable->level = VARIABLE_INSTANCE;
	return true;
}

static bool
resolve_owner(const struct ci_variable_entry *entry, const struct expansion *expansion,
	struct variable_place *variable, struct err *err)
{
	const struct address *token = expansion->token;
	const char *stated = entry->project ? entry->project : entry->group;

	if (entry->instance == STATED_YES)
		return resolve_instance(entry, variable, err);
	if (entry->project && entry->group)
		return err_set(err, ERR_POLICY, 0, "'project' and 'group' exclude each other");
	variable->level = entry->project ? VARIABLE_PROJECT : VARIABLE_GROUP;
	if (stated)
		return template_fill(stated, token, expansion->arena, &variable->owner, err);
	variable->level = own_level(token->type);
	if (!variable->level)
		return err_set(err, ERR_POLICY, 0,
			"a token of type %s has no project or group of its own: add 'project:' or 'group:'",
			token_type_name(token->type));
	variable->owner = token->owner;
	return true;
}

/* GitLab's paths do not tell capital letters from small ones. A group's own are the groups and projects
 * below it, too. */
static bool
is_inside(const struct variable_place *variable, const struct address *token)
{
	const size_t length = strlen(token->owner);
	const int level = own_level(token->type);

	if (!level || !variable->owner || strncasecmp(variable->owner, token->owner, length))
		return false;
	if (!variable->owner[length])
		return variable->level == level;
	return level == VARIABLE_GROUP && variable->owner[length] == '/';
}

static bool
check_place(const struct variable_place *variable, const struct expansion *expansion,
	struct err *err)
{
	if (variable->owner && !path_is_possible(variable->owner, variable->level))
		return err_set(err, ERR_POLICY, 0, "'%s' is no full path of a %s",
			variable->owner,
			variable->level == VARIABLE_PROJECT ? "project" : "group");
	if (!text_is_made_of(variable->key, "_") || strlen(variable->key) > VARIABLE_TEXT_MAX)
		return err_set(err, ERR_POLICY, 0,
			"'%s' is no variable's key: 1 to 255 letters, digits and '_'",
			variable->key);
	if (expansion->inside_only && !is_inside(variable, expansion->token))
		return err_set(err, ERR_POLICY, 0,
			"a pattern delivers inside its token's own owner, and '%s' is outside of '%s': "
			"add 'outside_owner: true' if that is meant",
			variable->owner ? variable->owner : "the instance",
			expansion->token->owner);
	return true;
}

const char *
ci_variable_text(const struct variable_place *variable, struct arena *arena)
{
	if (variable->level == VARIABLE_INSTANCE)
		return arena_format(arena, "ci_variable instance %s", variable->key);
	return arena_format(arena, "ci_variable %s%s %s %s",
		variable->level == VARIABLE_GROUP ? "group:" : "", variable->owner,
		variable->key, variable->scope);
}

bool
ci_variable_resolve(const struct ci_variable_entry *entry, const struct expansion *expansion,
	struct variable_place *variable, struct err *err)
{
	struct variable_place draft = { .at = entry->at,
		.type = entry->type,
		.visibility = entry->visibility,
		.protected = entry->protected,
		.raw = entry->raw };

	if (!resolve_owner(entry, expansion, &draft, err) ||
		!template_fill(
			entry->key, expansion->token, expansion->arena, &draft.key, err) ||
		!check_place(&draft, expansion, err))
		return false;
	*variable = draft;
	return true;
}

static bool
add_scope(const char *scope, struct variable_place *variable, const struct expansion *expansion,
	struct err *err)
{
	if (!template_fill(scope, expansion->token, expansion->arena, &variable->scope, err))
		return false;
	if (!scope_is_possible(variable->scope))
		return err_set(
			err, ERR_POLICY, 0, "'%s' is no environment scope", variable->scope);
	expansion_add(expansion, DESTINATION_CI_VARIABLE,
		ci_variable_text(variable, expansion->arena), variable, sizeof(*variable));
	return true;
}

bool
ci_variable_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct ci_variable_entry *entry = value;
	struct variable_place variable;

	if (entry->environment_scope.count > SCOPES_MOST)
		return err_set(err, ERR_POLICY, 0,
			"%zu environment scopes: expected at most %d, each is a variable of its own",
			entry->environment_scope.count, SCOPES_MOST);
	if (!ci_variable_resolve(entry, expansion, &variable, err))
		return false;
	if (!entry->environment_scope.count)
		return add_scope("*", &variable, expansion, err);
	for (size_t i = 0; i < entry->environment_scope.count; i++)
		if (!add_scope(entry->environment_scope.items[i], &variable, expansion, err))
			return false;
	return true;
}

/* --- whose it is, by number --- */

struct destination_home
ci_variable_home(const struct destination *variable)
{
	const struct variable_place *place = ci_variable_place(variable);

	return (struct destination_home){ place->level, place->owner };
}

static bool
place_at(const struct destination_tools *tools, int level, const char *path, int64_t known_id,
	int64_t *id, struct err *err)
{
	struct place_of_work place;
	bool ok;

	if (level == VARIABLE_PROJECT)
		ok = known_id ? people_project(
					tools->gitlab, known_id, tools->arena, &place, err)
		              : people_project_at(
					tools->gitlab, path, tools->arena, &place, err);
	else
		ok = known_id ? people_group(tools->gitlab, known_id, tools->arena, &place, err)
		              : people_group_at(tools->gitlab, path, tools->arena, &place, err);
	if (ok)
		*id = place.id;
	return ok;
}

bool
ci_variable_pin_at(const struct destination_tools *tools, int level, const char *path,
	int64_t *owner_id, struct err *err)
{
	int64_t id = 0;
	bool found;

	if (!path)
		return true;
	found = place_at(tools, level, path, 0, &id, err);
	if (!found && err->kind != ERR_MOVED)
		return false;
	if (found && *owner_id && id != *owner_id) {
		err_set(err, ERR_PERSON, 0,
			"'%s' is now number %lld, and was number %lld when it was adopted",
			path, (long long)id, (long long)*owner_id);
		return err_advise(err, GLR_PATH_MOVED);
	}
	/* A renamed project is still ours to write to: its number says so. */
	if (!found && *owner_id)
		found = place_at(tools, level, path, *owner_id, &id, err);
	if (!found && err->kind == ERR_MOVED)
		return err_set(err, ERR_REFUSED, 0,
			"'%s' is not there, or this credential may not see it", path);
	if (found)
		*owner_id = id;
	return found;
}

bool
ci_variable_pin(
	const struct destination_tools *tools, struct destination *variable, struct err *err)
{
	const struct variable_place *place = ci_variable_place(variable);

	return ci_variable_pin_at(tools, place->level, place->owner, &variable->owner_id, err);
}
