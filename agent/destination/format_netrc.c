/* ~/.netrc, as curl, git and Python read it: words between white space, which may be quoted. */
#include "destination/format_row.h"

#include <stdio.h>
#include <strings.h>

#define WHITE " \t\r\n"

enum keyword { NO_KEYWORD, MACHINE, DEFAULT, LOGIN, PASSWORD, ACCOUNT, MACRO };
static const struct word keywords[] = {
	{ "machine", MACHINE },
	{ "default", DEFAULT },
	{ "login", LOGIN },
	{ "user", LOGIN },
	{ "password", PASSWORD },
	{ "account", ACCOUNT },
	{ "macdef", MACRO },
	{ NULL },
};

/* One machine's words; `to` is 0 for those that are not there. */
struct machine {
	struct span name, login, password;
};

struct netrc {
	const struct text *text;
	const struct format_entry *entry;
	struct machine now, ours;
	size_t at;
	size_t default_at; /* where `default` stands; the text's length where it does not */
	bool is_in_macro;  /* at the end of the text */
	struct err *err;
};

static bool
next_word(struct netrc *netrc, struct span *word, bool *is_there)
{
	const char *bytes = netrc->text->bytes;
	const size_t length = netrc->text->length;
	size_t at = netrc->at;

	while (at < length && strchr(WHITE, bytes[at]))
		at++;
	*is_there = at < length;
	word->from = at;
	if (at < length && bytes[at] == '"') {
		for (at++; at < length && bytes[at] != '"' && bytes[at] != '\n'; at++)
			if (bytes[at] == '\\')
				at++;
		if (at >= length || bytes[at] != '"')
			return format_fault(
				netrc->text, word->from, netrc->err, "a quote without its end");
		at++;
	}
	while (at < length && !strchr(WHITE, bytes[at]))
		at++;
	word->to = netrc->at = at;
	return true;
}

static void
unspell_word(const struct text *spelled, struct spelled *value)
{
	const bool is_quoted = spelled->length >= 2 && spelled->bytes[0] == '"';
	auto_secret struct secret *draft = secret_new(spelled->length);

	for (size_t at = is_quoted; at < spelled->length - is_quoted; at++) {
		if (is_quoted && spelled->bytes[at] == '\\' && at + 2 < spelled->length)
			at++;
		(void)!secret_append(draft, spelled->bytes + at, 1);
	}
	value->secret = take(draft);
}

static bool
says(const struct text *text, struct span word, const char *wanted)
{
	if (word.to - word.from > 2 && text->bytes[word.from] == '"')
		word = (struct span){ word.from + 1, word.to - 1 };
	return word.to - word.from == strlen(wanted) &&
	       !strncasecmp(text->bytes + word.from, wanted, strlen(wanted));
}

/* Whether what was read last is our entry: of that machine, and of that login, where one is stated. */
static bool
end_machine(struct netrc *netrc)
{
	const struct machine now = netrc->now;
	const char *login = netrc->entry->username;

	netrc->now = (struct machine){ 0 };
	if (!now.name.to || !says(netrc->text, now.name, netrc->entry->host))
		return true;
	if (login && now.login.to && !says(netrc->text, now.login, login))
		return true;
	if (netrc->ours.name.to)
		return format_fault(netrc->text, now.name.from, netrc->err,
			"'%s' stands in line %zu already: which of them counts depends on the reader",
			netrc->entry->host, format_line(netrc->text, netrc->ours.name.from));
	netrc->ours = now;
	return true;
}

static bool
set_part(struct netrc *netrc, struct span *part, struct span word)
{
	if (part->to)
		return format_fault(netrc->text, word.from, netrc->err,
			"a second one for the same machine");
	*part = word;
	return true;
}

/* A macro ends with an empty line. */
static void
pass_macro(struct netrc *netrc)
{
	struct span line;

	netrc->is_in_macro = true;
	(void)!format_next_line(netrc->text, &netrc->at, &line);
	while (netrc->is_in_macro && format_next_line(netrc->text, &netrc->at, &line))
		netrc->is_in_macro = line.from != line.to;
}

static enum keyword
keyword_of(const struct text *text, struct span word)
{
	for (const struct word *keyword = keywords; keyword->word; keyword++)
		if (format_is(text, word, keyword->word))
			return (enum keyword)keyword->value;
	return NO_KEYWORD;
}

static bool
take_value(struct netrc *netrc, enum keyword keyword, struct span at)
{
	struct span word;
	bool is_there;

	if (!next_word(netrc, &word, &is_there))
		return false;
	if (!is_there)
		return format_fault(
			netrc->text, at.from, netrc->err, "this word needs another behind it");
	if (keyword == MACHINE) {
		netrc->now.name = word;
		return true;
	}
	if (keyword == LOGIN)
		return set_part(netrc, &netrc->now.login, word);
	if (keyword == PASSWORD)
		return set_part(netrc, &netrc->now.password, word);
	if (keyword == MACRO)
		pass_macro(netrc);
	return true;
}

static bool
take_word(struct netrc *netrc, struct span word)
{
	const enum keyword keyword = keyword_of(netrc->text, word);
	struct span line;

	if (netrc->text->bytes[word.from] == '#') {
		netrc->at = word.from;
		(void)!format_next_line(netrc->text, &netrc->at, &line);
		return true;
	}
	if (keyword == NO_KEYWORD)
		return format_fault(netrc->text, word.from, netrc->err,
			"expected machine, default, login, password, account or macdef");
	if ((keyword == MACHINE || keyword == DEFAULT) && !end_machine(netrc))
		return false;
	if (keyword == DEFAULT) {
		netrc->default_at = word.from;
		return true;
	}
	return take_value(netrc, keyword, word);
}

static void
set_entry(const struct machine *ours, struct finding *finding)
{
	const size_t behind_name = ours->name.to;
	const size_t behind = ours->login.to > behind_name ? ours->login.to : behind_name;
	struct edit login = { ours->login, "", "", PUT_USERNAME };
	struct edit password = { ours->password, "", "", PUT_SECRET };
	const bool password_first = ours->password.to && ours->password.to < ours->login.to;

	if (!ours->login.to)
		login = (struct edit){ { behind_name, behind_name }, " login ", "",
			PUT_USERNAME };
	if (!ours->password.to)
		password = (struct edit){ { behind, behind }, " password ", "", PUT_SECRET };
	finding->edits[password_first] = login;
	finding->edits[!password_first] = password;
	finding->count = 2;
	finding->has_username = ours->login.to != 0;
	finding->username = ours->login;
	finding->has_secret = ours->password.to != 0;
	finding->secret = ours->password;
}

/* Before `default`, behind which nothing is looked for. */
static void
add_entry(const struct netrc *netrc, struct arena *arena, struct finding *finding)
{
	const char *end = format_line_end(netrc->text);
	struct edit line = format_own_line(netrc->text, netrc->default_at, arena);

	finding->edits[0] = (struct edit){ .span = line.span,
		.before = arena_format(arena, "%s%smachine %s login ",
			netrc->is_in_macro ? end : "", line.before, netrc->entry->host),
		.after = "",
		.put = PUT_USERNAME };
	finding->edits[1] = (struct edit){ .span = line.span,
		.before = " password ",
		.after = line.after,
		.put = PUT_SECRET };
	finding->count = 2;
}

static bool
find_netrc(const struct text *text, const struct format_entry *entry, struct arena *arena,
	struct finding *finding, struct err *err)
{
	struct netrc netrc = {
		.text = text, .entry = entry, .default_at = text->length, .err = err
	};
	struct span word;
	bool is_there = true;

	while (is_there) {
		if (!next_word(&netrc, &word, &is_there))
			return false;
		if (is_there && !take_word(&netrc, word))
			return false;
	}
	if (!end_machine(&netrc))
		return false;
	if (netrc.ours.name.to)
		set_entry(&netrc.ours, finding);
	else
		add_entry(&netrc, arena, finding);
	return true;
}

const struct format_row netrc_format = {
	.takes = TAKES_HOST | TAKES_USERNAME,
	.letters = "._~+/=-",
	.find = find_netrc,
	.unspell = unspell_word,
};
