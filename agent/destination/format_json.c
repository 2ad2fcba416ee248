/* A member of a JSON object; and Docker's config.json, which is one. */
#include "destination/format_row.h"
#include "destination/json_span.h"

#define NAMES_MOST 16

static void
unspell_string(const struct text *spelled, struct spelled *value)
{
	auto_secret struct secret *draft = secret_new(spelled->length);

	for (size_t at = 0; at < spelled->length;) {
		const int byte = json_unescape(spelled, &at);
		const char letter = (char)byte;

		if (byte < 0)
			return;
		(void)!secret_append(draft, &letter, 1);
	}
	value->secret = take(draft);
}

static struct secret *
spell_string(const char *username, const struct text *value)
{
	struct secret *spelled = secret_new(value->length * 2);

	(void)username;
	for (size_t i = 0; i < value->length; i++) {
		if (value->bytes[i] == '"' || value->bytes[i] == '\\')
			(void)!secret_append(spelled, "\\", 1);
		(void)!secret_append(spelled, value->bytes + i, 1);
	}
	return spelled;
}

/* --- members --- */

static const char *
quoted(const char *word, struct arena *arena)
{
	char *text = arena_alloc(arena, strlen(word) * 2 + 3), *to = text;

	*to++ = '"';
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			*to++ = '\\';
		*to++ = *word;
	}
	*to = '"';
	return text;
}

/* `{"a": {"b": "`, or without the first brace, for what is missing from `names` on. */
static struct edit
missing(const char *before, const char *colon, const char *const *names, size_t count,
	struct arena *arena)
{
	const char *after = "\"";

	for (size_t i = 0; i < count; i++) {
		before = arena_format(arena, "%s%s%s%s", before, i ? "{" : "",
			quoted(names[i], arena), i ? ": " : colon);
		after = i ? arena_format(arena, "%s}", after) : after;
	}
	return (struct edit){
		.before = arena_format(arena, "%s\"", before), .after = after, .put = PUT_SECRET
	};
}

/* Behind the last member of an object, with the white space that its neighbour has. */
static void
add_member(const struct text *text, size_t open, const struct json_look *look,
	const char *const *names, size_t count, struct arena *arena, struct finding *finding)
{
	const size_t at = look->has_members ? look->value.to : open + 1;
	const char *before = "", *colon = ": ";

	if (look->has_members) {
		before =
			arena_format(arena, ",%.*s", (int)(look->name.from - look->name_begins),
				text->bytes + look->name_begins);
		colon = arena_text_n(
			arena, text->bytes + look->name.to, look->value.from - look->name.to);
	}
	finding->edits[0] = missing(before, colon, names, count, arena);
	finding->edits[0].span = (struct span){ at, at };
	finding->count = 1;
}

static bool
set_value(const struct text *text, struct span value, struct finding *finding, struct err *err)
{
	if (text->bytes[value.from] != '"' && !format_is(text, value, "null"))
		return format_fault(text, value.from, err, "the secret's place holds no text");
	finding->edits[0] = (struct edit){
		.span = value, .before = "\"", .after = "\"", .put = PUT_SECRET
	};
	finding->count = 1;
	finding->has_secret = text->bytes[value.from] == '"';
	finding->secret = (struct span){ value.from + 1, value.to - 1 };
	return true;
}

static bool
find_member(const struct text *text, size_t open, const char *const *names, size_t count,
	struct arena *arena, struct finding *finding, struct err *err)
{
	struct json_look look;

	for (size_t i = 0; i < count; i++) {
		if (!json_look_for(text, open, names[i], &look, err))
			return false;
		if (!look.is_found) {
			add_member(text, open, &look, names + i, count - i, arena, finding);
			return true;
		}
		if (i + 1 < count && text->bytes[look.value.from] != '{')
			return format_fault(
				text, look.value.from, err, "'%s' is no object", names[i]);
		open = look.value.from;
	}
	return set_value(text, look.value, finding, err);
}

static void
begin_document(const struct text *text, const char *const *names, size_t count,
	struct arena *arena, struct finding *finding)
{
	finding->edits[0] = missing("{", ": ", names, count, arena);
	finding->edits[0].span = (struct span){ text->length, text->length };
	finding->edits[0].after = arena_format(arena, "%s}\n", finding->edits[0].after);
	finding->count = 1;
}

static size_t
split_path(const char *path, struct arena *arena, const char *names[NAMES_MOST])
{
	char *name = arena_text(arena, path), *to = name;
	size_t count = 0;

	for (const char *at = path;; at++) {
		if (*at == '\\' && at[1] == '.') {
			*to++ = *++at;
		} else if (!*at || (*at == '.' && count + 1 < NAMES_MOST)) {
			*to++ = '\0';
			names[count++] = name;
			name = to;
		} else {
			*to++ = *at;
		}
		if (!*at)
			return count;
	}
}

static bool
find_json(const struct text *text, const struct format_entry *entry, struct arena *arena,
	struct finding *finding, struct err *err)
{
	const char *split[NAMES_MOST];
	const char *const *names = entry->key.items;
	size_t count = entry->key.count, open;

	if (count == 1) {
		count = split_path(names[0], arena, split);
		names = split;
	}
	if (!json_open_document(text, arena, &open, err))
		return false;
	if (open < text->length)
		return find_member(text, open, names, count, arena, finding, err);
	begin_document(text, names, count, arena, finding);
	return true;
}

const struct format_row json_format = {
	.takes = TAKES_KEY,
	.find = find_json,
	.spell = spell_string,
	.unspell = unspell_string,
};

/* --- Docker --- */

/* USER:SECRET, in base64. */
static struct secret *
spell_docker(const char *username, const struct text *value)
{
	const size_t length = strlen(username);
	auto_secret struct secret *pair = secret_new(length + 1 + value->length);

	(void)!secret_append(pair, username, length);
	(void)!secret_append(pair, ":", 1);
	(void)!secret_append(pair, value->bytes, value->length);
	return secret_base64(pair);
}

static void
unspell_docker(const struct text *spelled, struct spelled *value)
{
	auto_secret struct secret *pair = secret_from_base64(spelled->bytes, spelled->length);
	const char *bytes = pair ? secret_reveal(pair) : "";
	const char *colon = strchr(bytes, ':');

	if (!colon)
		return;
	value->username = secret_copy(bytes, (size_t)(colon - bytes));
	value->secret =
		secret_copy(colon + 1, secret_length(pair) - (size_t)(colon + 1 - bytes));
}

/* A text that is not empty, of an object's member of that name. */
static bool
holds_text(const struct text *text, size_t open, const char *name, bool *holds,
	struct json_look *look, struct err *err)
{
	*holds = false;
	if (text->bytes[open] != '{')
		return true;
	if (!json_look_for(text, open, name, look, err))
		return false;
	*holds = look->is_found && text->bytes[look->value.from] == '"' &&
	         look->value.to - look->value.from > 2;
	return true;
}

/* What docker believes more than the entry's `auth`. */
static bool
is_read_by_docker(const struct text *text, size_t open, const char *host, struct err *err)
{
	static const char *const stronger[] = { "identitytoken", "registrytoken" };
	struct json_look look;
	bool holds;

	if (!holds_text(text, open, "credsStore", &holds, &look, err))
		return false;
	if (!holds && !json_look_for(text, open, "credHelpers", &look, err))
		return false;
	if (!holds && look.is_found &&
		!holds_text(text, look.value.from, host, &holds, &look, err))
		return false;
	if (holds)
		return format_fault(text, look.name.from, err,
			"docker asks a credential helper for '%s', and would not read what is written here",
			host);
	if (!json_look_for(text, open, "auths", &look, err))
		return false;
	if (!look.is_found || text->bytes[look.value.from] != '{')
		return true;
	if (!json_look_for(text, look.value.from, host, &look, err))
		return false;
	for (size_t i = 0, entry = look.value.from; look.is_found && i < ARRAY_SIZE(stronger);
		i++) {
		struct json_look member;

		if (!holds_text(text, entry, stronger[i], &holds, &member, err))
			return false;
		if (holds)
			return format_fault(text, member.name.from, err,
				"docker would go by the '%s' of '%s': log out from it first",
				stronger[i], host);
	}
	return true;
}

static bool
find_docker(const struct text *text, const struct format_entry *entry, struct arena *arena,
	struct finding *finding, struct err *err)
{
	const char *const names[] = { "auths", entry->host, "auth" };
	size_t open;

	if (!json_open_document(text, arena, &open, err))
		return false;
	if (open == text->length) {
		begin_document(text, names, ARRAY_SIZE(names), arena, finding);
		return true;
	}
	return is_read_by_docker(text, open, entry->host, err) &&
	       find_member(text, open, names, ARRAY_SIZE(names), arena, finding, err);
}

const struct format_row docker_format = {
	.takes = TAKES_HOST | TAKES_USERNAME,
	.find = find_docker,
	.spell = spell_docker,
	.unspell = unspell_docker,
};
