#include "base/diag.h"

#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "base/source.h"

#define KEPT_MAX 200
#define TEXT_MAX_BYTES 1024 /* room for a quoted value and the words around it */

struct file {
	struct file *next;
	char *name;
	char *text; /* NULL where only the name is known */
	struct source source;
};

struct diags {
	struct diag kept[KEPT_MAX]; /* by file, line, column; equal places as they came */
	size_t kept_count, errors, warnings;
	struct file *files;
};

struct diags *
diags_new(void)
{
	return memory_or_abort(calloc(1, sizeof(struct diags)));
}

void
diags_free(struct diags *diags)
{
	if (!diags)
		return;
	for (size_t i = 0; i < diags->kept_count; i++)
		free((char *)diags->kept[i].text);
	for (struct file *file = diags->files, *next; file; file = next) {
		next = file->next;
		free(file->name);
		free(file->text);
		free(file);
	}
	free(diags);
}

/* Names are ours, for the arena that a place borrows its file from may end before we do. */
static struct file *
file_of(struct diags *diags, const char *name)
{
	struct file *file = diags->files;

	while (file && strcmp(file->name, name))
		file = file->next;
	if (file)
		return file;
	file = memory_or_abort(calloc(1, sizeof(*file)));
	file->name = memory_or_abort(strdup(name));
	file->next = diags->files;
	diags->files = file;
	return file;
}

static int
place_compare(const struct place *a, const struct place *b)
{
	int by_file = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (by_file)
		return by_file;
	return a->line != b->line ? (a->line > b->line) - (a->line < b->line)
	                          : (a->column > b->column) - (a->column < b->column);
}

static void
keep(struct diags *diags, struct diag diag)
{
	size_t i = diags->kept_count++;

	for (; i && place_compare(&diags->kept[i - 1].place, &diag.place) > 0; i--)
		diags->kept[i] = diags->kept[i - 1];
	diags->kept[i] = diag;
}

static void add(struct diags *diags, struct place place, bool is_warning, const char *format,
	va_list arguments) printf_like(4, 0);

static void
add(struct diags *diags, struct place place, bool is_warning, const char *format,
	va_list arguments)
{
	struct source_line line;
	struct file *file = place.file ? file_of(diags, place.file) : NULL;
	char text[TEXT_MAX_BYTES];
	bool shown;

	if (diags->kept_count == KEPT_MAX)
		return;
	shown = file && file->text && source_find(&file->source, place.line, &line);
	vsnprintf(text, sizeof(text), format, arguments);
	source_clean(shown ? &line : NULL, text);
	place.file = file ? file->name : NULL;
	keep(diags, (struct diag){ .place = place,
			    .is_warning = is_warning,
			    .text = memory_or_abort(strdup(text)) });
}

bool
diags_add(struct diags *diags, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(diags, place, false, format, arguments);
	va_end(arguments);
	diags->errors++;
	return false;
}

void
diags_warn(struct diags *diags, struct place place, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(diags, place, true, format, arguments);
	va_end(arguments);
	diags->warnings++;
}

size_t
diags_count(const struct diags *diags)
{
	return diags->errors;
}

size_t
diags_warnings(const struct diags *diags)
{
	return diags->warnings;
}

void
diags_source(struct diags *diags, const char *name, const char *text, size_t length)
{
	struct file *file = file_of(diags, name);

	free(file->text);
	file->text = memory_or_abort(malloc(length + 1));
	memcpy(file->text, text, length);
	file->text[length] = '\0';
	file->source = (struct source){ .text = file->text, .length = length };
}

/* Whoever may put a file into policies.d chooses its name. */
static void
print_name(const char *name, FILE *stream)
{
	auto_free char *shown = memory_or_abort(strdup(name));

	source_tame(shown);
	fputs(shown, stream);
}

static void
print_one(const struct diag *diag, struct source *source, FILE *stream)
{
	struct place place = diag->place;
	struct source_line line;

	if (place.file)
		print_name(place.file, stream);
	if (place.file && place.line)
		fprintf(stream, ":%d", place.line);
	if (place.file && place.line && place.column)
		fprintf(stream, ":%d", place.column);
	fprintf(stream, "%s%s%s\n", place.file ? ": " : "", diag->is_warning ? "warning: " : "",
		diag->text);
	if (source->text && source_find(source, place.line, &line))
		source_print(&line, place.column, stream);
}

/* The text of a file, to be read from its beginning: what is printed comes in the order of lines. */
static struct source
source_of(const struct diags *diags, const char *name)
{
	const struct file *file = diags->files;

	while (file && file->name != name)
		file = file->next;
	return file ? (struct source){ .text = file->text, .length = file->source.length }
	            : (struct source){ 0 };
}

void
diags_print(const struct diags *diags, FILE *stream)
{
	size_t left = diags->errors + diags->warnings - diags->kept_count;
	struct source source = { 0 };
	const char *name = NULL;

	for (size_t i = 0; i < diags->kept_count; i++) {
		if (!i || diags->kept[i].place.file != name)
			source = source_of(diags, name = diags->kept[i].place.file);
		print_one(&diags->kept[i], &source, stream);
	}
	if (left)
		fprintf(stream, "and %zu more\n", left);
}

const struct diag *
diags_from(const struct diags *diags, const char *file, int line)
{
	const struct place place = { .file = file, .line = line };
	size_t first = 0, end = diags->kept_count;

	while (first < end) {
		const size_t middle = first + (end - first) / 2;

		if (place_compare(&diags->kept[middle].place, &place) < 0)
			first = middle + 1;
		else
			end = middle;
	}
	return diags_at(diags, first);
}

const struct diag *
diags_at(const struct diags *diags, size_t index)
{
	return index < diags->kept_count ? &diags->kept[index] : NULL;
}
