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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/atomic_file.h"
#include "base/folder.h"

/* clang-format off */
static const struct row {
	const char *what, *link, *target; /* $: the folder of the test */
	uid_t owner;
	const char *path, *leads_to; /* leads_to NULL: it fails */
	int code;
} rows[] = {
	{ "no link at all",          NULL,   NULL,            0,    "/real/in/file",  "/real/in", 0 },
	{ "empty parts",             NULL,   NULL,            0,    "//real/./in//file", "/real/in", 0 },
	{ "a link beside",           "/way", "real",          0,    "/way/in/file",   "/real/in", 0 },
	{ "the folder is a link",    "/way", "real/in/",      0,    "/way/file",      "/real/in", 0 },
	{ "a link up and down",      "/real/way", "../real/in", 0,  "/real/way/file", "/real/in", 0 },
	{ "an absolute link",        "/way", "$/real",        0,    "/way/in/file",   "/real/in", 0 },
	{ "a link to itself",        "/way", "way",           0,    "/way/in/file",   NULL,       ELOOP },
	{ "a link to nothing",       "/way", "gone",          0,    "/way/in/file",   NULL,       ENOENT },
	{ "a file on the way",       "/way", "real/in/file",  0,    "/way/file",      NULL,       ENOTDIR },
	{ "no such folder",          NULL,   NULL,            0,    "/gone/file",     NULL,       ENOENT },
	{ "no file",                 NULL,   NULL,            0,    "/real/in/",      NULL,       0 },
	{ "somebody's link",         "/way", "real",          4711, "/way/in/file",   NULL,       0 },
	{ "somebody's absolute one", "/way", "$/real/in",     4711, "/way/file",      NULL,       0 },
};
/* clang-format on */

static char top[PATH_MAX / 4];

static const char *
place(const char *text, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s%s", text[0] == '$' || text[0] == '/' ? top : "",
		text + (text[0] == '$'));
	return path;
}

static void
make_link(const struct row *row, char link[PATH_MAX])
{
	char target[PATH_MAX];

	assert_int_equal(symlink(place(row->target, target), place(row->link, link)), 0);
	if (row->owner)
		assert_int_equal(lchown(link, row->owner, (gid_t)-1), 0);
}

static void
check_row(const struct row *row)
{
	auto_close int folder = -1;
	char link[PATH_MAX], path[PATH_MAX], expected[PATH_MAX];
	const char *name = NULL;
	struct stat found, meant;
	struct err err = { 0 };
	bool ok;

	if (row->owner && geteuid())
		return;
	if (row->link)
		make_link(row, link);
	ok = folder_open(place(row->path, path), &folder, &name, &err);
	if (row->link)
		assert_int_equal(unlink(link), 0);
	if (ok != !!row->leads_to || err.code != row->code)
		fail_msg("%s: %d, code %d, '%s'", row->what, ok, err.code, err.text);
	if (!ok)
		return;
	assert_int_equal(fstat(folder, &found), 0);
	assert_int_equal(stat(place(row->leads_to, expected), &meant), 0);
	if (found.st_ino != meant.st_ino || strcmp(name, "file"))
		fail_msg("%s: leads elsewhere, to '%s'", row->what, name);
}

static void
a_folder_is_reached_through_links_of_ours_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static void
nothing_is_read_or_written_through_somebodys_link(void **state)
{
	static const struct row somebodys = { .link = "/way", .target = "real", .owner = 4711 };
	auto_secret struct secret *new_one = secret_copy("new", 3), *found = NULL;
	char link[PATH_MAX], path[PATH_MAX], text[64];
	const struct atomic_file file = {
		.path = place("/way/in/file", path), .uid = (uid_t)-1, .gid = (gid_t)-1
	};
	struct err err;

	(void)state;
	if (geteuid())
		skip();
	make_link(&somebodys, link);
	assert_false(atomic_file_probe(&file, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "'way' on the way to"));
	assert_false(atomic_file_replace(&file, new_one, false, &err));
	assert_false(atomic_file_change(&file, NULL, new_one, &err));
	assert_false(atomic_file_read(path, 64, &found, &err));
	assert_false(atomic_file_stamp(path, NULL, text, sizeof(text), &err));
	assert_int_equal(unlink(link), 0);
	assert_true(atomic_file_read(place("/real/in/file", path), 64, &found, &err));
	assert_int_equal(secret_length(found), 0);
}

static int
make_folders(void **state)
{
	const char *temporary = getenv("TMPDIR");
	char path[PATH_MAX];
	int fd;

	(void)state;
	snprintf(top, sizeof(top), "%s/glrotate-XXXXXX", temporary ? temporary : "/tmp");
	if (!mkdtemp(top) || mkdir(place("/real", path), 0755) ||
		mkdir(place("/real/in", path), 0755))
		return -1;
	fd = open(place("/real/in/file", path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : close(fd);
}

static int
remove_folders(void **state)
{
	char path[PATH_MAX];

	(void)state;
	return unlink(place("/real/in/file", path)) | rmdir(place("/real/in", path)) |
	       rmdir(place("/real", path)) | rmdir(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_is_reached_through_links_of_ours_only),
		cmocka_unit_test(nothing_is_read_or_written_through_somebodys_link),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
