/* diag.h: what can be wrong in many places at once, collected with its places.
 * Touches nothing until printed. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"

/* Where something stands; every decoded struct begins with one. line and column count from 1, columns in
 * characters; all zero where there is no file. `file` is borrowed from the arena that holds the struct. */
struct place {
	const char *file;
	int line, column;
};

struct diags; /* at most 200 are kept, the rest is counted */

struct diags *diags_new(void);
void diags_free(struct diags *diags);

/* Adds one; `text` is one sentence without a full stop: what is wrong, what was expected, what is
 * nearest. Returns false, so that a check is one line. */
bool diags_add(struct diags *diags, struct place place, const char *format, ...) printf_like(3, 4);

/* A warning does not make the policy invalid. */
void diags_warn(struct diags *diags, struct place place, const char *format, ...)
	printf_like(3, 4);

size_t diags_count(const struct diags *diags); /* errors, without the warnings */
size_t diags_warnings(const struct diags *diags);

/* Remembers a file's text, so that printing can show the line with a caret under the column. The
 * text is copied. What looks like a secret, and what follows a URL's host, is blotted there and in later messages about it. */
void diags_source(struct diags *diags, const char *file, const char *text, size_t length);

/* FILE:LINE:COLUMN: TEXT, the source line, the caret; in order of file, line, column. */
void diags_print(const struct diags *diags, FILE *stream);

/* The i-th in that order, for --json; NULL behind the last that was kept. */
struct diag {
	struct place place;
	bool is_warning;
	const char *text;
};
const struct diag *diags_at(const struct diags *diags, size_t index);

/* The first of them at that line of that file, or behind it; NULL: none. */
const struct diag *diags_from(const struct diags *diags, const char *file, int line);

CLEANUP(diags, struct diags *, diags_free)
#define auto_diags __attribute__((cleanup(diags_cleanup)))

#endif
