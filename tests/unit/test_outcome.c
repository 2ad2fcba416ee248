#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/when.h"
#include "flow/outcome.h"

static void
outcome_exit_is_3_for_a_person_1_for_what_goes_on_by_itself_0_else(void **state)
{
	static const struct {
		unsigned later, persons, waiting, rotated;
		int exit_code;
	} rows[] = {
		{ 0, 0, 0, 0, 0 },
		{ 0, 0, 0, 4, 0 },
		{ 1, 0, 0, 4, 1 },
		{ 0, 0, 1, 0, 1 },
		{ 0, 1, 0, 0, 3 },
		{ 2, 1, 1, 4, 3 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_outcome struct outcome *outcome = outcome_new();
		struct trouble trouble = {
			.address = "", .text = "x", .works_until = NO_MOMENT
		};

		for (unsigned n = 0; n < rows[i].rotated; n++)
			outcome_add(outcome, COUNT_ROTATED);
		for (unsigned n = 0; n < rows[i].waiting; n++)
			outcome_add(outcome, COUNT_WAITING);
		for (unsigned n = 0; n < rows[i].later; n++)
			outcome_trouble(outcome, &trouble);
		trouble.person = true;
		for (unsigned n = 0; n < rows[i].persons; n++)
			outcome_trouble(outcome, &trouble);
		assert_int_equal(outcome_exit(outcome), rows[i].exit_code);
		assert_int_equal(outcome_count(outcome, COUNT_ROTATED), rows[i].rotated);
	}
}

static void
outcome_exit_for_turns_each_kind_of_error_into_its_code(void **state)
{
	static const struct {
		enum err_kind kind;
		int exit_code;
	} rows[] = {
		{ ERR_USAGE, 2 },
		{ ERR_POLICY, 2 },
		{ ERR_REFUSED, 3 },
		{ ERR_LATER, 1 },
		{ ERR_MOVED, 3 },
		{ ERR_DOUBT, 1 },
		{ ERR_STORE, 3 },
		{ ERR_CREDENTIAL, 3 },
		{ ERR_REACH, 5 },
		{ ERR_BUSY, 4 },
		{ ERR_PERSON, 3 },
		{ ERR_STOPPED, 1 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err;

		err_set(&err, rows[i].kind, 0, "x");
		assert_int_equal(outcome_exit_for(&err), rows[i].exit_code);
	}
}

static void
outcome_keeps_its_own_copy_of_a_trouble(void **state)
{
	auto_outcome struct outcome *outcome = outcome_new();
	char address[] = "project:a/b:c", text[] = "refused";
	struct trouble trouble = {
		.address = address, .text = text, .advice = 113, .works_until = 7
	};
	const struct trouble *kept;
	(void)state;

	outcome_trouble(outcome, &trouble);
	kept = outcome_trouble_at(outcome, 0);
	memset(address, 'x', strlen(address));
	memset(text, 'x', strlen(text));
	for (size_t i = 0; i < 100; i++)
		outcome_trouble(outcome, &trouble);
	assert_int_equal(outcome_troubles(outcome), 101);
	assert_ptr_equal(outcome_trouble_at(outcome, 0), kept);
	assert_null(outcome_trouble_at(outcome, 101));
	assert_string_equal(kept->address, "project:a/b:c");
	assert_string_equal(kept->text, "refused");
	assert_int_equal(kept->advice, 113);
}

static char *
read_catalog(void)
{
	const char *root = getenv("SOURCE_ROOT");
	char path[4096];
	char *text = calloc(1, 65536);

	snprintf(path, sizeof(path), "%s/units/glrotate.catalog", root ? root : ".");
	auto_stdio FILE *stream = fopen(path, "r");
	assert_non_null(stream);
	assert_true(fread(text, 1, 65535, stream) > 0);
	return text;
}

static void
the_catalog_explains_each_message_once(void **state)
{
	auto_free char *catalog = read_catalog();
	(void)state;

	for (int i = 0; i < STATE_COUNT + 3; i++) {
		const char *id = i < STATE_COUNT ? outcome_message_id((enum state_of_row)i)
		                 : i < STATE_COUNT + 2 ? outcome_trouble_id(i == STATE_COUNT)
		                                       : outcome_alert_id();
		char line[64];
		char *found;

		assert_non_null(id);
		snprintf(line, sizeof(line), "\n-- %s\n", id);
		found = strstr(catalog, line);
		assert_non_null(found);
		assert_null(strstr(found + 1, line));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			outcome_exit_is_3_for_a_person_1_for_what_goes_on_by_itself_0_else),
		cmocka_unit_test(outcome_exit_for_turns_each_kind_of_error_into_its_code),
		cmocka_unit_test(outcome_keeps_its_own_copy_of_a_trouble),
		cmocka_unit_test(the_catalog_explains_each_message_once),
	};

	log_start(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
