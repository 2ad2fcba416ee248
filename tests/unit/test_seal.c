#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/advice.h"
#include "store/seal.h"

#define HEX_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char root[64], key_path[96], credential_path[96];
static struct state *state;

static int
fresh_state(void **unused)
{
	struct err err;
	(void)unused;

	snprintf(root, sizeof(root), "/tmp/glrotate-seal-XXXXXX");
	if (!mkdtemp(root))
		return 1;
	snprintf(key_path, sizeof(key_path), "%s/key", root);
	snprintf(credential_path, sizeof(credential_path), "%s/glrotate-key", root);
	return state_open(root, true, &state, &err) ? 0 : 1;
}

static int
remove_state(void **unused)
{
	char lock[96];
	(void)unused;

	snprintf(lock, sizeof(lock), "%s/lock", root);
	state_close(state);
	unlink(key_path);
	unlink(credential_path);
	unlink(lock);
	return rmdir(root);
}

static void
write_text(const char *path, const char *text, mode_t mode)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
}

static void
the_key_is_made_once_for_its_owner_alone_and_found_again(void **unused)
{
	auto_seal struct seal *first = NULL, *again = NULL;
	char one[SEAL_FINGERPRINT_TEXT], other[SEAL_FINGERPRINT_TEXT];
	struct stat st;
	struct err err;
	(void)unused;

	assert_false(seal_open(state, false, &first, &err));
	assert_int_equal(err.kind, ERR_PERSON);
	assert_int_equal(err.advice, GLR_KEY_MISSING);
	assert_int_equal(access(key_path, F_OK), -1);
	assert_true(seal_open(state, true, &first, &err));
	assert_int_equal(stat(key_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 65);
	assert_true(seal_open(state, true, &again, &err));
	seal_fingerprint(first, one);
	seal_fingerprint(again, other);
	assert_string_equal(one, other);
	assert_int_equal(strlen(one), SEAL_FINGERPRINT_TEXT - 1);
}

static void
a_key_that_is_no_key_or_that_others_read_is_refused(void **unused)
{
	static const struct {
		const char *text;
		mode_t mode;
		bool good;
	} rows[] = {
		{ HEX_A "\n", 0600, true },
		{ HEX_A, 0400, true },
		{ "", 0600, false },
		{ HEX_A "00\n", 0600, false },
		{ "0" HEX_A "\n", 0600, false },
		{ "000102", 0600, false },
		{ "x00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0600,
			false },
		{ HEX_A "\n", 0640, false },
		{ HEX_A "\n", 0604, false },
	};
	(void)unused;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_seal struct seal *seal = NULL;
		struct err err;
		write_text(key_path, rows[i].text, rows[i].mode);
		assert_int_equal(seal_open(state, true, &seal, &err), rows[i].good);
		if (!rows[i].good)
			assert_int_equal(err.advice, GLR_KEY_MISSING);
		unlink(key_path);
	}
}

static void
a_credential_comes_before_the_file_and_makes_none(void **unused)
{
	auto_seal struct seal *seal = NULL, *from_file = NULL;
	char one[SEAL_FINGERPRINT_TEXT], other[SEAL_FINGERPRINT_TEXT];
	struct err err;
	(void)unused;

	write_text(credential_path, HEX_A "\n", 0400);
	setenv("CREDENTIALS_DIRECTORY", root, 1);
	assert_true(seal_open(state, true, &seal, &err));
	assert_int_equal(access(key_path, F_OK), -1);
	write_text(credential_path, "short", 0400);
	assert_false(seal_open(state, true, &from_file, &err));
	assert_int_equal(err.advice, GLR_KEY_MISSING);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_true(seal_open(state, true, &from_file, &err));
	seal_fingerprint(seal, one);
	seal_fingerprint(from_file, other);
	assert_string_not_equal(one, other);
}

static void
a_secret_comes_back_whatever_its_length(void **unused)
{
	static const size_t lengths[] = { 0, 1, 26, 1022, SEAL_SECRET_MAX };
	auto_seal struct seal *seal = NULL;
	unsigned char sealed[SEALED_BYTES];
	char text[SEAL_SECRET_MAX + 1];
	struct err err;
	(void)unused;

	memset(text, 0x80, sizeof(text));
	assert_true(seal_open(state, true, &seal, &err));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		auto_secret struct secret *secret = secret_copy(text, lengths[i]), *back = NULL;
		assert_true(seal_shut(seal, secret, 7, 9, sealed, &err));
		assert_true(seal_reopen(seal, sealed, sizeof(sealed), 7, 9, &back, &err));
		assert_true(secret_equal(secret, back));
	}
	auto_secret struct secret *longer = secret_copy(text, sizeof(text));
	assert_false(seal_shut(seal, longer, 7, 9, sealed, &err));
	assert_int_equal(err.kind, ERR_STORE);
}

static void
what_was_not_sealed_here_for_this_row_does_not_open(void **unused)
{
	static const struct {
		const char *what;
		size_t length, flipped;
		int64_t row, token;
		bool other_key;
	} rows[] = {
		{ "another row", SEALED_BYTES, SEALED_BYTES, 8, 9, false },
		{ "another token", SEALED_BYTES, SEALED_BYTES, 7, 10, false },
		{ "row and token swapped", SEALED_BYTES, SEALED_BYTES, 9, 7, false },
		{ "another key", SEALED_BYTES, SEALED_BYTES, 7, 9, true },
		{ "a nonce bit", SEALED_BYTES, 0, 7, 9, false },
		{ "a secret's bit", SEALED_BYTES, 24, 7, 9, false },
		{ "a tag bit", SEALED_BYTES, SEALED_BYTES - 1, 7, 9, false },
		{ "cut", SEALED_BYTES - 1, SEALED_BYTES, 7, 9, false },
		{ "empty", 0, SEALED_BYTES, 7, 9, false },
	};
	auto_seal struct seal *seal = NULL, *other = NULL;
	auto_secret struct secret *secret = secret_copy("glpat-example", 13);
	unsigned char sealed[SEALED_BYTES];
	struct err err;
	(void)unused;

	assert_true(seal_open(state, true, &seal, &err));
	write_text(key_path, HEX_A "\n", 0600);
	assert_true(seal_open(state, false, &other, &err));
	assert_true(seal_shut(seal, secret, 7, 9, sealed, &err));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct secret *back = NULL;
		if (rows[i].flipped < SEALED_BYTES)
			sealed[rows[i].flipped] ^= 0x10;
		if (seal_reopen(rows[i].other_key ? other : seal, sealed, rows[i].length,
			    rows[i].row, rows[i].token, &back, &err))
			fail_msg("opened: %s", rows[i].what);
		assert_null(back);
		assert_int_equal(err.kind, ERR_PERSON);
		assert_int_equal(err.advice, GLR_SEAL_BROKEN);
		if (rows[i].flipped < SEALED_BYTES)
			sealed[rows[i].flipped] ^= 0x10;
	}
}

static void
what_is_sealed_shows_neither_the_secret_nor_its_length_nor_repeats(void **unused)
{
	auto_seal struct seal *seal = NULL;
	auto_secret struct secret *secret = secret_copy("glpat-example", 13);
	unsigned char sealed[SEALED_BYTES], again[SEALED_BYTES];
	struct err err;
	(void)unused;

	assert_true(seal_open(state, true, &seal, &err));
	assert_true(seal_shut(seal, secret, 7, 9, sealed, &err));
	assert_true(seal_shut(seal, secret, 7, 9, again, &err));
	assert_null(memmem(sealed, sizeof(sealed), "glpat-", 6));
	assert_memory_not_equal(sealed, again, 24);
	assert_memory_not_equal(sealed + 24, again + 24, 1024);
}

static void
the_chain_tells_apart_fields_whose_bytes_were_shifted(void **unused)
{
	const unsigned char start[CHAIN_HASH_BYTES] = { 0 },
			    other_start[CHAIN_HASH_BYTES] = { 1 };
	const struct hash_part ab_c[] = { { "ab", 2 }, { "c", 1 } };
	const struct hash_part a_bc[] = { { "a", 1 }, { "bc", 2 } };
	const struct hash_part abc[] = { { "abc", 3 } };
	unsigned char one[CHAIN_HASH_BYTES], two[CHAIN_HASH_BYTES];
	(void)unused;

	chain_hash(start, ab_c, 2, one);
	chain_hash(start, ab_c, 2, two);
	assert_memory_equal(one, two, sizeof(one));
	chain_hash(start, a_bc, 2, two);
	assert_memory_not_equal(one, two, sizeof(one));
	chain_hash(start, abc, 1, two);
	assert_memory_not_equal(one, two, sizeof(one));
	chain_hash(other_start, ab_c, 2, two);
	assert_memory_not_equal(one, two, sizeof(one));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_state, remove_state)
	const struct CMUnitTest tests[] = {
		TEST(the_key_is_made_once_for_its_owner_alone_and_found_again),
		TEST(a_key_that_is_no_key_or_that_others_read_is_refused),
		TEST(a_credential_comes_before_the_file_and_makes_none),
		TEST(a_secret_comes_back_whatever_its_length),
		TEST(what_was_not_sealed_here_for_this_row_does_not_open),
		TEST(what_is_sealed_shows_neither_the_secret_nor_its_length_nor_repeats),
		TEST(the_chain_tells_apart_fields_whose_bytes_were_shifted),
	};
	struct err err;

	unsetenv("CREDENTIALS_DIRECTORY");
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
