/* table.h: tables for people and programs, as lsblk prints them. The one module that knows libsmartcols.
 * Touches the stream it is given. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

enum table_style { TABLE_PRETTY, TABLE_RAW, TABLE_JSON };

struct table_column {
	const char *name;    /* "TOKEN" */
	double width_hint;   /* as libsmartcols has it: <1 a part of the terminal, >=1 characters, 0 auto */
	bool right;
	bool truncates;      /* may be cut when the terminal is narrow */
	bool wraps;
	bool number;         /* in JSON */
	bool hidden;         /* shown only with --output */
	const char *help;
};

struct table_options {
	enum table_style style;
	bool no_headings;
	const char *columns;  /* --output: comma list, `+NAME` adds; NULL: all not hidden */
	const char *name;     /* the array's name in JSON */
	int width;            /* 0: the terminal's, else 80 when there is none */
};

struct table;
/* Fails: ERR_USAGE for an unknown column in --output, naming the known ones. */
must_check bool table_new(const struct table_column *columns, size_t count,
	const struct table_options *options, struct table **table, struct err *err);
/* `cells` has one text a column of `columns`, NULL for empty; copied. `colour` is an ANSI name ("red") or
 * NULL, and is used on a terminal only. */
void table_row(struct table *table, const char *const *cells, const char *colour);
size_t table_rows(const struct table *table);
must_check bool table_print(struct table *table, FILE *stream, struct err *err);
void table_free(struct table *table);

CLEANUP(table, struct table *, table_free)
#define auto_table __attribute__((cleanup(table_cleanup)))

#endif
