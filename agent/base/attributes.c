#include "base/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/atomic_file.h"
#include "base/folder.h"
#include "base/memory.h"

#define STAMP_ATTRIBUTE "user.glrotate"
#define NAME_BYTES 256

static const char *
attribute_of(const char *stamp_of, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, STAMP_ATTRIBUTE "%s%s", stamp_of ? "." : "",
		stamp_of ? stamp_of : "");
	return name;
}

/* Labels and access lists that a person or the system gave the file. Not the rest of security.*: a
 * signature of the old content would be wrong. */
static bool
is_kept(const char *name, const char *own)
{
	if (!strcmp(name, own))
		return false;
	return !strcmp(name, "security.selinux") || !strcmp(name, "system.posix_acl_access") ||
	       !strncmp(name, "user.", 5);
}

static void
keep_one(int from, int to, const char *name)
{
	const ssize_t room = fgetxattr(from, name, NULL, 0);
	auto_free char *value = room < 0 ? NULL : memory_or_abort(malloc((size_t)room + 1));
	const ssize_t bytes = value ? fgetxattr(from, name, value, (size_t)room) : -1;

	if (bytes >= 0)
		fsetxattr(to, name, value, (size_t)bytes, 0);
}

void
attributes_keep(int from, int to, const char *stamp_of)
{
	const ssize_t room = flistxattr(from, NULL, 0);
	auto_free char *names = room < 0 ? NULL : memory_or_abort(malloc((size_t)room + 1));
	const ssize_t length = names ? flistxattr(from, names, (size_t)room) : -1;
	char own[NAME_BYTES];

	attribute_of(stamp_of, own);
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1)
		if (is_kept(names + at, own))
			keep_one(from, to, names + at);
}

bool
attributes_set_stamp(int fd, const char *stamp_of, const char *stamp)
{
	char name[NAME_BYTES];

	return !fsetxattr(fd, attribute_of(stamp_of, name), stamp, strlen(stamp), 0) ||
	       errno == ENOTSUP;
}

/* What cannot hold a stamp, since it is not there or no regular file, has none. */
static bool
has_none(int code)
{
	return code == ENOENT || code == ENOTDIR || code == ELOOP || code == ENXIO;
}

/* ERANGE: so long a text is none of ours. */
static ssize_t
read_stamp(int fd, const char *stamp_of, char *text, size_t bytes)
{
	char name[NAME_BYTES];
	const ssize_t length = fgetxattr(fd, attribute_of(stamp_of, name), text, bytes);

	return length < 0 && (errno == ENODATA || errno == ENOTSUP || errno == ERANGE) ? 0
	                                                                               : length;
}

bool
atomic_file_stamp(
	const char *path, const char *stamp_of, char *text, size_t bytes, struct err *err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	auto_close int folder = -1, fd = -1;
	const char *name;
	ssize_t length;

	if (!folder_open(path, &folder, &name, err)) {
		text[0] = '\0';
		return has_none(err->code) && err->code != ELOOP;
	}
	fd = openat(folder, name, flags);
	length =
		fd < 0 ? (has_none(errno) ? 0 : -1) : read_stamp(fd, stamp_of, text, bytes - 1);
	if (length < 0)
		return err_set(err, ERR_REFUSED, errno, "cannot read the stamp of '%s'", path);
	text[length] = '\0';
	return true;
}
