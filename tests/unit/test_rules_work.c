#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy_fixture.h"

#define FEW 1500

static size_t calls;
int __real_strcmp(const char *a, const char *b);
int __wrap_strcmp(const char *a, const char *b);
const struct diag *__real_diags_at(const struct diags *diags, size_t index);
const struct diag *__wrap_diags_at(const struct diags *diags, size_t index);

int
__wrap_strcmp(const char *a, const char *b)
{
	calls++;
	return __real_strcmp(a, b);
}

const struct diag *
__wrap_diags_at(const struct diags *diags, size_t index)
{
	calls++;
	return __real_diags_at(diags, index);
}

/* How much is compared for a policy of that many entries; `entry` takes its number twice. */
static size_t
work_of(struct folder *folder, const char *entry, size_t count)
{
	const size_t room = strlen(HEAD "tokens:\n") + count * (strlen(entry) + 20) + 1;
	auto_free char *text = calloc(1, room);
	char *end = stpcpy(text, HEAD "tokens:\n");

	for (size_t i = 0; i < count; i++)
		for (const char *at = entry; *at; at++)
			end += *at == '#' ? sprintf(end, "%zu", i) : sprintf(end, "%c", *at);
	calls = 0;
	load(folder, text);
	return calls;
}

static void
a_policy_of_many_entries_is_checked_by_their_number(void **state)
{
	static const char *const rows[] = {
		"  - { token: 'personal:a:t#', rotate_with: self, secret: s#, deliver: [ file: /a# ] }\n",
		"  - { token: 'project:g/a:t#' }\n",
		"  - { token: 'project:g/a:t#', deliver: [ file: { path: /a, format: json, key: k# } ] }\n",
		"  - { token: 'project:g/a:t', deliver: [ ci_variable: K ] }\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const size_t few = work_of(*state, rows[i], FEW);
		const size_t many = work_of(*state, rows[i], 2 * FEW);

		if (many > few * 5 / 2)
			fail_msg("row %zu: %zu for %d, %zu for %d", i, few, FEW, many, 2 * FEW);
	}
}

static void
one_file_takes_a_thousand_secrets_and_no_more(void **state)
{
	static const char row[] = "  - { token: 'project:g/a:t#', deliver: "
				  "[ file: { path: /a, format: json, key: k# } ] }\n";

	(void)work_of(*state, row, 1000);
	assert_int_equal(diags_count(((struct folder *)*state)->diags), 0);
	(void)work_of(*state, row, 1001);
	assert_true(is_told(*state, 1004, "more than 1000 secrets are delivered to '/a'"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_policy_of_many_entries_is_checked_by_their_number),
		TEST(one_file_takes_a_thousand_secrets_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
