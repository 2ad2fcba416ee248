/* child.h: another program, run to its end. The one module that starts processes.
 * Touches processes and pipes. The child inherits no descriptor but its three, no signal mask, and of our environment PATH,
 * HOME, LANG, LC_ALL, TZ and TMPDIR only. SIGPIPE must be ignored in this process. Thread-safe. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

struct child {
	const char *const *
		argv; /* ends with NULL; the program is looked up in PATH unless it has a slash; no secret */
	const char *const *
		environment; /* "NAME=value", ends with NULL; besides what is inherited; no secret; may be NULL */
	const struct secret *input; /* its standard input; NULL: none */
	int64_t timeout_msec;       /* then it and its group are killed, and waited for 10 s */
};

/* How it ended. What it wrote may hold the secret that it was given, and so is one itself. */
#define CHILD_OUTPUT_MAX_BYTES ((size_t)64 * 1024)
struct child_end {
	int exit_code;            /* -1 when a signal ended it */
	int signal;               /* which, or 0 */
	bool timed_out;           /* it was killed by us; signal says so as well */
	struct secret *output;    /* of its standard output, the first CHILD_OUTPUT_MAX_BYTES */
	struct secret *complaint; /* of its standard error, likewise */
};
void child_end_done(struct child_end *end);

/* Runs it and waits; an absolute path only when child_is_safe(), and then the path without links that was looked at, under the name
 * that argv says. True whenever it ran, however it ended.
 * Owns:  what `end` holds is the caller's, for child_end_done(); written on success only.
 * Fails: ERR_REFUSED it is not there or cannot be executed; ERR_LATER this machine has no process or descriptor left. */
must_check bool child_run(const struct child *child, struct child_end *end, struct err *err);

/* Runs it in our place: with our streams, our environment, and the signals that we get. True whenever it ran; its exit code, or 128
 * and the signal that ended it. Only before there is any thread.
 * Fails: as child_run(). */
must_check bool child_stand_in(const char *const *argv, int *exit_code, struct err *err);

/* Whether a program may be given a secret, or have our word: it can be executed; it, every folder above it up to the root and every
 * link on the way is root's or ours, and nobody else may write it. A folder that others may write is good with the sticky bit.
 * Fails: ERR_REFUSED naming what of them, and its owner or mode. */
must_check bool child_is_safe(const char *path, struct err *err);

#define auto_child_end __attribute__((cleanup(child_end_done)))

#endif
