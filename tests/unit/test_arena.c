#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

/* Below, at and above the size of a block, and what leaves a little of one. */
static const size_t sizes[] = { 0, 1, 15, 16, 17, 4096, 16383, 16384, 16385, 100000, 1 };

static bool
is_filled(const unsigned char *memory, size_t bytes, unsigned char with)
{
	for (size_t i = 0; i < bytes; i++)
		if (memory[i] != with)
			return false;
	return true;
}

static void
arena_alloc_gives_zeroed_memory_of_its_own_for_any_type(void **state)
{
	auto_arena struct arena *arena = arena_new();
	unsigned char *given[ARRAY_SIZE(sizes) * 3];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		const size_t bytes = sizes[i % ARRAY_SIZE(sizes)];

		given[i] = arena_alloc(arena, bytes);
		assert_int_equal((uintptr_t)given[i] % alignof(max_align_t), 0);
		assert_true(is_filled(given[i], bytes, 0));
		memset(given[i], (int)i + 1, bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		assert_true(is_filled(
			given[i], sizes[i % ARRAY_SIZE(sizes)], (unsigned char)(i + 1)));
}

static void
arena_text_is_a_copy(void **state)
{
	auto_arena struct arena *arena = arena_new();
	char text[] = "abc";
	char *whole = arena_text(arena, text), *part = arena_text_n(arena, text, 2);
	(void)state;

	text[0] = 'x';
	assert_string_equal(whole, "abc");
	assert_string_equal(part, "ab");
	assert_string_equal(arena_text_n(arena, text, 0), "");
	assert_null(arena_text(arena, NULL));
}

static void
arena_format_has_room_for_texts_of_any_length(void **state)
{
	static const int widths[] = { 1, 15, 16, 16383, 16384, 100000 };
	auto_arena struct arena *arena = arena_new();
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		const char *text = arena_format(arena, "%0*d%s", widths[i], 7, "!");

		assert_int_equal(strlen(text), widths[i] + 1);
		assert_string_equal(text + widths[i] - 1, "7!");
	}
	assert_string_equal(arena_format(arena, "%s", ""), "");
}

static void
arena_grow_keeps_what_an_array_holds(void **state)
{
	auto_arena struct arena *arena = arena_new();
	size_t capacity = 0, moves = 0;
	int *numbers = NULL;
	(void)state;

	for (int i = 0; i < 10000; i++) {
		int *grown = arena_grow(arena, numbers, (size_t)i, &capacity, sizeof(*numbers));

		moves += grown != numbers;
		numbers = grown;
		assert_in_range(i, 0, capacity - 1);
		numbers[i] = i;
	}
	for (int i = 0; i < 10000; i++)
		assert_int_equal(numbers[i], i);
	/* 8 doubled eleven times, not a copy for each. */
	assert_int_equal(moves, 12);
}

/* That both are freed in the end is LeakSanitizer's to see. */
static void
arena_keep_lets_another_live_as_long(void **state)
{
	struct arena *arena = arena_new();
	const char *texts[3];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct arena *other = arena_new(), *below = arena_new();

		texts[i] = arena_format(below, "%zu", i);
		arena_keep(other, below);
		arena_keep(arena, other);
	}
	assert_string_equal(texts[0], "0");
	assert_string_equal(texts[1], "1");
	assert_string_equal(texts[2], "2");
	arena_free(arena);
	arena_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_alloc_gives_zeroed_memory_of_its_own_for_any_type),
		cmocka_unit_test(arena_text_is_a_copy),
		cmocka_unit_test(arena_format_has_room_for_texts_of_any_length),
		cmocka_unit_test(arena_grow_keeps_what_an_array_holds),
		cmocka_unit_test(arena_keep_lets_another_live_as_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
