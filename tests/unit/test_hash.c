#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/hash.h"

static void
hash_is_what_its_authors_say(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} rows[] = {
		{ "", UINT64_C(0xcbf29ce484222325) },
		{ "a", UINT64_C(0xaf63dc4c8601ec8c) },
		{ "foobar", UINT64_C(0x85944171f73967e8) },
		{ "\xff", UINT64_C(0xaf64724c8602eb6e) },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(hash_bytes(HASH_START, rows[i].text, strlen(rows[i].text)),
			rows[i].hash);
	assert_int_equal(hash_bytes(hash_bytes(HASH_START, "foo", 3), "bar", 3), rows[2].hash);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_what_its_authors_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
