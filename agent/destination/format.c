#include "destination/format_row.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/checks.h"
#include "destination/format.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* clang-format off */
const struct word format_words[] = {
	{ "raw",    FORMAT_RAW },
	{ "env",    FORMAT_ENV },
	{ "json",   FORMAT_JSON },
	{ "netrc",  FORMAT_NETRC },
	{ "docker", FORMAT_DOCKER },
	{ "npmrc",  FORMAT_NPMRC },
	{ "pip",    FORMAT_PIP },
	{ NULL },
};

static const struct format_row raw_format = { 0 };
static const struct format_row *const rows[] = {
	[0]             = &raw_format,
	[FORMAT_RAW]    = &raw_format,
	[FORMAT_ENV]    = &env_format,
	[FORMAT_JSON]   = &json_format,
	[FORMAT_NETRC]  = &netrc_format,
	[FORMAT_DOCKER] = &docker_format,
	[FORMAT_NPMRC]  = &npmrc_format,
	[FORMAT_PIP]    = &pip_format,
};
/* clang-format on */

static const struct format_row *
row_of(const struct format_entry *entry)
{
	return rows[entry->format];
}

bool
format_is_raw(const struct format_entry *entry)
{
	return row_of(entry) == &raw_format;
}

/* --- what a policy may say --- */

static const char *
word_of(const struct format_entry *entry)
{
	for (const struct word *word = format_words; word->word; word++)
		if (word->value == entry->format)
			return word->word;
	return "raw";
}

static bool
check_stated(const struct format_entry *entry, const char *key, bool is_stated, bool is_taken,
	bool is_required, struct err *err)
{
	if (is_stated && !is_taken)
		return err_set(
			err, ERR_POLICY, 0, "format '%s' takes no '%s'", word_of(entry), key);
	if (is_required && !is_stated)
		return err_set(
			err, ERR_POLICY, 0, "format '%s' needs '%s'", word_of(entry), key);
	return true;
}

static bool
check_letters(const char *what, const char *text, const char *more, struct err *err)
{
	return text_is_made_of(text, more) ||
	       err_set(err, ERR_POLICY, 0, "'%s' cannot be a %s of a file", text, what);
}

static bool
check_host(const struct format_row *row, const char *host, struct err *err)
{
	const size_t length = strlen(host);

	if (!check_letters("host", host, "._-:/~%+", err))
		return false;
	if (!strstr(host, "//") && *host != '/' && host[length - 1] != '/' &&
		(row->takes & TAKES_PATH || !strchr(host, '/')))
		return true;
	return err_set(err, ERR_POLICY, 0,
		row->takes & TAKES_PATH
			? "host '%s': expected HOST/PATH without 'https://' and without a last '/'"
			: "host '%s': expected a host without 'https://' and without a path",
		host);
}

static bool
check_key(const struct format_entry *entry, struct err *err)
{
	if (entry->format == FORMAT_ENV) {
		const char *key = entry->key.items[0];

		if (entry->key.count > 1 || (*key >= '0' && *key <= '9'))
			return err_set(err, ERR_POLICY, 0,
				"the key of format 'env' is one name of letters, digits and '_'");
		return check_letters("key", key, "_", err);
	}
	for (size_t i = 0; i < entry->key.count; i++)
		for (const char *at = entry->key.items[i]; *at; at++)
			if ((unsigned char)*at < 0x20 || *at == 0x7f)
				return err_set(
					err, ERR_POLICY, 0, "a key with a control character");
	return true;
}

bool
format_check(const struct format_entry *entry, struct err *err)
{
	const struct format_row *row = row_of(entry);
	const unsigned takes = row->takes;
	const bool has_key = entry->key.count != 0;

	if (!check_stated(entry, "key", has_key, takes & TAKES_KEY, takes & TAKES_KEY, err) ||
		!check_stated(entry, "host", entry->host, takes & TAKES_HOST,
			takes & TAKES_HOST, err) ||
		!check_stated(
			entry, "username", entry->username, takes & TAKES_USERNAME, false, err))
		return false;
	if (has_key && !check_key(entry, err))
		return false;
	if (entry->host && !check_host(row, entry->host, err))
		return false;
	return !entry->username || check_letters("user name", entry->username, "._-+", err);
}

/* A list as the path that it is, so that one member has one name. */
static const char *
key_text(const struct texts *key, struct arena *arena)
{
	const char *text = key->count == 1 ? key->items[0] : "";

	for (size_t i = 0; key->count > 1 && i < key->count; i++) {
		const char *name = key->items[i];

		text = arena_format(arena, "%s%s", text, i ? "." : "");
		for (size_t plain; *name; name += plain + (name[plain] == '.')) {
			plain = strcspn(name, ".");
			text = arena_format(arena, "%s%.*s%s", text, (int)plain, name,
				name[plain] ? "\\." : "");
		}
	}
	return text;
}

const char *
format_entry_text(const struct format_entry *entry, struct arena *arena)
{
	if (entry->key.count)
		return key_text(&entry->key, arena);
	if (entry->host && entry->username && entry->format == FORMAT_NETRC)
		return arena_format(arena, "%s %s", entry->host, entry->username);
	return entry->host ? entry->host : "";
}

/* An entry without a login is whichever stands there. */
bool
format_overlaps(const struct format_entry *a, const struct format_entry *b)
{
	if (format_is_raw(a) || format_is_raw(b))
		return true;
	return a->format == FORMAT_NETRC && b->format == FORMAT_NETRC &&
	       !strcasecmp(a->host, b->host) &&
	       (!a->username || !b->username || !strcasecmp(a->username, b->username));
}

/* --- places in a text --- */

size_t
format_line(const struct text *text, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at && i < text->length; i++)
		line += text->bytes[i] == '\n';
	return line;
}

static size_t
column_of(const struct text *text, size_t at)
{
	size_t begin = at;

	while (begin && text->bytes[begin - 1] != '\n')
		begin--;
	return at - begin + 1;
}

bool
format_fault(const struct text *text, size_t at, struct err *err, const char *format, ...)
{
	char why[256];
	va_list list;

	va_start(list, format);
	vsnprintf(why, sizeof(why), format, list);
	va_end(list);
	return err_set(err, ERR_REFUSED, 0, "line %zu, column %zu: %s", format_line(text, at),
		column_of(text, at), why);
}

bool
format_next_line(const struct text *text, size_t *at, struct span *line)
{
	const char *end;

	if (*at >= text->length)
		return false;
	end = memchr(text->bytes + *at, '\n', text->length - *at);
	line->from = *at;
	line->to = end ? (size_t)(end - text->bytes) : text->length;
	*at = line->to + (end != NULL);
	if (line->to > line->from && text->bytes[line->to - 1] == '\r')
		line->to--;
	return true;
}

const char *
format_line_end(const struct text *text)
{
	const char *end = memchr(text->bytes, '\n', text->length);

	return end && end > text->bytes && end[-1] == '\r' ? "\r\n" : "\n";
}

struct edit
format_own_line(const struct text *text, size_t at, struct arena *arena)
{
	const char *end = arena_text(arena, format_line_end(text));
	const bool is_open = at == text->length && at && text->bytes[at - 1] != '\n';

	return (struct edit){
		.span = { at, at }, .before = is_open ? end : "", .after = is_open ? "" : end
	};
}

struct span
format_trim(const struct text *text, struct span span)
{
	while (span.to > span.from && strchr(" \t\r", text->bytes[span.to - 1]))
		span.to--;
	while (span.from < span.to && strchr(" \t", text->bytes[span.from]))
		span.from++;
	return span;
}

bool
format_is(const struct text *text, struct span span, const char *word)
{
	const size_t length = strlen(word);

	return span.to - span.from == length && !memcmp(text->bytes + span.from, word, length);
}

/* --- what stands there --- */

static bool
find(const struct format_entry *entry, const struct text *text, struct arena *arena,
	struct finding *finding, struct err *err)
{
	const size_t mark = strlen(BYTE_ORDER_MARK);
	const char *zero = memchr(text->bytes, '\0', text->length);

	if (text->length > FORMAT_MAX_BYTES)
		return err_set(
			err, ERR_REFUSED, 0, "holds more than %zu bytes", FORMAT_MAX_BYTES);
	if (text->length >= mark && !memcmp(text->bytes, BYTE_ORDER_MARK, mark))
		return format_fault(text, 0, err,
			"a byte order mark, which its readers take for content: save it without");
	if (zero)
		return format_fault(text, (size_t)(zero - text->bytes), err,
			"a zero byte: this is no text in UTF-8");
	*finding = (struct finding){ 0 };
	return row_of(entry)->find(text, entry, arena, finding, err);
}

static void
spelled_done(struct spelled *value)
{
	secret_free(value->username);
	secret_free(value->secret);
}
#define auto_spelled __attribute__((cleanup(spelled_done)))

static void
unspell(const struct format_row *row, const struct text *text, const struct finding *finding,
	struct spelled *value)
{
	if (finding->has_username)
		value->username = secret_copy(text->bytes + finding->username.from,
			finding->username.to - finding->username.from);
	if (!finding->has_secret)
		return;
	if (row->unspell)
		row->unspell(&(struct text){ text->bytes + finding->secret.from,
				     finding->secret.to - finding->secret.from },
			value);
	else
		value->secret = secret_copy(text->bytes + finding->secret.from,
			finding->secret.to - finding->secret.from);
}

bool
format_read(const struct format_entry *entry, const struct secret *present,
	struct secret **value, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	auto_spelled struct spelled found = { 0 };
	struct finding finding;
	struct text text;

	if (format_is_raw(entry)) {
		*value = secret_copy(secret_reveal(present), secret_length(present));
		return true;
	}
	text = (struct text){ secret_reveal(present), secret_length(present) };
	if (!find(entry, &text, arena, &finding, err))
		return false;
	unspell(row_of(entry), &text, &finding, &found);
	*value = found.secret && secret_length(found.secret) ? take(found.secret) : NULL;
	return true;
}

/* --- what shall stand there --- */

static bool
is_fit(const struct format_entry *entry, const struct secret *value, struct err *err)
{
	const char *letters = row_of(entry)->letters, *bytes = secret_reveal(value);
	bool fits = secret_length(value) > 0;

	for (size_t i = 0; fits && i < secret_length(value); i++)
		fits = bytes[i] > 0x20 && bytes[i] < 0x7f &&
		       (!letters || isalnum((unsigned char)bytes[i]) ||
			       strchr(letters, bytes[i]));
	return fits || err_set(err, ERR_REFUSED, 0,
			       "the secret holds a character that format '%s' cannot carry",
			       word_of(entry));
}

static struct secret *
choose_username(
	const struct format_entry *entry, const char *login, const struct spelled *found)
{
	const char *name = entry->username ? entry->username : login;

	if (!name && found->username && secret_length(found->username))
		return secret_copy(
			secret_reveal(found->username), secret_length(found->username));
	if (!name)
		name = FORMAT_USERNAME;
	return secret_copy(name, strlen(name));
}

/* Both parts; in the formats that hold no name, it does not count. */
static bool
stands_there(const struct format_row *row, const struct spelled *found,
	const struct secret *username, const struct secret *value)
{
	return secret_equal(found->secret, value) &&
	       (!(row->takes & TAKES_USERNAME) || secret_equal(found->username, username));
}

static void
append(struct secret *merged, const char *bytes, size_t length)
{
	(void)!secret_append(merged, bytes, length);
}

static struct secret *
apply(const struct text *text, const struct finding *finding, const struct secret *username,
	const struct secret *spelled)
{
	size_t room = text->length, at = 0;
	struct secret *merged;

	for (size_t i = 0; i < finding->count; i++)
		room += strlen(finding->edits[i].before) + strlen(finding->edits[i].after) +
		        secret_length(username) + secret_length(spelled);
	merged = secret_new(room);
	for (size_t i = 0; i < finding->count; i++) {
		const struct edit *edit = &finding->edits[i];

		append(merged, text->bytes + at, edit->span.from - at);
		append(merged, edit->before, strlen(edit->before));
		if (edit->put)
			(void)!secret_join(
				merged, edit->put == PUT_SECRET ? spelled : username);
		append(merged, edit->after, strlen(edit->after));
		at = edit->span.to;
	}
	append(merged, text->bytes + at, text->length - at);
	return merged;
}

static struct secret *
spell(const struct format_row *row, const struct secret *username, const struct secret *value)
{
	const struct text text = { secret_reveal(value), secret_length(value) };

	return row->spell ? row->spell(secret_reveal(username), &text)
	                  : secret_copy(text.bytes, text.length);
}

/* What was pieced together is believed only after it was read like anybody's file. */
static bool
is_readable(const struct format_entry *entry, const struct secret *merged,
	const struct secret *value, struct err *err)
{
	auto_secret struct secret *back = NULL;

	if (!format_read(entry, merged, &back, err))
		return err_wrap(err, "what would be written");
	return secret_equal(back, value) ||
	       err_set(err, ERR_REFUSED, 0,
		       "what would be written there could not be read back: look at its last line");
}

static bool
merge(const struct format_entry *entry, const char *login, const struct text *text,
	const struct secret *value, struct secret **merged, struct err *err)
{
	const struct format_row *row = row_of(entry);
	auto_arena struct arena *arena = arena_new();
	auto_secret struct secret *username = NULL, *spelled = NULL, *draft = NULL;
	auto_spelled struct spelled found = { 0 };
	struct finding finding;

	if (!find(entry, text, arena, &finding, err))
		return false;
	unspell(row, text, &finding, &found);
	username = choose_username(entry, login, &found);
	if (stands_there(row, &found, username, value)) {
		*merged = secret_copy(text->bytes, text->length);
		return true;
	}
	spelled = spell(row, username, value);
	draft = apply(text, &finding, username, spelled);
	if (!is_readable(entry, draft, value, err))
		return false;
	*merged = take(draft);
	return true;
}

bool
format_merge(const struct format_entry *entry, const char *login, const struct secret *present,
	const struct secret *value, struct secret **merged, struct err *err)
{
	const struct text text = { present ? secret_reveal(present) : "",
		present ? secret_length(present) : 0 };

	if (format_is_raw(entry)) {
		*merged = secret_copy(secret_reveal(value), secret_length(value));
		return true;
	}
	return is_fit(entry, value, err) &&
	       (!login || !(row_of(entry)->takes & TAKES_USERNAME) ||
		       check_letters("user name", login, "._-+", err)) &&
	       merge(entry, login, &text, value, merged, err);
}
