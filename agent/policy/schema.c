#include <stdio.h>

#include "base/json.h"
#include "base/memory.h"
#include "policy/keys.h"

static struct json *schema_of(const struct shape *shape);
static struct json *type_of(const struct field *field);

static struct json *
plain(const char *type)
{
	struct json *json = json_new_object();

	json_set_text(json, "type", type);
	return json;
}

static struct json *
spelled(const char *pattern)
{
	struct json *json = plain("string");

	json_set_text(json, "pattern", pattern);
	return json;
}

static struct json *
text_of(const struct field *field)
{
	struct json *json = plain("string");

	if (field->min)
		json_set_int(json, "minLength", field->min);
	if (field->max)
		json_set_int(json, "maxLength", field->max);
	return json;
}

static struct json *
number_of(const struct field *field)
{
	struct json *json = plain("integer");

	if (field->min || field->max)
		json_set_int(json, "minimum", field->min);
	if (field->max)
		json_set_int(json, "maximum", field->max);
	return json;
}

static struct json *
words_of(const struct field *field)
{
	struct json *json = json_new_object(), *words = json_new_array();

	for (size_t i = 0; field->words[i].word; i++)
		json_push_text(words, field->words[i].word);
	json_set(json, "enum", words);
	return json;
}

static struct json *
list_of(struct json *element)
{
	struct json *json = plain("array");

	json_set(json, "items", element);
	return json;
}

static struct json *
either(struct json *one, struct json *other)
{
	struct json *json = json_new_object(), *both = json_new_array();

	json_push(both, one);
	json_push(both, other);
	json_set(json, "anyOf", both);
	return json;
}

/* To YAML 1.2, which editors read, `yes` is a text. */
static struct json *
yes_or_no(void)
{
	struct json *json = json_new_object(), *words = json_new_array();

	json_push_text(words, "yes");
	json_push_text(words, "no");
	json_set(json, "enum", words);
	return either(plain("boolean"), json);
}

static struct json *
shape_or_scalar(const struct shape *shape)
{
	const struct field *scalar = shape->scalar ? shape_field(shape, shape->scalar) : NULL;

	return scalar ? either(type_of(scalar), schema_of(shape)) : schema_of(shape);
}

/* { "ci_variable": … } with one key, or a bare word. */
static struct json *
arm_of(const struct arm *arm)
{
	struct json *json, *properties, *required;

	if (!arm->shape) {
		json = json_new_object();
		json_set_text(json, "const", arm->word);
	} else {
		json = plain("object");
		properties = json_new_object();
		required = json_new_array();
		json_set(properties, arm->word, shape_or_scalar(arm->shape));
		json_push_text(required, arm->word);
		json_set(json, "properties", properties);
		json_set(json, "required", required);
		json_set_bool(json, "additionalProperties", false);
	}
	if (arm->help)
		json_set_text(json, "description", arm->help);
	return json;
}

static struct json *
arms_of(const struct field *field)
{
	struct json *json = json_new_object(), *arms = json_new_array();

	for (size_t i = 0; field->arms[i].word; i++)
		json_push(arms, arm_of(&field->arms[i]));
	json_set(json, "oneOf", arms);
	return json;
}

static struct json *
choices_of(const struct field *field)
{
	struct json *json = list_of(arms_of(field));

	json_set_int(json, "minItems", 1);
	return json;
}

static struct json *
type_of(const struct field *field)
{
	switch (field->kind) {
	case FIELD_TEXT:
		return text_of(field);
	case FIELD_BOOL:
		return yes_or_no();
	case FIELD_INT:
		return number_of(field);
	case FIELD_SPAN:
		return spelled("^[0-9]+[hdw]$");
	case FIELD_DELAY:
		return spelled("^[0-9]+[smhd]$");
	case FIELD_WORD:
		return words_of(field);
	case FIELD_MODE: /* 0400 is a number to editors, and text in quotes. */
		return either(plain("integer"), spelled("^0[0-7]{2,4}$"));
	case FIELD_ADDRESS:
		return spelled("^(\\*|[a-z_]+:.+)$");
	case FIELD_TEXTS:
		return either(text_of(field), list_of(text_of(field)));
	case FIELD_STRUCT:
		return shape_or_scalar(field->shape);
	case FIELD_LIST:
		return list_of(shape_or_scalar(field->shape));
	case FIELD_ARMS:
		return arms_of(field);
	case FIELD_CHOICES:
		return choices_of(field);
	case FIELD_DATE:
	case FIELD_MOMENT:
	case FIELD_SECRET:
		break;
	}
	return plain("string");
}

static struct json *
schema_of(const struct shape *shape)
{
	struct json *json = plain("object");
	struct json *properties = json_new_object(), *required = json_new_array();

	for (const struct field *field = shape->fields; field->key; field++) {
		struct json *type;

		if (field_is_later(field))
			continue;
		type = type_of(field);
		if (field->help)
			json_set_text(type, "description", field->help);
		json_set(properties, field->key, type);
		if (field->required)
			json_push_text(required, field->key);
	}
	json_set(json, "properties", properties);
	json_set(json, "required", required);
	json_set_bool(json, "additionalProperties", false);
	return json;
}

const char *
policies_schema(struct arena *arena)
{
	auto_json struct json *json = schema_of(&policy_file_shape);
	auto_free char *text = NULL;
	size_t length = 0;
	FILE *stream = memory_or_abort(open_memstream(&text, &length));

	json_set_text(json, "$schema", "http://json-schema.org/draft-07/schema#");
	json_set_text(json, "title", "glrotate's policy");
	(void)json_print(json, stream);
	fclose(stream);
	return arena_text(arena, text);
}
