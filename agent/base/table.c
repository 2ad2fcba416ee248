#include "base/table.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>

#include <libsmartcols.h>

#include "base/memory.h"

#define PIPE_WIDTH 80
#define WIDTH_MAX 10000

struct table {
	struct libscols_table *grid;
	size_t shown;  /* columns that are printed */
	size_t *which; /* of those, the place among the caller's */
	int width;
	enum table_style style;
};

static bool
is_chosen(const struct table *table, size_t column)
{
	for (size_t i = 0; i < table->shown; i++)
		if (table->which[i] == column)
			return true;
	return false;
}

static void
choose(struct table *table, size_t column)
{
	if (!is_chosen(table, column))
		table->which[table->shown++] = column;
}

static bool
refuse_unknown(const char *name, size_t length, const struct table_column *columns,
	size_t count, struct err *err)
{
	char known[384] = "";
	size_t used = 0;

	for (size_t i = 0; i < count && used < sizeof(known); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
			i ? " " : "", columns[i].name);
	return err_set(err, ERR_USAGE, 0, "there is no column '%.*s'; there are %s",
		length < 40 ? (int)length : 40, name, known);
}

static bool
choose_named(struct table *table, const char *name, size_t length,
	const struct table_column *columns, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(columns[i].name) == length &&
			!strncasecmp(columns[i].name, name, length)) {
			choose(table, i);
			return true;
		}
	return refuse_unknown(name, length, columns, count, err);
}

/* As lsblk has it: `A,B` are these two, `+A,B` the usual ones and these two. */
static bool
choose_columns(struct table *table, const struct table_column *columns, size_t count,
	const char *list, struct err *err)
{
	if (!list || list[0] == '+')
		for (size_t i = 0; i < count; i++)
			if (!columns[i].hidden)
				choose(table, i);
	while (list && *list) {
		size_t length;

		list += *list == '+';
		length = strcspn(list, ",");
		if (!choose_named(table, list, length, columns, count, err))
			return false;
		list += length;
		list += *list == ',';
	}
	if (!table->shown)
		return err_set(err, ERR_USAGE, 0, "no column is left to show");
	return true;
}

static void
add_column(struct table *table, const struct table_column *column)
{
	const bool cuts = table->style == TABLE_PRETTY;
	int flags = 0;
	struct libscols_column *made;

	flags |= column->right ? SCOLS_FL_RIGHT : 0;
	flags |= cuts && column->truncates ? SCOLS_FL_TRUNC : 0;
	flags |= cuts && column->wraps ? SCOLS_FL_WRAP : 0;
	made = memory_or_abort(
		scols_table_new_column(table->grid, column->name, column->width_hint, flags));
	if (column->number)
		scols_column_set_json_type(made, SCOLS_JSON_NUMBER);
}

static void
set_style(struct table *table, const struct table_options *options)
{
	scols_table_enable_raw(table->grid, options->style == TABLE_RAW);
	scols_table_enable_json(table->grid, options->style == TABLE_JSON);
	scols_table_enable_noheadings(table->grid, options->no_headings);
	if (scols_table_set_name(table->grid, options->name ? options->name : "rows"))
		memory_or_abort(NULL);
}

bool
table_new(const struct table_column *columns, size_t count, const struct table_options *options,
	struct table **table, struct err *err)
{
	auto_table struct table *draft = memory_or_abort(calloc(1, sizeof(*draft)));

	draft->which = memory_or_abort(calloc(count ? count : 1, sizeof(*draft->which)));
	draft->style = options->style;
	draft->width = options->width;
	if (!choose_columns(draft, columns, count, options->columns, err))
		return err_wrap(err, "--output");
	draft->grid = memory_or_abort(scols_new_table());
	set_style(draft, options);
	for (size_t i = 0; i < draft->shown; i++)
		add_column(draft, &columns[draft->which[i]]);
	*table = take(draft);
	return true;
}

void
table_row(struct table *table, const char *const *cells, const char *colour)
{
	struct libscols_line *line = memory_or_abort(scols_table_new_line(table->grid, NULL));

	for (size_t i = 0; i < table->shown; i++)
		if (scols_line_set_data(line, i, cells[table->which[i]]))
			memory_or_abort(NULL);
	if (colour)
		scols_line_set_color(line, colour);
}

size_t
table_rows(const struct table *table)
{
	return scols_table_get_nlines(table->grid);
}

static int
width_of(const struct table *table, FILE *stream)
{
	const char *columns = getenv("COLUMNS");
	const long stated = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize size;

	if (table->width > 0)
		return table->width;
	if (isatty(fileno(stream)) && !ioctl(fileno(stream), TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return stated > 0 && stated < WIDTH_MAX ? (int)stated : PIPE_WIDTH;
}

static bool
print(struct table *table, FILE *stream, struct err *err)
{
	const char *no_colour = getenv("NO_COLOR");

	scols_table_set_stream(table->grid, stream);
	scols_table_enable_colors(
		table->grid, isatty(fileno(stream)) && !(no_colour && *no_colour));
	if (table->style == TABLE_PRETTY) {
		scols_table_set_termforce(table->grid, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table->grid, (size_t)width_of(table, stream));
	}
	errno = 0;
	if (scols_print_table(table->grid) || fflush(stream) || ferror(stream))
		return err_set(err, ERR_REFUSED, errno, "cannot print the table");
	return true;
}

/* A service often runs in the locale C, in which libsmartcols shows everything but ASCII as \x…; the
 * thread's own locale leaves that of the process alone. */
bool
table_print(struct table *table, FILE *stream, struct err *err)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	bool ok = print(table, stream, err);

	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	return ok;
}

void
table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->grid);
	free(table->which);
	free(table);
}
