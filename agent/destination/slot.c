#include "destination/slot.h"

#include <string.h>

#include "base/advice.h"
#include "destination/ci_variable.h"

#define PIN_TEXT "pinned by glrotate while the slot of "

/* clang-format off */
#define FILLS(member) offsetof(struct slot_place, member)
static const struct word levels[] = {
	{ "project", VARIABLE_PROJECT }, { "group", VARIABLE_GROUP }, { NULL },
};
static const struct field place_fields[] = {
	{ "level",     FIELD_WORD, FILLS(level), .required = true, .words = levels },
	{ "owner",     FIELD_TEXT, FILLS(owner), .required = true },
	{ "of_group",  FIELD_INT,  FILLS(of_group) },
	{ "pins",      FIELD_BOOL, FILLS(pins) },
	{ "pinned_at", FIELD_INT,  FILLS(pinned_at) },
	{ NULL },
};
/* clang-format on */

const struct shape slot_place_shape = {
	.name = "a slot",
	.fields = place_fields,
	.bytes = sizeof(struct slot_place),
};

struct slot_place *
slot_place_of(const struct destination *slot)
{
	return slot->to.kind == DESTINATION_SLOT ? slot->to.value : NULL;
}

bool
slot_is_of(enum token_type type, const char *name)
{
	return (type == TYPE_PROJECT_DEPLOY || type == TYPE_GROUP_DEPLOY) &&
	       !strcmp(name, SLOT_TOKEN);
}

struct destination
slot_below(int64_t group, int64_t project, const char *path, struct arena *arena)
{
	struct slot_place *place = arena_alloc(arena, sizeof(*place));

	*place = (struct slot_place){ .level = VARIABLE_PROJECT,
		.owner = arena_text(arena, path),
		.of_group = group,
		.pins = STATED_YES };
	return (struct destination){ .text = arena_format(arena, "slot %s", path),
		.owner_id = project,
		.to = { .kind = DESTINATION_SLOT, .value = place } };
}

static bool
slot_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct address *token = expansion->token;
	const bool of_group = token->type == TYPE_GROUP_DEPLOY;
	const struct slot_place place = { .level = of_group ? VARIABLE_GROUP : VARIABLE_PROJECT,
		.owner = token->owner };

	(void)value;
	if (!slot_is_of(token->type, token->name))
		return err_set(err, ERR_POLICY, 0,
			"'slot' is for deploy tokens called " SLOT_TOKEN
			" alone, which GitLab itself hands to jobs");
	expansion_add(expansion, DESTINATION_SLOT,
		arena_format(
			expansion->arena, "slot %s%s", of_group ? "group:" : "", token->owner),
		&place, sizeof(place));
	return true;
}

static struct destination_home
slot_home(const struct destination *slot)
{
	const struct slot_place *place = slot_place_of(slot);

	return (struct destination_home){ place->level, place->owner };
}

static bool
slot_pin(const struct destination_tools *tools, struct destination *slot, struct err *err)
{
	const struct slot_place *place = slot_place_of(slot);

	/* What a group's reaches was found by number, wherever it is now. */
	return place->of_group ||
	       ci_variable_pin_at(tools, place->level, place->owner, &slot->owner_id, err);
}

/* --- the pin --- */

/* It says whose slot it is for. */
static const char *
mark_of(const struct destination *slot, struct arena *arena)
{
	const struct slot_place *place = slot_place_of(slot);

	return arena_format(arena, PIN_TEXT "%s %lld is replaced",
		place->of_group ? "group" : "project",
		(long long)(place->of_group ? place->of_group : slot->owner_id));
}

enum slot_pin
slot_judge(const struct destination_tools *tools, const struct destination *slot,
	const struct variable *present, const struct stamp *ours)
{
	struct stamp found;
	const char *text;

	stamp_parse(present->description, tools->arena, &found, &text);
	if (!found.generation || strcmp(found.agent, ours->agent) != 0 ||
		strncmp(text, PIN_TEXT, strlen(PIN_TEXT)) != 0)
		return PIN_FOREIGN;
	if (strcmp(text, mark_of(slot, tools->arena)) != 0)
		return PIN_OF_ANOTHER_SLOT;
	return found.generation <= ours->generation ? PIN_OURS : PIN_FOREIGN;
}

/* Releases before 16.2 keep no description: what holds our secret, which nobody else has, is ours. */
static bool
is_ours(const struct destination_tools *tools, const struct destination *slot,
	const struct variable *present, const struct stamp *ours, const struct secret *secret)
{
	if (!gitlab_at_least(gitlab_server_of(tools->gitlab), 16, 2))
		return secret && present->value && secret_equal(present->value, secret);
	return slot_judge(tools, slot, present, ours) == PIN_OURS;
}

/* Seen in each job on each branch, as what the slot itself gives is. */
static struct variable_place
variable_of(const struct destination_tools *tools, const struct destination *slot, bool exists)
{
	const struct gitlab_server *server = gitlab_server_of(tools->gitlab);
	const bool hides = gitlab_knows_version(server) && gitlab_at_least(server, 17, 6);

	return (struct variable_place){ .level = VARIABLE_PROJECT,
		.owner = slot_place_of(slot)->owner,
		.key = SLOT_PASSWORD,
		.scope = "*",
		.type = "env_var",
		.visibility = exists  ? VISIBILITY_KEPT
		              : hides ? VISIBILITY_HIDDEN
		                      : VISIBILITY_MASKED,
		.protected = STATED_NO,
		.raw = STATED_YES };
}

static struct destination
pin_in(const struct destination *slot, struct variable_place *place)
{
	return (struct destination){ .text = slot->text,
		.owner_id = slot->owner_id,
		.to = { .kind = DESTINATION_CI_VARIABLE, .value = place } };
}

/* --- preflight, deliver, verify --- */

/* What stands in its way was looked for when the token was read (flow/slot.c), and nothing is written ahead: a placeholder would be
 * the password of whatever job starts next. */
static bool
slot_preflight(const struct destination_tools *tools, const struct destination *slot,
	const struct stamp *ours, struct err *err)
{
	(void)tools;
	(void)slot;
	(void)ours;
	(void)err;
	return true;
}

static bool
slot_deliver(const struct destination_tools *tools, const struct destination *slot,
	const struct secret *secret, const struct stamp *stamp, struct err *err)
{
	struct variable_place place = variable_of(tools, slot, false);
	const struct destination pin = pin_in(slot, &place);
	auto_variable struct variable present = { 0 };
	bool found;

	if (slot_place_of(slot)->pins != STATED_YES)
		return true;
	if (!ci_variable_look(tools, &pin, &found, &present, err))
		return false;
	if (found && !is_ours(tools, slot, &present, stamp, secret)) {
		err_set(err, ERR_PERSON, 0,
			"a variable " SLOT_PASSWORD " stands there by another hand");
		return err_advise(err, GLR_SLOT_SHADOWED);
	}
	place = variable_of(tools, slot, found);
	return ci_variable_write(tools, &pin, found ? &present : NULL, secret,
		mark_of(slot, tools->arena), stamp, err);
}

static bool
slot_verify(const struct destination_tools *tools, const struct destination *slot,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	struct variable_place place = variable_of(tools, slot, true);
	const struct destination pin = pin_in(slot, &place);

	if (slot_place_of(slot)->pins == STATED_YES)
		return ci_variable_row.verify(tools, &pin, secret, stamp, proof, err);
	*proof = PROOF_SLOT;
	return true;
}

/* More than that is for flow/slot.h to say, which knows what else the token is delivered to. */
static const char *
slot_inspect(const struct destination_tools *tools, const struct destination *slot)
{
	(void)tools;
	(void)slot;
	return "pinned for new jobs while the old one lives beside the new";
}

static bool
slot_read(const struct destination_tools *tools, const struct destination *slot,
	struct secret **secret, struct err *err)
{
	(void)tools;
	(void)slot;
	(void)err;
	*secret = NULL;
	return true;
}

bool
slot_unpin(const struct destination_tools *tools, const struct destination *slot,
	const struct stamp *ours, const struct secret *secret, bool *changed, struct err *err)
{
	struct variable_place place = variable_of(tools, slot, true);
	const struct destination pin = pin_in(slot, &place);
	const struct variable_where where = ci_variable_where(&pin);
	auto_variable struct variable present = { 0 };
	bool found;

	*changed = false;
	if (!variable_get(tools->gitlab, &where, tools->arena, &found, &present, err))
		return err->kind == ERR_MOVED || err_wrap(err, "%s", slot->text);
	if (!found)
		return true;
	*changed = !is_ours(tools, slot, &present, ours, secret) ||
	           (secret && present.value && !secret_equal(present.value, secret));
	return *changed || variable_delete(tools->gitlab, &where, tools->arena, err) ||
	       err_wrap(err, "%s", slot->text);
}

const struct destination_row slot_row = {
	.expand = slot_expand,
	.home = slot_home,
	.pin = slot_pin,
	.preflight = slot_preflight,
	.deliver = slot_deliver,
	.verify = slot_verify,
	.inspect = slot_inspect,
	.read = slot_read,
};
