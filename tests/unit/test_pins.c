#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "destination/destination.h"
#include "flow/pins.h"

static void
pins_come_back_as_they_were_written(void **state)
{
	auto_arena struct arena *arena = arena_new();
	struct variable_place variable = { .level = VARIABLE_PROJECT,
		.owner = "platform/api",
		.key = "TOKEN",
		.scope = "*",
		.visibility = VISIBILITY_MASKED,
		.protected = STATED_YES };
	struct file_place file = { .path = "/etc/a \"b\"", .mode = 0400 };
	struct destination written[] = {
		{ .text = "ci_variable platform/api TOKEN *",
			.owner_id = 4711,
			.to = { .kind = DESTINATION_CI_VARIABLE, .value = &variable } },
		{ .text = "file /etc/a \"b\"",
			.to = { .kind = DESTINATION_FILE, .value = &file } },
	};
	const struct variable_place *variable_back;
	const struct file_place *file_back;
	struct list list = { written, ARRAY_SIZE(written) }, read = { 0 };
	const struct destination *back;
	struct err err;
	(void)state;

	assert_true(pins_read(pins_text(&list, arena), arena, &read, &err));
	back = read.items;
	assert_int_equal(read.count, 2);
	assert_string_equal(back[0].text, written[0].text);
	assert_int_equal(back[0].owner_id, 4711);
	assert_int_equal(back[0].to.kind, DESTINATION_CI_VARIABLE);
	variable_back = back[0].to.value;
	assert_string_equal(variable_back->owner, variable.owner);
	assert_int_equal(variable_back->protected, STATED_YES);
	assert_int_equal(variable_back->raw, UNSTATED);
	assert_int_equal(variable_back->visibility, VISIBILITY_MASKED);
	assert_int_equal(back[1].to.kind, DESTINATION_FILE);
	file_back = back[1].to.value;
	assert_string_equal(file_back->path, file.path);
	assert_int_equal(file_back->mode, 0400);
}

static void
pins_of_nothing_are_nothing(void **state)
{
	auto_arena struct arena *arena = arena_new();
	struct list none = { 0 }, read = { .count = 7 };
	struct err err;
	(void)state;

	assert_true(pins_read(pins_text(&none, arena), arena, &read, &err));
	assert_int_equal(read.count, 0);
	read.count = 7;
	assert_true(pins_read("", arena, &read, &err));
	assert_int_equal(read.count, 0);
}

static void
pins_that_cannot_be_read_leave_the_list_alone(void **state)
{
	static const char *const rows[] = { "{", "[]", "{\"destinations\":7}",
		"{\"destinations\":[{\"text\":\"x\",\"to\":{\"nowhere\":{}}}]}" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		struct list read = { .count = 7 };
		struct err err;

		assert_false(pins_read(rows[i], arena, &read, &err));
		assert_int_equal(err.kind, ERR_STORE);
		assert_int_equal(read.count, 7);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pins_come_back_as_they_were_written),
		cmocka_unit_test(pins_of_nothing_are_nothing),
		cmocka_unit_test(pins_that_cannot_be_read_leave_the_list_alone),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
