#include <stdio.h>
#include <string.h>

#include "base/yaml_inside.h"

#define ITEMS_MAX                                                                              \
	100000 /* of all lists of a file: `[{},{},…` is longer in memory than on disk */
#define FIELDS_MAX 64 /* of one shape: our own tables */
#define WHY_BYTES 512

/* Every function finds the first event of its value in the reader, and leaves the one behind the
 * value there. */

static bool
is_at(const struct reader *reader, enum event type)
{
	return reader->event == type;
}

/* Whether a list or mapping whose end is `end` goes on. */
static bool
goes_on(const struct reader *reader, enum event end)
{
	return !reader->broken && !is_at(reader, end);
}

static void
skip_value(struct reader *reader)
{
	int outside = reader->depth;

	if (is_at(reader, EVENT_LIST_START) || is_at(reader, EVENT_MAPPING_START))
		outside--;
	while (!reader->broken && reader->depth > outside)
		reader_next(reader);
	reader_next(reader);
}

/* Passes over a value that is not what `key` takes. */
static void
refuse_value(struct reader *reader, const char *key, const char *expected)
{
	if (reader->is_null)
		diags_add(reader->diags, reader->place, "%s: expected %s, not nothing", key,
			expected);
	else if (is_at(reader, EVENT_SCALAR))
		diags_add(reader->diags, reader->place, "%s: expected %s, not '%s'", key,
			expected, reader->word);
	else if (!is_at(reader, EVENT_ALIAS) && !reader->broken)
		diags_add(reader->diags, reader->place, "%s: expected %s, not %s", key,
			expected,
			is_at(reader, EVENT_LIST_START) ? "a list" : "keys and values");
	skip_value(reader);
}

static bool
fill_from_scalar(const struct reader *reader, const struct field *field, void *member)
{
	char why[WHY_BYTES];

	if (!field_from_text(reader->arena, field, reader->word, member, why, sizeof(why)))
		return diags_add(reader->diags, reader->place, "%s: %s", field->key, why);
	return true;
}

static void
decode_scalar(struct reader *reader, const struct field *field, void *member)
{
	bool may_be_null = field->kind == FIELD_DATE || field->kind == FIELD_MOMENT;

	if (!is_at(reader, EVENT_SCALAR) || (reader->is_null && !may_be_null)) {
		refuse_value(reader, field->key, "one value");
		return;
	}
	if (!reader->is_null)
		(void)fill_from_scalar(reader, field, member);
	reader_next(reader);
}

/* Counts what lists hold, since a short `{}` in a file is a large struct in memory. */
static bool
item_fits(struct reader *reader)
{
	if (reader->broken || ++reader->items <= ITEMS_MAX)
		return !reader->broken;
	diags_add(reader->diags, reader->place, "more than %d items in one file", ITEMS_MAX);
	reader_break(reader);
	return false;
}

static void
decode_texts(struct reader *reader, const struct field *field, struct texts *texts)
{
	size_t capacity = 0;

	if (!is_at(reader, EVENT_LIST_START)) {
		decode_scalar(reader, field, texts);
		return;
	}
	reader_next(reader);
	while (goes_on(reader, EVENT_LIST_END) && item_fits(reader)) {
		struct texts one = { 0 };
		decode_scalar(reader, field, &one);
		if (!one.count)
			continue;
		texts->items = arena_grow(reader->arena, texts->items, texts->count, &capacity,
			sizeof(*texts->items));
		texts->items[texts->count++] = one.items[0];
	}
	reader_next(reader);
}

/* --- structs --- */

static void decode_struct(
	struct reader *reader, const struct shape *shape, const char *key, void *target);
static void decode_choice(
	struct reader *reader, const struct field *field, struct choice *choice);

static void
tell_missing(const struct reader *reader, const struct shape *shape, struct place place,
	const int *first_lines)
{
	for (size_t i = 0; shape->fields[i].key && !reader->broken; i++)
		if (shape->fields[i].required && !first_lines[i])
			diags_add(reader->diags, place, "%s needs '%s'", shape->name,
				shape->fields[i].key);
}

static void
decode_list(struct reader *reader, const struct field *field, struct list *list)
{
	bool is_choices = field->kind == FIELD_CHOICES;
	size_t capacity = 0, bytes = is_choices ? sizeof(struct choice) : field->shape->bytes;

	if (reader->is_null) { /* all items commented out */
		reader_next(reader);
		return;
	}
	if (!is_at(reader, EVENT_LIST_START)) {
		refuse_value(reader, field->key, "a list");
		return;
	}
	reader_next(reader);
	while (goes_on(reader, EVENT_LIST_END) && item_fits(reader)) {
		void *item;
		list->items =
			arena_grow(reader->arena, list->items, list->count, &capacity, bytes);
		item = memset((char *)list->items + bytes * list->count++, 0, bytes);
		if (is_choices)
			decode_choice(reader, field, item);
		else
			decode_struct(reader, field->shape, field->key, item);
	}
	reader_next(reader);
}

static void
decode_value(struct reader *reader, const struct field *field, void *target)
{
	void *member = (char *)target + field->offset;

	switch (field->kind) {
	case FIELD_TEXTS:
		decode_texts(reader, field, member);
		return;
	case FIELD_STRUCT:
		decode_struct(reader, field->shape, field->key, member);
		return;
	case FIELD_LIST:
	case FIELD_CHOICES:
		decode_list(reader, field, member);
		return;
	case FIELD_ARMS:
		decode_choice(reader, field, member);
		return;
	default:
		decode_scalar(reader, field, member);
		return;
	}
}

static void
tell_unknown(const struct reader *reader, const struct shape *shape, const char *key)
{
	const char *keys[FIELDS_MAX + 1] = { NULL }, *nearest;
	char list[WHY_BYTES] = "";

	for (size_t i = 0; shape->fields[i].key; i++) {
		size_t used = strlen(list);
		keys[i] = shape->fields[i].key;
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", keys[i]);
	}
	nearest = nearest_word(key, keys);
	if (!strcmp(key, "<<"))
		diags_add(reader->diags, reader->place,
			"merge keys are refused: write the keys out");
	else if (nearest)
		diags_add(reader->diags, reader->place,
			"unknown key '%s' in %s, did you mean '%s'?", key, shape->name,
			nearest);
	else
		diags_add(reader->diags, reader->place,
			"unknown key '%s' in %s, expected one of %s", key, shape->name, list);
}

/* The field that the key at hand names; NULL for a key whose value is to be passed over. */
static const struct field *
decode_key(const struct reader *reader, const struct shape *shape, int *first_lines)
{
	const struct field *field;
	int *first_line;

	if (!is_at(reader, EVENT_SCALAR)) {
		if (!is_at(reader, EVENT_ALIAS))
			diags_add(reader->diags, reader->place, "a key is one word");
		return NULL;
	}
	field = shape_field(shape, reader->word);
	if (!field) {
		if (!shape->tolerant)
			tell_unknown(reader, shape, reader->word);
		return NULL;
	}
	first_line = &first_lines[field - shape->fields];
	if (*first_line) {
		diags_add(reader->diags, reader->place,
			"'%s' stands here twice, first on line %d", field->key, *first_line);
		return NULL;
	}
	*first_line = reader->place.line;
	return field;
}

static void
decode_mapping(struct reader *reader, const struct shape *shape, void *target)
{
	int first_lines[FIELDS_MAX] = { 0 };
	struct place place = reader->place;

	reader_next(reader);
	while (goes_on(reader, EVENT_MAPPING_END)) {
		const struct field *field = decode_key(reader, shape, first_lines);
		skip_value(reader);
		if (reader->broken)
			return;
		if (field)
			decode_value(reader, field, target);
		else
			skip_value(reader);
	}
	tell_missing(reader, shape, place, first_lines);
	reader_next(reader);
}

/* A scalar where the shape has a key for it: `ci_variable: KEY`; or a list, where that key takes one. */
static bool
is_short(const struct reader *reader, const struct shape *shape)
{
	if (!shape->scalar)
		return false;
	if (is_at(reader, EVENT_LIST_START))
		return shape_field(shape, shape->scalar)->kind == FIELD_TEXTS;
	return is_at(reader, EVENT_SCALAR) && !reader->is_null;
}

static void
decode_short(struct reader *reader, const struct shape *shape, void *target)
{
	int first_lines[FIELDS_MAX] = { 0 };
	const struct field *field = shape_field(shape, shape->scalar);

	first_lines[field - shape->fields] = reader->place.line;
	tell_missing(reader, shape, reader->place, first_lines);
	if (field->kind == FIELD_TEXTS)
		decode_texts(reader, field,
			(struct texts *)(void *)((char *)target + field->offset));
	else
		decode_scalar(reader, field, (char *)target + field->offset);
}

static void
decode_struct(struct reader *reader, const struct shape *shape, const char *key, void *target)
{
	shape_clear(shape, target);
	*(struct place *)target = reader->place;
	if (is_at(reader, EVENT_MAPPING_START))
		decode_mapping(reader, shape, target);
	else if (is_short(reader, shape))
		decode_short(reader, shape, target);
	else
		refuse_value(reader, key, "keys and values");
}

/* --- one of several shapes --- */

static void
tell_unknown_arm(const struct reader *reader, const struct field *field, const char *word)
{
	const char *words[FIELDS_MAX + 1] = { NULL }, *nearest;
	char list[WHY_BYTES] = "";

	for (size_t i = 0; field->arms[i].word && i < FIELDS_MAX; i++) {
		size_t used = strlen(list);
		words[i] = field->arms[i].word;
		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", words[i]);
	}
	nearest = nearest_word(word, words);
	diags_add(reader->diags, reader->place, "%s: expected one of %s, not '%s'%s%s%s",
		field->key, list, word, nearest ? "; did you mean '" : "",
		nearest ? nearest : "", nearest ? "'?" : "");
}

static const struct arm *
decode_arm(const struct reader *reader, const struct field *field, struct choice *choice)
{
	const struct arm *arm = field->arms;

	while (arm->word && strcmp(arm->word, reader->word))
		arm++;
	if (!arm->word) {
		tell_unknown_arm(reader, field, reader->word);
		return NULL;
	}
	choice->kind = arm->value;
	return arm;
}

/* A value with an error in it is no value: what goes on with it counts on its required keys. */
static void
decode_arm_value(struct reader *reader, const struct arm *arm, struct choice *choice)
{
	size_t before = diags_count(reader->diags);
	void *value;

	if (!arm->shape) {
		diags_add(reader->diags, choice->at,
			"'%s' stands alone, with nothing behind it", arm->word);
		skip_value(reader);
		return;
	}
	value = arena_alloc(reader->arena, arm->shape->bytes);
	decode_struct(reader, arm->shape, arm->word, value);
	if (diags_count(reader->diags) == before && !reader->broken)
		choice->value = value;
}

/* Keys behind the first are most often those of its value, not indented far enough. */
static void
refuse_second_keys(struct reader *reader, const char *first)
{
	while (goes_on(reader, EVENT_MAPPING_END)) {
		if (is_at(reader, EVENT_SCALAR))
			diags_add(reader->diags, reader->place,
				"'%s' stands beside '%s': indent it further, or begin an item of its own",
				reader->word, first);
		else if (!is_at(reader, EVENT_ALIAS))
			diags_add(reader->diags, reader->place, "a key is one word");
		skip_value(reader);
		skip_value(reader);
	}
}

static void
decode_keyed_choice(struct reader *reader, const struct field *field, struct choice *choice)
{
	const struct arm *arm = NULL;
	const char *first = "it";

	reader_next(reader);
	if (is_at(reader, EVENT_SCALAR)) {
		first = arena_text(reader->arena, reader->word);
		arm = decode_arm(reader, field, choice);
		reader_next(reader);
		if (arm)
			decode_arm_value(reader, arm, choice);
		else
			skip_value(reader);
	} else if (is_at(reader, EVENT_MAPPING_END)) {
		diags_add(reader->diags, choice->at, "%s: expected a key, not an empty item",
			field->key);
	}
	refuse_second_keys(reader, first);
	reader_next(reader);
}

static void
decode_choice(struct reader *reader, const struct field *field, struct choice *choice)
{
	choice->at = reader->place;
	if (is_at(reader, EVENT_MAPPING_START)) {
		decode_keyed_choice(reader, field, choice);
	} else if (is_at(reader, EVENT_SCALAR) && !reader->is_null) {
		const struct arm *arm = decode_arm(reader, field, choice);
		if (arm && arm->shape) {
			choice->kind = 0;
			diags_add(reader->diags, choice->at,
				"'%s' needs a value: write '%s: …'", arm->word, arm->word);
		}
		reader_next(reader);
	} else {
		refuse_value(reader, field->key, "a word or one key");
	}
}

/* --- the document --- */

void
yaml_decode_document(struct reader *reader, const struct shape *shape, void *target)
{
	int first_lines[FIELDS_MAX] = { 0 };

	reader_next(reader); /* the stream begins */
	reader_next(reader); /* the document begins */
	if (is_at(reader, EVENT_DOCUMENT_START))
		reader_next(reader);
	if (is_at(reader, EVENT_STREAM_END) || reader->is_null) {
		*(struct place *)target = (struct place){ reader->place.file, 1, 1 };
		tell_missing(reader, shape, *(struct place *)target, first_lines);
		if (is_at(reader, EVENT_STREAM_END))
			return;
		reader_next(reader);
	} else {
		decode_struct(reader, shape, shape->name, target);
	}
	reader_next(reader); /* behind the document's end */
	if (!reader->broken && !is_at(reader, EVENT_STREAM_END))
		diags_add(
			reader->diags, reader->place, "a second document: one file holds one");
}
