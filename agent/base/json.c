#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "base/address.h"
#include "base/memory.h"
#include "base/when.h"
#include "base/wiping.h"

#define DEPTH_MAX 32
#define BYTES_MAX ((size_t)10000000)
#define LIST_MAX ((size_t)100000)
#define COMPACT (JSON_COMPACT | JSON_ENCODE_ANY)

static void
value_end(json_t **value)
{
	json_decref(*value);
}

#define auto_value __attribute__((cleanup(value_end)))

void
json_start(void)
{
	json_set_alloc_funcs(wiping_malloc, wiping_free);
}

static void *
member(const struct field *field, const void *target)
{
	return (char *)target + field->offset;
}

static const char *
dump_text(const json_t *value, struct arena *arena)
{
	char *dump = memory_or_abort(json_dumps(value, COMPACT));
	const char *text = arena_text(arena, dump);

	wiping_free(dump);
	return text;
}

/* --- text → value --- */

/* jansson itself would follow brackets two thousand deep. */
static bool
is_shallow(const char *text, size_t length)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < length; i++) {
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string && (text[i] == '{' || text[i] == '[') &&
			 ++depth > DEPTH_MAX)
			return false;
		else if (!in_string && (text[i] == '}' || text[i] == ']'))
			depth--;
	}
	return true;
}

static json_t *
parse(const char *text, size_t length, struct err *err)
{
	json_error_t why;
	json_t *value;

	if (length > BYTES_MAX) {
		err_set(err, ERR_DOUBT, 0, "JSON of more than %zu bytes", BYTES_MAX);
		return NULL;
	}
	if (!is_shallow(text, length)) {
		err_set(err, ERR_DOUBT, 0, "JSON nested more than %d deep", DEPTH_MAX);
		return NULL;
	}
	value = json_loadb(text, length, 0, &why);
	/* jansson's text quotes what stands there, which may be a secret: the place must do. */
	if (!value)
		err_set(err, ERR_DOUBT, 0, "not JSON, line %d, column %d", why.line,
			why.column);
	return value;
}

/* --- value → struct --- */

struct decoder {
	struct arena *arena;
	struct err *err;
};

static bool decode_struct(const struct decoder *decoder, const struct shape *shape,
	const json_t *value, void *target);

static bool
unlike(const struct decoder *decoder, const char *expected)
{
	return err_set(decoder->err, ERR_DOUBT, 0, "expected %s", expected);
}

static bool
decode_int(const struct decoder *decoder, const struct field *field, const json_t *value,
	int64_t *target)
{
	const json_int_t number = json_integer_value(value);
	const bool limited = field->kind == FIELD_INT && (field->min || field->max);

	if (!json_is_integer(value))
		return unlike(decoder, "a whole number");
	if (limited && (number < field->min || (field->max && number > field->max)))
		return err_set(decoder->err, ERR_DOUBT, 0,
			"expected a number from %" PRId64 " to %" PRId64 ", not %" PRId64,
			field->min, field->max ? field->max : INT64_MAX, (int64_t)number);
	*target = number;
	return true;
}

static bool
decode_scalar(const struct decoder *decoder, const struct field *field, const json_t *value,
	void *target)
{
	char why[256];

	if (!json_is_string(value))
		return unlike(decoder, "a text");
	if (field_from_text(
		    decoder->arena, field, json_string_value(value), target, why, sizeof(why)))
		return true;
	return err_set(decoder->err, ERR_DOUBT, 0, "%s", why);
}

static bool
decode_texts(const struct decoder *decoder, const json_t *value, struct texts *texts)
{
	const size_t count = json_array_size(value);

	if (!json_is_array(value) || count > LIST_MAX)
		return unlike(decoder, "a list of texts");
	texts->items = arena_alloc(decoder->arena, (count + 1) * sizeof(*texts->items));
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(value, i);

		if (!json_is_string(item))
			return unlike(decoder, "a list of texts");
		texts->items[i] = arena_text(decoder->arena, json_string_value(item));
	}
	texts->count = count;
	return true;
}

static bool
decode_choice(const struct decoder *decoder, const struct arm *arms, const json_t *value,
	struct choice *choice)
{
	const char *word = json_string_value(value);
	void *item = json_object_size(value) == 1 ? json_object_iter((json_t *)value) : NULL;

	if (item)
		word = json_object_iter_key(item);
	for (; word && arms->word; arms++) {
		if (strcmp(arms->word, word) != 0)
			continue;
		if (!arms->shape != !item)
			return unlike(decoder, "another form of this word");
		choice->kind = arms->value;
		choice->value = item ? arena_alloc(decoder->arena, arms->shape->bytes) : NULL;
		return !item || decode_struct(decoder, arms->shape,
					json_object_iter_value(item), choice->value);
	}
	return unlike(decoder, "one of the known words");
}

static bool
decode_items(const struct decoder *decoder, const struct field *field, const json_t *value,
	struct list *list)
{
	const bool choices = field->kind == FIELD_CHOICES;
	const size_t bytes = choices ? sizeof(struct choice) : field->shape->bytes;
	const size_t count = json_array_size(value);
	char *items;

	if (!json_is_array(value) || count > LIST_MAX)
		return unlike(decoder, "a list");
	items = arena_alloc(decoder->arena, (count + 1) * bytes);
	*list = (struct list){ items, count };
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(value, i);

		if (choices ? !decode_choice(
				      decoder, field->arms, item, (void *)(items + i * bytes))
			    : !decode_struct(decoder, field->shape, item, items + i * bytes))
			return err_wrap(decoder->err, "item %zu", i + 1);
	}
	return true;
}

static bool
decode_secret(const struct decoder *decoder, const json_t *value, struct secret **secret)
{
	if (!json_is_string(value))
		return unlike(decoder, "a text");
	*secret = secret_copy(json_string_value(value), json_string_length(value));
	return true;
}

static bool
decode_field(const struct decoder *decoder, const struct field *field, const json_t *value,
	void *target)
{
	switch (field->kind) {
	case FIELD_BOOL:
		if (!json_is_boolean(value))
			return unlike(decoder, "true or false");
		*(enum stated *)target = json_is_true(value) ? STATED_YES : STATED_NO;
		return true;
	case FIELD_INT:
	case FIELD_SPAN:
	case FIELD_DELAY:
	case FIELD_MODE:
		return decode_int(decoder, field, value, target);
	case FIELD_TEXTS:
		return decode_texts(decoder, value, target);
	case FIELD_STRUCT:
		return decode_struct(decoder, field->shape, value, target);
	case FIELD_ARMS:
		return decode_choice(decoder, field->arms, value, target);
	case FIELD_LIST:
	case FIELD_CHOICES:
		return decode_items(decoder, field, value, target);
	case FIELD_SECRET:
		return decode_secret(decoder, value, target);
	default:
		return decode_scalar(decoder, field, value, target);
	}
}

/* Unknown keys are passed over: GitLab grows new ones with every release. */
static bool
decode_struct(const struct decoder *decoder, const struct shape *shape, const json_t *value,
	void *target)
{
	shape_clear(shape, target);
	if (!json_is_object(value))
		return err_set(decoder->err, ERR_DOUBT, 0, "expected %s", shape->name);
	for (const struct field *field = shape->fields; field->key; field++) {
		const json_t *found = json_object_get(value, field->key);

		if (!found || json_is_null(found)) {
			if (!field->required)
				continue;
			return err_set(decoder->err, ERR_DOUBT, 0, "%s without '%s'",
				shape->name, field->key);
		}
		if (!decode_field(decoder, field, found, member(field, target)))
			return err_wrap(decoder->err, "'%s'", field->key);
	}
	return true;
}

/* What was decoded before the failure. */
static void
free_secrets(const struct shape *shape, void *target)
{
	for (const struct field *field = shape->fields; field->key; field++) {
		void *at = member(field, target);

		if (field->kind == FIELD_SECRET)
			secret_free(take(*(struct secret **)at));
		else if (field->kind == FIELD_STRUCT)
			free_secrets(field->shape, at);
		else if (field->kind == FIELD_LIST)
			for (size_t i = 0; i < ((struct list *)at)->count; i++)
				free_secrets(field->shape, (char *)((struct list *)at)->items +
								   i * field->shape->bytes);
	}
}

static bool
decode(const char *text, size_t length, const struct shape *shape, struct arena *arena,
	void *target, struct err *err)
{
	const struct decoder decoder = { arena, err };
	auto_value json_t *value = parse(text, length, err);

	/* A caller frees the secrets of what was never decoded, too. */
	shape_clear(shape, target);
	if (!value)
		return false;
	if (decode_struct(&decoder, shape, value, target))
		return true;
	free_secrets(shape, target);
	return false;
}

bool
json_decode(const struct secret *text, const struct shape *shape, struct arena *arena,
	void *target, struct err *err)
{
	return decode(secret_reveal(text), secret_length(text), shape, arena, target, err);
}

bool
json_decode_text(const char *text, const struct shape *shape, struct arena *arena, void *target,
	struct err *err)
{
	return decode(text, strlen(text), shape, arena, target, err);
}

bool
json_decode_list(const struct secret *text, const struct shape *shape, struct arena *arena,
	struct list *list, struct err *err)
{
	const struct field field = { .key = "", .kind = FIELD_LIST, .shape = shape };
	const struct decoder decoder = { arena, err };
	auto_value json_t *value = parse(secret_reveal(text), secret_length(text), err);
	struct list draft = { 0 };

	if (!value)
		return false;
	if (decode_items(&decoder, &field, value, &draft)) {
		*list = draft;
		return true;
	}
	for (size_t i = 0; i < draft.count; i++)
		free_secrets(shape, (char *)draft.items + i * shape->bytes);
	return false;
}

/* By keys with points between them. */
static json_t *
value_at(json_t *value, const char *path)
{
	char key[64];

	for (size_t length; value && *path; path += length + (path[length] == '.')) {
		length = strcspn(path, ".");
		snprintf(key, sizeof(key), "%.*s", (int)length, path);
		value = json_object_get(value, key);
	}
	return value;
}

const char *
json_member(const struct secret *text, const char *path, struct arena *arena)
{
	struct err ignored;
	auto_value json_t *whole = parse(secret_reveal(text), secret_length(text), &ignored);
	const json_t *value = value_at(whole, path);

	if (!value || json_is_null(value))
		return NULL;
	if (json_is_string(value))
		return arena_text(arena, json_string_value(value));
	return dump_text(value, arena);
}

static struct secret *
dump_secret(const json_t *value)
{
	const size_t length = json_dumpb(value, NULL, 0, COMPACT);
	char *dump = memory_or_abort(wiping_malloc(length + 1));
	struct secret *text;

	(void)json_dumpb(value, dump, length, COMPACT);
	text = secret_copy(dump, length);
	wiping_free(dump);
	return text;
}

struct secret *
json_keep(
	const struct secret *body, const char *key, const struct secret *text, const char *path)
{
	struct err ignored;
	auto_value json_t *whole = parse(secret_reveal(text), secret_length(text), &ignored);
	auto_value json_t *draft = parse(secret_reveal(body), secret_length(body), &ignored);
	json_t *kept = value_at(whole, path), *target = value_at(draft, key);

	if (!json_is_object(kept) || !json_is_object(target))
		return NULL;
	json_object_update_missing(target, kept);
	return dump_secret(draft);
}
