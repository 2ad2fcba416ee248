#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "policy/keys.h"

static const char *
read_source(struct arena *arena, const char *name)
{
	const char *root = getenv("SOURCE_ROOT");
	const size_t most = 1 << 20;
	char *text = arena_alloc(arena, most);
	FILE *stream;

	assert_non_null(root);
	stream = fopen(arena_format(arena, "%s/%s", root, name), "re");
	if (!stream)
		fail_msg("no %s", name);
	text[fread(text, 1, most - 1, stream)] = '\0';
	fclose(stream);
	return text;
}

/* To write it anew: WRITE_SCHEMA=policies/schema.json, from the folder of the sources. */
static void
schema_json_is_what_the_tables_say(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const char *schema = policies_schema(arena);
	const char *file = getenv("WRITE_SCHEMA");
	(void)state;

	if (file) {
		FILE *stream = fopen(file, "we");

		assert_non_null(stream);
		fputs(schema, stream);
		fclose(stream);
	}
	assert_string_equal(read_source(arena, "policies/schema.json"), schema);
}

static void
check_named(struct arena *arena, const char *manual, const struct shape *shape)
{
	for (const struct field *field = shape->fields; field->key; field++) {
		if (field_is_later(field))
			continue;
		if (!strstr(manual, arena_format(arena, "*%s*", field->key)) &&
			!strstr(manual, arena_format(arena, "*%s:*", field->key)))
			fail_msg(
				"the manual does not name '%s' of %s", field->key, shape->name);
		if (field->shape)
			check_named(arena, manual, field->shape);
		for (size_t i = 0; field->arms && field->arms[i].word; i++)
			if (field->arms[i].shape)
				check_named(arena, manual, field->arms[i].shape);
		for (size_t i = 0; field->words && field->words[i].word; i++)
			if (!strstr(manual, field->words[i].word))
				fail_msg("the manual does not name '%s'", field->words[i].word);
	}
}

static void
manual_names_every_key(void **state)
{
	auto_arena struct arena *arena = arena_new();
	(void)state;

	check_named(arena, read_source(arena, "policies/glrotate.policy.5.scd"),
		&policy_file_shape);
}

/* As a file of ours alone: in a folder of sources anybody's umask holds. */
static const char *
private_copy(struct arena *arena, const char *name, char *folder)
{
	const char *text = read_source(arena, name), *file;
	FILE *stream;

	assert_non_null(mkdtemp(folder));
	file = arena_format(arena, "%s/glrotate.yaml", folder);
	stream = fopen(file, "we");
	assert_non_null(stream);
	fputs(text, stream);
	fchmod(fileno(stream), 0600);
	fclose(stream);
	return file;
}

static void
examples_load_without_a_word(void **state)
{
	static const char *const names[] = { "minimal", "full" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char folder[] = "/tmp/test_policy_texts-XXXXXX";
		auto_arena struct arena *arena = arena_new();
		auto_diags struct diags *diags = diags_new();
		const char *file = private_copy(arena,
			arena_format(arena, "policies/examples/%s.yaml", names[i]), folder);
		auto_policies struct policies *policies = policies_load(file, diags);

		diags_print(diags, stderr);
		unlink(file);
		rmdir(folder);
		assert_int_equal(diags_count(diags) + diags_warnings(diags), 0);
		assert_true(policies->is_valid);
		assert_true(policies->tokens.count > 0);
	}
}

static void
check_used(struct arena *arena, const char *text, const struct shape *shape)
{
	for (const struct field *field = shape->fields; field->key; field++) {
		if (field_is_later(field))
			continue;
		if (!strstr(text, arena_format(arena, "%s:", field->key)))
			fail_msg("the full example does not use '%s'", field->key);
		if (field->shape)
			check_used(arena, text, field->shape);
	}
}

static void
full_example_uses_every_key(void **state)
{
	auto_arena struct arena *arena = arena_new();
	(void)state;

	check_used(
		arena, read_source(arena, "policies/examples/full.yaml"), &policy_file_shape);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_json_is_what_the_tables_say),
		cmocka_unit_test(manual_names_every_key),
		cmocka_unit_test(examples_load_without_a_word),
		cmocka_unit_test(full_example_uses_every_key),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
