/* source.h: a line of a file as a person may see it: without secrets, control characters and endless
 * length, and with a caret that stands right under tabs and wide characters.
 * Touches nothing: it reads the bytes it is given. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SOURCE_LINE_MAX_BYTES 4096 /* longer lines are nobody's to read, and are not shown */

/* One line without its break; breaks are those of YAML 1.1. */
struct source_line {
	const char *start;
	size_t bytes;
	char mask[SOURCE_LINE_MAX_BYTES]; /* not 0 for each byte that must not be shown */
};

struct source {
	const char *text;
	size_t length;
	/* Where the last line asked for begins, since lines are asked for in order. */
	int near_line;
	size_t near_offset;
};

/* False when there is no such line (they count from 1), or it is too long to show. */
bool source_find(struct source *source, int line, struct source_line *found);

/* The line and the column, in characters, of a byte. */
void source_position(const char *text, size_t length, size_t offset, int *line, int *column);

/* The line, and below it the caret under the character `column`, from 1; 0 leaves it out. */
void source_print(const struct source_line *line, int column, FILE *stream);

/* Outside text must not move the cursor of the terminal that shows it, turn its reading direction, or begin a line of
 * its own: in place, such characters and broken UTF-8 become '?'. */
void source_tame(char *text);

/* The first character of a text that source_tame() would change; 0: none. Broken UTF-8 is U+FFFD. */
uint32_t source_harm(const char *text);

/* Makes a text fit for a terminal and for JSON, in place: secrets that GitLab's prefixes give away become stars,
 * and so does what `line` (may be NULL) hides: those, values of keys that are called secret, what follows a URL's host.
 * Control characters and broken UTF-8 become '?'. */
void source_clean(const struct source_line *line, char *text);

#endif
