#include "base/address.h"

#include <ctype.h>
#include <string.h>

#include "base/fields.h"

/* Ends with NULL, so that nearest_word() can read it too. */
static const char *const type_names[TYPE_COUNT + 1] = {
	[TYPE_PERSONAL] = "personal",
	[TYPE_SERVICE_ACCOUNT] = "service_account",
	[TYPE_IMPERSONATION] = "impersonation",
	[TYPE_PROJECT] = "project",
	[TYPE_GROUP] = "group",
	[TYPE_PROJECT_DEPLOY] = "project_deploy",
	[TYPE_GROUP_DEPLOY] = "group_deploy",
	[TYPE_TRIGGER] = "trigger",
	[TYPE_KUBERNETES_AGENT] = "kubernetes_agent",
	[TYPE_RUNNER] = "runner",
	[TYPE_WEBHOOK] = "webhook",
};

static const char any[] = "**";

const char *
token_type_name(enum token_type type)
{
	return type < TYPE_COUNT ? type_names[type] : "*";
}

bool
token_type_parse(const char *word, enum token_type *type)
{
	for (int i = 0; i < TYPE_COUNT; i++)
		if (!strcmp(word, type_names[i])) {
			*type = (enum token_type)i;
			return true;
		}
	return false;
}

static bool
parse_type(const char *word, bool pattern, enum token_type *type, struct err *err)
{
	const char *nearest;

	if (pattern && !strcmp(word, "*")) {
		*type = TYPE_ANY;
		return true;
	}
	if (token_type_parse(word, type))
		return true;
	nearest = nearest_word(word, type_names);
	if (nearest)
		return err_set(err, ERR_POLICY, 0,
			"unknown token type '%s', did you mean '%s'?", word, nearest);
	return err_set(err, ERR_POLICY, 0,
		"unknown token type '%s': expected TYPE:OWNER:NAME, as in project:platform/api:deploy",
		word);
}

/* One segment of a path, `length` bytes: what GitLab allows in paths and user names. */
static bool
segment_is_valid(const char *segment, size_t length, bool pattern)
{
	if (!length || (length == 1 && *segment == '.') ||
		(length == 2 && !memcmp(segment, "..", 2)))
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = segment[i];
		bool plain = isascii(c) && (isalnum((unsigned char)c) || strchr("_.-", c));
		if (!plain && !(pattern && c == '*'))
			return false;
	}
	return true;
}

static bool
check_owner(enum token_type type, const char *owner, bool pattern, struct err *err)
{
	bool is_user = type == TYPE_PERSONAL || type == TYPE_IMPERSONATION;
	bool is_project = type == TYPE_PROJECT || type == TYPE_PROJECT_DEPLOY;

	for (const char *segment = owner, *end;; segment = end + 1) {
		end = segment + strcspn(segment, "/");
		if (!segment_is_valid(segment, (size_t)(end - segment), pattern))
			return err_set(err, ERR_POLICY, 0,
				"'%s' cannot be an owner: expected a full path or a user name of letters, "
				"digits, '_', '-' and '.'",
				owner);
		if (!*end)
			break;
	}
	if (is_user && strchr(owner, '/'))
		return err_set(err, ERR_POLICY, 0,
			"'%s' cannot be a user name: it holds a slash", owner);
	if (is_project && !strchr(owner, '/') && !strchr(owner, '*'))
		return err_set(err, ERR_POLICY, 0,
			"'%s' cannot be a project: expected its full path, as in group/%s",
			owner, owner);
	return true;
}

static const char *
part_or_any(struct arena *arena, const char *text, size_t length, bool pattern)
{
	bool is_any = pattern && length == 1 && *text == '*';

	return is_any ? any : arena_text_n(arena, text, length);
}

bool
address_parse(struct arena *arena, const char *text, bool pattern, struct address *address,
	struct err *err)
{
	const char *owner = strchr(text, ':'), *name = owner ? strchr(owner + 1, ':') : NULL;
	const char *type =
		arena_text_n(arena, text, owner ? (size_t)(owner - text) : strlen(text));
	struct address draft = { .owner = any, .name = any, .text = arena_text(arena, text) };

	if (!owner && !(pattern && !strcmp(text, "*")))
		return err_set(err, ERR_POLICY, 0,
			"expected TYPE:OWNER:NAME, as in project:platform/api:deploy, not '%s'",
			text);
	if (!parse_type(type, pattern, &draft.type, err))
		return false;
	if (!name && !pattern)
		return err_set(err, ERR_POLICY, 0,
			"expected TYPE:OWNER:NAME, as in %s:%s:deploy, not '%s'", type,
			owner[1] ? owner + 1 : "platform/api", text);
	if (owner) {
		size_t length = name ? (size_t)(name - owner - 1) : strlen(owner + 1);
		draft.owner = part_or_any(arena, owner + 1, length, pattern);
		if (!check_owner(draft.type, draft.owner, pattern, err))
			return false;
	}
	if (name && !name[1])
		return err_set(err, ERR_POLICY, 0,
			"the name after the last colon of '%s' is empty", text);
	if (name)
		draft.name = part_or_any(arena, name + 1, strlen(name + 1), pattern);
	*address = draft;
	return true;
}

bool
address_is_pattern(const struct address *address)
{
	return address->type == TYPE_ANY || strchr(address->owner, '*') ||
	       strchr(address->name, '*');
}

/* Paths are ASCII, as address_parse() has it. */
static bool
is_the_same(char a, char b, bool any_case)
{
	return a == b || (any_case && tolower((unsigned char)a) == tolower((unsigned char)b));
}

/* Greedy, with one point to go back to for each kind of star: a later star of a kind makes the
 * earlier ones' other choices useless. `*` gives up at a slash, and then the last `**` takes one more. */
static bool
matches(const char *pattern, const char *text, bool any_case)
{
	const char *star = NULL, *star_text = NULL, *wide = NULL, *wide_text = NULL;

	while (*text || *pattern) {
		if (pattern[0] == '*' && pattern[1] == '*') {
			wide = pattern += 2;
			wide_text = text;
			star = NULL;
		} else if (*pattern == '*') {
			star = ++pattern;
			star_text = text;
		} else if (*text && is_the_same(*pattern, *text, any_case)) {
			pattern++;
			text++;
		} else if (star && *star_text && *star_text != '/') {
			pattern = star;
			text = ++star_text;
		} else if (wide && *wide_text) {
			pattern = wide;
			text = ++wide_text;
			star = NULL;
		} else {
			return false;
		}
	}
	return true;
}

bool
glob_matches(const char *pattern, const char *text)
{
	return matches(pattern, text, false);
}

/* GitLab's paths and user names do not tell capital letters from small ones; names of tokens do. */
bool
address_matches(const struct address *pattern, const struct address *address)
{
	return (pattern->type == TYPE_ANY || pattern->type == address->type) &&
	       matches(pattern->owner, address->owner, true) &&
	       matches(pattern->name, address->name, false);
}

const char *
address_fixed_owner(struct arena *arena, const struct address *pattern)
{
	size_t fixed = strcspn(pattern->owner, "*");

	if (!pattern->owner[fixed])
		return arena_text(arena, pattern->owner);
	while (fixed && pattern->owner[fixed - 1] != '/')
		fixed--;
	return arena_text_n(arena, pattern->owner, fixed ? fixed - 1 : 0);
}
