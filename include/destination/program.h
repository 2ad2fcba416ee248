/* program.h: a program that a destination hands a secret to, or asks about one; for the files of this layer, and for flow/setup_*.c.
 * Touches what the program touches: see base/child.h. It reads the secret on its standard input, without a newline, and is told
 * the facts in its environment:
 *   GLROTATE_STEP        preflight, deliver or verify; not set when the destination knows one step only
 *   GLROTATE_TOKEN       the token's address, TYPE:OWNER:NAME
 *   GLROTATE_TOKEN_ID    its number; not set before there is one
 *   GLROTATE_EXPIRES     the day on which it ends, 2026-11-21; not set when it has none
 *   GLROTATE_USERNAME    who logs in with it, where that matters
 *   GLROTATE_GENERATION  counts up with every secret of that address
 *   GLROTATE_STAMP       what a destination keeps to know who wrote it: see destination.h */
#ifndef DESTINATION_PROGRAM_H
#define DESTINATION_PROGRAM_H

#include "base/child.h"
#include "destination/kind.h"

/* How it says that asking again may help: EX_TEMPFAIL of <sysexits.h>. */
#define PROGRAM_LATER 75
/* Of one argument, with its templates and filled. */
#define WORD_MOST_BYTES 1024

struct program {
	const char *const *argv;   /* ends with NULL; no secret */
	const char *step;          /* NULL: none */
	const struct stamp *stamp; /* NULL: none */
	const char *const
		*facts; /* more "NAME=value", ends with NULL; no secret; may be NULL */
	const struct secret *input; /* NULL: none */
	const struct secret *
		secret; /* never to be told, whatever the program says; NULL: it has seen none */
	bool output_is_secret; /* what it writes to its standard output is not told either */
	int64_t timeout_msec;
};

/* Runs it. True when it ended with 0; `end` (zeroed before) is filled whenever it ran, for child_end_done().
 * Fails: ERR_LATER for PROGRAM_LATER, a timeout and a signal that somebody sent; ERR_REFUSED for any other end, and when it
 * cannot be run. The text ends with the last two lines of its standard error, or else output, without the secret. */
must_check bool program_run(const struct destination_tools *tools,
	const struct program *program, struct child_end *end, struct err *err);

/* A policy's words → a command: templates are filled in the arguments, not in the program.
 * Fails: ERR_POLICY when the program is no absolute path, or an argument would be taken for an option that a template made. */
must_check bool program_fill(const struct texts *run, const struct expansion *expansion,
	struct texts *filled, struct err *err);

/* "/path argument argument", for people. */
const char *program_text(const struct texts *run, struct arena *arena);

#endif
