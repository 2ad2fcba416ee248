/* Files of lines: KEY=VALUE for systemd and sh, npm's .npmrc, pip's pip.conf. */
#include "destination/format_row.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

static bool
is_comment(const struct text *text, struct span line)
{
	line = format_trim(text, line);
	return line.from == line.to || text->bytes[line.from] == '#' ||
	       text->bytes[line.from] == ';';
}

static void
put_in(struct finding *finding, const struct edit *edit)
{
	finding->edits[finding->count++] = *edit;
}

/* `before` stands on the new line, too. */
static void
add_line(const struct text *text, size_t at, const char *before, struct arena *arena,
	struct finding *finding)
{
	struct edit edit = format_own_line(text, at, arena);

	edit.before = arena_format(arena, "%s%s", edit.before, before);
	edit.put = PUT_SECRET;
	put_in(finding, &edit);
}

static void
set_secret(struct span value, const char *before, const char *after, struct finding *finding)
{
	put_in(finding,
		&(struct edit){
			.span = value, .before = before, .after = after, .put = PUT_SECRET });
	finding->has_secret = true;
	finding->secret = value;
}

static bool
twice(const struct text *text, struct span line, const struct finding *finding,
	const char *what, struct err *err)
{
	return format_fault(text, line.from, err,
		"'%s' stands in line %zu already: which of them counts depends on the reader",
		what, format_line(text, finding->edits[0].span.from));
}

/* --- KEY=VALUE --- */

struct quoting {
	size_t opened; /* where the quote stands that is open */
	char quote;    /* ' or ", or 0 */
};

/* Moves to the end of a value, which may lie lines below; `*gap` is where white space stands with more behind it, or the end. */
static size_t
end_of_value(const struct text *text, size_t at, struct quoting *quoting, size_t *gap)
{
	size_t blank = text->length;

	*gap = text->length;
	for (; at < text->length; at++) {
		const char byte = text->bytes[at];

		if (!quoting->quote && byte == '\n')
			break;
		if (!quoting->quote && strchr(" \t\r", byte)) {
			if (blank == text->length)
				blank = at;
			continue;
		}
		if (blank < *gap)
			*gap = blank;
		if (byte == '\\' && quoting->quote != '\'')
			at++;
		else if (byte == quoting->quote)
			quoting->quote = 0;
		else if (!quoting->quote && (byte == '\'' || byte == '"'))
			*quoting = (struct quoting){ at, byte };
	}
	return at < text->length ? at : text->length;
}

/* `#` and `;` begin a comment; a backslash at its end makes systemd go on with it in the next line. */
static bool
goes_on(const struct text *text, struct span line)
{
	return line.to > line.from && text->bytes[line.to - 1] == '\\';
}

struct assignment {
	struct span name, value;
	size_t gap; /* in the value, not quoted; its end, when there is none */
};

static bool
our_assignment(const struct text *text, const char *key, const struct assignment *found,
	bool is_hidden, struct finding *finding, struct err *err)
{
	const struct span name = format_trim(text, found->name);
	const struct span value = format_trim(text, found->value);

	if (finding->count)
		return twice(text, name, finding, key, err);
	if (is_hidden)
		return format_fault(text, name.from, err,
			"systemd takes this line for part of the comment above, which ends with a backslash");
	if (name.to != found->name.to || value.from != found->value.from ||
		found->gap < value.to)
		return format_fault(text, found->value.from, err,
			"systemd and sh read this line differently: write %s=VALUE without white space, or with quotes",
			key);
	set_secret(value, "", "", finding);
	return true;
}

static bool
is_exported(const struct text *text, struct span name, const char *key)
{
	static const char word[] = "export";
	const struct span behind =
		format_trim(text, (struct span){ name.from + sizeof(word) - 1, name.to });

	return name.to - name.from > sizeof(word) &&
	       !memcmp(text->bytes + name.from, word, sizeof(word) - 1) &&
	       format_is(text, behind, key);
}

/* One line, or more where a value has more; *at moves behind it. */
static bool
env_line(const struct text *text, const char *key, size_t *at, struct span line, bool is_hidden,
	struct finding *finding, struct err *err)
{
	const char *equals = memchr(text->bytes + line.from, '=', line.to - line.from);
	struct quoting quoting = { 0 };
	struct assignment found;
	struct span name;

	if (!equals)
		return true;
	found.name = (struct span){ line.from, (size_t)(equals - text->bytes) };
	found.value.from = found.name.to + 1;
	found.value.to = end_of_value(text, found.value.from, &quoting, &found.gap);
	if (quoting.quote)
		return format_fault(text, quoting.opened, err, "a quote without its end");
	*at = found.value.to + (found.value.to < text->length);
	name = format_trim(text, found.name);
	if (is_exported(text, name, key))
		return format_fault(text, name.from, err,
			"systemd does not read a line with 'export': take the word away");
	return !format_is(text, name, key) ||
	       our_assignment(text, key, &found, is_hidden, finding, err);
}

static bool
find_env(const struct text *text, const struct format_entry *entry, struct arena *arena,
	struct finding *finding, struct err *err)
{
	const char *key = entry->key.items[0];
	bool is_hidden = false;
	struct span line;
	size_t at = 0;

	while (format_next_line(text, &at, &line)) {
		if (is_comment(text, line)) {
			is_hidden = goes_on(text, line);
			continue;
		}
		if (!env_line(text, key, &at, line, is_hidden, finding, err))
			return false;
		is_hidden = false;
	}
	if (!finding->count)
		add_line(text, text->length, arena_format(arena, "%s=", key), arena, finding);
	return true;
}

/* In double quotes where something could mean more than itself. */
static struct secret *
spell_env(const char *username, const struct text *value)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"_./:@%+=,-";
	struct secret *spelled = secret_new(value->length * 2 + 2);
	bool quotes = false;

	(void)username;
	for (size_t i = 0; i < value->length; i++)
		quotes = quotes || !strchr(plain, value->bytes[i]);
	if (quotes)
		(void)!secret_append(spelled, "\"", 1);
	for (size_t i = 0; i < value->length; i++) {
		if (strchr("\"\\`$", value->bytes[i]))
			(void)!secret_append(spelled, "\\", 1);
		(void)!secret_append(spelled, value->bytes + i, 1);
	}
	if (quotes)
		(void)!secret_append(spelled, "\"", 1);
	return spelled;
}

static void
unspell_env(const struct text *spelled, struct spelled *value)
{
	auto_secret struct secret *draft = secret_new(spelled->length);
	char quote = 0;

	for (size_t at = 0; at < spelled->length; at++) {
		const char *byte = &spelled->bytes[at];

		if (*byte == quote) {
			quote = 0;
			continue;
		}
		if (!quote && (*byte == '\'' || *byte == '"')) {
			quote = *byte;
			continue;
		}
		if (*byte == '\\' && quote != '\'' && at + 1 < spelled->length &&
			(!quote || strchr("\"\\`$", byte[1])))
			byte = &spelled->bytes[++at];
		(void)!secret_append(draft, byte, 1);
	}
	value->secret = take(draft);
}

const struct format_row env_format = {
	.takes = TAKES_KEY,
	.find = find_env,
	.spell = spell_env,
	.unspell = unspell_env,
};

/* --- .npmrc --- */

/* Without a comment behind it, and without quotes around it. */
static struct span
npm_value(const struct text *text, struct span value)
{
	value = format_trim(text, value);
	if (value.to - value.from >= 2 && strchr("\"'", text->bytes[value.from]) &&
		text->bytes[value.to - 1] == text->bytes[value.from])
		return (struct span){ value.from + 1, value.to - 1 };
	for (size_t i = value.from; i < value.to; i++)
		if (strchr("#;", text->bytes[i]))
			value.to = i;
	return format_trim(text, value);
}

static bool
npm_line(const struct text *text, const char *key, struct span line, struct finding *finding,
	struct err *err)
{
	const char *equals = memchr(text->bytes + line.from, '=', line.to - line.from);
	const size_t at = equals ? (size_t)(equals - text->bytes) : line.to;

	if (!format_is(text, format_trim(text, (struct span){ line.from, at }), key))
		return true;
	if (!equals)
		return format_fault(text, line.from, err, "'%s' without a value", key);
	if (finding->count)
		return twice(text, line, finding, key, err);
	set_secret(npm_value(text, (struct span){ at + 1, line.to }), "", "", finding);
	return true;
}

/* What stands below a [SECTION] belongs to that. */
static bool
find_npm(const struct text *text, const struct format_entry *entry, struct arena *arena,
	struct finding *finding, struct err *err)
{
	const char *key = arena_format(arena, "//%s/:_authToken", entry->host);
	struct span line;
	size_t at = 0, end = text->length;

	while (format_next_line(text, &at, &line)) {
		if (text->bytes[format_trim(text, line).from] == '[' && line.from < line.to) {
			end = line.from;
			break;
		}
		if (!is_comment(text, line) && !npm_line(text, key, line, finding, err))
			return false;
	}
	if (!finding->count)
		add_line(text, end, arena_format(arena, "%s=", key), arena, finding);
	return true;
}

const struct format_row npmrc_format = {
	.takes = TAKES_HOST | TAKES_PATH,
	.letters = "._~+/=-",
	.find = find_npm,
};

/* --- pip.conf --- */

static size_t
end_of_word(const struct text *text, size_t at, size_t to)
{
	while (at < to && !strchr(" \t\r", text->bytes[at]))
		at++;
	return at;
}

static bool
our_address(const struct text *text, struct span userinfo, const char *host,
	struct finding *finding, struct err *err)
{
	const char *colon =
		memchr(text->bytes + userinfo.from, ':', userinfo.to - userinfo.from);

	if (finding->count)
		return twice(text, userinfo, finding, host, err);
	put_in(finding,
		&(struct edit){
			.span = userinfo, .before = "", .after = ":", .put = PUT_USERNAME });
	put_in(finding, &(struct edit){ .span = { userinfo.to, userinfo.to },
				.before = "",
				.after = "@",
				.put = PUT_SECRET });
	if (userinfo.from == userinfo.to)
		return true;
	finding->edits[1].after = "";
	finding->has_secret = finding->has_username = colon != NULL;
	if (colon) {
		const size_t at = (size_t)(colon - text->bytes);

		finding->username = (struct span){ userinfo.from, at };
		finding->secret = (struct span){ at + 1, userinfo.to };
	}
	return true;
}

/* Whether what is sent to that address is seen by nobody on the way; `mark` is where "://" stands. */
static bool
is_private(const struct text *text, size_t line, size_t mark, const char *host)
{
	static const char *const loopback[] = { "localhost", "127.0.0.1" };
	const char *bytes = text->bytes + mark;
	const size_t length = mark - line;

	if (length >= 5 && !strncasecmp(bytes - 5, "https", 5))
		return length == 5 || !isalnum((unsigned char)bytes[-6]);
	for (size_t i = 0; i < ARRAY_SIZE(loopback); i++) {
		const size_t name = strlen(loopback[i]);

		if (!strncmp(host, loopback[i], name) &&
			(!host[name] || strchr(":/", host[name])))
			return true;
	}
	return false;
}

/* From behind "://" to the end of the address. */
static bool
pip_address(const struct text *text, struct span address, const char *host,
	struct finding *finding, struct err *err)
{
	const char *from = text->bytes + address.from;
	const char *slash = memchr(from, '/', address.to - address.from);
	const size_t name_ends = slash ? (size_t)(slash - text->bytes) : address.to;
	const char *at = memrchr(from, '@', name_ends - address.from);
	struct span rest = { at ? (size_t)(at - text->bytes) + 1 : address.from, address.to };

	while (rest.to > rest.from && text->bytes[rest.to - 1] == '/')
		rest.to--;
	if (!format_is(text, rest, host))
		return true;
	return our_address(text,
		(struct span){ address.from, at ? rest.from - 1 : address.from }, host, finding,
		err);
}

static bool
pip_line(const struct text *text, struct span line, const char *host, struct finding *finding,
	struct err *err)
{
	static const char mark[] = "://";

	for (size_t at = line.from; at < line.to;) {
		const char *found = memmem(text->bytes + at, line.to - at, mark, strlen(mark));
		struct span address;
		size_t count;

		if (!found)
			break;
		address.from = (size_t)(found - text->bytes) + strlen(mark);
		address.to = end_of_word(text, address.from, line.to);
		count = finding->count;
		if (!pip_address(text, address, host, finding, err))
			return false;
		if (finding->count > count &&
			!is_private(text, line.from, address.from - strlen(mark), host))
			return format_fault(text, address.from - strlen(mark), err,
				"the credential of '%s' would be sent in the clear: expected https://",
				host);
		at = address.to;
	}
	return true;
}

/* An address that stands there gets a credential; where one is missing, only a person knows in which section. */
static bool
find_pip(const struct text *text, const struct format_entry *entry, struct arena *arena,
	struct finding *finding, struct err *err)
{
	struct span line;
	size_t at = 0;

	while (format_next_line(text, &at, &line))
		if (!is_comment(text, line) && !pip_line(text, line, entry->host, finding, err))
			return false;
	if (finding->count)
		return true;
	if (text->length)
		return err_set(err, ERR_REFUSED, 0,
			"no address https://%s stands there: write it once, without a credential",
			entry->host);
	put_in(finding, &(struct edit){ .before = "[global]\nindex-url = https://",
				.after = ":",
				.put = PUT_USERNAME });
	put_in(finding, &(struct edit){ .before = "",
				.after = arena_format(arena, "@%s\n", entry->host),
				.put = PUT_SECRET });
	return true;
}

const struct format_row pip_format = {
	.takes = TAKES_HOST | TAKES_PATH | TAKES_USERNAME,
	.letters = "._~+=-",
	.find = find_pip,
};
