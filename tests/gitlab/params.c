#include "params.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
percent_decode(const char *text, size_t length)
{
	char *out = must_alloc(length + 1);
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned byte;

		if (text[i] == '%' && i + 2 < length && isxdigit((unsigned char)text[i + 1]) &&
			isxdigit((unsigned char)text[i + 2])) {
			sscanf(text + i + 1, "%2x", &byte);
			out[used++] = (char)byte;
			i += 2;
		} else {
			out[used++] = text[i];
		}
	}
	out[used] = '\0';
	return out;
}

char *
percent_encode(const char *text)
{
	char *out = must_alloc(strlen(text) * 3 + 1);
	size_t used = 0;

	for (; *text; text++) {
		if (isalnum((unsigned char)*text) || strchr("-_.~", *text))
			out[used++] = *text;
		else
			used += (size_t)sprintf(out + used, "%%%02X", (unsigned char)*text);
	}
	return out;
}

/* name[inner]=value and name[]=value, one level deep: GitLab's parameters need no more. */
static void
form_set(json_t *into, char *name, const char *value)
{
	char *bracket = strchr(name, '[');
	json_t *inner;

	if (!bracket || bracket[strlen(bracket) - 1] != ']') {
		json_object_set_new(into, name, json_string(value));
		return;
	}
	*bracket++ = '\0';
	bracket[strlen(bracket) - 1] = '\0';
	inner = json_object_get(into, name);
	if (*bracket == '\0') {
		if (!json_is_array(inner)) {
			inner = json_array();
			json_object_set_new(into, name, inner);
		}
		json_array_append_new(inner, json_string(value));
		return;
	}
	if (!json_is_object(inner)) {
		inner = json_object();
		json_object_set_new(into, name, inner);
	}
	json_object_set_new(inner, bracket, json_string(value));
}

static char *
form_text(const char *text, size_t length)
{
	char *copy = strndup(text, length);
	char *out;

	for (char *c = copy; *c; c++) {
		if (*c == '+')
			*c = ' ';
	}
	out = percent_decode(copy, strlen(copy));
	free(copy);
	return out;
}

void
form_decode(const char *form, json_t *into)
{
	while (*form) {
		size_t length = strcspn(form, "&");
		const char *equals = memchr(form, '=', length);
		size_t name_length = equals ? (size_t)(equals - form) : length;
		char *name = form_text(form, name_length);
		char *value = equals ? form_text(equals + 1, length - name_length - 1)
		                     : must_copy("");

		if (*name)
			form_set(into, name, value);
		free(name);
		free(value);
		form += length + (form[length] == '&');
	}
}

static const struct {
	const char *name;
	unsigned lists;
	int from;
} scopes[] = {
	/* clang-format off */
	{ "api", SCOPES_PERSONAL | SCOPES_RESOURCE },
	{ "read_api", SCOPES_PERSONAL | SCOPES_RESOURCE },
	{ "read_user", SCOPES_PERSONAL },
	{ "create_runner", SCOPES_PERSONAL | SCOPES_RESOURCE },
	{ "manage_runner", SCOPES_PERSONAL | SCOPES_RESOURCE, V(17, 3) },
	{ "k8s_proxy", SCOPES_PERSONAL | SCOPES_RESOURCE | SCOPES_OWN, V(16, 4) },
	{ "self_rotate", SCOPES_PERSONAL | SCOPES_RESOURCE | SCOPES_OWN, V(17, 9) },
	{ "read_repository", SCOPES_PERSONAL | SCOPES_RESOURCE | SCOPES_DEPLOY },
	{ "write_repository", SCOPES_PERSONAL | SCOPES_RESOURCE },
	{ "read_registry", SCOPES_PERSONAL | SCOPES_RESOURCE | SCOPES_DEPLOY },
	{ "write_registry", SCOPES_PERSONAL | SCOPES_RESOURCE | SCOPES_DEPLOY },
	{ "read_virtual_registry", SCOPES_PERSONAL | SCOPES_RESOURCE | SCOPES_DEPLOY, V(17, 8) },
	{ "write_virtual_registry", SCOPES_PERSONAL | SCOPES_RESOURCE | SCOPES_DEPLOY, V(17, 11) },
	{ "read_package_registry", SCOPES_DEPLOY },
	{ "write_package_registry", SCOPES_DEPLOY },
	{ "ai_features", SCOPES_PERSONAL | SCOPES_RESOURCE },
	{ "read_observability", SCOPES_RESOURCE },
	{ "write_observability", SCOPES_RESOURCE },
	{ "read_service_ping", SCOPES_PERSONAL, V(17, 1) },
	{ "sudo", SCOPES_PERSONAL },
	{ "admin_mode", SCOPES_PERSONAL },
	/* clang-format on */
};

bool
scope_known(const char *scope, unsigned list, int version)
{
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		if (strcmp(scopes[i].name, scope) == 0)
			return (scopes[i].lists & list) && version >= scopes[i].from;
	}
	return false;
}

/* Numbers, booleans and nulls inside JSON count as the text Grape would have coerced. */
static const char *
scalar_text(const json_t *value, char *room, size_t size)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (json_is_integer(value))
		snprintf(room, size, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(room, size, "%g", json_real_value(value));
	else
		return NULL;
	return room;
}

static json_t *
coerce_number(const char *text)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	return *end == '\0' ? json_integer(number) : NULL;
}

static json_t *
coerce_true(const char *text)
{
	static const char *const yes[] = { "true", "t", "1", "on", "yes", "y" };
	static const char *const no[] = { "false", "f", "0", "off", "no", "n" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0)
			return json_true();
		if (strcasecmp(text, no[i]) == 0)
			return json_false();
	}
	return NULL;
}

static json_t *
coerce_texts(const json_t *value, bool commas)
{
	json_t *out;
	size_t i;
	json_t *item;

	if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			if (!json_is_string(item))
				return NULL;
		}
		return json_deep_copy(value);
	}
	if (!json_is_string(value))
		return NULL;
	out = json_array();
	if (!commas) {
		json_array_append_new(out, json_string(json_string_value(value)));
		return out;
	}
	for (const char *at = json_string_value(value); *at;) {
		size_t length = strcspn(at, ",");

		json_array_append_new(out, json_stringn(at, length));
		at += length + (at[length] == ',');
	}
	return out;
}

/* NULL: the value cannot be what is declared. */
static json_t *
coerce(const struct param *param, const json_t *value)
{
	char room[64];
	const char *text = scalar_text(value, room, sizeof(room));
	int day;
	int64_t moment;

	if (param->type == PARAM_TEXTS || param->type == PARAM_COMMAS)
		return coerce_texts(value, param->type == PARAM_COMMAS);
	if (param->type == PARAM_FILTER)
		return json_is_object(value) ? json_deep_copy(value) : NULL;
	if (!text)
		return NULL;
	if (param->type == PARAM_TEXT)
		return json_string(text);
	/* Grape takes a blank for a null wherever text has to become something else. */
	if (*text == '\0')
		return json_null();
	if (param->type == PARAM_NUMBER)
		return coerce_number(text);
	if (param->type == PARAM_TRUE)
		return coerce_true(text);
	if (param->type == PARAM_DAY)
		return day_parse(text, &day) ? json_string(text) : NULL;
	return moment_parse(text, &moment) ? json_string(text) : NULL;
}

static bool
value_listed(const char *values, const char *text)
{
	size_t length = strlen(text);

	for (const char *at = values; *at;) {
		size_t part = strcspn(at, ",");

		if (part == length && memcmp(at, text, part) == 0)
			return true;
		at += part + (at[part] == ',');
	}
	return false;
}

static bool
value_allowed(const struct param *param, const json_t *value, int version)
{
	char room[64];
	const char *text = scalar_text(value, room, sizeof(room));
	size_t i;
	json_t *item;

	if (param->values && text)
		return value_listed(param->values, text);
	if (!param->scopes)
		return true;
	json_array_foreach(value, i, item)
	{
		if (!scope_known(json_string_value(item), param->scopes, version))
			return false;
	}
	return true;
}

/* Returns what is wrong with one parameter, NULL when nothing is. */
static const char *
param_take(const struct param *param, const json_t *raw, json_t *declared, int version)
{
	json_t *given = json_object_get(raw, param->name);
	json_t *value;

	if (!given) {
		if (param->required)
			return "is missing";
		if (param->fallback)
			json_object_set_new(declared, param->name,
				param->type == PARAM_NUMBER ? coerce_number(param->fallback)
							    : json_string(param->fallback));
		return NULL;
	}
	value = json_is_null(given) ? json_null() : coerce(param, given);
	if (!value)
		return "is invalid";
	json_object_set_new(declared, param->name, value);
	if (!json_is_null(value) && !value_allowed(param, value, version))
		return "does not have a valid value";
	return NULL;
}

bool
params_validate(
	struct request *request, int version, const struct param *params, struct answer *answer)
{
	json_t *declared = json_object();
	char wrong[512] = "";

	for (; params && params->name; params++) {
		const char *problem;
		size_t used = strlen(wrong);

		if (version < params->from || (params->before && version >= params->before))
			continue;
		problem = param_take(params, request->params, declared, version);
		if (problem)
			snprintf(wrong + used, sizeof(wrong) - used, "%s%s %s",
				used ? ", " : "", params->name, problem);
	}
	json_decref(request->params);
	request->params = declared;
	if (*wrong)
		error_error(answer, 400, "%s", wrong);
	return !*wrong;
}

const char *
param_text(const struct request *request, const char *name)
{
	return json_string_value(json_object_get(request->params, name));
}

long
param_number(const struct request *request, const char *name)
{
	return (long)json_integer_value(json_object_get(request->params, name));
}

bool
param_true(const struct request *request, const char *name)
{
	return json_is_true(json_object_get(request->params, name));
}

bool
param_given(const struct request *request, const char *name)
{
	return json_object_get(request->params, name) != NULL;
}
