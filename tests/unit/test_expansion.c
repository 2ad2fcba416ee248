#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "destination/ci_variable.h"
#include "destination/destination.h"
#include "policy_fixture.h"

#define MANY 4000

/* An arena's blocks come from here. */
static size_t allocated_bytes;
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

void *
__wrap_calloc(size_t count, size_t bytes)
{
	allocated_bytes += count * bytes;
	return __real_calloc(count, bytes);
}

static struct address
token(struct arena *arena, const char *text)
{
	struct address address;
	struct err err;

	assert_true(address_parse(arena, text, false, &address, &err));
	return address;
}

/* --- memory --- */

static void
many_destinations_of_one_token_take_memory_by_their_number(void **state)
{
	struct ci_variable_entry entry = { .key = "K" };
	const struct choice choice = { .kind = DESTINATION_CI_VARIABLE, .value = &entry };
	auto_arena struct arena *arena = arena_new();
	const struct address address = token(arena, "project:a/b:ci");
	const struct destination *items;
	struct list list = { 0 };
	struct err err;

	(void)state;
	allocated_bytes = 0;
	for (int i = 0; i < MANY; i++)
		assert_true(destination_expand(
			&choice, &address, false, false, arena, &list, &err));
	assert_int_equal(list.count, MANY);
	items = list.items;
	for (int i = 0; i < MANY; i++)
		assert_string_equal(items[i].text, "ci_variable a/b K *");
	assert_in_range(allocated_bytes, MANY * sizeof(*items), (size_t)MANY * 1024);
}

static void
a_text_full_of_templates_takes_memory_by_its_length(void **state)
{
	auto_arena struct arena *arena = arena_new();
	const struct address address = token(arena, "project:a/b:ci.x");
	const char part[] = "{name}/";
	char text[MANY * (sizeof(part) - 1) + 1], *end = text;
	const char *filled;
	struct err err;

	(void)state;
	for (int i = 0; i < MANY; i++)
		end = stpcpy(end, part);
	allocated_bytes = 0;
	assert_true(template_fill(text, &address, arena, &filled, &err));
	assert_int_equal(strlen(filled), MANY * strlen("ci.x/"));
	assert_in_range(allocated_bytes, strlen(filled), 10 * sizeof(text));
	allocated_bytes = 0;
	assert_true(template_fill_dotted(text, &address, arena, &filled, &err));
	assert_int_equal(strlen(filled), MANY * strlen("ci\\.x/"));
	assert_in_range(allocated_bytes, strlen(filled), 10 * sizeof(text));
}

/* --- limits --- */

static char *
policy_of(const char *before, const char *part, size_t count, const char *after)
{
	char *text = calloc(1, strlen(before) + count * strlen(part) + strlen(after) + 1);
	char *end = stpcpy(text, before);

	for (size_t i = 0; i < count; i++)
		end = stpcpy(end, part);
	strcpy(end, after);
	return text;
}

static void
what_is_longer_than_its_place_can_be_is_refused(void **state)
{
#define DELIVER HEAD "tokens: [ { token: 'project:g/api:ci', deliver: [ "
	/* clang-format off */
	static const struct {
		const char *before, *part, *after;
		size_t count;
		const char *why;
	} rows[] = {
		{ DELIVER "ci_variable: { key: A, environment_scope: [", "s, ", "] } ] } ]\n", 101, "101 environment scopes: expected at most 100" },
		{ DELIVER "ci_variable: { key: A, environment_scope: '", "{name}", "' } ] } ]\n", 43, "at most 255 characters, not 258" },
		{ DELIVER "ci_variable: '", "{name}", "' ] } ]\n", 43, "at most 255 characters, not 258" },
		{ DELIVER "ci_variable: { key: A, project: 'g/", "{name}", "' } ] } ]\n", 43, "at most 255 characters, not 260" },
		{ DELIVER "ci_variable: { key: A, group: '", "{name}", "' } ] } ]\n", 43, "at most 255 characters, not 258" },
		{ DELIVER "file: '/", "{name}", "' ] } ]\n", 683, "at most 4095 characters, not 4099" },
		{ DELIVER "file: { path: /a, exec: [/bin/true, '", "{name}", "'] } ] } ]\n", 171, "at most 1024 characters, not 1026" },
		{ DELIVER "exec: { run: [/bin/true, '", "{name}", "'] } ] } ]\n", 171, "at most 1024 characters, not 1026" },
		{ DELIVER "systemd_credential: { name: a, path: '/", "{name}", "' } ] } ]\n", 683, "at most 4095 characters, not 4099" },
		{ DELIVER "vault: { url: 'https://v', key: k, auth: { token: t }, path: 'kv/", "{name}", "' } ] } ]\n", 167, "at most 1000 characters, not 1005" },
		{ DELIVER "vault: { url: 'https://v', key: '", "{name}", "', auth: { token: t }, path: kv/a } ] } ]\n", 43, "at most 255 characters, not 258" },
		{ DELIVER "kubernetes: { in_cluster: yes, namespace: n, key: k, secret: '", "{name}", "' } ] } ]\n", 43, "at most 253 characters, not 258" },
	};
	/* clang-format on */
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *text =
			policy_of(rows[i].before, rows[i].part, rows[i].count, rows[i].after);

		load(folder, text);
		if (!is_told(folder, 3, rows[i].why))
			fail_msg("row %zu: '%s' is not told", i, rows[i].why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_destinations_of_one_token_take_memory_by_their_number),
		cmocka_unit_test(a_text_full_of_templates_takes_memory_by_its_length),
		TEST(what_is_longer_than_its_place_can_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
