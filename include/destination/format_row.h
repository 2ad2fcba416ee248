/* format_row.h: what a format supplies; for format*.c only.
 * Touches nothing. A row's find() looks at text that has neither a zero byte nor a byte order mark, and keeps no part of it. */
#ifndef DESTINATION_FORMAT_ROW_H
#define DESTINATION_FORMAT_ROW_H

#include <string.h>

#include "destination/format.h"

/* What the file holds; borrowed from a struct secret. */
struct text {
	const char *bytes;
	size_t length;
};
struct span {
	size_t from, to;
};

enum put { PUT_NOTHING, PUT_SECRET, PUT_USERNAME };

/* `span` becomes `before`, the secret or user name, `after`; an empty span is a place where it is put in. */
struct edit {
	struct span span;
	const char *before, *after; /* NULL: nothing */
	enum put put;
};

#define EDITS_MOST 2
struct finding {
	struct edit edits[EDITS_MOST]; /* in the order of their places */
	size_t count;
	struct span secret, username; /* what stands there now, as it is spelled */
	bool has_secret, has_username;
};

/* A value as it is spelled in the file. Both members are the caller's; NULL: there is none, or it cannot be read. */
struct spelled {
	struct secret *username, *secret;
};

enum takes { TAKES_KEY = 1, TAKES_PATH = 2, TAKES_HOST = 4, TAKES_USERNAME = 8 };

struct format_row {
	unsigned takes; /* enum takes */
	const char *
		letters; /* what secrets and names may hold besides letters and digits; NULL: all that is printable */
	bool (*find)(const struct text *text, const struct format_entry *entry,
		struct arena *arena, struct finding *finding, struct err *err);
	/* NULL: as it is. */
	struct secret *(*spell)(const char *username, const struct text *value);
	void (*unspell)(const struct text *spelled, struct spelled *value);
};

extern const struct format_row env_format, json_format, netrc_format, docker_format,
	npmrc_format, pip_format;

/* ERR_REFUSED, with the line and column of that place; returns false. */
bool format_fault(const struct text *text, size_t at, struct err *err, const char *format, ...)
	printf_like(4, 5);
size_t format_line(const struct text *text, size_t at);

/* The line that begins at *at, without its end; *at moves behind that. False at the end of the text. */
bool format_next_line(const struct text *text, size_t *at, struct span *line);

/* As the file's first one; "\n" where it has none. */
const char *format_line_end(const struct text *text);

/* A place for a line of its own, at the end or before `at`: a line end before it where the last line has none, else behind. */
struct edit format_own_line(const struct text *text, size_t at, struct arena *arena);

struct span format_trim(const struct text *text, struct span span);
bool format_is(const struct text *text, struct span span, const char *word);

#endif
