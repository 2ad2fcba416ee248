/* The two variables that GitLab itself gives to jobs which a slot reaches, for those which it does not reach. Each half is a
 * destination of its own; the user name, which a replacement keeps, is the first of them. */
#include <string.h>

#include "destination/ci_variable.h"
#include "destination/slot.h"

/* clang-format off */
#define FILLS(member) offsetof(struct ci_deploy_pair_entry, member)
static const struct field entry_fields[] = {
	{ "project",   FIELD_TEXT, FILLS(project), .max = VARIABLE_TEXT_MAX,
	  .help = "full path of the project that gets both variables" },
	{ "group",     FIELD_TEXT, FILLS(group), .max = VARIABLE_TEXT_MAX,
	  .help = "full path of the group that gets both variables, for all projects below it" },
	{ "protected", FIELD_BOOL, FILLS(protected),
	  .help = "yes: for protected branches and tags only; unstated: no, as GitLab gives them to every job" },
	{ NULL },
};
/* clang-format on */

const struct shape ci_deploy_pair_entry_shape = {
	.name = "a ci_deploy_pair",
	.fields = entry_fields,
	.bytes = sizeof(struct ci_deploy_pair_entry),
};

static bool
is_username(const struct destination *half)
{
	return !strcmp(ci_variable_place(half)->key, SLOT_USERNAME);
}

static bool
add_half(const struct ci_deploy_pair_entry *pair, const char *key, int visibility,
	const struct expansion *expansion, struct err *err)
{
	const struct ci_variable_entry entry = {
		.at = pair->at,
		.key = key,
		.project = pair->project,
		.group = pair->group,
		.visibility = visibility,
		.protected = pair->protected ? pair->protected : STATED_NO,
	};
	struct variable_place place;

	if (!ci_variable_resolve(&entry, expansion, &place, err))
		return false;
	place.scope = "*";
	expansion_add(expansion, DESTINATION_CI_DEPLOY_PAIR,
		ci_variable_text(&place, expansion->arena), &place, sizeof(place));
	return true;
}

static bool
pair_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct ci_deploy_pair_entry *pair = value;
	const enum token_type type = expansion->token->type;

	if (type != TYPE_PROJECT_DEPLOY && type != TYPE_GROUP_DEPLOY)
		return err_set(err, ERR_POLICY, 0,
			"'ci_deploy_pair' is for deploy tokens: a token of type %s has no user name of its own",
			token_type_name(type));
	if (!pair->project && !pair->group)
		return err_set(err, ERR_POLICY, 0,
			"'ci_deploy_pair' needs 'project: PATH' or 'group: PATH'");
	return add_half(pair, SLOT_USERNAME, VISIBILITY_VISIBLE, expansion, err) &&
	       add_half(pair, SLOT_PASSWORD, VISIBILITY_KEPT, expansion, err);
}

/* No placeholder: as long as there is none, a slot above or nothing at all is what jobs have. */
static bool
pair_preflight(const struct destination_tools *tools, const struct destination *half,
	const struct stamp *ours, struct err *err)
{
	auto_variable struct variable present = { 0 };
	bool found;

	if (!ci_variable_look(tools, half, &found, &present, err))
		return false;
	return !found ||
	       (ci_variable_check(tools, ci_variable_place(half), &present, ours, err) &&
		       ci_variable_probe(tools, half, &present, err));
}

/* What this half holds: the secret itself, or in its place who logs in with it, `*made`. */
static bool
value_of(const struct destination_tools *tools, const struct destination *half,
	const struct secret *secret, struct secret **made, const struct secret **value,
	struct err *err)
{
	const char *username = tools->delivered ? tools->delivered->username : NULL;

	*value = secret;
	if (!is_username(half))
		return true;
	if (!username || !*username)
		return err_set(
			err, ERR_REFUSED, 0, "the deploy token's user name is not known");
	*value = *made = secret_copy(username, strlen(username));
	return true;
}

static bool
pair_deliver(const struct destination_tools *tools, const struct destination *half,
	const struct secret *secret, const struct stamp *stamp, struct err *err)
{
	auto_secret struct secret *made = NULL;
	const struct secret *value;

	return value_of(tools, half, secret, &made, &value, err) &&
	       ci_variable_row.deliver(tools, half, value, stamp, err);
}

static bool
pair_verify(const struct destination_tools *tools, const struct destination *half,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	auto_secret struct secret *made = NULL;
	const struct secret *value;

	return value_of(tools, half, secret, &made, &value, err) &&
	       ci_variable_row.verify(tools, half, value, stamp, proof, err);
}

static const char *
pair_inspect(const struct destination_tools *tools, const struct destination *half)
{
	return ci_variable_row.inspect(tools, half);
}

static bool
pair_read(const struct destination_tools *tools, const struct destination *half,
	struct secret **secret, struct err *err)
{
	if (!is_username(half))
		return ci_variable_row.read(tools, half, secret, err);
	*secret = NULL;
	return true;
}

const struct destination_row ci_deploy_pair_row = {
	.expand = pair_expand,
	.home = ci_variable_home,
	.pin = ci_variable_pin,
	.preflight = pair_preflight,
	.deliver = pair_deliver,
	.verify = pair_verify,
	.inspect = pair_inspect,
	.read = pair_read,
};
