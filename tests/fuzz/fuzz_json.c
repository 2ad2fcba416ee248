#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/json.h"
#include "target.h"

struct part {
	struct place at;
	const char *name;
	struct secret *token;
};
struct answer {
	struct place at;
	const char *text;
	enum stated flag;
	int64_t number, small, span, date, moment;
	int word;
	struct address address;
	struct texts texts;
	struct part part;
	struct list parts, choices;
	struct secret *token;
};

/* clang-format off */
static const struct field arm_fields[] = {
	{ "name",  FIELD_TEXT,   offsetof(struct part, name), .required = true },
	{ 0 },
};
static const struct field part_fields[] = {
	{ "name",  FIELD_TEXT,   offsetof(struct part, name), .required = true },
	{ "token", FIELD_SECRET, offsetof(struct part, token) },
	{ 0 },
};
static const struct shape arm_shape = { "a file", arm_fields, sizeof(struct part) };
static const struct shape part_shape = { "a part", part_fields, sizeof(struct part) };
static const struct word words[] = { { "red", 1 }, { "blue", 2 }, { 0 } };
static const struct arm arms[] = { { "file", &arm_shape, 1 }, { "slot", NULL, 2 }, { 0 } };
#define FILLS(member) offsetof(struct answer, member)
static const struct field answer_fields[] = {
	{ "text",    FIELD_TEXT,    FILLS(text), .max = 100 },
	{ "flag",    FIELD_BOOL,    FILLS(flag) },
	{ "number",  FIELD_INT,     FILLS(number) },
	{ "small",   FIELD_INT,     FILLS(small), .min = 1, .max = 9 },
	{ "span",    FIELD_SPAN,    FILLS(span) },
	{ "date",    FIELD_DATE,    FILLS(date) },
	{ "moment",  FIELD_MOMENT,  FILLS(moment) },
	{ "word",    FIELD_WORD,    FILLS(word), .words = words },
	{ "address", FIELD_ADDRESS, FILLS(address) },
	{ "texts",   FIELD_TEXTS,   FILLS(texts) },
	{ "part",    FIELD_STRUCT,  FILLS(part), .shape = &part_shape },
	{ "parts",   FIELD_LIST,    FILLS(parts), .shape = &part_shape },
	{ "choices", FIELD_CHOICES, FILLS(choices), .arms = arms },
	{ "token",   FIELD_SECRET,  FILLS(token) },
	{ 0 },
};
#undef FILLS
/* clang-format on */
static const struct shape answer_shape = { "an answer", answer_fields, sizeof(struct answer) };

static void
free_answer(struct answer *answer)
{
	struct part *parts = answer->parts.items;

	for (size_t i = 0; i < answer->parts.count; i++)
		secret_free(parts[i].token);
	secret_free(answer->part.token);
	secret_free(answer->token);
}

/* NULL when `text` is not an answer; its secrets are nobody's then. */
static struct secret *
written_again(const struct secret *text)
{
	auto_arena struct arena *arena = arena_new();
	struct secret *again = NULL;
	struct answer answer;
	struct err err = { 0 };

	if (json_decode(text, &answer_shape, arena, &answer, &err)) {
		again = json_encode(&answer_shape, &answer);
		free_answer(&answer);
	} else {
		assert(err.kind == ERR_DOUBT && *err.text);
		assert(!answer.token && !answer.part.token);
	}
	return again;
}

/* Whatever the bytes are: they are refused, or what was read of them can be written, and read the same
 * once more. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_secret struct secret *text = NULL, *once = NULL, *twice = NULL;
	auto_arena struct arena *arena = arena_new();
	struct list list;
	struct err err;

	text = secret_copy(data, size);
	(void)json_member(text, "error.code", arena);
	if (json_decode_list(text, &arm_shape, arena, &list, &err))
		assert(!list.count || list.items);
	once = written_again(text);
	if (!once)
		return 0;
	twice = written_again(once);
	assert(twice && secret_equal(once, twice));
	return 0;
}
