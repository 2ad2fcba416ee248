#include "verb/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/fields.h"
#include "base/when.h"

enum value { VALUE_NONE, VALUE_TEXT, VALUE_MOMENT, VALUE_COUNT, VALUE_DELAY };

struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum value value;
	size_t offset; /* into struct command_line */
	unsigned groups;
	const char *argument, *help;
};

#define FILLS(member) offsetof(struct command_line, member)
/* clang-format off */
static const struct option_row rows[] = {
	{ "json",       'J', VALUE_NONE,   FILLS(options.json),        OPTION_TABLE | OPTION_JSON, "", "JSON for programs" },
	{ "raw",        'r', VALUE_NONE,   FILLS(options.raw),         OPTION_TABLE,    "", "the table alone, without alignment" },
	{ "noheadings", 'n', VALUE_NONE,   FILLS(options.no_headings), OPTION_TABLE,    "", "the table alone, without its headings" },
	{ "output",     'o', VALUE_TEXT,   FILLS(options.output),      OPTION_TABLE,    " COLUMNS", "the table alone, these columns; +COLUMN adds one" },
	{ "owner",      0,   VALUE_TEXT,   FILLS(options.owner),       OPTION_SELECT,   " PATH", "only tokens of this owner; * and ** as in a policy" },
	{ "type",       0,   VALUE_TEXT,   FILLS(options.type),        OPTION_SELECT,   " TYPE", "only tokens of this type: project, personal, …" },
	{ "due",        0,   VALUE_NONE,   FILLS(options.due),         OPTION_STATE,    "", "only tokens that are due" },
	{ "failed",     0,   VALUE_NONE,   FILLS(options.failed),      OPTION_STATE,    "", "only tokens with which something is wrong" },
	{ "all",        'a', VALUE_NONE,   FILLS(options.all),         OPTION_ALL,      "", "all tokens, also those that need nothing" },
	{ "at",         0,   VALUE_MOMENT, FILLS(options.at),          OPTION_AT,       " DATE", "as of that day: 2026-12-01" },
	{ "limit",      0,   VALUE_COUNT,  FILLS(options.limit),       OPTION_LIMIT,    " N", "at most N" },
	{ "dry-run",    0,   VALUE_NONE,   FILLS(options.dry_run),     OPTION_DRY_RUN,  "", "change nothing; say what would be done" },
	{ "offline",    0,   VALUE_NONE,   FILLS(options.offline),     OPTION_OFFLINE,  "", "the policy alone; GitLab is not asked" },
	{ "verify",     0,   VALUE_NONE,   FILLS(options.verify),      OPTION_VERIFY,   "", "walk the chain of hashes, print its head" },
	{ "yes",        'y', VALUE_NONE,   FILLS(options.yes),         OPTION_YES,      "", "do not ask when a pattern means several tokens" },
	{ "health",     0,   VALUE_NONE,   FILLS(options.health),      OPTION_HEALTH,   "", "one line and an exit code, for a monitor" },
	{ "max-age",    0,   VALUE_DELAY,  FILLS(options.max_age_sec), OPTION_HEALTH,   " SPAN", "how old the last good run may be: 26h" },
	{ "test",       0,   VALUE_NONE,   FILLS(options.test),        OPTION_TEST,     "", "send a test message through each alert" },
	{ "until",      0,   VALUE_MOMENT, FILLS(options.until),       OPTION_UNTIL,    " DATE", "the day it ends, at 00:00 UTC, or a moment" },
	{ "in",         0,   VALUE_TEXT,   FILLS(options.in),          OPTION_IN,       " PROJECT", "the project that it is done in: platform/sandbox" },
	{ "url",        0,   VALUE_TEXT,   FILLS(options.url),         OPTION_URL,      " URL", "GitLab's, for a policy that is not there yet" },
	{ "policy",     0,   VALUE_TEXT,   FILLS(options.policy),      OPTION_COMMON,   " FILE", "/etc/glrotate/glrotate.yaml" },
	{ "state",      0,   VALUE_TEXT,   FILLS(options.state),       OPTION_COMMON,   " DIR", "$STATE_DIRECTORY, else /var/lib/glrotate" },
	{ "user",       0,   VALUE_NONE,   FILLS(options.user),        OPTION_COMMON,   "", "a person's own: ~/.config/glrotate, ~/.local/state" },
	{ "reason",     0,   VALUE_TEXT,   FILLS(options.reason),      OPTION_COMMON,   " TEXT", "stands in every event of this call" },
	{ "here",       0,   VALUE_NONE,   FILLS(here),                OPTION_COMMON,   "", "root: not in the context of glrotate.service" },
	{ "quiet",      'q', VALUE_NONE,   FILLS(options.quiet),       OPTION_COMMON,   "", "warnings and errors alone" },
	{ "verbose",    'v', VALUE_NONE,   FILLS(options.verbose),     OPTION_COMMON,   "", "say more" },
	{ "help",       'h', VALUE_NONE,   FILLS(help),                OPTION_COMMON,   "", "this; of a verb: glrotate help VERB; all: man 8 glrotate" },
	{ "version",    'V', VALUE_NONE,   FILLS(version),             OPTION_COMMON,   "", "the version" },
};
/* clang-format on */

/* getopt_long's values: a row's number behind all letters and its own signs. */
#define FIRST_VALUE 256

struct getopt_tables {
	char letters[3 + 2 * ARRAY_SIZE(rows)];
	struct option names[ARRAY_SIZE(rows) + 1];
};

static void
build_tables(struct getopt_tables *tables)
{
	size_t used = 0;

	memset(tables, 0, sizeof(*tables));
	tables->letters[used++] = ':';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tables->names[i] = (struct option){ rows[i].name,
			rows[i].value == VALUE_NONE ? no_argument : required_argument, NULL,
			FIRST_VALUE + (int)i };
		if (rows[i].letter)
			tables->letters[used++] = rows[i].letter;
		if (rows[i].letter && rows[i].value != VALUE_NONE)
			tables->letters[used++] = ':';
	}
}

/* The row of what getopt_long returned, or NULL. */
static const struct option_row *
row_of(int value)
{
	if (value >= FIRST_VALUE)
		return &rows[value - FIRST_VALUE];
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (value && rows[i].letter == value)
			return &rows[i];
	return NULL;
}

static bool
set_moment(const char *name, const char *text, int64_t *moment, struct err *err)
{
	int64_t date, msec;

	if (date_parse(text, &date))
		*moment = date_start(date);
	else if (moment_parse_msec(text, &msec))
		*moment = msec / 1000;
	else
		return err_set(err, ERR_USAGE, 0, "--%s wants a date as 2026-12-01, not '%s'",
			name, text);
	return true;
}

static bool
set_count(const char *name, const char *text, int64_t *count, struct err *err)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end || errno || value < 0 || value > 1000000)
		return err_set(err, ERR_USAGE, 0,
			"--%s wants a number from 0 to 1000000, not '%s'", name, text);
	*count = value;
	return true;
}

static bool
set_delay(const char *name, const char *text, int64_t *delay, struct err *err)
{
	static const struct field field = {
		.kind = FIELD_DELAY, .min = 1, .max = 3650 * DAY_SEC
	};
	auto_arena struct arena *arena = arena_new();
	char why[200];

	return field_from_text(arena, &field, text, delay, why, sizeof(why)) ||
	       err_set(err, ERR_USAGE, 0, "--%s: %s", name, why);
}

static bool
set_value(struct command_line *line, const struct option_row *row, const char *text,
	struct err *err)
{
	void *target = (char *)line + row->offset;

	line->given |= 1u << (row - rows);
	switch (row->value) {
	case VALUE_NONE:
		*(bool *)target = true;
		return true;
	case VALUE_TEXT:
		*(const char **)target = text;
		return true;
	case VALUE_MOMENT:
		return set_moment(row->name, text, target, err);
	case VALUE_COUNT:
		return set_count(row->name, text, target, err);
	case VALUE_DELAY:
		return set_delay(row->name, text, target, err);
	}
	return false;
}

/* Says what is wrong with the option at which getopt_long stopped. */
static bool
refuse(char **argv, int returned, struct err *err)
{
	const char *names[ARRAY_SIZE(rows) + 1] = { NULL };
	const struct option_row *row = row_of(optopt);
	const char *given = argv[optind - 1], *nearest;
	char wrong[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		names[i] = rows[i].name;
	if (returned == ':' && row)
		return err_set(
			err, ERR_USAGE, 0, "--%s wants a value:%s", row->name, row->argument);
	if (row)
		return err_set(err, ERR_USAGE, 0, "--%s takes no value", row->name);
	if (optopt)
		return err_set(err, ERR_USAGE, 0, "there is no option -%c", optopt);
	given += strspn(given, "-");
	snprintf(wrong, sizeof(wrong), "%.*s", (int)strcspn(given, "="), given);
	nearest = nearest_word(wrong, names);
	if (nearest)
		return err_set(err, ERR_USAGE, 0,
			"there is no option --%s; the nearest is --%s", wrong, nearest);
	return err_set(err, ERR_USAGE, 0, "there is no option --%s", wrong);
}

bool
options_parse(int argc, char **argv, struct command_line *line, struct err *err)
{
	struct command_line draft = { .options = { .limit = -1 } };
	struct getopt_tables tables;
	int value;

	build_tables(&tables);
	optind = 0;
	opterr = 0;
	while ((value = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1) {
		if (value == '?' || value == ':')
			return refuse(argv, value, err);
		if (!set_value(&draft, row_of(value), optarg, err))
			return false;
	}
	if (optind < argc)
		draft.verb = argv[optind++];
	draft.options.arguments = (const char *const *)argv + optind;
	draft.options.argument_count = (size_t)(argc - optind);
	draft.options.asks = !draft.options.argument_count && !draft.options.owner &&
	                     !draft.options.type && !draft.options.all && !draft.options.until;
	*line = draft;
	return true;
}

bool
options_allow(
	const struct command_line *line, const char *verb, unsigned allows, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (line->given & 1u << i && !(rows[i].groups & (allows | OPTION_COMMON)))
			return err_set(err, ERR_USAGE, 0,
				"glrotate %s knows no --%s; see glrotate %s --help", verb,
				rows[i].name, verb);
	return true;
}

void
options_help(unsigned allows, FILE *stream)
{
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(rows[i].groups & allows))
			continue;
		snprintf(name, sizeof(name), "--%s%s", rows[i].name, rows[i].argument);
		fprintf(stream, "  %-19s %s\n", name, rows[i].help);
	}
}

bool
options_words(size_t place, unsigned allows, bool *is_allowed, struct option_words *words)
{
	if (place >= ARRAY_SIZE(rows))
		return false;
	*is_allowed = rows[place].groups & allows;
	*words = (struct option_words){ rows[place].name, rows[place].argument,
		rows[place].help, rows[place].letter };
	return true;
}

struct table_options
options_table(const struct options *options, const char *name)
{
	return (struct table_options){
		.style = options->json  ? TABLE_JSON
		         : options->raw ? TABLE_RAW
		                        : TABLE_PRETTY,
		.no_headings = options->no_headings,
		.columns = options->output,
		.name = name,
	};
}

struct selection
options_selection(const struct options *options)
{
	return (struct selection){ .owner = options->owner,
		.type = options->type,
		.tokens = options->arguments,
		.count = options->argument_count };
}

bool
options_bare(const struct options *options)
{
	return options->raw || options->no_headings || options->output;
}
