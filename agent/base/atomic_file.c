#include "base/atomic_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define STAMP_ATTRIBUTE "user.glrotate"
#define TEMPORARY_MIDDLE ".glrotate-"
#define TEMPORARY_RANDOM 6
#define TEMPORARY_TRIES 16
#define PROBE_BYTES 4096 /* more than any secret, so that a probe asks for the room as well */

/* One replacement under way. The temporary goes with it, unless it was renamed. */
struct replacement {
	const char *path, *name; /* name: the last part of path */
	int folder, fd;
	bool has_present, has_temporary;
	struct statx present;
	char temporary[NAME_MAX + 1];
};

static void
replacement_done(struct replacement *work)
{
	if (work->has_temporary)
		unlinkat(work->folder, work->temporary, 0);
	close_cleanup(&work->fd);
	close_cleanup(&work->folder);
}
#define auto_replacement __attribute__((cleanup(replacement_done)))

/* What may pass by itself, as a disk that is full now; all else waits for a person. */
static enum err_kind
kind_of_errno(int code)
{
	static const int passing[] = { ENOSPC, EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, EAGAIN,
		EINTR, ESTALE, ETIMEDOUT };

	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (code == passing[i])
			return ERR_LATER;
	return ERR_REFUSED;
}

static bool
failed(struct err *err, const char *what, const char *path)
{
	return err_set(err, kind_of_errno(errno), errno, "cannot %s '%s'", what, path);
}

static bool
open_folder(struct replacement *work, struct err *err)
{
	const char *slash = strrchr(work->path, '/');
	char folder[PATH_MAX];
	struct stat facts;

	if (work->path[0] != '/' || !slash[1])
		return err_set(
			err, ERR_REFUSED, 0, "'%s' is no absolute path of a file", work->path);
	work->name = slash + 1;
	if ((size_t)(slash - work->path) + 2 > sizeof(folder))
		return err_set(err, ERR_REFUSED, ENAMETOOLONG, "cannot open the folder");
	snprintf(folder, sizeof(folder), "%.*s/", (int)(slash - work->path), work->path);
	work->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work->folder < 0)
		return failed(err, "open the folder", folder);
	if (fstat(work->folder, &facts))
		return failed(err, "examine", folder);
	if ((facts.st_mode & S_IWOTH) && !(facts.st_mode & S_ISVTX))
		return err_set(err, ERR_REFUSED, 0,
			"everybody may replace files in '%s': take that right away, or give it the sticky bit",
			folder);
	return true;
}

/* Tells now what would stop the rename, when nothing hangs on it yet. */
static bool
look_at_present(struct replacement *work, struct err *err)
{
	const uint64_t fixed = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND;
	const struct statx *present = &work->present;

	if (statx(work->folder, work->name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
		    &work->present)) {
		if (errno == ENOENT)
			return true;
		return failed(err, "examine", work->path);
	}
	if (S_ISLNK(present->stx_mode))
		return err_set(err, ERR_REFUSED, 0, "'%s' is a link, which is not followed",
			work->path);
	if (!S_ISREG(present->stx_mode))
		return err_set(err, ERR_REFUSED, 0, "'%s' is not a regular file", work->path);
	if (present->stx_attributes & present->stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
		return err_set(err, ERR_REFUSED, 0,
			"'%s' is mounted by itself, so it cannot be replaced: mount its folder instead",
			work->path);
	if (present->stx_attributes & present->stx_attributes_mask & fixed)
		return err_set(err, ERR_REFUSED, 0,
			"'%s' is marked immutable or append-only (see lsattr)", work->path);
	work->has_present = true;
	return true;
}

static bool
is_temporary_of(const char *name, const char *entry)
{
	const size_t length = strlen(name), middle = strlen(TEMPORARY_MIDDLE);

	if (entry[0] != '.' || strncmp(entry + 1, name, length) ||
		strncmp(entry + 1 + length, TEMPORARY_MIDDLE, middle))
		return false;
	entry += 1 + length + middle;
	for (size_t i = 0; i < TEMPORARY_RANDOM; i++)
		if (!isalnum((unsigned char)entry[i]))
			return false;
	return !entry[TEMPORARY_RANDOM];
}

/* A killed run's temporary may hold a secret. What cannot be swept is no reason not to write. */
static void
sweep(const struct replacement *work)
{
	int fd = openat(work->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);

	if (!entries) {
		close_cleanup(&fd);
		return;
	}
	for (const struct dirent *entry; (entry = readdir(entries));)
		if (is_temporary_of(work->name, entry->d_name))
			unlinkat(work->folder, entry->d_name, 0);
	closedir(entries);
}

static bool
name_temporary(struct replacement *work, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[TEMPORARY_RANDOM];
	int length;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_set(err, ERR_LATER, errno, "no random numbers");
	length = snprintf(
		work->temporary, sizeof(work->temporary), ".%s" TEMPORARY_MIDDLE, work->name);
	if (length < 0 || (size_t)length + TEMPORARY_RANDOM >= sizeof(work->temporary))
		return err_set(err, ERR_REFUSED, ENAMETOOLONG,
			"no temporary file fits beside '%s'", work->path);
	for (size_t i = 0; i < TEMPORARY_RANDOM; i++)
		work->temporary[(size_t)length + i] =
			letters[random[i] % (sizeof(letters) - 1)];
	work->temporary[length + TEMPORARY_RANDOM] = '\0';
	return true;
}

static bool
make_temporary(struct replacement *work, struct err *err)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		if (!name_temporary(work, err))
			return false;
		work->fd = openat(work->folder, work->temporary, flags, 0600);
		work->has_temporary = work->fd >= 0;
		if (work->fd >= 0)
			return true;
		if (errno != EEXIST)
			break;
	}
	return failed(err, "make a file beside", work->path);
}

/* Labels and access lists that a person or the system gave the file. Not the rest of security.*: a
 * signature of the old content would be wrong. */
static bool
is_kept_attribute(const char *name)
{
	if (!strcmp(name, STAMP_ATTRIBUTE))
		return false;
	return !strcmp(name, "security.selinux") || !strcmp(name, "system.posix_acl_access") ||
	       !strncmp(name, "user.", 5);
}

static void
keep_attributes(const struct replacement *work)
{
	auto_close int present = openat(
		work->folder, work->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char names[4096], value[4096];
	ssize_t length = present < 0 ? -1 : flistxattr(present, names, sizeof(names));

	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t bytes;

		if (!is_kept_attribute(names + at))
			continue;
		/* An attribute that cannot be carried over is no reason to leave a consumer with a
		 * dead secret. */
		bytes = fgetxattr(present, names + at, value, sizeof(value));
		if (bytes >= 0)
			fsetxattr(work->fd, names + at, value, (size_t)bytes, 0);
	}
}

static bool
write_stamp(const struct replacement *work, const char *stamp, struct err *err)
{
	if (!stamp || !fsetxattr(work->fd, STAMP_ATTRIBUTE, stamp, strlen(stamp), 0))
		return true;
	if (errno == ENOTSUP)
		return true;
	return failed(err, "stamp a file beside", work->path);
}

/* Before the content, so that nobody reads it who may not; after the attributes, which need the right to
 * write to the file, and because a mode bounds an access list only when it is set after it. */
static bool
set_owner_and_mode(
	const struct replacement *work, const struct atomic_file *file, struct err *err)
{
	uid_t uid = file->uid;
	gid_t gid = file->gid;
	mode_t mode = file->mode & 0777;
	struct stat facts;

	if (uid == (uid_t)-1 && work->has_present)
		uid = work->present.stx_uid;
	if (gid == (gid_t)-1 && work->has_present)
		gid = work->present.stx_gid;
	if (!mode)
		mode = work->has_present ? work->present.stx_mode & 0777 : 0600;
	if (fstat(work->fd, &facts))
		return failed(err, "examine a file beside", work->path);
	if (uid == facts.st_uid)
		uid = (uid_t)-1;
	if (gid == facts.st_gid)
		gid = (gid_t)-1;
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) && fchown(work->fd, uid, gid))
		return failed(err, "give its user and group to a file beside", work->path);
	if (fchmod(work->fd, mode))
		return failed(err, "give its mode to a file beside", work->path);
	return true;
}

static bool
write_all(const struct replacement *work, const char *bytes, size_t length, struct err *err)
{
	while (length) {
		ssize_t wrote = write(work->fd, bytes, length);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return failed(err, "write a file beside", work->path);
		bytes += wrote;
		length -= (size_t)wrote;
	}
	return true;
}

static bool
flush(const struct replacement *work, struct err *err)
{
	if (fsync(work->fd))
		return failed(err, "flush a file beside", work->path);
	return true;
}

static bool
begin(struct replacement *work, const struct atomic_file *file, struct err *err)
{
	if (!open_folder(work, err) || !look_at_present(work, err))
		return false;
	sweep(work);
	if (!make_temporary(work, err))
		return false;
	if (work->has_present)
		keep_attributes(work);
	return write_stamp(work, file->stamp, err) && set_owner_and_mode(work, file, err);
}

/* What cannot be read back could never be verified. */
static bool
can_read_back(const struct replacement *work, struct err *err)
{
	auto_close int fd =
		openat(work->folder, work->temporary, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return failed(err, "read back what would be written to", work->path);
	return true;
}

bool
atomic_file_probe(const struct atomic_file *file, struct err *err)
{
	auto_replacement struct replacement work = {
		.path = file->path, .folder = -1, .fd = -1
	};
	static const char room[PROBE_BYTES];

	return begin(&work, file, err) && can_read_back(&work, err) &&
	       write_all(&work, room, sizeof(room), err) && flush(&work, err);
}

static bool
finish(struct replacement *work, struct err *err)
{
	if (renameat(work->folder, work->temporary, work->folder, work->name))
		return failed(err, "replace", work->path);
	work->has_temporary = false;
	/* The new content is there, but a power loss may take it back: to do it all again is harmless. A file
	 * system that cannot flush a folder answers EINVAL. */
	if (fsync(work->folder) && errno != EINVAL)
		return err_set(
			err, ERR_LATER, errno, "cannot flush the folder of '%s'", work->path);
	return true;
}

bool
atomic_file_replace(const struct atomic_file *file, const struct secret *content, bool newline,
	struct err *err)
{
	auto_replacement struct replacement work = {
		.path = file->path, .folder = -1, .fd = -1
	};

	return begin(&work, file, err) &&
	       write_all(&work, secret_reveal(content), secret_length(content), err) &&
	       write_all(&work, "\n", newline, err) && flush(&work, err) && finish(&work, err);
}

bool
atomic_file_stamp(const char *path, char *text, size_t bytes, struct err *err)
{
	ssize_t length = lgetxattr(path, STAMP_ATTRIBUTE, text, bytes - 1);

	/* ERANGE: so long a text is none of ours. */
	if (length < 0 &&
		(errno == ENODATA || errno == ENOTSUP || errno == ENOENT || errno == ERANGE))
		length = 0;
	if (length < 0)
		return failed(err, "read the stamp of", path);
	text[length] = '\0';
	return true;
}
