#include "destination/ci_variable.h"

#include <string.h>

/* Characters that the longest likely stamp takes, with the space before it. */
#define STAMP_ROOM 80

static const char *
or_empty(const char *text)
{
	return text ? text : "";
}

static const char *
yes_no(enum stated stated)
{
	return stated == STATED_YES ? "yes" : "no";
}

static const char *
visibility_of(const struct variable *present)
{
	if (present->hidden == STATED_YES)
		return "hidden";
	return present->masked == STATED_YES ? "masked" : "visible";
}

static const char *
visibility_word(int visibility)
{
	for (const struct word *word = ci_variable_visibilities; word->word; word++)
		if (word->value == visibility)
			return word->word;
	return NULL;
}

/* One attribute as it is asked for (NULL: whatever it is) and as it is. */
struct attribute {
	const char *name, *wanted, *got;
};
enum {
	ATTRIBUTE_SCOPE,
	ATTRIBUTE_VISIBILITY,
	ATTRIBUTE_PROTECTED,
	ATTRIBUTE_RAW,
	ATTRIBUTE_TYPE,
	ATTRIBUTES
};

static void
compare(const struct variable_place *wanted, const struct variable *got,
	struct attribute attributes[ATTRIBUTES])
{
	attributes[ATTRIBUTE_SCOPE] = (struct attribute){ "environment_scope",
		wanted->level == VARIABLE_INSTANCE ? NULL : wanted->scope,
		got->environment_scope };
	attributes[ATTRIBUTE_VISIBILITY] = (struct attribute){ "visibility",
		visibility_word(wanted->visibility), visibility_of(got) };
	attributes[ATTRIBUTE_PROTECTED] = (struct attribute){ "protected",
		wanted->protected ? yes_no(wanted->protected) : NULL, yes_no(got->protected) };
	attributes[ATTRIBUTE_RAW] = (struct attribute){ "raw",
		wanted->raw ? yes_no(wanted->raw) : NULL, yes_no(got->raw) };
	attributes[ATTRIBUTE_TYPE] =
		(struct attribute){ "type", wanted->type, got->variable_type };
}

static bool
differs(const struct attribute *attribute)
{
	return attribute->wanted &&
	       strcmp(attribute->wanted, attribute->got ? attribute->got : "") != 0;
}

/* Some tiers and releases drop an attribute without a word. */
bool
ci_variable_check_kept(
	const struct variable_place *wanted, const struct variable *got, struct err *err)
{
	struct attribute attributes[ATTRIBUTES];

	compare(wanted, got, attributes);
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (differs(&attributes[i]))
			return err_set(err, ERR_REFUSED, 0,
				"GitLab did not keep '%s': wanted %s, got %s (not every tier and release "
				"knows it)",
				attributes[i].name, attributes[i].wanted,
				attributes[i].got ? attributes[i].got : "nothing");
	return true;
}

/* GitLab decides on hiding once, at creation. */
const char *
ci_variable_impossible(const struct variable_place *wanted, const struct variable *present,
	struct arena *arena)
{
	struct attribute attributes[ATTRIBUTES];
	const struct attribute *visibility = &attributes[ATTRIBUTE_VISIBILITY];

	compare(wanted, present, attributes);
	if (!differs(visibility) ||
		(wanted->visibility != VISIBILITY_HIDDEN && present->hidden != STATED_YES))
		return NULL;
	return arena_format(arena, "%s wanted, %s now: delete and create again",
		visibility->wanted, visibility->got);
}

/* As GitLab counts: characters, not bytes. */
static size_t
characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

bool
ci_variable_check_room(const char *own_text, struct err *err)
{
	const size_t used = characters(own_text), room = VARIABLE_TEXT_MAX - STAMP_ROOM;

	if (used <= room)
		return true;
	return err_set(err, ERR_REFUSED, 0,
		"its description leaves no room for glrotate's stamp: cut it by %zu of its %zu characters",
		used - room, used);
}

const char *
ci_variable_own_text(const char *description, struct arena *arena, struct stamp *stamp)
{
	const char *rest;

	stamp_parse(description, arena, stamp, &rest);
	return strcmp(rest, PLACEHOLDER_TEXT) ? rest : "";
}

struct variable_place
ci_variable_defaults(const struct variable_place *wanted)
{
	struct variable_place full = *wanted;

	full.visibility = full.visibility ? full.visibility : VISIBILITY_MASKED;
	full.protected = full.protected ? full.protected : STATED_YES;
	full.raw = full.raw ? full.raw : STATED_YES;
	full.type = full.type ? full.type : "env_var";
	return full;
}

const char *
ci_variable_describe_new(const struct variable_place *variable, struct arena *arena)
{
	const struct variable_place full = ci_variable_defaults(variable);

	return arena_format(arena, "created (%s, %s, %s%s)", visibility_word(full.visibility),
		full.protected == STATED_YES ? "protected" : "not protected",
		full.raw == STATED_YES ? "raw" : "not raw",
		strcmp(full.type, "file") ? "" : ", file");
}

const char *
ci_variable_describe_change(const struct variable_place *variable,
	const struct variable *present, struct arena *arena)
{
	const char *text = "new value",
		   *reason = ci_variable_impossible(variable, present, arena);
	struct attribute attributes[ATTRIBUTES];

	if (reason)
		return arena_format(arena, "cannot: %s", reason);
	compare(variable, present, attributes);
	/* What is possible here is on or off: "masked no → yes" says it in GitLab's words. */
	if (differs(&attributes[ATTRIBUTE_VISIBILITY]))
		attributes[ATTRIBUTE_VISIBILITY] = (struct attribute){ "masked",
			variable->visibility == VISIBILITY_MASKED ? "yes" : "no",
			yes_no(present->masked) };
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (differs(&attributes[i]))
			text = arena_format(arena, "%s, %s %s → %s", text, attributes[i].name,
				or_empty(attributes[i].got), attributes[i].wanted);
	return text;
}
