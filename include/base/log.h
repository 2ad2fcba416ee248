/* log.h: one line an event, to the journal when stderr is connected to it, else to stderr.
 * Touches stderr and the journal's socket; libsystemd is known here and in notify.c only. Thread-safe.
 * Only main.c, flow/run.c and flow/outcome.c log above debug. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7 };

struct log_field {
	const char *name; /* "TOKEN_ID": letters, digits, _ */
	const char *value; /* NULL: the field is left out; never a secret */
};

/* Once. NOTICE is the default; --verbose is DEBUG, --quiet is WARNING. */
void log_start(enum log_level most);
bool log_shows(enum log_level level);

/* MESSAGE is the formatted text; `message_id` is 32 hex digits or NULL. On a terminal: the text alone;
 * in a pipe: `<3>` prefixes as systemd reads them only when stderr is not a terminal and
 * $INVOCATION_ID is set, else the text alone; to the journal: all fields. */
void log_event(enum log_level level, const char *message_id, const struct log_field *fields,
	size_t count, const char *format, ...) printf_like(5, 6);

#define log_line(level, ...) log_event(level, NULL, NULL, 0, __VA_ARGS__)

#endif
