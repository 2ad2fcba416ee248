#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"

static int
read_back(const char *bytes, size_t length, size_t max, struct secret **secret, struct err *err)
{
	int pipes[2];
	bool ok;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], bytes, length), length);
	close(pipes[1]);
	ok = secret_read(pipes[0], max, secret, err);
	close(pipes[0]);
	return ok;
}

static void
secret_read_drops_one_line_end_and_no_more(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = { { "abc", "abc" }, { "abc\n", "abc" }, { "abc\r\n", "abc" },
		{ "abc\n\n", "abc\n" }, { " a ", " a " } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_secret struct secret *secret = NULL;
		struct err err;
		assert_true(read_back(rows[i].in, strlen(rows[i].in), 16, &secret, &err));
		assert_string_equal(secret_reveal(secret), rows[i].out);
	}
}

static void
secret_read_refuses_what_is_no_secret(void **state)
{
	struct secret *secret = NULL;
	struct err err;
	(void)state;

	assert_false(read_back("", 0, 16, &secret, &err));
	assert_int_equal(err.kind, ERR_POLICY);
	assert_false(read_back("\n", 1, 16, &secret, &err));
	assert_false(read_back("a\0b", 3, 16, &secret, &err));
	assert_false(read_back("12345678901234567", 17, 16, &secret, &err));
	assert_true(read_back("1234567890123456", 16, 16, &secret, &err));
	secret_free(secret);
}

static void
secret_append_never_exceeds_its_capacity(void **state)
{
	auto_secret struct secret *secret = secret_new(4);
	(void)state;

	assert_true(secret_append(secret, "abcd", 4));
	assert_false(secret_append(secret, "e", 1));
	assert_string_equal(secret_reveal(secret), "abcd");
}

static void
secret_equal_compares_content_and_nothing_equals_null(void **state)
{
	auto_secret struct secret *a = secret_copy("same", 4), *b = secret_copy("same", 4),
				  *c = secret_copy("samf", 4);
	(void)state;

	assert_true(secret_equal(a, b));
	assert_false(secret_equal(a, c));
	assert_false(secret_equal(NULL, NULL));
}

static void
secret_start_forbids_core_files(void **state)
{
	struct rlimit limit;
	(void)state;

	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
}

static void
a_word_has_no_second_line(void **state)
{
	static const char *const others[] = { "", "a b", "a\nb", "a\r", "\ta", "a\x7f",
		"\xc3\xa4" };
	auto_secret struct secret *word = secret_copy("glpat-~!", 8);
	(void)state;

	assert_true(secret_is_word(word));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		auto_secret struct secret *other = secret_copy(others[i], strlen(others[i]));

		assert_false(secret_is_word(other));
	}
}

static void
base64_comes_back_and_what_is_none_does_not(void **state)
{
	static const struct {
		const char *text, *bytes;
	} rows[] = {
		{ "Ym9iOng=", "bob:x" },
		{ "", "" },
		{ "Ym9iOng", NULL },
		{ "Ym9i!ng=", NULL },
		{ "Ym9iOng= ", NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_secret struct secret *back =
			secret_from_base64(rows[i].text, strlen(rows[i].text));

		if (rows[i].bytes)
			assert_string_equal(secret_reveal(back), rows[i].bytes);
		else
			assert_null(back);
	}
}

static void
a_whole_file_is_read_as_it_is(void **state)
{
	static const char content[] = "a\0b\r\n";
	auto_secret struct secret *whole = NULL, *nothing = NULL;
	FILE *file = tmpfile();
	struct err err;
	(void)state;

	assert_true(secret_read_whole(fileno(file), 0, &nothing, &err));
	assert_int_equal(secret_length(nothing), 0);
	fwrite(content, 1, 5, file);
	rewind(file);
	assert_true(secret_read_whole(fileno(file), 5, &whole, &err));
	assert_int_equal(secret_length(whole), 5);
	assert_memory_equal(secret_reveal(whole), content, 5);
	rewind(file);
	assert_false(secret_read_whole(fileno(file), 4, &whole, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	fclose(file);
}

static void
a_limit_without_room_for_secrets_is_seen(void **state)
{
	const struct rlimit none = { 0, 0 };
	pid_t child;
	int status;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* its mlock() does nothing, and says that it did */
#endif
	child = fork();
	if (!child) {
		/* Root may lock whatever the limit says. */
		if (setrlimit(RLIMIT_MEMLOCK, &none) || (!geteuid() && setuid(65534)))
			_exit(2);
		_exit(secret_is_lockable());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(secret_is_lockable());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_has_no_second_line),
		cmocka_unit_test(base64_comes_back_and_what_is_none_does_not),
		cmocka_unit_test(a_whole_file_is_read_as_it_is),
		cmocka_unit_test(secret_read_drops_one_line_end_and_no_more),
		cmocka_unit_test(secret_read_refuses_what_is_no_secret),
		cmocka_unit_test(secret_append_never_exceeds_its_capacity),
		cmocka_unit_test(secret_equal_compares_content_and_nothing_equals_null),
		cmocka_unit_test(secret_start_forbids_core_files),
		cmocka_unit_test(a_limit_without_room_for_secrets_is_seen),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
