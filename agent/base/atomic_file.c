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

#include "base/attributes.h"
#include "base/folder.h"

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
enter(const char *path, int *folder, const char **name, struct err *err)
{
	if (folder_open(path, folder, name, err))
		return true;
	if (err->code)
		err->kind = kind_of_errno(err->code);
	return false;
}

static bool
open_folder(struct replacement *work, struct err *err)
{
	auto_close int way = -1;
	struct stat facts;

	if (!enter(work->path, &way, &work->name, err))
		return false;
	work->folder = openat(way, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (work->folder < 0)
		return failed(err, "open the folder of", work->path);
	if (fstat(work->folder, &facts))
		return failed(err, "examine the folder of", work->path);
	if ((facts.st_mode & S_IWOTH) && !(facts.st_mode & S_ISVTX))
		return err_set(err, ERR_REFUSED, 0,
			"everybody may replace files in the folder of '%s': take that right away, or give it the sticky bit",
			work->path);
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

static void
keep_attributes(const struct replacement *work, const char *stamp_of)
{
	auto_close int present = openat(
		work->folder, work->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (present >= 0)
		attributes_keep(present, work->fd, stamp_of);
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
		keep_attributes(work, file->stamp_of);
	if (file->stamp && !attributes_set_stamp(work->fd, file->stamp_of, file->stamp))
		return failed(err, "stamp a file beside", work->path);
	return set_owner_and_mode(work, file, err);
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

/* The new content is there, but a power loss may take it back: to do it all again is harmless. A file system that cannot flush a
 * folder answers EINVAL. */
static bool
flush_folder(const struct replacement *work, struct err *err)
{
	if (fsync(work->folder) && errno != EINVAL)
		return err_set(
			err, ERR_LATER, errno, "cannot flush the folder of '%s'", work->path);
	return true;
}

static bool
finish(struct replacement *work, struct err *err)
{
	if (renameat(work->folder, work->temporary, work->folder, work->name))
		return failed(err, "replace", work->path);
	work->has_temporary = false;
	return flush_folder(work, err);
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

/* --- a change of what was read --- */

static bool
read_at(int folder, const char *name, size_t max_bytes, struct secret **content,
	struct err *err)
{
	auto_close int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat facts;

	if (fd < 0 && errno == ENOENT) {
		*content = NULL;
		return true;
	}
	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_REFUSED, 0, "is a link, which is not followed");
	if (fd < 0 || fstat(fd, &facts))
		return err_set(err, kind_of_errno(errno), errno, "cannot be read");
	if (!S_ISREG(facts.st_mode))
		return err_set(err, ERR_REFUSED, 0, "is not a regular file");
	if ((uintmax_t)facts.st_size > max_bytes)
		return err_set(err, ERR_REFUSED, 0, "holds more than %zu bytes", max_bytes);
	/* Whoever gave it another name may have had no right to read it under this one. */
	if (facts.st_nlink > 1)
		return err_set(err, ERR_REFUSED, 0,
			"has %ju names (hard links), and only one of them would get the new content",
			(uintmax_t)facts.st_nlink);
	if (secret_read_whole(fd, (size_t)facts.st_size, content, err))
		return true;
	err->kind = ERR_LATER;
	return false;
}

bool
atomic_file_read(const char *path, size_t max_bytes, struct secret **content, struct err *err)
{
	auto_close int folder = -1;
	const char *name;

	if (!enter(path, &folder, &name, err)) {
		if (err->code != ENOENT)
			return false;
		*content = NULL;
		return true;
	}
	return read_at(folder, name, max_bytes, content, err) || err_wrap(err, "'%s'", path);
}

static bool
is_stale(const struct replacement *work, struct err *err)
{
	return err_set(
		err, ERR_LATER, ESTALE, "somebody else changed '%s' meanwhile", work->path);
}

static bool
holds(const struct replacement *work, const char *name, const struct secret *content)
{
	auto_secret struct secret *found = NULL;
	struct err ignored;

	if (!read_at(
		    work->folder, name, content ? secret_length(content) : 0, &found, &ignored))
		return false;
	return content ? secret_equal(found, content) : !found;
}

static bool
is_ours(const struct replacement *work, const char *name)
{
	struct stat ours, found;

	return !fstat(work->fd, &ours) &&
	       !fstatat(work->folder, name, &found, AT_SYMLINK_NOFOLLOW) &&
	       ours.st_ino == found.st_ino && ours.st_dev == found.st_dev;
}

static bool
exchange(const struct replacement *work)
{
	return !renameat2(
		work->folder, work->temporary, work->folder, work->name, RENAME_EXCHANGE);
}

/* What came between goes back to its place. When something else came between that, it stays, and what it did not know of is left
 * beside it under a name that is not swept. */
static bool
put_back(struct replacement *work, struct err *err)
{
	const char *kept = work->temporary + 1;

	for (int i = 0; i < 2 && !is_ours(work, work->temporary); i++)
		if (!exchange(work))
			break;
	work->has_temporary = is_ours(work, work->temporary);
	if (work->has_temporary)
		return is_stale(work, err);
	if (renameat(work->folder, work->temporary, work->folder, kept))
		kept = work->temporary;
	return err_set(err, ERR_REFUSED, 0,
		"'%s' was changed twice while it was written: one of the two stands in '%s' beside it",
		work->path, kept);
}

/* Before the flush: otherwise a power loss brings it back, and nobody sweeps what is delivered. */
static bool
drop_replaced(struct replacement *work, struct err *err)
{
	work->has_temporary = unlinkat(work->folder, work->temporary, 0) != 0;
	return flush_folder(work, err);
}

static bool
finish_change(struct replacement *work, const struct secret *present, struct err *err)
{
	if (!holds(work, work->name, present))
		return is_stale(work, err);
	if (present && exchange(work))
		return holds(work, work->temporary, present) ? drop_replaced(work, err)
		                                             : put_back(work, err);
	if (!present && !renameat2(work->folder, work->temporary, work->folder, work->name,
				RENAME_NOREPLACE)) {
		work->has_temporary = false;
		return flush_folder(work, err);
	}
	if (errno == ENOENT || errno == EEXIST)
		return is_stale(work, err);
	return errno == EINVAL || errno == ENOSYS ? finish(work, err)
	                                          : failed(err, "replace", work->path);
}

bool
atomic_file_change(const struct atomic_file *file, const struct secret *present,
	const struct secret *content, struct err *err)
{
	auto_replacement struct replacement work = {
		.path = file->path, .folder = -1, .fd = -1
	};

	return begin(&work, file, err) &&
	       write_all(&work, secret_reveal(content), secret_length(content), err) &&
	       flush(&work, err) && finish_change(&work, present, err);
}
