#include "gitlab/variable.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "gitlab/answer.h"

#define MASKED_LEAST 8

#define FILLS(member) offsetof(struct variable, member)
static const struct field variable_fields[] = {
	/* The first, so that what is only listed is of a shape that begins behind it. */
	{ "value", FIELD_SECRET, FILLS(value) },
	{ "key", FIELD_TEXT, FILLS(key), .required = true },
	{ "variable_type", FIELD_TEXT, FILLS(variable_type) },
	{ "environment_scope", FIELD_TEXT, FILLS(environment_scope) },
	{ "description", FIELD_TEXT, FILLS(description) },
	{ "masked", FIELD_BOOL, FILLS(masked) },
	{ "hidden", FIELD_BOOL, FILLS(hidden) },
	{ "protected", FIELD_BOOL, FILLS(protected) },
	{ "raw", FIELD_BOOL, FILLS(raw) },
	{ NULL },
};
static const struct shape variable_shape = { "a variable", variable_fields,
	sizeof(struct variable), .tolerant = true };
static const struct shape listed_shape = { "a variable", variable_fields + 1,
	sizeof(struct variable), .tolerant = true };

/* What is sent, in GitLab's own words. */
struct sent {
	struct place at;
	const char *key,
		*environment_scope; /* on creation only: in a change they would move the row */
	struct secret *value;
	const char *description, *variable_type;
	enum stated masked, masked_and_hidden, protected, raw;
};
#define SENDS(member) offsetof(struct sent, member)
static const struct field sent_fields[] = {
	{ "key", FIELD_TEXT, SENDS(key) },
	{ "value", FIELD_SECRET, SENDS(value) },
	{ "description", FIELD_TEXT, SENDS(description) },
	{ "variable_type", FIELD_TEXT, SENDS(variable_type) },
	{ "environment_scope", FIELD_TEXT, SENDS(environment_scope) },
	{ "masked", FIELD_BOOL, SENDS(masked) },
	{ "masked_and_hidden", FIELD_BOOL, SENDS(masked_and_hidden) },
	{ "protected", FIELD_BOOL, SENDS(protected) },
	{ "raw", FIELD_BOOL, SENDS(raw) },
	{ NULL },
};
static const struct shape sent_shape = { "a change of a variable", sent_fields,
	sizeof(struct sent) };

void
variable_done(struct variable *variable)
{
	secret_free(variable->value);
	variable->value = NULL;
}

/* --- where --- */

static const char *
base_path(const struct variable_where *where, struct arena *arena)
{
	switch (where->level) {
	case VARIABLE_PROJECT:
		return arena_format(
			arena, "/api/v4/projects/%" PRId64 "/variables", where->owner_id);
	case VARIABLE_GROUP:
		return arena_format(
			arena, "/api/v4/groups/%" PRId64 "/variables", where->owner_id);
	default:
		return "/api/v4/admin/ci/variables";
	}
}

static const char *
key_path(const struct variable_where *where, struct arena *arena)
{
	return arena_format(
		arena, "%s/%s", base_path(where, arena), http_escape(arena, where->key));
}

static const char *
row_path(const struct variable_where *where, struct arena *arena)
{
	const char *path = key_path(where, arena);

	if (where->level == VARIABLE_INSTANCE)
		return path;
	return arena_format(arena, "%s?filter%%5Benvironment_scope%%5D=%s", path,
		http_escape(arena, where->scope));
}

bool
variable_is_meant(const struct variable_where *where, const struct variable *variable)
{
	const char *scope = variable->environment_scope ? variable->environment_scope : "*";

	return where->level == VARIABLE_INSTANCE || !strcmp(scope, where->scope);
}

/* --- reading --- */

bool
variable_get(struct gitlab *gitlab, const struct variable_where *where, struct arena *arena,
	bool *found, struct variable *variable, struct err *err)
{
	struct variable draft = { 0 };
	bool present;

	if (!gitlab_find(gitlab, row_path(where, arena), &variable_shape, arena, &present,
		    &draft, err))
		return err_wrap(err, "reading variable %s", where->key);
	*found = present && variable_is_meant(where, &draft);
	if (*found)
		*variable = draft;
	else
		variable_done(&draft);
	return true;
}

bool
variable_get_any(struct gitlab *gitlab, const struct variable_where *where, struct arena *arena,
	size_t *count, struct variable *variable, struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };

	if (!gitlab_call(gitlab, "GET", key_path(where, arena), NULL, &answer, err)) {
		*count = answer.status == 409 ? 2 : 0;
		return *count || answer_is_absence(&answer) ||
		       err_wrap(err, "reading variable %s", where->key);
	}
	if (!json_decode(answer.body, &variable_shape, arena, variable, err)) {
		err->kind = ERR_LATER;
		return err_wrap(err, "GitLab's answer with variable %s", where->key);
	}
	*count = 1;
	return true;
}

bool
variable_list(struct gitlab *gitlab, const struct variable_where *where, struct arena *arena,
	struct list *variables, struct err *err)
{
	return gitlab_list(
		       gitlab, base_path(where, arena), &listed_shape, arena, variables, err) ||
	       err_wrap(err, "listing variables");
}

/* --- writing --- */

static void
set_visibility(struct sent *sent, enum visibility visibility, bool creates)
{
	switch (visibility) {
	case VISIBILITY_VISIBLE:
		sent->masked = STATED_NO;
		break;
	case VISIBILITY_MASKED:
		sent->masked = STATED_YES;
		break;
	case VISIBILITY_HIDDEN:
		/* GitLab hides on creation alone, and passes over the wish in a change. */
		if (creates)
			sent->masked_and_hidden = STATED_YES;
		break;
	case VISIBILITY_KEPT:
		break;
	}
}

static struct secret *
encode(const struct variable_where *where, const struct variable_change *change, bool creates)
{
	struct sent sent = {
		.value = (struct secret *)change->value,
		.description = change->description,
		.variable_type = change->variable_type,
		.protected = change->protected,
		.raw = change->raw,
	};

	set_visibility(&sent, change->visibility, creates);
	if (creates) {
		sent.key = where->key;
		if (where->level != VARIABLE_INSTANCE)
			sent.environment_scope = where->scope;
	}
	return json_encode(&sent_shape, &sent);
}

static bool
write_variable(struct gitlab *gitlab, const char *method, const char *path,
	const struct secret *body, struct arena *arena, struct variable *variable,
	struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };

	if (!gitlab_call(gitlab, method, path, body, &answer, err))
		return false;
	if (json_decode(answer.body, &variable_shape, arena, variable, err))
		return true;
	err->kind = ERR_DOUBT;
	return err_wrap(err, "GitLab's answer with the variable");
}

bool
variable_create(struct gitlab *gitlab, const struct variable_where *where,
	const struct variable_change *change, struct arena *arena, struct variable *variable,
	struct err *err)
{
	auto_secret struct secret *body = encode(where, change, true);

	return write_variable(
		gitlab, "POST", base_path(where, arena), body, arena, variable, err);
}

bool
variable_update(struct gitlab *gitlab, const struct variable_where *where,
	const struct variable_change *change, struct arena *arena, struct variable *variable,
	struct err *err)
{
	auto_secret struct secret *body = encode(where, change, false);

	return write_variable(
		gitlab, "PUT", row_path(where, arena), body, arena, variable, err);
}

bool
variable_delete(struct gitlab *gitlab, const struct variable_where *where, struct arena *arena,
	struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };

	return gitlab_call(gitlab, "DELETE", row_path(where, arena), NULL, &answer, err) ||
	       answer_is_absence(&answer) || err_wrap(err, "deleting variable %s", where->key);
}

bool
variable_can_mask(const struct secret *value, bool raw)
{
	const char *text = secret_reveal(value);
	const size_t length = secret_length(value);

	for (size_t i = 0; i < length; i++) {
		const unsigned char byte = (unsigned char)text[i];

		if (raw ? isspace(byte)
			: !isalnum(byte) && (!byte || !strchr("_+=/@:.~-", byte)))
			return false;
	}
	return length >= MASKED_LEAST;
}
