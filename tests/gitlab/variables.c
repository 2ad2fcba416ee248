/* variables.c: CI/CD variables of projects, groups and the instance. */
#include "access.h"
#include "page.h"
#include "route.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MANY                                                                                   \
	"There are multiple variables with provided parameters. Please use "                   \
	"'filter[environment_scope]'"

enum level { LEVEL_OF_PROJECT, LEVEL_OF_GROUP, LEVEL_OF_INSTANCE };

static json_t *
variable_json(const struct sim *sim, enum level level, const struct variable *variable)
{
	json_t *json = json_pack(
		"{s:s, s:s}", "variable_type", variable->variable_type, "key", variable->key);
	int described_from = level == LEVEL_OF_INSTANCE ? V(16, 8) : V(16, 2);

	json_object_set_new(
		json, "value", variable->hidden ? json_null() : json_string(variable->value));
	if (level != LEVEL_OF_INSTANCE && sim->version >= V(17, 4))
		json_object_set_new(json, "hidden", json_boolean(variable->hidden));
	json_object_set_new(json, "protected", json_boolean(variable->protected));
	json_object_set_new(json, "masked", json_boolean(variable->masked));
	json_object_set_new(json, "raw", json_boolean(variable->raw));
	if (level != LEVEL_OF_INSTANCE)
		json_object_set_new(
			json, "environment_scope", json_string(variable->environment_scope));
	if (sim->version >= described_from)
		json_object_set_new(json, "description",
			variable->description ? json_string(variable->description)
					      : json_null());
	return json;
}

static json_t *
variable_view(struct sim *sim, struct request *request, void *row)
{
	return variable_json(sim, LEVEL_OF_PROJECT, ((void)request, row));
}

static json_t *
instance_variable_view(struct sim *sim, struct request *request, void *row)
{
	return variable_json(sim, LEVEL_OF_INSTANCE, ((void)request, row));
}

/* The variables the caller may manage; NULL: answered. */
static struct list *
variables_require(
	struct sim *sim, struct request *request, enum level level, struct answer *answer)
{
	struct resource *resource;

	if (level == LEVEL_OF_INSTANCE)
		return &sim->world.variables;
	resource = resource_require(
		sim, request, level == LEVEL_OF_GROUP ? GROUP : PROJECT, answer);
	if (!resource)
		return NULL;
	if (resource->archived || resource->no_repository || resource->no_builds ||
		!has_level(sim, request, resource,
			level == LEVEL_OF_GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER)) {
		error_forbidden(answer);
		return NULL;
	}
	return &resource->variables;
}

static const char *
filter_scope(const struct request *request)
{
	return json_string_value(json_object_get(
		json_object_get(request->params, "filter"), "environment_scope"));
}

/* The first of the variables with that key, and scope unless that is NULL. */
static struct variable *
variable_find(const struct list *variables, const char *key, const char *scope, size_t *count)
{
	struct variable *first = NULL;

	*count = 0;
	for (size_t i = 0; i < variables->count; i++) {
		struct variable *variable = variables->items[i];

		if (strcmp(variable->key, key) != 0 ||
			(scope && strcmp(variable->environment_scope, scope) != 0))
			continue;
		if ((*count)++ == 0)
			first = variable;
	}
	return first;
}

static struct variable *
variable_require(const struct list *variables, const struct request *request, enum level level,
	struct answer *answer)
{
	static const char *const words[] = { "Variable", "GroupVariable", "InstanceVariable" };
	size_t count;
	struct variable *variable = variable_find(
		variables, param_text(request, "key"), filter_scope(request), &count);

	if (!variable)
		error_not_found(answer, words[level]);
	else if (count > 1)
		error_message(answer, 409, "%s", MANY);
	else
		return variable;
	return NULL;
}

/* A group's PUT asks for no clear answer: without a filter any row of that key will do, and a
 * filter that finds nothing falls back to that. */
static struct variable *
variable_require_for_update(const struct list *variables, const struct request *request,
	enum level level, struct answer *answer)
{
	const char *scope = filter_scope(request);
	size_t count;
	struct variable *any;

	if (level != LEVEL_OF_GROUP)
		return variable_require(variables, request, level, answer);
	if (scope && variable_find(variables, param_text(request, "key"), scope, &count))
		return variable_require(variables, request, level, answer);
	any = variable_find(variables, param_text(request, "key"), NULL, &count);
	if (!any)
		error_not_found(answer, "GroupVariable");
	return any;
}

static bool
key_valid(const char *key)
{
	if (!*key || strlen(key) > 255)
		return false;
	for (; *key; key++) {
		if (!isalnum((unsigned char)*key) && *key != '_')
			return false;
	}
	return true;
}

/* What a job log can mask: eight characters, no blanks; expanded values have fewer letters. */
static bool
maskable(const struct variable *variable)
{
	const char *value = variable->value;

	if (strlen(value) < 8)
		return false;
	for (; *value; value++) {
		if (isspace((unsigned char)*value))
			return false;
		if (!variable->raw && !isalnum((unsigned char)*value) &&
			!strchr("_+=/@:.~-", *value))
			return false;
	}
	return true;
}

static bool
variable_valid(const struct list *variables, const struct variable *variable, enum level level,
	struct answer *answer)
{
	char *taken;

	if (!key_valid(variable->key))
		error_validation(answer, "key", "can contain only letters, digits and '_'.");
	for (size_t i = 0; i < variables->count; i++) {
		const struct variable *other = variables->items[i];

		if (other->id == variable->id || strcmp(other->key, variable->key) != 0 ||
			strcmp(other->environment_scope, variable->environment_scope) != 0)
			continue;
		taken = must_print("(%s) has already been taken", variable->key);
		error_validation(answer, "key", taken);
		free(taken);
	}
	if (variable->masked && !maskable(variable))
		error_validation(answer, "value", "is invalid");
	if (level == LEVEL_OF_INSTANCE && strlen(variable->value) > 10000)
		error_validation(answer, "value",
			"The value of the provided variable exceeds the 10000 character limit");
	if (variable->description && strlen(variable->description) > 255)
		error_validation(
			answer, "description", "is too long (maximum is 255 characters)");
	return answer->status == 0;
}

static void
text_take(const struct request *request, const char *name, char **into)
{
	const char *text = param_text(request, name);

	if (!text)
		return;
	free(*into);
	*into = must_copy(text);
}

static void
true_take(const struct request *request, const char *name, bool *into)
{
	if (json_is_boolean(json_object_get(request->params, name)))
		*into = param_true(request, name);
}

static void
attributes_take(const struct request *request, struct variable *variable)
{
	text_take(request, "value", &variable->value);
	text_take(request, "variable_type", &variable->variable_type);
	text_take(request, "environment_scope", &variable->environment_scope);
	text_take(request, "description", &variable->description);
	true_take(request, "masked", &variable->masked);
	true_take(request, "protected", &variable->protected);
	true_take(request, "raw", &variable->raw);
	if (param_true(request, "masked_and_hidden"))
		variable->masked = variable->hidden = true;
}

static void
variables_list(
	struct sim *sim, struct request *request, enum level level, struct answer *answer)
{
	struct list *variables = variables_require(sim, request, level, answer);

	if (variables)
		page_answer(sim, request, variables,
			level == LEVEL_OF_INSTANCE ? instance_variable_view : variable_view,
			answer);
}

static void
variable_get(struct sim *sim, struct request *request, enum level level, struct answer *answer)
{
	struct list *variables = variables_require(sim, request, level, answer);
	struct variable *variable =
		variables ? variable_require(variables, request, level, answer) : NULL;

	if (variable)
		answer_json(answer, 200, variable_json(sim, level, variable));
}

static char *
stripped(const char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	return strndup(text, length);
}

static void
variable_create(
	struct sim *sim, struct request *request, enum level level, struct answer *answer)
{
	struct list *variables = variables_require(sim, request, level, answer);
	struct variable *variable;
	char *key;

	if (!variables)
		return;
	key = stripped(param_text(request, "key") ? param_text(request, "key") : "");
	variable = variable_add(&sim->world, variables, key);
	free(key);
	attributes_take(request, variable);
	if (variable_valid(variables, variable, level, answer))
		answer_json(answer, 201, variable_json(sim, level, variable));
	else
		variable_remove(variables, variable);
}

/* The row is changed in place and put back when the result is not valid. */
static void
variable_update(
	struct sim *sim, struct request *request, enum level level, struct answer *answer)
{
	struct list *variables = variables_require(sim, request, level, answer);
	struct variable *variable =
		variables ? variable_require_for_update(variables, request, level, answer)
			  : NULL;
	struct variable before;
	struct variable *draft;

	if (!variable)
		return;
	before = *variable;
	draft = must_alloc(sizeof(*draft));
	*draft = before;
	draft->key = must_copy(before.key);
	draft->value = must_copy(before.value);
	draft->environment_scope = must_copy(before.environment_scope);
	draft->description = before.description ? must_copy(before.description) : NULL;
	draft->variable_type = must_copy(before.variable_type);
	attributes_take(request, draft);
	if (before.hidden && !draft->masked)
		error_validation(answer, "base",
			"The visibility setting cannot be changed for masked and hidden variables.");
	if (variable_valid(variables, draft, level, answer)) {
		*variable = *draft;
		*draft = before;
		answer_json(answer, 200, variable_json(sim, level, variable));
	}
	variable_free(draft);
}

static void
variable_delete(
	struct sim *sim, struct request *request, enum level level, struct answer *answer)
{
	struct list *variables = variables_require(sim, request, level, answer);
	struct variable *variable =
		variables ? variable_require(variables, request, level, answer) : NULL;

	if (!variable)
		return;
	variable_remove(variables, variable);
	answer_no_content(answer);
}

#define FOR(prefix, level, function)                                                           \
	static void prefix##_##function(                                                       \
		struct sim *sim, struct request *request, struct answer *answer)               \
	{                                                                                      \
		function(sim, request, level, answer);                                         \
	}
#define FOR_ALL(function)                                                                      \
	FOR(project, LEVEL_OF_PROJECT, function)                                               \
	FOR(group, LEVEL_OF_GROUP, function)                                                   \
	FOR(instance, LEVEL_OF_INSTANCE, function)

FOR_ALL(variables_list)
FOR_ALL(variable_get)
FOR_ALL(variable_create)
FOR_ALL(variable_update)
FOR_ALL(variable_delete)

/* clang-format off */
#define FILTER(release) { "filter", PARAM_FILTER, .from = release }
#define ATTRIBUTES(described_from) \
	{ "variable_type", PARAM_TEXT, .values = "env_var,file" }, \
	{ "protected", PARAM_TRUE }, \
	{ "masked", PARAM_TRUE }, \
	{ "raw", PARAM_TRUE }, \
	{ "description", PARAM_TEXT, .from = described_from }
#define SCOPE { "environment_scope", PARAM_TEXT }
#define KEY_AND_VALUE \
	{ "key", PARAM_TEXT, .required = true }, \
	{ "value", PARAM_TEXT, .required = true }

static const struct param list_params[] = { PAGE_PARAMS, { 0 } };
static const struct param project_key_params[] = { FILTER(0), { 0 } };
static const struct param group_key_params[] = { FILTER(V(16, 9)), { 0 } };
static const struct param create_params[] = {
	KEY_AND_VALUE, ATTRIBUTES(V(16, 2)), SCOPE,
	{ "masked_and_hidden", PARAM_TRUE, .from = V(17, 6) }, { 0 }
};
static const struct param project_update_params[] = {
	{ "value", PARAM_TEXT }, ATTRIBUTES(V(16, 2)), SCOPE, FILTER(0), { 0 }
};
static const struct param group_update_params[] = {
	{ "value", PARAM_TEXT }, ATTRIBUTES(V(16, 2)), SCOPE, FILTER(V(16, 9)), { 0 }
};
static const struct param instance_create_params[] = { KEY_AND_VALUE, ATTRIBUTES(V(16, 8)), { 0 } };
static const struct param instance_update_params[] = {
	{ "value", PARAM_TEXT }, ATTRIBUTES(V(16, 8)), { 0 }
};

#define ROUTES(prefix, base, key_params, create_params, update_params, is_admin)                                \
	{ "GET",    base,         prefix##_variables_list,  list_params,   .admin = is_admin },                 \
	{ "POST",   base,         prefix##_variable_create, create_params, .admin = is_admin },                 \
	{ "GET",    base "/:key", prefix##_variable_get,    key_params,    .admin = is_admin },                 \
	{ "PUT",    base "/:key", prefix##_variable_update, update_params, .admin = is_admin },                 \
	{ "DELETE", base "/:key", prefix##_variable_delete, key_params,    .admin = is_admin }

const struct route variable_routes[] = {
	ROUTES(project, "/projects/:id/variables", project_key_params, create_params, project_update_params, false),
	ROUTES(group, "/groups/:id/variables", group_key_params, create_params, group_update_params, false),
	ROUTES(instance, "/admin/ci/variables", NULL, instance_create_params, instance_update_params, true),
	{ 0 }
};
/* clang-format on */
