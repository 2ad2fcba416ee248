#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/atomic_file.h"

static char folder[64], path[96];
static const char *
	between; /* what somebody else writes at the last moment before the names are exchanged */
static const char *after;    /* and what at the last moment after that */
static bool cannot_exchange; /* as some file systems */
static int flushed_names;    /* how many stood in the folder when it was flushed last */

static void
put(const char *content)
{
	char beside[128];
	FILE *file;

	snprintf(beside, sizeof(beside), "%s/theirs", folder);
	file = fopen(beside, "we");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
	assert_int_equal(rename(beside, path), 0);
}

static void
somebody_writes(const char **content)
{
	if (*content)
		put(*content);
	*content = NULL;
}

/* Stands before libc's. */
int
renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
	int result;

	if (cannot_exchange) {
		errno = EINVAL;
		return -1;
	}
	somebody_writes(&between);
	result = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
	somebody_writes(&after);
	return result;
}

static int
count_names(void)
{
	DIR *entries = opendir(folder);
	int count = 0;

	assert_non_null(entries);
	while (readdir(entries))
		count++;
	closedir(entries);
	return count - 2;
}

int
fsync(int fd)
{
	struct stat facts;

	if (!fstat(fd, &facts) && S_ISDIR(facts.st_mode))
		flushed_names = count_names();
	return (int)syscall(SYS_fsync, fd);
}

static int
make_folder(void **state)
{
	(void)state;
	between = after = NULL;
	cannot_exchange = false;
	strcpy(folder, "/tmp/glrotate-change-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/netrc", folder);
	return 0;
}

static int
drop_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder); /* which is empty: no temporary is left */
}

static bool
change(const char *present, const char *content, struct err *err)
{
	const struct atomic_file file = {
		.path = path, .uid = (uid_t)-1, .gid = (gid_t)-1, .stamp = "s", .stamp_of = "e1"
	};
	auto_secret struct secret *old = present ? secret_copy(present, strlen(present)) : NULL;
	auto_secret struct secret *new = secret_copy(content, strlen(content));

	return atomic_file_change(&file, old, new, err);
}

static void
holds(const char *expected)
{
	auto_secret struct secret *found = NULL;
	struct err err;

	assert_true(atomic_file_read(path, 100, &found, &err));
	if (!expected)
		assert_null(found);
	else
		assert_string_equal(secret_reveal(found), expected);
}

static void
a_change_is_made_to_what_was_read(void **state)
{
	struct err err;
	(void)state;

	holds(NULL);
	assert_true(change(NULL, "one\n", &err));
	assert_true(change("one\n", "two\n", &err));
	holds("two\n");
	cannot_exchange = true;
	assert_true(change("two\n", "three", &err));
	holds("three");
}

/* A power loss brings back what is not flushed away. */
static void
what_was_replaced_is_gone_when_the_folder_is_flushed(void **state)
{
	struct err err;
	(void)state;

	assert_true(change(NULL, "one\n", &err));
	flushed_names = 0;
	assert_true(change("one\n", "two\n", &err));
	assert_int_equal(flushed_names, 1);
}

static void
is_stale(const char *present, const char *theirs)
{
	struct err err;

	assert_false(change(present, "ours", &err));
	assert_int_equal(err.kind, ERR_LATER);
	assert_int_equal(err.code, ESTALE);
	holds(theirs);
}

static void
no_edit_of_somebody_else_is_lost(void **state)
{
	(void)state;

	put("theirs 1");
	is_stale(NULL, "theirs 1");
	is_stale("before", "theirs 1");
	cannot_exchange = true;
	is_stale("before", "theirs 1");
	cannot_exchange = false;
	between = "theirs 2";
	is_stale("theirs 1", "theirs 2");
	unlink(path);
	between = "theirs 5";
	is_stale(NULL, "theirs 5");
}

static void
of_two_edits_at_once_the_later_stays_and_the_other_is_left_beside_it(void **state)
{
	char kept[256];
	const char *name;
	struct err err;
	(void)state;

	put("before");
	between = "theirs 1";
	after = "theirs 2";
	assert_false(change("before", "ours", &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	holds("theirs 2");
	name = strstr(err.text, "netrc.glrotate-");
	assert_non_null(name);
	snprintf(kept, sizeof(kept), "%s/%.21s", folder, name);
	assert_int_equal(unlink(kept), 0);
}

static void
stamps_of_several_entries_stand_side_by_side(void **state)
{
	char text[16];
	struct err err;
	(void)state;

	put("one");
	if (setxattr(path, "user.glrotate.e2", "other", 5, 0) && errno == ENOTSUP)
		skip();
	assert_true(change("one", "two", &err));
	assert_true(atomic_file_stamp(path, "e1", text, sizeof(text), &err));
	assert_string_equal(text, "s");
	assert_true(atomic_file_stamp(path, "e2", text, sizeof(text), &err));
	assert_string_equal(text, "other");
	assert_true(atomic_file_stamp(path, NULL, text, sizeof(text), &err));
	assert_string_equal(text, "");
}

/* As root, and without SELinux, its label is an attribute like others. */
static void
the_label_of_selinux_and_long_attributes_are_kept(void **state)
{
	static const char label[] = "system_u:object_r:etc_t:s0";
	char longer[3000], found[sizeof(longer)];
	struct err err;
	(void)state;

	put("one");
	memset(longer, 'x', sizeof(longer));
	if (setxattr(path, "security.selinux", label, sizeof(label), 0) ||
		setxattr(path, "user.note", longer, sizeof(longer), 0))
		skip();
	assert_true(change("one", "two", &err));
	assert_int_equal(
		getxattr(path, "security.selinux", found, sizeof(found)), sizeof(label));
	assert_string_equal(found, label);
	assert_int_equal(getxattr(path, "user.note", found, sizeof(found)), sizeof(longer));
}

static void
what_cannot_be_read_is_named(void **state)
{
	static const struct {
		const char *path, *text;
		size_t max_bytes;
	} rows[] = {
		{ "/dev/null", "'/dev/null': is not a regular file", 9 },
		{ "/proc/self/exe", "is a link", 9 },
		{ "/etc/passwd", "holds more than 9 bytes", 9 },
		{ path, "has 2 names", 9 },
	};
	char other[128];
	(void)state;

	put("one");
	snprintf(other, sizeof(other), "%s/other", folder);
	assert_int_equal(link(path, other), 0);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_secret struct secret *found = NULL;
		struct err err;

		assert_false(atomic_file_read(rows[i].path, rows[i].max_bytes, &found, &err));
		assert_int_equal(err.kind, ERR_REFUSED);
		if (!strstr(err.text, rows[i].text))
			fail_msg("%s", err.text);
	}
	unlink(other);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(a_change_is_made_to_what_was_read),
		IN_A_FOLDER(what_was_replaced_is_gone_when_the_folder_is_flushed),
		IN_A_FOLDER(no_edit_of_somebody_else_is_lost),
		IN_A_FOLDER(
			of_two_edits_at_once_the_later_stays_and_the_other_is_left_beside_it),
		IN_A_FOLDER(stamps_of_several_entries_stand_side_by_side),
		IN_A_FOLDER(the_label_of_selinux_and_long_attributes_are_kept),
		IN_A_FOLDER(what_cannot_be_read_is_named),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
