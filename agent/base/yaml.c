#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <yaml.h>

#include "base/memory.h"
#include "base/source.h"
#include "base/yaml_inside.h"

#define FILE_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define DEPTH_MAX 32

struct parser {
	yaml_parser_t yaml;
	yaml_event_t event;
};

static struct place
place_at(const struct reader *reader, yaml_mark_t mark)
{
	return (struct place){ .file = reader->place.file,
		.line = (int)mark.line + 1,
		.column = (int)mark.column + 1 };
}

static struct place
place_of_offset(const struct reader *reader, size_t offset)
{
	struct place place = { .file = reader->place.file };

	source_position(reader->text, reader->length, offset, &place.line, &place.column);
	return place;
}

static void
tell_broken(const struct reader *reader)
{
	const yaml_parser_t *yaml = &reader->parser->yaml;
	struct place place = place_at(reader, yaml->problem_mark);
	const char *problem = yaml->problem ? yaml->problem : "it cannot be read";

	if (yaml->error == YAML_MEMORY_ERROR)
		memory_or_abort(NULL);
	if (yaml->error == YAML_READER_ERROR)
		diags_add(reader->diags, place_of_offset(reader, yaml->problem_offset),
			"not valid YAML: %s", problem);
	else if (strstr(problem, "cannot start any token") && *yaml->buffer.pointer == '\t')
		diags_add(reader->diags, place, "a tab cannot indent here, expected spaces");
	else if (yaml->context)
		diags_add(reader->diags, place, "not valid YAML: %s %s that begins on line %zu",
			problem, yaml->context, yaml->context_mark.line + 1);
	else
		diags_add(reader->diags, place, "not valid YAML: %s", problem);
}

void
reader_break(struct reader *reader)
{
	reader->broken = true;
	reader->event = EVENT_NONE;
	reader->is_null = false;
	reader->word = NULL;
}

/* What would let a text say more than it shows, or grow when read. */
static void
refuse_extras(const struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		diags_add(reader->diags, reader->place,
			"anchors are refused: write the value out where '*%s' stands", anchor);
	if (tag)
		diags_add(
			reader->diags, reader->place, "tags are refused: leave out '%s'", tag);
}

/* Policies are shown to people, line by line; other programs' files may say what they like. */
static void
refuse_harm(const struct reader *reader)
{
	const uint32_t code = source_harm(reader->word);

	if (!code || reader->is_others)
		return;
	if (code == '\n')
		diags_add(reader->diags, reader->place,
			"a text cannot hold a line break: expected one line (behind '>-' the lines are joined)");
	else
		diags_add(reader->diags, reader->place,
			"a text cannot hold the character U+%04" PRIX32
			", which would change how a terminal shows it",
			code);
}

static void
read_scalar(struct reader *reader)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	const yaml_event_t *event = &reader->parser->event;

	refuse_extras(reader, event->data.scalar.anchor, event->data.scalar.tag);
	reader->word = (const char *)event->data.scalar.value;
	if (strlen(reader->word) != event->data.scalar.length)
		diags_add(reader->diags, reader->place, "a text cannot hold a zero byte");
	refuse_harm(reader);
	if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		reader->is_null |= !strcmp(reader->word, nulls[i]);
}

static void
read_start(struct reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	refuse_extras(reader, anchor, tag);
	if (++reader->depth <= DEPTH_MAX)
		return;
	diags_add(reader->diags, reader->place, "nested more than %d levels deep", DEPTH_MAX);
	reader_break(reader);
}

static void
read_event(struct reader *reader)
{
	static const enum event events[] = {
		[YAML_STREAM_START_EVENT] = EVENT_STREAM_START,
		[YAML_STREAM_END_EVENT] = EVENT_STREAM_END,
		[YAML_DOCUMENT_START_EVENT] = EVENT_DOCUMENT_START,
		[YAML_DOCUMENT_END_EVENT] = EVENT_DOCUMENT_END,
		[YAML_ALIAS_EVENT] = EVENT_ALIAS,
		[YAML_SCALAR_EVENT] = EVENT_SCALAR,
		[YAML_SEQUENCE_START_EVENT] = EVENT_LIST_START,
		[YAML_SEQUENCE_END_EVENT] = EVENT_LIST_END,
		[YAML_MAPPING_START_EVENT] = EVENT_MAPPING_START,
		[YAML_MAPPING_END_EVENT] = EVENT_MAPPING_END,
	};
	const yaml_event_t *event = &reader->parser->event;

	reader->event = events[event->type];
	reader->place = place_at(reader, event->start_mark);
	if (reader->event == EVENT_SCALAR)
		read_scalar(reader);
	else if (reader->event == EVENT_LIST_START)
		read_start(reader, event->data.sequence_start.anchor,
			event->data.sequence_start.tag);
	else if (reader->event == EVENT_MAPPING_START)
		read_start(reader, event->data.mapping_start.anchor,
			event->data.mapping_start.tag);
	else if (reader->event == EVENT_LIST_END || reader->event == EVENT_MAPPING_END)
		reader->depth--;
	else if (reader->event == EVENT_ALIAS)
		diags_add(reader->diags, reader->place,
			"aliases are refused: write out what '*%s' stands for",
			event->data.alias.anchor);
}

void
reader_next(struct reader *reader)
{
	if (reader->broken)
		return;
	yaml_event_delete(&reader->parser->event);
	reader->word = NULL;
	reader->is_null = false;
	if (yaml_parser_parse(&reader->parser->yaml, &reader->parser->event)) {
		read_event(reader);
	} else {
		tell_broken(reader);
		reader_break(reader);
	}
}

static bool
is_text(const struct reader *reader)
{
	const char *zero = memchr(reader->text, '\0', reader->length);

	if (zero)
		return diags_add(reader->diags,
			place_of_offset(reader, (size_t)(zero - reader->text)),
			"a zero byte: this is not a text file");
	return true;
}

static bool
tell_too_large(const char *file, struct diags *diags)
{
	return diags_add(diags, (struct place){ .file = file }, "larger than %zu MiB",
		FILE_MAX_BYTES >> 20);
}

static void
parse(struct reader *reader, const struct shape *shape, void *target)
{
	size_t mark = reader->length >= 3 && !memcmp(reader->text, "\xef\xbb\xbf", 3) ? 3 : 0;
	struct parser parser = { 0 };

	reader->parser = &parser;
	if (!yaml_parser_initialize(&parser.yaml))
		memory_or_abort(NULL);
	yaml_parser_set_encoding(&parser.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser.yaml, (const unsigned char *)reader->text + mark,
		reader->length - mark);
	yaml_decode_document(reader, shape, target);
	yaml_event_delete(&parser.event);
	yaml_parser_delete(&parser.yaml);
}

bool
yaml_decode(const char *file, const char *text, size_t length, const struct shape *shape,
	struct arena *arena, void *target, struct diags *diags)
{
	struct reader reader = { .place.file = arena_text(arena, file),
		.text = text,
		.length = length,
		.is_others = shape->tolerant,
		.arena = arena,
		.diags = diags };
	size_t before = diags_count(diags);

	shape_clear(shape, target);
	*(struct place *)target = (struct place){ .file = reader.place.file };
	if (length > FILE_MAX_BYTES)
		return tell_too_large(file, diags);
	diags_source(diags, file, text, length);
	if (is_text(&reader))
		parse(&reader, shape, target);
	return diags_count(diags) == before;
}

/* Whoever can write the policy chooses where secrets go. */
static bool
is_trusted(int fd, const char *file, struct diags *diags)
{
	struct place place = { .file = file };
	struct stat status;

	if (fstat(fd, &status))
		return diags_add(diags, place, "cannot be read: %s", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return diags_add(diags, place, "not a regular file");
	if (status.st_uid && status.st_uid != geteuid())
		return diags_add(diags, place,
			"belongs to the user %u: expected root or the user who runs this (chown root %s)",
			status.st_uid, file);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return diags_add(diags, place,
			"others may write it (mode %04o): expected 0644 or less (chmod go-w %s)",
			status.st_mode & 07777, file);
	return true;
}

/* One byte more than the limit, so that a longer file is seen to be longer. */
static bool
read_whole(int fd, const char *file, char *text, size_t *length, struct diags *diags)
{
	ssize_t got;

	*length = 0;
	while (*length <= FILE_MAX_BYTES) {
		got = read(fd, text + *length, FILE_MAX_BYTES + 1 - *length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return diags_add(diags, (struct place){ .file = file },
				"cannot be read: %s", strerror(errno));
		if (!got)
			break;
		*length += (size_t)got;
	}
	return true;
}

bool
yaml_decode_file(const char *file, const struct shape *shape, struct arena *arena, void *target,
	struct diags *diags)
{
	auto_close int fd =
		open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	auto_free char *text = NULL;
	size_t length;

	shape_clear(shape, target);
	*(struct place *)target = (struct place){ .file = arena_text(arena, file) };
	if (fd < 0 && errno == ELOOP)
		return diags_add(diags, (struct place){ .file = file },
			"is a link, which is not followed");
	if (fd < 0)
		return diags_add(diags, (struct place){ .file = file }, "cannot be opened: %s",
			strerror(errno));
	if (!is_trusted(fd, file, diags))
		return false;
	text = memory_or_abort(malloc(FILE_MAX_BYTES + 1));
	return read_whole(fd, file, text, &length, diags) &&
	       yaml_decode(file, text, length, shape, arena, target, diags);
}
