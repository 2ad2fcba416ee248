/* terminal.h: what a person, or a program in their place, is asked for.
 * Touches standard input, its terminal's echo, and stderr. */
#ifndef BASE_TERMINAL_H
#define BASE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"

/* Whether there is a person to ask. */
bool terminal_is_there(void);

/* A line of the terminal, asked for with `prompt` and not shown while it is typed; where standard input is none, all of it. Without
 * its line end; `*secret` is NULL when nothing was given.
 * Fails: ERR_USAGE more than `most` bytes, or a zero byte; ERR_STOPPED by a signal. */
must_check bool terminal_secret(
	const char *prompt, size_t most, struct secret **secret, struct err *err);

/* A line that is shown, in `arena`; "" when nothing was given. */
must_check bool terminal_line(
	const char *prompt, struct arena *arena, const char **line, struct err *err);

#endif
