/* options.h: argv → struct options, as one table that also writes the help.
 * Touches argv (permuted, as getopt_long does) and the stream it is given. */
#ifndef VERB_OPTIONS_H
#define VERB_OPTIONS_H

#include <stdio.h>

#include "base/table.h"
#include "policy/match.h"
#include "verb/verb.h"

/* Which options a verb knows; the common ones are every verb's. */
enum option_bit {
	OPTION_COMMON = 1 << 0,
	OPTION_TABLE = 1 << 1,    /* --json --raw --noheadings --output */
	OPTION_JSON = 1 << 2,     /* --json alone */
	OPTION_SELECT = 1 << 3,   /* --owner --type */
	OPTION_STATE = 1 << 4,    /* --due --failed */
	OPTION_ALL = 1 << 5,
	OPTION_AT = 1 << 6,
	OPTION_LIMIT = 1 << 7,
	OPTION_DRY_RUN = 1 << 8,
	OPTION_OFFLINE = 1 << 9,
	OPTION_VERIFY = 1 << 10,
	OPTION_YES = 1 << 11,
	OPTION_HEALTH = 1 << 12,  /* --health --max-age */
	OPTION_TEST = 1 << 13,
	OPTION_UNTIL = 1 << 14,
	OPTION_IN = 1 << 15,
	OPTION_URL = 1 << 16,
};

struct command_line {
	struct options options;
	const char *verb;     /* NULL: none was given */
	bool help, version;
	bool here;            /* not in the context of the unit, see by_hand.h */
	unsigned given;       /* bit i: the table's row i */
};

/* Options may stand before and after the verb.
 * Fails: ERR_USAGE with the nearest known option, a missing or superfluous value, or one that cannot be read. */
must_check bool options_parse(
	int argc, char **argv, struct command_line *line, struct err *err);

/* Fails: ERR_USAGE when an option was given that `verb`, which knows those of `allows`, does not know. */
must_check bool options_allow(
	const struct command_line *line, const char *verb, unsigned allows, struct err *err);

/* A line for each option of `allows`. */
void options_help(unsigned allows, FILE *stream);

/* The option of that place in the table, in the words of its help; false behind the last one. */
struct option_words {
	const char *name, *argument, *help; /* argument "" when it takes none, else " NAME" */
	char letter;                        /* 0: none */
};
bool options_words(size_t place, unsigned allows, bool *is_allowed, struct option_words *words);

/* What the options say of a table, and of the tokens that are meant. `name` is the array's in JSON. */
struct table_options options_table(const struct options *options, const char *name);
struct selection options_selection(const struct options *options);
/* The table is wanted without the words around it: for programs. */
bool options_bare(const struct options *options);

#endif
