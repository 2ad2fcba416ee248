#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/atomic_file.h"

#define OWNER_KEPT .uid = (uid_t)-1, .gid = (gid_t)-1

/* These stand before libc's: what the module asked of the system, in its order, and faults on demand. */
static char calls[256];
static int fsync_fails_with; /* errno of the fsync numbered fsync_fails_at */
static int fsync_fails_at, fsyncs;
static bool killed_at_rename;

static void
note(const char *call)
{
	strncat(calls, call, sizeof(calls) - strlen(calls) - 1);
}

int
fsync(int fd)
{
	struct stat facts;

	note(!fstat(fd, &facts) && S_ISDIR(facts.st_mode) ? "fsync-folder " : "fsync-file ");
	if (++fsyncs == fsync_fails_at) {
		errno = fsync_fails_with;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

int
renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	note("rename ");
	if (killed_at_rename)
		raise(SIGKILL);
	return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

static char folder[64];

static const char *
place(const char *name)
{
	static char paths[16][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % ARRAY_SIZE(paths)];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

static void
put(const char *name, const char *content, mode_t mode)
{
	auto_close int fd = open(place(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(fchmod(fd, mode), 0);
}

static const char *
content_of(const char *path)
{
	static char content[64];
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, content, sizeof(content) - 1);

	if (length < 0)
		return NULL;
	content[length] = '\0';
	return content;
}

static size_t
files_in_folder(void)
{
	DIR *entries = opendir(folder);
	size_t count = 0;

	for (const struct dirent *entry; (entry = readdir(entries));)
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(entries);
	return count;
}

static bool
replace(const struct atomic_file *file, const char *text, struct err *err)
{
	auto_secret struct secret *secret = secret_copy(text, strlen(text));

	return atomic_file_replace(file, secret, true, err);
}

static void
refused(const struct atomic_file *file, enum err_kind kind, const char *expected)
{
	struct err err;

	assert_false(replace(file, "new", &err));
	assert_int_equal(err.kind, kind);
	if (!strstr(err.text, expected))
		fail_msg("'%s' does not say '%s'", err.text, expected);
	assert_false(atomic_file_probe(file, &err));
	assert_int_equal(err.kind, kind);
}

static void
replace_makes_a_private_file_where_there_was_none(void **state)
{
	const struct atomic_file file = { .path = place("token"), OWNER_KEPT };
	struct stat facts;
	struct err err;
	(void)state;

	assert_true(replace(&file, "secret", &err));
	assert_string_equal(content_of(file.path), "secret\n");
	assert_int_equal(stat(file.path, &facts), 0);
	assert_int_equal(facts.st_mode & 07777, 0600);
	assert_int_equal(files_in_folder(), 1);
}

static void
replace_keeps_or_sets_mode_and_owner(void **state)
{
	static const struct {
		mode_t present, stated, result;
		uid_t owner, stated_owner, result_owner;
	} rows[] = {
		{ 0640, 0, 0640, 0, (uid_t)-1, 0 },
		{ 0640, 0400, 0400, 0, (uid_t)-1, 0 },
		{ 04755, 0, 0755, 0, (uid_t)-1, 0 },
		{ 0600, 0, 0600, 4711, (uid_t)-1, 4711 },
		{ 0600, 0, 0600, 4711, 4712, 4712 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct atomic_file file = { .path = place("token"),
			.mode = rows[i].stated,
			.uid = rows[i].stated_owner,
			.gid = (gid_t)-1 };
		struct stat facts;
		struct err err;

		put("token", "old", rows[i].present);
		if (rows[i].owner && chown(file.path, rows[i].owner, rows[i].owner))
			skip();
		assert_true(atomic_file_probe(&file, &err));
		assert_string_equal(content_of(file.path), "old");
		assert_true(replace(&file, "new", &err));
		assert_int_equal(stat(file.path, &facts), 0);
		assert_int_equal(facts.st_mode & 07777, rows[i].result);
		if (rows[i].owner) {
			assert_int_equal(facts.st_uid, rows[i].result_owner);
			assert_int_equal(facts.st_gid, rows[i].owner);
		}
		unlink(file.path);
	}
}

static void
replace_flushes_the_file_before_the_rename_and_the_folder_after(void **state)
{
	const struct atomic_file file = { .path = place("token"), OWNER_KEPT };
	struct err err;
	(void)state;

	assert_true(replace(&file, "secret", &err));
	assert_string_equal(calls, "fsync-file rename fsync-folder ");
	calls[0] = '\0';
	assert_true(atomic_file_probe(&file, &err));
	assert_string_equal(calls, "fsync-file ");
}

static void
a_failed_flush_of_the_file_leaves_the_old_content(void **state)
{
	const struct atomic_file file = { .path = place("token"), OWNER_KEPT };
	struct err err;
	(void)state;

	put("token", "old", 0600);
	fsync_fails_with = EIO;
	fsync_fails_at = 1;
	assert_false(replace(&file, "new", &err));
	assert_int_equal(err.kind, ERR_LATER);
	assert_string_equal(content_of(file.path), "old");
	assert_int_equal(files_in_folder(), 1);
}

static void
a_failed_flush_of_the_folder_is_told_unless_it_has_none(void **state)
{
	const struct atomic_file file = { .path = place("token"), OWNER_KEPT };
	struct err err;
	(void)state;

	fsync_fails_with = EIO;
	fsync_fails_at = 2;
	assert_false(replace(&file, "new", &err));
	assert_int_equal(err.kind, ERR_LATER);
	fsyncs = 0;
	fsync_fails_with = EINVAL;
	assert_true(replace(&file, "new", &err));
}

static void
a_kill_before_the_rename_leaves_the_old_content_and_its_leftover_is_swept(void **state)
{
	const struct atomic_file file = { .path = place("token"), OWNER_KEPT };
	struct err err;
	pid_t child;
	int status;
	(void)state;

	put("token", "old", 0600);
	put(".other.glrotate-abcdef", "not ours", 0600);
	put(".token.glrotate-abcdefg", "not ours", 0600);
	put(".token.glrotate-ab.def", "not ours", 0600);
	child = fork();
	if (!child) {
		killed_at_rename = true;
		_exit(replace(&file, "new", &err));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_string_equal(content_of(file.path), "old");
	assert_int_equal(files_in_folder(), 5);

	assert_true(replace(&file, "new", &err));
	assert_string_equal(content_of(file.path), "new\n");
	assert_int_equal(files_in_folder(), 4);
}

static void
a_full_disk_leaves_the_old_content_and_no_leftover(void **state)
{
	const struct rlimit small = { 2, RLIM_INFINITY },
			    all = { RLIM_INFINITY, RLIM_INFINITY };
	const struct atomic_file file = { .path = place("token"), OWNER_KEPT };
	struct err replaced, probed;
	bool replace_ok, probe_ok;
	(void)state;

	put("token", "old", 0600);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	replace_ok = replace(&file, "new secret", &replaced);
	probe_ok = atomic_file_probe(&file, &probed);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
	assert_false(replace_ok);
	assert_false(probe_ok);
	assert_int_equal(probed.code, EFBIG);
	assert_string_equal(content_of(file.path), "old");
	assert_int_equal(files_in_folder(), 1);
}

static void
what_cannot_be_replaced_is_refused(void **state)
{
	char long_name[NAME_MAX + 1], long_path[PATH_MAX + 16];
	(void)state;

	put("target", "old", 0600);
	assert_int_equal(symlink("target", place("link")), 0);
	assert_int_equal(mkdir(place("folder"), 0700), 0);
	assert_int_equal(mkdir(place("open"), 0700), 0);
	assert_int_equal(chmod(place("open"), 0777), 0);
	memset(long_name, 'n', sizeof(long_name));
	long_name[NAME_MAX - 10] = '\0';
	memset(long_path, '/', sizeof(long_path));
	memcpy(long_path + sizeof(long_path) - 2, "x", 2);

	const struct {
		const char *path, *text;
	} rows[] = {
		{ place("link"), "is a link" },
		{ place("folder"), "not a regular file" },
		{ "/proc/self/none", "make a file beside" },
		{ "relative", "no absolute path" },
		{ "/tmp/", "no absolute path" },
		{ long_path, "File name too long" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		refused(&(struct atomic_file){ .path = rows[i].path, OWNER_KEPT }, ERR_REFUSED,
			rows[i].text);
	refused(&(struct atomic_file){ .path = place("none/token"), OWNER_KEPT }, ERR_REFUSED,
		"open the folder");
	refused(&(struct atomic_file){ .path = place("target/token"), OWNER_KEPT }, ERR_REFUSED,
		"open the folder");
	refused(&(struct atomic_file){ .path = place("open/token"), OWNER_KEPT }, ERR_REFUSED,
		"sticky");
	refused(&(struct atomic_file){ .path = place(long_name), OWNER_KEPT }, ERR_REFUSED,
		"no temporary file fits");
	assert_string_equal(content_of(place("target")), "old");
}

static void
the_sticky_bit_makes_an_open_folder_acceptable(void **state)
{
	const struct atomic_file file = { .path = place("shared/token"), OWNER_KEPT };
	struct err err;
	(void)state;

	assert_int_equal(mkdir(place("shared"), 0700), 0);
	assert_int_equal(chmod(place("shared"), 01777), 0);
	assert_true(replace(&file, "new", &err));
}

static void
the_stamp_is_kept_beside_the_content_and_other_attributes_survive(void **state)
{
	struct atomic_file file = {
		.path = place("token"), .mode = 0400, .stamp = "[glrotate #1]", OWNER_KEPT
	};
	char text[64] = "before", other[16] = "";
	struct err err;
	(void)state;

	assert_true(atomic_file_stamp(file.path, NULL, text, sizeof(text), &err));
	assert_string_equal(text, "");
	put("token", "old", 0600);
	if (setxattr(file.path, "user.note", "mine", 4, 0) && errno == ENOTSUP)
		skip();
	assert_true(atomic_file_stamp(file.path, NULL, text, sizeof(text), &err));
	assert_string_equal(text, "");
	assert_true(replace(&file, "new", &err));
	assert_true(atomic_file_stamp(file.path, NULL, text, sizeof(text), &err));
	assert_string_equal(text, "[glrotate #1]");
	assert_int_equal(getxattr(file.path, "user.note", other, sizeof(other)), 4);
	assert_string_equal(other, "mine");

	file.stamp = NULL;
	assert_true(replace(&file, "newer", &err));
	assert_true(atomic_file_stamp(file.path, NULL, text, sizeof(text), &err));
	assert_string_equal(text, "");
	file.stamp = "a stamp that is longer than the reader's room for one";
	assert_true(replace(&file, "newest", &err));
	assert_true(atomic_file_stamp(file.path, NULL, text, 16, &err));
	assert_string_equal(text, "");
}

/* Runs in a child, as a user whom modes stop: 0 when all is as it should be. */
static int
replace_as_nobody(void)
{
	const struct atomic_file unwritable = {
		.path = place("token"), .mode = 0400, .stamp = "[glrotate #1]", OWNER_KEPT
	};
	const struct atomic_file unreadable = {
		.path = place("token"), .mode = 0200, OWNER_KEPT
	};
	const struct atomic_file given = { .path = place("token"), .uid = 0, .gid = (gid_t)-1 };
	char text[64];
	struct err err;

	if (setgid(65534) || setuid(65534))
		return 1;
	if (!replace(&unwritable, "new", &err) ||
		!atomic_file_stamp(unwritable.path, NULL, text, sizeof(text), &err))
		return 2;
	if (!*text && !setxattr(folder, "user.probe", "x", 1, 0))
		return 3;
	if (atomic_file_probe(&unreadable, &err) || err.kind != ERR_REFUSED)
		return 4;
	if (atomic_file_probe(&given, &err) || err.kind != ERR_REFUSED)
		return 5;
	return strcmp(content_of(unwritable.path), "new\n") != 0;
}

static void
a_user_whom_modes_stop_can_stamp_but_not_write_what_it_cannot_read_back(void **state)
{
	pid_t child;
	int status;
	(void)state;

	if (geteuid() || chown(folder, 65534, 65534))
		skip();
	child = fork();
	if (!child)
		_exit(replace_as_nobody());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static atomic_bool reading;
static atomic_int torn, reads;

static void *
read_all_the_time(void *path)
{
	while (reading) {
		char content[64] = "";
		auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, content, sizeof(content)) < 0 ||
			(strcmp(content, "one, whole\n") &&
				strcmp(content, "another, whole as well\n")))
			torn++;
		reads++;
	}
	return NULL;
}

static void
a_reader_sees_the_old_content_or_the_new_and_nothing_else(void **state)
{
	char *path = (char *)(uintptr_t)place("token");
	const struct atomic_file file = { .path = path, OWNER_KEPT };
	pthread_t reader;
	struct err err;
	(void)state;

	assert_true(replace(&file, "one, whole", &err));
	reading = true;
	assert_int_equal(pthread_create(&reader, NULL, read_all_the_time, path), 0);
	for (int i = 0; i < 100 || (!reads && i < 100000); i++)
		assert_true(
			replace(&file, i % 2 ? "one, whole" : "another, whole as well", &err));
	reading = false;
	pthread_join(reader, NULL);
	assert_int_equal(torn, 0);
	assert_true(reads > 0);
}

static int
make_folder(void **state)
{
	(void)state;
	calls[0] = '\0';
	fsync_fails_at = fsyncs = 0;
	snprintf(folder, sizeof(folder), "/tmp/test-atomic-file-XXXXXX");
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

#define in_a_folder(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_a_folder(replace_makes_a_private_file_where_there_was_none),
		in_a_folder(replace_keeps_or_sets_mode_and_owner),
		in_a_folder(replace_flushes_the_file_before_the_rename_and_the_folder_after),
		in_a_folder(a_failed_flush_of_the_file_leaves_the_old_content),
		in_a_folder(a_failed_flush_of_the_folder_is_told_unless_it_has_none),
		in_a_folder(
			a_kill_before_the_rename_leaves_the_old_content_and_its_leftover_is_swept),
		in_a_folder(a_full_disk_leaves_the_old_content_and_no_leftover),
		in_a_folder(what_cannot_be_replaced_is_refused),
		in_a_folder(the_sticky_bit_makes_an_open_folder_acceptable),
		in_a_folder(the_stamp_is_kept_beside_the_content_and_other_attributes_survive),
		in_a_folder(
			a_user_whom_modes_stop_can_stamp_but_not_write_what_it_cannot_read_back),
		in_a_folder(a_reader_sees_the_old_content_or_the_new_and_nothing_else),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
