#include "base/json.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "base/address.h"
#include "base/memory.h"
#include "base/when.h"
#include "base/wiping.h"

#define COMPACT (JSON_COMPACT | JSON_ENCODE_ANY)

static void
value_end(json_t **value)
{
	json_decref(*value);
}

#define auto_value __attribute__((cleanup(value_end)))

static const void *
member(const struct field *field, const void *source)
{
	return (const char *)source + field->offset;
}

/* --- struct → value --- */

static json_t *encode_struct(const struct shape *shape, const void *source);

/* What people and files bring may be no UTF-8, which JSON must be. */
static json_t *
text_value(const char *text, size_t length)
{
	json_t *value = json_stringn(text, length);
	char *plain;

	if (value)
		return value;
	plain = memory_or_abort(wiping_malloc(length + 1));
	for (size_t i = 0; i < length; i++)
		plain[i] = (char)((unsigned char)text[i] < 0x80 ? text[i] : '?');
	value = memory_or_abort(json_stringn(plain, length));
	wiping_free(plain);
	return value;
}

static json_t *
encode_text(const char *text)
{
	return text ? text_value(text, strlen(text)) : NULL;
}

static json_t *
encode_texts(const struct texts *texts)
{
	json_t *array = texts->count ? json_array() : NULL;

	for (size_t i = 0; i < texts->count; i++)
		json_array_append_new(array, encode_text(texts->items[i]));
	return array;
}

static json_t *
encode_moment(int64_t msec)
{
	char text[WHEN_TEXT_BYTES], whole[WHEN_TEXT_BYTES + 8];

	if (msec == NO_MOMENT)
		return NULL;
	moment_iso(msec / 1000, text);
	snprintf(whole, sizeof(whole), "%.19s.%03dZ", text, (int)(msec % 1000));
	return encode_text(whole);
}

static json_t *
encode_word(const struct word *words, int number)
{
	for (; words->word; words++)
		if (number && words->value == number)
			return encode_text(words->word);
	return NULL;
}

static json_t *
encode_choice(const struct arm *arms, const struct choice *choice)
{
	for (; choice->kind && arms->word; arms++) {
		json_t *object;

		if (arms->value != choice->kind)
			continue;
		if (!arms->shape)
			return encode_text(arms->word);
		object = json_object();
		json_object_set_new(
			object, arms->word, encode_struct(arms->shape, choice->value));
		return object;
	}
	return NULL;
}

static json_t *
encode_items(const struct field *field, const struct list *list)
{
	json_t *array = list->count ? json_array() : NULL;
	const char *items = list->items;

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array,
			field->kind == FIELD_LIST
				? encode_struct(field->shape, items + i * field->shape->bytes)
				: encode_choice(
					  field->arms, (const struct choice *)list->items + i));
	return array;
}

/* A struct in place of which nothing is there is absent: `{}` would lack what it requires. */
static json_t *
encode_part(const struct field *field, const void *source)
{
	json_t *object = encode_struct(field->shape, source);

	if (field->required || json_object_size(object))
		return object;
	json_decref(object);
	return NULL;
}

/* NULL for what is absent. */
static json_t *
encode_field(const struct field *field, const void *source)
{
	char text[WHEN_TEXT_BYTES];

	switch (field->kind) {
	case FIELD_TEXT:
		return encode_text(*(const char *const *)source);
	case FIELD_ADDRESS:
		return encode_text(((const struct address *)source)->text);
	case FIELD_BOOL:
		return *(const enum stated *)source == UNSTATED
		               ? NULL
		               : json_boolean(*(const enum stated *)source == STATED_YES);
	case FIELD_INT:
	case FIELD_SPAN:
	case FIELD_DELAY:
	case FIELD_MODE:
		return *(const int64_t *)source || field->required
		               ? json_integer(*(const int64_t *)source)
		               : NULL;
	case FIELD_WORD:
		return encode_word(field->words, *(const int *)source);
	case FIELD_DATE:
		return *(const int64_t *)source == NO_DATE
		               ? NULL
		               : encode_text(date_text(*(const int64_t *)source, text));
	case FIELD_MOMENT:
		return encode_moment(*(const int64_t *)source);
	case FIELD_TEXTS:
		return encode_texts(source);
	case FIELD_STRUCT:
		return encode_part(field, source);
	case FIELD_ARMS:
		return encode_choice(field->arms, source);
	case FIELD_LIST:
	case FIELD_CHOICES:
		return encode_items(field, source);
	case FIELD_SECRET:
		break;
	}
	if (!*(struct secret *const *)source)
		return NULL;
	return text_value(secret_reveal(*(struct secret *const *)source),
		secret_length(*(struct secret *const *)source));
}

static json_t *
encode_struct(const struct shape *shape, const void *source)
{
	json_t *object = memory_or_abort(json_object());

	for (const struct field *field = shape->fields; field->key; field++) {
		json_t *value = encode_field(field, member(field, source));

		if (value)
			json_object_set_new(object, field->key, value);
	}
	return object;
}

static int
append_to_secret(const char *bytes, size_t length, void *secret)
{
	return secret_append(secret, bytes, length) ? 0 : -1;
}

struct secret *
json_encode(const struct shape *shape, const void *source)
{
	auto_value json_t *value = encode_struct(shape, source);
	struct secret *text = secret_new(json_dumpb(value, NULL, 0, COMPACT));
	const int failed = json_dump_callback(value, append_to_secret, text, COMPACT);

	assert(!failed);
	(void)failed;
	return text;
}

const char *
json_encode_text(const struct shape *shape, const void *source, struct arena *arena)
{
	auto_value json_t *value = encode_struct(shape, source);
	const char *text;
	char *dump;

	for (const struct field *field = shape->fields; field->key; field++)
		assert(field->kind != FIELD_SECRET);
	dump = memory_or_abort(json_dumps(value, COMPACT));
	text = arena_text(arena, dump);
	wiping_free(dump);
	return text;
}

/* --- output for people's programs: a struct json is jansson's own value --- */

static json_t *
value_of(const struct json *json)
{
	return (json_t *)json;
}

struct json *
json_new_object(void)
{
	return (struct json *)memory_or_abort(json_object());
}

struct json *
json_new_array(void)
{
	return (struct json *)memory_or_abort(json_array());
}

void
json_free(struct json *json)
{
	json_decref(value_of(json));
}

void
json_set_text(struct json *object, const char *key, const char *value)
{
	json_object_set_new(value_of(object), key, value ? encode_text(value) : json_null());
}

void
json_set_int(struct json *object, const char *key, int64_t value)
{
	json_object_set_new(value_of(object), key, json_integer(value));
}

void
json_set_bool(struct json *object, const char *key, bool value)
{
	json_object_set_new(value_of(object), key, json_boolean(value));
}

void
json_set(struct json *object, const char *key, struct json *value)
{
	json_object_set_new(value_of(object), key, value_of(value));
}

void
json_push(struct json *array, struct json *value)
{
	json_array_append_new(value_of(array), value_of(value));
}

void
json_push_text(struct json *array, const char *value)
{
	json_array_append_new(value_of(array), encode_text(value));
}

bool
json_print(const struct json *json, FILE *stream)
{
	return json_dumpf(value_of(json), stream, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0 &&
	       fputc('\n', stream) != EOF && !ferror(stream);
}

struct secret *
json_secret(const struct json *json)
{
	struct secret *text = secret_new(json_dumpb(value_of(json), NULL, 0, COMPACT));
	const int failed = json_dump_callback(value_of(json), append_to_secret, text, COMPACT);

	assert(!failed);
	(void)failed;
	return text;
}
