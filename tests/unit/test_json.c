#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/when.h"

struct inner {
	struct place at;
	const char *name;
	struct secret *token;
};
struct whole {
	struct place at;
	const char *text;
	enum stated flag;
	int64_t number, small, span, delay, mode, date, moment;
	int word;
	struct address address;
	struct texts texts;
	struct inner inner;
	struct list inners, choices;
	struct choice choice;
	struct secret *token;
};

/* clang-format off */
#define FILLS(member) offsetof(struct inner, member)
static const struct field inner_fields[] = {
	{ "name",  FIELD_TEXT,   FILLS(name), .required = true },
	{ "token", FIELD_SECRET, FILLS(token) },
	{ 0 },
};
static const struct field arm_fields[] = {
	{ "name",  FIELD_TEXT,   FILLS(name), .required = true },
	{ 0 },
};
#undef FILLS
static const struct shape inner_shape = { "an inner", inner_fields, sizeof(struct inner) };
static const struct shape arm_shape = { "a file", arm_fields, sizeof(struct inner) };
static const struct word words[] = { { "red", 1 }, { "blue", 2 }, { 0 } };
static const struct arm arms[] = { { "file", &arm_shape, 1 }, { "slot", NULL, 2 }, { 0 } };
#define FILLS(member) offsetof(struct whole, member)
static const struct field whole_fields[] = {
	{ "text",    FIELD_TEXT,    FILLS(text), .required = true, .max = 5 },
	{ "flag",    FIELD_BOOL,    FILLS(flag) },
	{ "number",  FIELD_INT,     FILLS(number) },
	{ "small",   FIELD_INT,     FILLS(small), .min = 1, .max = 9 },
	{ "span",    FIELD_SPAN,    FILLS(span) },
	{ "delay",   FIELD_DELAY,   FILLS(delay) },
	{ "mode",    FIELD_MODE,    FILLS(mode) },
	{ "date",    FIELD_DATE,    FILLS(date) },
	{ "moment",  FIELD_MOMENT,  FILLS(moment) },
	{ "word",    FIELD_WORD,    FILLS(word), .words = words },
	{ "address", FIELD_ADDRESS, FILLS(address) },
	{ "texts",   FIELD_TEXTS,   FILLS(texts) },
	{ "inner",   FIELD_STRUCT,  FILLS(inner), .shape = &inner_shape },
	{ "inners",  FIELD_LIST,    FILLS(inners), .shape = &inner_shape },
	{ "choice",  FIELD_ARMS,    FILLS(choice), .arms = arms },
	{ "choices", FIELD_CHOICES, FILLS(choices), .arms = arms },
	{ "token",   FIELD_SECRET,  FILLS(token) },
	{ 0 },
};
#undef FILLS
/* clang-format on */
static const struct shape whole_shape = { "a whole", whole_fields, sizeof(struct whole) };

static void
free_whole(struct whole *whole)
{
	struct inner *inners = whole->inners.items;

	for (size_t i = 0; i < whole->inners.count; i++)
		secret_free(inners[i].token);
	secret_free(whole->inner.token);
	secret_free(whole->token);
}

static bool
decode(const char *text, struct arena *arena, struct whole *whole, struct err *err)
{
	auto_secret struct secret *secret = secret_copy(text, strlen(text));

	return json_decode(secret, &whole_shape, arena, whole, err);
}

#define EVERYTHING                                                                             \
	"{\"text\":\"t\",\"flag\":false,\"number\":-9223372036854775808,\"small\":9,"          \
	"\"span\":86400,\"delay\":30,\"mode\":256,\"date\":\"2026-11-21\","                    \
	"\"moment\":\"2026-11-21T10:00:00.250Z\",\"word\":\"blue\","                           \
	"\"address\":\"project:platform/api:push\",\"texts\":[\"a\",\"b\\u00e9\"],"            \
	"\"inner\":{\"name\":\"i\",\"token\":\"one\"},"                                        \
	"\"inners\":[{\"name\":\"j\"},{\"name\":\"k\",\"token\":\"two\"}],"                    \
	"\"choice\":{\"file\":{\"name\":\"f\"}},"                                              \
	"\"choices\":[\"slot\",{\"file\":{\"name\":\"g\"}}],\"token\":\"three\"}"

static void
json_decode_fills_every_kind_of_field(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const struct choice *choices;
	const struct inner *inners;
	struct whole whole;
	struct err err;
	(void)state;

	assert_true(decode(EVERYTHING, arena, &whole, &err));
	assert_string_equal(whole.text, "t");
	assert_int_equal(whole.flag, STATED_NO);
	assert_true(whole.number == INT64_MIN && whole.small == 9);
	assert_true(whole.span == DAY_SEC && whole.delay == 30 && whole.mode == 0400);
	assert_true(whole.date == INT64_C(1795219200) / DAY_SEC);
	assert_true(whole.moment == INT64_C(1795255200250));
	assert_int_equal(whole.word, 2);
	assert_string_equal(whole.address.owner, "platform/api");
	assert_int_equal(whole.texts.count, 2);
	assert_string_equal(whole.texts.items[1], "b\xc3\xa9");
	assert_string_equal(secret_reveal(whole.inner.token), "one");
	assert_int_equal(whole.inners.count, 2);
	inners = whole.inners.items;
	assert_null(inners[0].token);
	assert_string_equal(secret_reveal(inners[1].token), "two");
	assert_int_equal(whole.choice.kind, 1);
	assert_string_equal(((const struct inner *)whole.choice.value)->name, "f");
	choices = whole.choices.items;
	assert_true(choices[0].kind == 2 && !choices[0].value && choices[1].kind == 1);
	assert_string_equal(secret_reveal(whole.token), "three");
	free_whole(&whole);
}

static void
json_encode_writes_what_json_decode_reads(void **state)
{
	auto_arena struct arena *arena = arena_new();
	auto_secret struct secret *encoded = NULL, *absent = NULL;
	struct whole whole;
	struct err err;
	(void)state;

	assert_true(decode(EVERYTHING, arena, &whole, &err));
	encoded = json_encode(&whole_shape, &whole);
	free_whole(&whole);
	assert_true(decode(secret_reveal(encoded), arena, &whole, &err));
	free_whole(&whole);
	assert_string_equal(secret_reveal(encoded),
		"{\"text\":\"t\",\"flag\":false,\"number\":-9223372036854775808,\"small\":9,"
		"\"span\":86400,\"delay\":30,\"mode\":256,\"date\":\"2026-11-21\","
		"\"moment\":\"2026-11-21T10:00:00.250Z\",\"word\":\"blue\","
		"\"address\":\"project:platform/api:push\",\"texts\":[\"a\",\"b\xc3\xa9\"],"
		"\"inner\":{\"name\":\"i\",\"token\":\"one\"},"
		"\"inners\":[{\"name\":\"j\"},{\"name\":\"k\",\"token\":\"two\"}],"
		"\"choice\":{\"file\":{\"name\":\"f\"}},"
		"\"choices\":[\"slot\",{\"file\":{\"name\":\"g\"}}],\"token\":\"three\"}");
	assert_true(decode("{\"text\":\"t\"}", arena, &whole, &err));
	absent = json_encode(&whole_shape, &whole);
	assert_string_equal(secret_reveal(absent), "{\"text\":\"t\"}");
}

static void
json_decode_takes_null_for_absent_and_passes_over_what_it_does_not_know(void **state)
{
	auto_arena struct arena *arena = arena_new();
	struct whole whole;
	struct err err;
	(void)state;

	assert_true(decode("{\"later\":[{}],\"flag\":null,\"date\":null,\"moment\":null,"
			   "\"word\":null,\"texts\":null,\"inner\":null,\"inners\":null,"
			   "\"choice\":null,\"token\":null,\"text\":\"\"}",
		arena, &whole, &err));
	assert_true(whole.flag == UNSTATED && whole.date == NO_DATE &&
		    whole.moment == NO_MOMENT && !whole.word && !whole.texts.count &&
		    !whole.inner.name && !whole.inners.count && !whole.choice.kind);
	assert_null(whole.token);
}

/* clang-format off */
static const struct {
	const char *text, *why;
} wrong[] = {
	{ "",                                         "not JSON" },
	{ "{",                                        "not JSON" },
	{ "{} {}",                                    "not JSON" },
	{ "null",                                     "not JSON" },
	{ "[]",                                       "a whole" },
	{ "\"text\"",                                 "not JSON" },
	{ "{}",                                       "a whole without 'text'" },
	{ "{\"text\":null}",                          "a whole without 'text'" },
	{ "{\"text\":1}",                             "'text': expected a text" },
	{ "{\"text\":\"sixsix\"}",                    "'text': expected at most 5" },
	{ "{\"text\":\"a\\u0000b\"}",                 "not JSON" },
	{ "{\"text\":\"\xff\"}",                      "not JSON" },
	{ "{\"text\":\"\",\"flag\":\"true\"}",        "'flag': expected true or false" },
	{ "{\"text\":\"\",\"number\":1.0}",           "'number': expected a whole number" },
	{ "{\"text\":\"\",\"number\":\"1\"}",         "'number': expected a whole number" },
	{ "{\"text\":\"\",\"number\":9223372036854775808}", "not JSON" },
	{ "{\"text\":\"\",\"number\":1e999}",         "not JSON" },
	{ "{\"text\":\"\",\"small\":0}",              "'small': expected a number from 1 to 9" },
	{ "{\"text\":\"\",\"small\":10}",             "'small': expected a number from 1 to 9" },
	{ "{\"text\":\"\",\"date\":\"2026-02-30\"}",  "'date': expected a date" },
	{ "{\"text\":\"\",\"moment\":\"noon\"}",      "'moment': expected a time" },
	{ "{\"text\":\"\",\"word\":\"green\"}",       "'word': expected one of red, blue" },
	{ "{\"text\":\"\",\"address\":\"x\"}",        "'address': " },
	{ "{\"text\":\"\",\"texts\":\"a\"}",          "'texts': expected a list of texts" },
	{ "{\"text\":\"\",\"texts\":[\"a\",1]}",      "'texts': expected a list of texts" },
	{ "{\"text\":\"\",\"inner\":[]}",             "'inner': expected an inner" },
	{ "{\"text\":\"\",\"inner\":{}}",             "'inner': an inner without 'name'" },
	{ "{\"text\":\"\",\"inners\":{}}",            "'inners': expected a list" },
	{ "{\"text\":\"\",\"inners\":[{\"name\":\"a\",\"token\":\"s\"},2]}", "'inners': item 2: expected an inner" },
	{ "{\"text\":\"\",\"choice\":\"file\"}",      "'choice': expected another form" },
	{ "{\"text\":\"\",\"choice\":{\"slot\":{}}}", "'choice': expected another form" },
	{ "{\"text\":\"\",\"choice\":{}}",            "'choice': expected one of" },
	{ "{\"text\":\"\",\"choice\":{\"file\":{\"name\":\"a\"},\"slot\":1}}", "'choice': expected one of" },
	{ "{\"text\":\"\",\"choices\":[\"what\"]}",   "'choices': item 1: expected one of" },
	{ "{\"text\":\"\",\"token\":7}",              "'token': expected a text" },
	{ "{\"text\":\"\",\"token\":\"kept\"} x",     "not JSON" },
};
/* clang-format on */

static void
json_decode_says_where_a_text_is_not_what_was_promised(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		auto_arena struct arena *arena = arena_new();
		struct whole whole;
		struct err err = { 0 };

		assert_false(decode(wrong[i].text, arena, &whole, &err));
		assert_int_equal(err.kind, ERR_DOUBT);
		if (!strstr(err.text, wrong[i].why))
			fail_msg("%s: '%s'", wrong[i].text, err.text);
	}
}

static void
json_decode_leaves_no_secret_behind_when_it_fails(void **state)
{
	static const char *const texts[] = { "not JSON",
		"{\"text\":\"\",\"inner\":{\"name\":\"a\",\"token\":\"s\"},\"token\":5}",
		"{\"text\":\"\",\"inners\":[{\"name\":\"a\",\"token\":\"s\"}],\"token\":5}" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		auto_arena struct arena *arena = arena_new();
		struct whole whole;
		struct err err;

		memset(&whole, 0x55, sizeof(whole));
		assert_false(decode(texts[i], arena, &whole, &err));
		assert_null(whole.token);
		assert_null(whole.inner.token);
		assert_null(strstr(err.text, "\"s\""));
	}
}

/* `count` brackets around nothing, behind a key that nobody knows. */
static char *
nested(size_t count)
{
	char *text = memory_or_abort(malloc(2 * count + 64)), *at = text;

	at += sprintf(at, "{\"text\":\"[[[[\\\"[[[\",\"deep\":");
	memset(at, '[', count);
	memset(at + count, ']', count);
	strcpy(at + 2 * count, "}");
	return text;
}

static void
json_decode_follows_brackets_32_deep_and_no_further(void **state)
{
	static const struct {
		size_t brackets;
		bool taken;
	} rows[] = { { 31, true }, { 32, false }, { 1000000, false } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static const struct field no_fields[] = { { 0 } };
		static const struct shape shape = { "any", no_fields, sizeof(struct place) };
		auto_arena struct arena *arena = arena_new();
		auto_free char *text = nested(rows[i].brackets);
		struct place place;
		struct err err;

		assert_int_equal(
			json_decode_text(text, &shape, arena, &place, &err), rows[i].taken);
	}
}

static void
json_decode_list_reads_an_array_of_objects_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		int count;
	} rows[] = { { "[]", 0 }, { "[{\"name\":\"a\"},{\"name\":\"b\",\"token\":\"s\"}]", 2 },
		{ "{}", -1 }, { "[{\"name\":\"b\",\"token\":\"s\"},{}]", -1 }, { "[null]", -1 },
		{ "", -1 } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		auto_secret struct secret *text =
			secret_copy(rows[i].text, strlen(rows[i].text));
		struct list list = { .count = 99 };
		struct err err;

		assert_int_equal(json_decode_list(text, &inner_shape, arena, &list, &err),
			rows[i].count >= 0);
		assert_int_equal(list.count, rows[i].count < 0 ? 99 : rows[i].count);
		for (int j = 0; j < rows[i].count; j++)
			secret_free(((struct inner *)list.items)[j].token);
	}
}

static void
json_member_finds_a_text_in_bodies_of_any_shape(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text, *path, *found;
	} rows[] = {
		{ "{\"message\":\"no\"}",              "message",    "no" },
		{ "{\"error\":{\"code\":401}}",        "error.code", "401" },
		{ "{\"error\":{\"code\":401}}",        "error",      "{\"code\":401}" },
		{ "{\"message\":{\"a\":[\"b\", 1]}}",  "message",    "{\"a\":[\"b\",1]}" },
		{ "{\"yes\":true}",                    "yes",        "true" },
		{ "{\"message\":null}",                "message",    NULL },
		{ "{\"message\":\"no\"}",              "message.x",  NULL },
		{ "{}",                                "message",    NULL },
		{ "[1]",                               "message",    NULL },
		{ "<html>",                            "message",    NULL },
		{ "",                                  "message",    NULL },
	};
	/* clang-format on */
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		auto_secret struct secret *text =
			secret_copy(rows[i].text, strlen(rows[i].text));
		const char *found = json_member(text, rows[i].path, arena);

		assert_int_equal(!found, !rows[i].found);
		if (found)
			assert_string_equal(found, rows[i].found);
	}
}

static void
json_print_writes_what_was_built(void **state)
{
	auto_json struct json *object = json_new_object();
	struct json *array = json_new_array();
	char output[256] = "";
	auto_stdio FILE *stream = fmemopen(output, sizeof(output), "w");
	(void)state;

	json_set_text(object, "text", "a\"b\xff");
	json_set_text(object, "none", NULL);
	json_set_int(object, "int", INT64_MAX);
	json_set_bool(object, "bool", true);
	json_push_text(array, "x");
	json_push(array, json_new_object());
	json_set(object, "array", array);
	assert_true(json_print(object, stream));
	fflush(stream);
	assert_string_equal(output, "{\n  \"text\": \"a\\\"b?\",\n  \"none\": null,\n"
				    "  \"int\": 9223372036854775807,\n  \"bool\": true,\n"
				    "  \"array\": [\n    \"x\",\n    {}\n  ]\n}\n");
}

static void
json_keep_adds_what_a_change_does_not_name(void **state)
{
	static const char *const rows[][3] = {
		{ "{\"data\":{\"a\":\"new\"}}",
			"{\"x\":{\"y\":{\"a\":\"old\",\"b\":[1,null,{\"c\":2.5}]}}}",
			"{\"data\":{\"a\":\"new\",\"b\":[1,null,{\"c\":2.5}]}}" },
		{ "{\"n\":1,\"data\":{}}", "{\"x\":{\"y\":{}}}", "{\"n\":1,\"data\":{}}" },
		{ "{\"data\":{}}", "{\"x\":{\"y\":null}}", NULL },
		{ "{\"data\":{}}", "{\"x\":[]}", NULL },
		{ "{\"data\":[]}", "{\"x\":{\"y\":{}}}", NULL },
		{ "{\"data\":{}}", "<html>", NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_secret struct secret *body = secret_copy(rows[i][0], strlen(rows[i][0]));
		auto_secret struct secret *text = secret_copy(rows[i][1], strlen(rows[i][1]));
		auto_secret struct secret *kept = json_keep(body, "data", text, "x.y");

		if (rows[i][2])
			assert_string_equal(secret_reveal(kept), rows[i][2]);
		else
			assert_null(kept);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_decode_fills_every_kind_of_field),
		cmocka_unit_test(json_encode_writes_what_json_decode_reads),
		cmocka_unit_test(
			json_decode_takes_null_for_absent_and_passes_over_what_it_does_not_know),
		cmocka_unit_test(json_decode_says_where_a_text_is_not_what_was_promised),
		cmocka_unit_test(json_decode_leaves_no_secret_behind_when_it_fails),
		cmocka_unit_test(json_decode_follows_brackets_32_deep_and_no_further),
		cmocka_unit_test(json_decode_list_reads_an_array_of_objects_and_nothing_else),
		cmocka_unit_test(json_member_finds_a_text_in_bodies_of_any_shape),
		cmocka_unit_test(json_keep_adds_what_a_change_does_not_name),
		cmocka_unit_test(json_print_writes_what_was_built),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
