#include "destination/ci_variable.h"

#include <assert.h>
#include <string.h>

#define PLACEHOLDER_VALUE "glrotate-placeholder"

/* --- what stands there, and what may stand there --- */

static const char *
or_empty(const char *text)
{
	return text ? text : "";
}

/* To the caller ERR_MOVED is the fence's word, and a change is repeated without harm. */
static bool
settled(bool ok, struct err *err)
{
	if (!ok && err->kind == ERR_MOVED)
		err->kind = ERR_REFUSED;
	if (!ok && err->kind == ERR_DOUBT)
		err->kind = ERR_LATER;
	return ok;
}

struct variable_where
ci_variable_where(const struct destination *variable)
{
	const struct variable_place *place = ci_variable_place(variable);

	assert(variable->owner_id > 0 || place->level == VARIABLE_INSTANCE);
	return (struct variable_where){ .level = (enum variable_level)place->level,
		.owner_id = variable->owner_id,
		.key = place->key,
		.scope = place->scope };
}

bool
ci_variable_look(const struct destination_tools *tools, const struct destination *variable,
	bool *found, struct variable *present, struct err *err)
{
	const struct variable_where where = ci_variable_where(variable);

	return settled(
		variable_get(tools->gitlab, &where, tools->arena, found, present, err), err);
}

bool
ci_variable_check(const struct destination_tools *tools, const struct variable_place *wanted,
	const struct variable *present, const struct stamp *ours, struct err *err)
{
	const char *reason = ci_variable_impossible(wanted, present, tools->arena);
	struct stamp found;
	const char *own_text = ci_variable_own_text(present->description, tools->arena, &found);

	if (reason)
		return err_set(err, ERR_REFUSED, 0, "visibility: %s", reason);
	return stamp_allows(tools, &found, ours, err) && ci_variable_check_room(own_text, err);
}

/* --- preflight --- */

static struct variable_change
change_to(const struct variable_place *wanted, const struct secret *value,
	const char *description)
{
	return (struct variable_change){ .value = value,
		.description = description,
		.visibility = (enum visibility)wanted->visibility,
		.protected = wanted->protected,
		.raw = wanted->raw,
		.variable_type = wanted->type };
}

/* GitLab has one of that key, which was not there a moment ago: somebody's, made in between, which is looked at next time; or one of
 * another scope, where scopes are not told apart. */
static void
explain_taken(const struct destination_tools *tools, const struct destination *variable,
	struct err *err)
{
	auto_variable struct variable present = { 0 };
	bool found;

	if (err->kind != ERR_REFUSED || !strstr(err->text, "already been taken"))
		return;
	if (!ci_variable_look(tools, variable, &found, &present, err))
		return;
	if (found)
		err_set(err, ERR_LATER, 0, "somebody has just made it");
	else
		err_set(err, ERR_REFUSED, 0,
			"there is one of that key, but not of this environment scope (not every tier and release knows scopes)");
}

static bool
create(const struct destination_tools *tools, const struct destination *variable,
	const struct secret *value, const char *description, struct variable *created,
	struct err *err)
{
	const struct variable_place wanted = ci_variable_defaults(ci_variable_place(variable));
	const struct variable_change change = change_to(&wanted, value, description);
	const struct variable_where where = ci_variable_where(variable);

	if (wanted.visibility == VISIBILITY_HIDDEN &&
		!gitlab_at_least(gitlab_server_of(tools->gitlab), 17, 6))
		return err_set(err, ERR_REFUSED, 0, "hidden variables need GitLab 17.6");
	if (wanted.visibility != VISIBILITY_VISIBLE &&
		!variable_can_mask(value, wanted.raw == STATED_YES))
		return err_set(err, ERR_REFUSED, 0,
			"GitLab cannot mask this secret: state 'visibility: visible'");
	if (!settled(
		    variable_create(tools->gitlab, &where, &change, tools->arena, created, err),
		    err)) {
		explain_taken(tools, variable, err);
		return err_wrap(err, "cannot be created");
	}
	if (!ci_variable_check_kept(&wanted, created, err))
		return err_wrap(err, "created, to be deleted by hand");
	return true;
}

static bool
create_placeholder(const struct destination_tools *tools, const struct destination *variable,
	struct err *err)
{
	auto_secret struct secret *value =
		secret_copy(PLACEHOLDER_VALUE, strlen(PLACEHOLDER_VALUE));
	auto_variable struct variable created = { 0 };

	return create(tools, variable, value, PLACEHOLDER_TEXT, &created, err);
}

/* A group's PUT whose filter finds nothing any more takes another scope's row. */
static bool
check_row(const struct variable_where *where, const struct variable *answer, struct err *err)
{
	if (variable_is_meant(where, answer))
		return true;
	return err_set(err, ERR_REFUSED, 0,
		"it went while it was written, and GitLab wrote over the one of scope '%s' instead: what stood there is to be put back by hand",
		or_empty(answer->environment_scope));
}

bool
ci_variable_probe(const struct destination_tools *tools, const struct destination *variable,
	const struct variable *present, struct err *err)
{
	const struct variable_where where = ci_variable_where(variable);
	const struct variable_change change = { .description = or_empty(present->description) };
	auto_variable struct variable answer = { 0 };

	if (!settled(
		    variable_update(tools->gitlab, &where, &change, tools->arena, &answer, err),
		    err))
		return err_wrap(err, "cannot be written");
	if (!check_row(&where, &answer, err))
		return false;
	if (strcmp(or_empty(answer.description), change.description) != 0)
		return err_set(err, ERR_REFUSED, 0,
			"GitLab answered a write of its description with another description");
	return true;
}

static bool
variable_preflight(const struct destination_tools *tools, const struct destination *variable,
	const struct stamp *ours, struct err *err)
{
	auto_variable struct variable present = { 0 };
	bool found;

	if (!ci_variable_look(tools, variable, &found, &present, err))
		return false;
	if (!found)
		return create_placeholder(tools, variable, err);
	return ci_variable_check(tools, ci_variable_place(variable), &present, ours, err) &&
	       ci_variable_probe(tools, variable, &present, err);
}

/* --- deliver --- */

/* A value that GitLab cannot mask is refused as a whole, and the old one, dead by now, would stay. */
static bool
check_maskable(const struct variable_place *wanted, const struct variable *present,
	const struct secret *secret, struct err *err)
{
	const bool masked = wanted->visibility ? wanted->visibility != VISIBILITY_VISIBLE
	                                       : present->masked == STATED_YES;
	const bool raw = (wanted->raw ? wanted->raw : present->raw) == STATED_YES;

	if (!masked || variable_can_mask(secret, raw))
		return true;
	return err_set(err, ERR_REFUSED, 0,
		"GitLab cannot mask this secret: state 'visibility: visible'%s",
		raw ? "" : ", or 'raw: yes'");
}

static bool
check_delivered(const struct variable_place *wanted, const struct secret *secret,
	const struct stamp *stamp, const struct variable *answer, struct err *err)
{
	struct stamp kept;

	if (answer->value && !secret_equal(answer->value, secret))
		return err_set(err, ERR_REFUSED, 0, "GitLab keeps another value than was sent");
	if (!ci_variable_check_kept(wanted, answer, err))
		return false;
	stamp_parse(answer->description, NULL, &kept, NULL);
	/* Without a description (releases before 16.2) there is no stamp, and no fence. */
	if (answer->description && kept.generation != stamp->generation)
		return err_set(err, ERR_REFUSED, 0,
			"GitLab did not keep the stamp in its description");
	return true;
}

/* A person's own text, or ours, and the stamp behind it. */
static const char *
described(struct arena *arena, const char *own_text, const struct stamp *stamp)
{
	char text[STAMP_TEXT_BYTES];

	return arena_format(
		arena, "%s%s%s", own_text, *own_text ? " " : "", stamp_text(stamp, text));
}

static bool
update(const struct destination_tools *tools, const struct destination *variable,
	const struct variable *present, const struct secret *secret, const char *own_text,
	const struct stamp *stamp, struct err *err)
{
	const struct variable_place *wanted = ci_variable_place(variable);
	const struct variable_where where = ci_variable_where(variable);
	auto_variable struct variable answer = { 0 };
	struct variable_change change;

	if (!check_maskable(wanted, present, secret, err))
		return false;
	change = change_to(wanted, secret, described(tools->arena, own_text, stamp));
	/* Hiding is not GitLab's to change, and it is what it should be: see ci_variable_impossible(). */
	if (present->hidden == STATED_YES)
		change.visibility = VISIBILITY_KEPT;
	if (!settled(
		    variable_update(tools->gitlab, &where, &change, tools->arena, &answer, err),
		    err))
		return err_wrap(err, "cannot be written");
	return check_row(&where, &answer, err) &&
	       check_delivered(wanted, secret, stamp, &answer, err);
}

bool
ci_variable_write(const struct destination_tools *tools, const struct destination *variable,
	const struct variable *present, const struct secret *secret, const char *own_text,
	const struct stamp *stamp, struct err *err)
{
	auto_variable struct variable created = { 0 };
	struct stamp found;

	if (!present)
		return create(tools, variable, secret,
			       described(tools->arena, own_text ? own_text : "", stamp),
			       &created, err) &&
		       check_delivered(
			       ci_variable_place(variable), secret, stamp, &created, err);
	if (!own_text)
		own_text = ci_variable_own_text(present->description, tools->arena, &found);
	return ci_variable_check(tools, ci_variable_place(variable), present, stamp, err) &&
	       update(tools, variable, present, secret, own_text, stamp, err);
}

static bool
variable_deliver(const struct destination_tools *tools, const struct destination *variable,
	const struct secret *secret, const struct stamp *stamp, struct err *err)
{
	auto_variable struct variable present = { 0 };
	bool found;

	/* One that is gone was deleted since the preflight, while its consumers wait for this secret. */
	return ci_variable_look(tools, variable, &found, &present, err) &&
	       ci_variable_write(
		       tools, variable, found ? &present : NULL, secret, NULL, stamp, err);
}

/* --- verify, inspect, read --- */

static bool
variable_verify(const struct destination_tools *tools, const struct destination *variable,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	auto_variable struct variable present = { 0 };
	struct stamp kept;
	bool found;

	if (!ci_variable_look(tools, variable, &found, &present, err))
		return false;
	if (!found)
		return err_set(err, ERR_MOVED, 0, "is gone");
	if (present.value && !secret_equal(present.value, secret))
		return err_set(err, ERR_MOVED, 0, "holds another value");
	stamp_parse(present.description, NULL, &kept, NULL);
	if (!present.value && !stamp_is_same(&kept, stamp))
		return err_set(err, ERR_MOVED, 0, "is hidden and holds another stamp");
	*proof = present.value ? PROOF_VALUE : PROOF_STAMP;
	return true;
}

static const char *
variable_inspect(const struct destination_tools *tools, const struct destination *destination)
{
	struct destination variable = *destination;
	auto_variable struct variable present = { 0 };
	struct stamp kept;
	struct err err;
	bool found;

	if ((!variable.owner_id && !ci_variable_pin(tools, &variable, &err)) ||
		!ci_variable_look(tools, &variable, &found, &present, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (!found)
		return ci_variable_describe_new(ci_variable_place(&variable), tools->arena);
	stamp_parse(present.description, NULL, &kept, NULL);
	if (!stamp_would_allow(tools, &kept, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	return ci_variable_describe_change(
		ci_variable_place(&variable), &present, tools->arena);
}

static bool
variable_read(const struct destination_tools *tools, const struct destination *variable,
	struct secret **secret, struct err *err)
{
	auto_secret struct secret *placeholder =
		secret_copy(PLACEHOLDER_VALUE, strlen(PLACEHOLDER_VALUE));
	auto_variable struct variable present = { 0 };
	bool found;

	if (!ci_variable_look(tools, variable, &found, &present, err))
		return false;
	*secret =
		found && !secret_equal(present.value, placeholder) ? take(present.value) : NULL;
	return true;
}

const struct destination_row ci_variable_row = {
	.expand = ci_variable_expand,
	.home = ci_variable_home,
	.pin = ci_variable_pin,
	.preflight = variable_preflight,
	.deliver = variable_deliver,
	.verify = variable_verify,
	.inspect = variable_inspect,
	.read = variable_read,
};
