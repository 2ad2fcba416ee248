#include "destination/kind.h"

#include <string.h>

#include "base/checks.h"

static const char *
owner_value(const struct address *token, struct arena *arena)
{
	(void)arena;
	return token->owner;
}

static const char *
owner_basename_value(const struct address *token, struct arena *arena)
{
	const char *slash = strrchr(token->owner, '/');

	(void)arena;
	return slash ? slash + 1 : token->owner;
}

static const char *
name_value(const struct address *token, struct arena *arena)
{
	(void)arena;
	return token->name;
}

/* The C locale's letters only, whatever the process runs under: a variable's key knows no others. */
static const char *
name_key_value(const struct address *token, struct arena *arena)
{
	char *key = arena_text(arena, token->name);

	for (char *at = key; *at; at++) {
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
		else if (!(*at >= 'A' && *at <= 'Z') && !(*at >= '0' && *at <= '9'))
			*at = '_';
	}
	return key;
}

static const char *
type_value(const struct address *token, struct arena *arena)
{
	(void)arena;
	return token_type_name(token->type);
}

/* clang-format off */
static const struct template {
	const char *word;
	const char *(*value)(const struct address *token, struct arena *arena);
} templates[] = {
	{ "owner",          owner_value },
	{ "owner:basename", owner_basename_value },
	{ "name",           name_value },
	{ "name:key",       name_key_value },
	{ "type",           type_value },
};
/* clang-format on */

static const struct template *
template_of(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(templates); i++)
		if (!strcmp(templates[i].word, word))
			return &templates[i];
	return NULL;
}

static bool
refuse_unknown(const char *word, struct err *err)
{
	const char *words[ARRAY_SIZE(templates) + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(templates); i++)
		words[i] = templates[i].word;
	nearest = nearest_word(word, words);
	if (nearest)
		return err_set(err, ERR_POLICY, 0,
			"there is no template {%s}; did you mean {%s}?", word, nearest);
	return err_set(err, ERR_POLICY, 0,
		"there is no template {%s}, only {owner} {owner:basename} {name} {name:key} {type}",
		word);
}

static bool
is_plain(const char *value)
{
	return !*value || (text_is_made_of(value, "_./-") && !strstr(value, ".."));
}

/* The text so far; it grows by doubling, and ends with a zero byte when it is taken. */
struct filling {
	struct arena *arena;
	char *text;
	size_t count, capacity;
	bool escapes; /* the dots of values */
};

static void
put(struct filling *filling, char c)
{
	filling->text = arena_grow(
		filling->arena, filling->text, filling->count, &filling->capacity, 1);
	filling->text[filling->count++] = c;
}

static bool
put_value(
	struct filling *filling, const char *word, const struct address *token, struct err *err)
{
	const struct template *found = template_of(word);
	const char *value;

	if (!found)
		return refuse_unknown(word, err);
	value = found->value(token, filling->arena);
	if (!is_plain(value))
		return err_set(err, ERR_POLICY, 0,
			"{%s} is '%s' here, and a template takes only letters, digits and _./- without '..'",
			word, value);
	for (; *value; value++) {
		if (filling->escapes && *value == '.')
			put(filling, '\\');
		put(filling, *value);
	}
	return true;
}

static bool
fill(const char *text, const struct address *token, struct filling *filling, struct err *err)
{
	while (*text) {
		const char *end;

		if (*text != '{') {
			put(filling, *text++);
			continue;
		}
		end = strchr(text, '}');
		if (!end)
			return err_set(
				err, ERR_POLICY, 0, "'%s' has a brace without its end", text);
		if (!put_value(filling,
			    arena_text_n(filling->arena, text + 1, (size_t)(end - text) - 1),
			    token, err))
			return false;
		text = end + 1;
	}
	put(filling, '\0');
	return true;
}

bool
template_fill(const char *text, const struct address *token, struct arena *arena,
	const char **filled, struct err *err)
{
	struct filling filling = { .arena = arena };

	if (text && !fill(text, token, &filling, err))
		return false;
	*filled = filling.text;
	return true;
}

bool
template_fill_dotted(const char *text, const struct address *token, struct arena *arena,
	const char **filled, struct err *err)
{
	struct filling filling = { .arena = arena, .escapes = true };

	if (!fill(text, token, &filling, err))
		return false;
	*filled = filling.text;
	return true;
}
