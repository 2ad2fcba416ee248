#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/credential.h"

static char folder[64];

static const char *
place(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
put(const char *name, const char *content, size_t length, mode_t mode)
{
	auto_close int fd = open(place(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, length), length);
	assert_int_equal(fchmod(fd, mode), 0);
}

static void
refused(const char *name, const char *expected)
{
	struct secret *secret = NULL;
	struct err err;

	assert_false(credential_read(name, &secret, &err));
	assert_null(secret);
	assert_int_equal(err.kind, ERR_POLICY);
	if (!strstr(err.text, expected))
		fail_msg("'%s' does not say '%s'", err.text, expected);
}

static void
credential_reads_a_name_from_the_credentials_directory(void **state)
{
	auto_secret struct secret *secret = NULL;
	struct err err;
	(void)state;

	/* 0440 is what systemd's access list looks like. */
	put("gitlab-token", "glpat-abc\n", 10, 0440);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	assert_true(credential_read("gitlab-token", &secret, &err));
	assert_string_equal(secret_reveal(secret), "glpat-abc");
	assert_true(credential_exists("gitlab-token"));
	assert_false(credential_exists("other"));
}

static void
credential_without_a_directory_says_how_to_give_it_by_hand(void **state)
{
	(void)state;

	unsetenv("CREDENTIALS_DIRECTORY");
	refused("gitlab-token", "CREDENTIALS_DIRECTORY=FOLDER glrotate");
	assert_false(credential_exists("gitlab-token"));
}

static void
credential_refuses_what_is_no_name(void **state)
{
	static const char *const rows[] = { "", ".", "..", "../etc/shadow", "a/b" };
	(void)state;

	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refused(rows[i], "neither a credential's name nor an absolute path");
}

static void
credential_by_path_must_be_private(void **state)
{
	static const struct {
		mode_t mode;
		bool accepted;
	} rows[] = { { 0600, true }, { 0400, true }, { 0640, false }, { 0604, false },
		{ 0610, false }, { 0602, false } };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_secret struct secret *secret = NULL;
		struct err err;

		put("by-path", "secret", 6, rows[i].mode);
		assert_int_equal(
			credential_read(place("by-path"), &secret, &err), rows[i].accepted);
		if (!rows[i].accepted)
			refused(place("by-path"), "chmod 0600");
		unlink(place("by-path"));
	}
}

static void
credential_refuses_what_is_no_plain_file(void **state)
{
	(void)state;

	put("target", "secret", 6, 0600);
	assert_int_equal(symlink("target", place("link")), 0);
	assert_int_equal(mkfifo(place("pipe"), 0600), 0);
	refused(place("link"), "is a link");
	refused(place("pipe"), "not a regular file");
	refused(folder, "not a regular file");
	refused(place("none"), "No such file");
}

static void
credential_refuses_a_stranger_as_owner(void **state)
{
	(void)state;

	put("foreign", "secret", 6, 0600);
	if (chown(place("foreign"), 12345, (gid_t)-1))
		skip();
	refused(place("foreign"), "belongs to user 12345");
}

static void
credential_is_not_looked_for_through_somebodys_link(void **state)
{
	auto_secret struct secret *secret = NULL;
	struct err err;
	(void)state;

	put("real", "secret", 6, 0600);
	assert_int_equal(symlink(".", place("way")), 0);
	assert_true(credential_read(place("way/real"), &secret, &err));
	if (lchown(place("way"), 12345, (gid_t)-1))
		skip();
	refused(place("way/real"), "'way' on the way to");
	unlink(place("way"));
}

static void
credential_refuses_empty_oversized_and_longer_ones(void **state)
{
	char large[CREDENTIAL_MAX_BYTES + 1];
	auto_secret struct secret *secret = NULL;
	struct err err;
	(void)state;

	memset(large, 'x', sizeof(large));
	put("empty", "\n", 1, 0600);
	put("large", large, sizeof(large), 0600);
	refused(place("empty"), "is empty");
	refused(place("large"), "more than 4096 bytes");
	put("two", "glpat-a\nglpat-b\n", 16, 0600);
	refused(place("two"), "one word in one line");
	put("large", large, sizeof(large) - 1, 0600);
	assert_true(credential_read(place("large"), &secret, &err));
}

/* What flock() fails with next; 0: it works. */
static int lock_code;

/* Stands in for that of the C library. */
int
flock(int fd, int operation)
{
	errno = lock_code;
	return lock_code ? -1 : (int)syscall(SYS_flock, fd, operation);
}

static void
not_locked(const char *expected)
{
	int lock = 4711;
	struct err err;

	assert_false(credential_lock(place("locked"), &lock, &err));
	assert_int_equal(lock, 4711);
	assert_int_equal(err.kind, ERR_LATER);
	if (!strstr(err.text, expected))
		fail_msg("'%s' does not say '%s'", err.text, expected);
}

static void
only_one_that_another_holds_is_said_to_be_rotated_now(void **state)
{
	auto_close int lock = -1;
	struct err err;
	(void)state;

	put("locked", "secret", 6, 0600);
	assert_true(credential_lock(place("locked"), &lock, &err));
	not_locked("another glrotate rotates it now");
	lock_code = ENOLCK;
	not_locked("cannot be locked: No locks available");
	lock_code = 0;
}

/* Descriptors below 3 are enough to open it with, and of others there are none. */
static void
one_that_cannot_be_kept_locked_leaves_nothing_behind(void **state)
{
	struct rlimit before, few;
	int kept[3];
	(void)state;

	put("locked", "secret", 6, 0600);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	for (int fd = 0; fd < 3; fd++) {
		kept[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
		close(fd);
	}
	setrlimit(RLIMIT_NOFILE, &few);
	not_locked("cannot be locked");
	setrlimit(RLIMIT_NOFILE, &before);
	for (int fd = 0; fd < 3; fd++) {
		dup2(kept[fd], fd);
		close(kept[fd]);
	}
}

static int
make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test-credential-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int
drop_folder(void **state)
{
	char command[128];
	(void)state;

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credential_reads_a_name_from_the_credentials_directory),
		cmocka_unit_test(credential_without_a_directory_says_how_to_give_it_by_hand),
		cmocka_unit_test(credential_refuses_what_is_no_name),
		cmocka_unit_test(credential_by_path_must_be_private),
		cmocka_unit_test(credential_refuses_what_is_no_plain_file),
		cmocka_unit_test(credential_refuses_a_stranger_as_owner),
		cmocka_unit_test(credential_is_not_looked_for_through_somebodys_link),
		cmocka_unit_test(credential_refuses_empty_oversized_and_longer_ones),
		cmocka_unit_test(only_one_that_another_holds_is_said_to_be_rotated_now),
		cmocka_unit_test(one_that_cannot_be_kept_locked_leaves_nothing_behind),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
