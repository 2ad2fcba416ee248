#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/memory.h"
#include "base/when.h"
#include "base/yaml.h"

struct box {
	struct place at;
	const char *key;
	struct texts scopes;
	enum stated locked;
};
struct line {
	struct place at;
	struct address holds_for;
	int64_t lifetime_sec;
	int64_t since;
};
struct sheet {
	struct place at;
	struct list lines;
	struct list deliver;
	struct choice last;
	struct box box;
	int64_t mode;
};
enum { ARM_BOX = 1, ARM_SLOT };

/* clang-format off */
static const struct field box_fields[] = {
	{ "key",    FIELD_TEXT,  offsetof(struct box, key), .required = true },
	{ "scopes", FIELD_TEXTS, offsetof(struct box, scopes) },
	{ "locked", FIELD_BOOL,  offsetof(struct box, locked) },
	{ NULL },
};
static const struct shape box_shape = {
	.name = "a box", .fields = box_fields, .bytes = sizeof(struct box), .scalar = "key",
};
static const struct field line_fields[] = {
	{ "for",          FIELD_ADDRESS, offsetof(struct line, holds_for), .required = true, .pattern = true },
	{ "max_lifetime", FIELD_SPAN,    offsetof(struct line, lifetime_sec) },
	{ "since",        FIELD_DATE,    offsetof(struct line, since) },
	{ NULL },
};
static const struct shape line_shape = {
	.name = "a line", .fields = line_fields, .bytes = sizeof(struct line),
};
static const struct arm arms[] = {
	{ "box", &box_shape, ARM_BOX }, { "slot", NULL, ARM_SLOT }, { NULL },
};
static const struct field sheet_fields[] = {
	{ "lines",   FIELD_LIST,    offsetof(struct sheet, lines), .shape = &line_shape },
	{ "deliver", FIELD_CHOICES, offsetof(struct sheet, deliver), .arms = arms },
	{ "last",    FIELD_ARMS,    offsetof(struct sheet, last), .arms = arms },
	{ "box",     FIELD_STRUCT,  offsetof(struct sheet, box), .shape = &box_shape },
	{ "mode",    FIELD_MODE,    offsetof(struct sheet, mode) },
	{ NULL },
};
/* clang-format on */
static const struct shape sheet_shape = {
	.name = "the sheet",
	.fields = sheet_fields,
	.bytes = sizeof(struct sheet),
};

struct decoded {
	struct arena *arena;
	struct diags *diags;
	struct sheet sheet;
	bool good;
};

static void
decode(struct decoded *decoded, const char *text, size_t length)
{
	decoded->arena = arena_new();
	decoded->diags = diags_new();
	decoded->good = yaml_decode("f", text, length, &sheet_shape, decoded->arena,
		&decoded->sheet, decoded->diags);
	assert_int_equal(decoded->good, !diags_count(decoded->diags));
}

static void
done(struct decoded *decoded)
{
	arena_free(decoded->arena);
	diags_free(decoded->diags);
}

static void
yaml_fills_structs_lists_and_choices(void **state)
{
	static const char text[] = "lines:\n"
				   "  - { for: \"project:a/**\", max_lifetime: 30d }\n"
				   "  - for: '*'\n"
				   "    since: 2026-11-21\n"
				   "deliver:\n"
				   "  - box: ONE\n"
				   "  - box: { key: TWO, scopes: [a, b], locked: no }\n"
				   "  - slot\n"
				   "last: slot\n"
				   "box: { key: THREE, scopes: c, locked: yes }\n"
				   "mode: 0400\n";
	struct decoded decoded;
	const struct sheet *sheet = &decoded.sheet;
	const struct line *lines;
	const struct choice *choices;
	const struct box *box;
	(void)state;

	decode(&decoded, text, strlen(text));
	lines = sheet->lines.items;
	choices = sheet->deliver.items;
	assert_true(decoded.good);
	assert_int_equal(sheet->lines.count, 2);
	assert_int_equal(lines[0].lifetime_sec, 30 * DAY_SEC);
	assert_int_equal(lines[0].since, NO_DATE);
	assert_int_equal(lines[1].since, 20778);
	assert_string_equal(lines[1].at.file, "f");
	assert_int_equal(lines[1].at.line, 3);
	assert_int_equal(lines[1].at.column, 5);
	assert_int_equal(sheet->deliver.count, 3);
	assert_int_equal(choices[0].kind, ARM_BOX);
	box = choices[0].value;
	assert_string_equal(box->key, "ONE");
	assert_int_equal(box->at.column, 10);
	box = choices[1].value;
	assert_int_equal(box->scopes.count, 2);
	assert_string_equal(box->scopes.items[1], "b");
	assert_int_equal(box->locked, STATED_NO);
	assert_int_equal(choices[2].kind, ARM_SLOT);
	assert_null(choices[2].value);
	assert_int_equal(sheet->last.kind, ARM_SLOT);
	assert_string_equal(sheet->box.key, "THREE");
	assert_int_equal(sheet->box.scopes.count, 1);
	assert_int_equal(sheet->box.locked, STATED_YES);
	assert_int_equal(sheet->mode, 0400);
	done(&decoded);
}

static void
yaml_reads_what_is_odd_but_harmless(void **state)
{
	static const char *const rows[] = {
		"",
		"\n# nothing\n",
		"---\n",
		"--- {}\n...\n",
		"{}",
		"%YAML 1.1\n---\nmode: 0400\n",
		"\xef\xbb\xbfmode: 0400\n",
		"mode: 0400\r\nbox: a\r\n",
		"lines:\n",
		"lines: []\n",
		"lines: [{for: '*', since: null}]\n",
		"box: { key: \"\\u00e4\" }\n",
		"box: { key: '' }\n",
		"box: { key: \"null\" }\n",
		"{\"mode\": \"0400\", \"box\": {\"key\": \"a\"}}",
		"box:\n  key: >-\n    two\n    lines\n",
		"? mode\n: 0400\n",
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decoded decoded;
		decode(&decoded, rows[i], strlen(rows[i]));
		if (!decoded.good)
			fail_msg("'%s': %s", rows[i], diags_at(decoded.diags, 0)->text);
		done(&decoded);
	}
}

struct refusal {
	const char *text;
	size_t length;
	int line, column;
	const char *said;
};
#define TEXT(text) text, sizeof(text) - 1

static void
expect_refusal(const struct refusal *row)
{
	struct decoded decoded;
	const struct diag *diag;

	decode(&decoded, row->text, row->length);
	for (size_t i = 0; (diag = diags_at(decoded.diags, i)); i++)
		if (strstr(diag->text, row->said))
			break;
	if (!diag)
		fail_msg("'%s' is not told", row->said);
	if (diag->place.line != row->line || diag->place.column != row->column)
		fail_msg("'%s' at %d:%d", diag->text, diag->place.line, diag->place.column);
	done(&decoded);
}

static void
yaml_refuses_unfit_keys_and_values_at_their_place(void **state)
{
	static const struct refusal rows[] = {
		{ TEXT("mdoe: 0400"), 1, 1,
			"unknown key 'mdoe' in the sheet, did you mean 'mode'?" },
		{ TEXT("banana: 1"), 1, 1, "expected one of lines, deliver, last, box, mode" },
		{ TEXT("mode: 400"), 1, 7, "mode: expected a file mode in octal" },
		{ TEXT("mode: 0400\nmode: 0400"), 2, 1,
			"'mode' stands here twice, first on line 1" },
		{ TEXT("mode:\n"), 1, 6, "mode: expected one value, not nothing" },
		{ TEXT("mode: [0400]\n"), 1, 7, "mode: expected one value, not a list" },
		{ TEXT("mode: {a: b}\n"), 1, 7,
			"mode: expected one value, not keys and values" },
		{ TEXT("lines: x"), 1, 8, "lines: expected a list, not 'x'" },
		{ TEXT("lines: { for: '*' }"), 1, 8, "expected a list, not keys and values" },
		{ TEXT("lines: [ x ]"), 1, 10, "lines: expected keys and values, not 'x'" },
		{ TEXT("lines:\n-\n"), 2, 2, "lines: expected keys and values, not nothing" },
		{ TEXT("lines: [ { } ]"), 1, 10, "a line needs 'for'" },
		{ TEXT("lines: [ { for: 'projct:*' } ]"), 1, 17, "did you mean 'project'?" },
		{ TEXT("box: { scopes: [ [a] ], key: b }"), 1, 18,
			"expected one value, not a list" },
		{ TEXT("box: { locked: no }"), 1, 6, "a box needs 'key'" },
		{ TEXT("box:"), 1, 5, "box: expected keys and values, not nothing" },
		{ TEXT("deliver: [ slto ]"), 1, 12, "did you mean 'slot'?" },
		{ TEXT("deliver: [ box ]"), 1, 12, "'box' needs a value" },
		{ TEXT("deliver: [ { slot: x } ]"), 1, 12, "'slot' stands alone" },
		{ TEXT("deliver: [ { } ]"), 1, 12, "not an empty item" },
		{ TEXT("deliver: [ ~ ]"), 1, 12, "expected a word or one key" },
		{ TEXT("deliver: [ [ slot ] ]"), 1, 12,
			"expected a word or one key, not a list" },
		{ TEXT("deliver:\n- box: a\n  key: b"), 3, 3, "indent it further" },
		{ TEXT("deliver: [ { [a]: b } ]"), 1, 14, "a key is one word" },
		{ TEXT("[a]: b"), 1, 1, "a key is one word" },
		{ TEXT("[]"), 1, 1, "the sheet: expected keys and values, not a list" },
		{ TEXT("mode"), 1, 1, "the sheet: expected keys and values, not 'mode'" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_refusal(&rows[i]);
}

static void
yaml_refuses_what_hides_or_repeats(void **state)
{
	static const struct refusal rows[] = {
		{ TEXT("mode: &a 0400"), 1, 7, "anchors are refused" },
		{ TEXT("box: &a { key: b }"), 1, 6, "anchors are refused" },
		{ TEXT("lines: &a []"), 1, 8, "anchors are refused" },
		{ TEXT("mode: *a"), 1, 7,
			"aliases are refused: write out what '*a' stands for" },
		{ TEXT("*a : b"), 1, 1, "aliases are refused" },
		{ TEXT("<<: { mode: 0400 }"), 1, 1, "merge keys are refused" },
		{ TEXT("mode: !!str 0400"), 1, 7, "tags are refused" },
		{ TEXT("mode: !x 0400"), 1, 7, "tags are refused" },
		{ TEXT("lines: !!seq []"), 1, 8, "tags are refused" },
		{ TEXT("!!map { }"), 1, 1, "tags are refused" },
		{ TEXT("mode: 0400\n---\nmode: 0400"), 2, 1, "a second document" },
		{ TEXT("---\n---\n"), 2, 1, "a second document" },
		{ TEXT("mode: 0400\n...\nx"), 3, 1, "document" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_refusal(&rows[i]);
}

static void
yaml_refuses_what_is_no_text_or_no_yaml(void **state)
{
	static const struct refusal rows[] = {
		{ TEXT("mode: \0"
		       "0400"),
			1, 7, "a zero byte" },
		{ TEXT("\0"), 1, 1, "a zero byte" },
		{ TEXT("mode: 0400\n\0"), 2, 1, "a zero byte" },
		{ TEXT("box: \"a\\0b\""), 1, 6, "cannot hold a zero byte" },
		{ TEXT("\"mode\\0\": 0400"), 1, 1, "cannot hold a zero byte" },
		{ TEXT("box: a\n\tmode: x"), 2, 1, "" },
		{ TEXT("lines:\n\t- x"), 2, 1, "a tab cannot indent" },
		{ TEXT("mode: \"0400"), 1, 12, "unexpected end of stream" },
		{ TEXT("lines: [ {"), 2, 1, "not valid YAML" },
		{ TEXT("mode: @x"), 1, 7, "cannot start any token" },
		{ TEXT("mode: \xff"), 1, 7, "not valid YAML: invalid leading UTF-8 octet" },
		{ TEXT("\xc3\xa4: 1\nmode: \xc0\x80"), 2, 7, "not valid YAML" },
		{ TEXT("mode: \x01"), 1, 7, "control characters are not allowed" },
		{ TEXT("\xff\xfem\0o\0d\0e\0"), 1, 4, "a zero byte" },
		{ TEXT("\xef\xbb\xbfmdoe: 1"), 1, 1, "unknown key 'mdoe'" },
		{ TEXT("mode: 0400\r\nmdoe: 1\r\n"), 2, 1, "unknown key 'mdoe'" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_refusal(&rows[i]);
}

static void
yaml_tells_all_errors_of_a_file_at_once(void **state)
{
	static const char text[] = "mdoe: 1\n"
				   "lines:\n"
				   "  - { fro: '*', max_lifetime: 30 }\n"
				   "  - { for: '*', max_lifetime: 1m }\n"
				   "deliver: [ slto, { box: { locked: maybe } } ]\n"
				   "mode: &a 400\n";
	static const struct {
		int line, column;
	} rows[] = { { 1, 1 }, { 3, 5 }, { 3, 7 }, { 3, 31 }, { 4, 31 }, { 5, 12 }, { 5, 25 },
		{ 5, 35 }, { 6, 7 }, { 6, 7 } };
	struct decoded decoded;
	(void)state;

	decode(&decoded, text, strlen(text));
	assert_int_equal(diags_count(decoded.diags), ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(diags_at(decoded.diags, i)->place.line, rows[i].line);
		assert_int_equal(diags_at(decoded.diags, i)->place.column, rows[i].column);
	}
	/* What was good is there, for the checks that go on with it. */
	assert_int_equal(decoded.sheet.lines.count, 2);
	assert_int_equal(decoded.sheet.deliver.count, 2);
	assert_null(((const struct choice *)decoded.sheet.deliver.items)[1].value);
	done(&decoded);
}

static void
yaml_passes_over_unknown_keys_of_tolerant_shapes_only(void **state)
{
	static const char text[] = "key: a\nother: { deep: [1, {}] }\nlocked: yes\n";
	struct shape tolerant = box_shape;
	auto_arena struct arena *arena = arena_new();
	auto_diags struct diags *diags = diags_new();
	struct box box;
	(void)state;

	assert_false(yaml_decode("f", text, strlen(text), &box_shape, arena, &box, diags));
	tolerant.tolerant = true;
	assert_true(yaml_decode("f", text, strlen(text), &tolerant, arena, &box, diags));
	assert_int_equal(box.locked, STATED_YES);
}

/* Repeats `unit` behind `begin` until there are `bytes`. */
static char *
repeated(const char *begin, const char *unit, size_t bytes)
{
	char *text = memory_or_abort(malloc(bytes + 1));
	size_t length = strlen(unit), used = strlen(begin);

	memcpy(text, begin, used);
	for (size_t i = used; i < bytes; i++)
		text[i] = unit[(i - used) % length];
	text[bytes] = '\0';
	return text;
}

static void
yaml_soon_gives_up_on_what_is_made_to_be_slow(void **state)
{
	static const struct {
		const char *begin, *unit;
		size_t bytes;
		const char *said;
	} rows[] = {
		{ "", "[", 200000, "nested more than 32 levels" },
		{ "", "{", 200000, "nested more than 32 levels" },
		{ "", "[a: ", 200000, "nested more than 32 levels" },
		{ "", "{a: ", 200000, "nested more than 32 levels" },
		{ "", "- ", 200000, "nested more than 32 levels" },
		{ "", "? ", 200000, "nested more than 32 levels" },
		{ "lines: [", "{},", 2000000, "more than 100000 items" },
		{ "box: { scopes: [", "a,", 2000000, "more than 100000 items" },
		{ "box: ", "a", 8 << 20, NULL },
		{ "box: \"", "\\", 8 << 20, "not valid YAML" },
		{ "", "mode: 0400\n", 2000000, "stands here twice" },
		{ "", "#", 8 << 20, NULL },
		{ "", "#", (8 << 20) + 1, "larger than 8 MiB" },
		{ "", "\n", 8 << 20, NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *text = repeated(rows[i].begin, rows[i].unit, rows[i].bytes);
		clock_t begin = clock();
		struct decoded decoded;
		const struct diag *diag;
		bool told = !rows[i].said;

		decode(&decoded, text, rows[i].bytes);
		for (size_t j = 0; (diag = diags_at(decoded.diags, j)) && !told; j++)
			told = strstr(diag->text, rows[i].said);
		/* Only the first errors are kept; those that stop come last. */
		if (!told && diags_count(decoded.diags) <= 200)
			fail_msg("row %zu: '%s' is not told", i, rows[i].said);
		if (clock() - begin > 10 * CLOCKS_PER_SEC)
			fail_msg("row %zu takes %ld s", i, (clock() - begin) / CLOCKS_PER_SEC);
		done(&decoded);
	}
}

static char path[] = "/tmp/test-yaml-XXXXXX";

static void
yaml_reads_files_that_only_the_owner_can_write(void **state)
{
	static const struct {
		mode_t mode;
		const char *said; /* nothing: it is read */
	} rows[] = {
		{ 0600, NULL },
		{ 0644, NULL },
		{ 0664, "others may write it (mode 0664)" },
		{ 0602, "others may write it (mode 0602)" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		auto_diags struct diags *diags = diags_new();
		struct sheet sheet;

		assert_int_equal(chmod(path, rows[i].mode), 0);
		assert_int_equal(yaml_decode_file(path, &sheet_shape, arena, &sheet, diags),
			!rows[i].said);
		assert_int_equal(sheet.mode, rows[i].said ? 0 : 0400);
		assert_string_equal(sheet.at.file, path);
		if (rows[i].said)
			assert_non_null(strstr(diags_at(diags, 0)->text, rows[i].said));
	}
}

static void
yaml_tells_what_is_no_file_to_read(void **state)
{
	static const struct {
		const char *path, *said;
	} rows[] = {
		{ "/nonexistent/x.yaml", "cannot be opened: No such file" },
		{ "/tmp", "not a regular file" },
		{ "/dev/zero", "not a regular file" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		auto_diags struct diags *diags = diags_new();
		struct sheet sheet;

		assert_false(
			yaml_decode_file(rows[i].path, &sheet_shape, arena, &sheet, diags));
		assert_int_equal(diags_count(diags), 1);
		assert_non_null(strstr(diags_at(diags, 0)->text, rows[i].said));
		assert_string_equal(diags_at(diags, 0)->place.file, rows[i].path);
	}
}

static int
make_file(void **state)
{
	int fd = mkstemp(path);
	(void)state;

	return fd < 0 || write(fd, "mode: 0400\n", 11) != 11 || close(fd);
}

static int
drop_file(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_fills_structs_lists_and_choices),
		cmocka_unit_test(yaml_reads_what_is_odd_but_harmless),
		cmocka_unit_test(yaml_refuses_unfit_keys_and_values_at_their_place),
		cmocka_unit_test(yaml_refuses_what_hides_or_repeats),
		cmocka_unit_test(yaml_refuses_what_is_no_text_or_no_yaml),
		cmocka_unit_test(yaml_tells_all_errors_of_a_file_at_once),
		cmocka_unit_test(yaml_passes_over_unknown_keys_of_tolerant_shapes_only),
		cmocka_unit_test(yaml_soon_gives_up_on_what_is_made_to_be_slow),
		cmocka_unit_test(yaml_reads_files_that_only_the_owner_can_write),
		cmocka_unit_test(yaml_tells_what_is_no_file_to_read),
	};

	return cmocka_run_group_tests(tests, make_file, drop_file);
}
