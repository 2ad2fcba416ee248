/* What the program does to files. */
#undef _FILE_OFFSET_BITS
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "shim.h"
#include "undo.h"

static bool
grows(int fd, off_t end)
{
	struct stat facts;

	return !fstat(fd, &facts) && end > facts.st_size;
}

static ssize_t
write_at(int fd, const void *bytes, size_t length, off_t at, bool placed)
{
	const long call = placed ? SYS_pwrite64 : SYS_write;
	const off_t from = placed ? at : lseek(fd, 0, SEEK_CUR);
	char path[PATH_MAX];
	enum effect effect;
	ssize_t wrote;

	if (fd <= STDERR_FILENO || !shim_watches(fd, NULL, path))
		return syscall(call, fd, bytes, length, at);
	effect = shim_count(
		placed ? "pwrite" : "write", path, length, grows(fd, from + (off_t)length));
	if (shim_fails(effect))
		return -1;
	if (effect == TORN || effect == SHORT)
		length = (length + 1) / 2;
	if (shim_effect() == CUT)
		undo_note_write(fd, path, from, length);
	wrote = syscall(call, fd, bytes, length, at);
	shim_dies_after(effect);
	return wrote;
}

ssize_t
write(int fd, const void *bytes, size_t length)
{
	return write_at(fd, bytes, length, 0, false);
}

ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t at)
{
	return write_at(fd, bytes, length, at, true);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t length, off64_t at)
{
	return write_at(fd, bytes, length, at, true);
}

/* The reader's calls: for a process that is stopped in the middle of one. */
static ssize_t
read_at(int fd, void *bytes, size_t length, off_t at)
{
	char path[PATH_MAX];

	if (shim_effect() == STOP && shim_watches(fd, NULL, path))
		shim_count("pread", path, length, false);
	return syscall(SYS_pread64, fd, bytes, length, at);
}

ssize_t
pread(int fd, void *bytes, size_t length, off_t at)
{
	return read_at(fd, bytes, length, at);
}

ssize_t
pread64(int fd, void *bytes, size_t length, off64_t at)
{
	return read_at(fd, bytes, length, at);
}

static int
flush_truly(long call, int fd, const char *path)
{
	const char *but = getenv("SHIM_FLUSH");

	return but && fnmatch(but, path, 0) ? (int)syscall(call, fd) : 0;
}

static int
flush(const char *name, long call, int fd)
{
	char path[PATH_MAX];
	enum effect effect;
	int result;

	if (!shim_watches(fd, NULL, path))
		return 0;
	effect = shim_count(name, path, 0, false);
	if (shim_fails(effect))
		return -1;
	undo_forget(fd);
	result = flush_truly(call, fd, path);
	shim_dies_after(effect);
	return result;
}

int
fsync(int fd)
{
	return flush("fsync", SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return flush("fdatasync", SYS_fdatasync, fd);
}

static int
cut_at(int fd, off_t length)
{
	char path[PATH_MAX];
	enum effect effect;
	int result;

	if (!shim_watches(fd, NULL, path))
		return (int)syscall(SYS_ftruncate, fd, length);
	effect = shim_count("ftruncate", path, (size_t)length, grows(fd, length));
	if (shim_fails(effect))
		return -1;
	if (shim_effect() == CUT)
		undo_note_size(fd, path, length);
	result = (int)syscall(SYS_ftruncate, fd, length);
	shim_dies_after(effect);
	return result;
}

int
ftruncate(int fd, off_t length)
{
	return cut_at(fd, length);
}

int
ftruncate64(int fd, off64_t length)
{
	return cut_at(fd, length);
}

int
renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	char path[PATH_MAX], source[PATH_MAX];
	enum effect effect;
	int result;

	if (!shim_watches(to_folder, to, path) || !shim_watches(from_folder, from, source))
		return (int)syscall(SYS_renameat, from_folder, from, to_folder, to);
	effect = shim_count("rename", path, 0, true);
	if (shim_fails(effect))
		return -1;
	if (shim_effect() == CUT)
		undo_note_rename(source, path);
	result = (int)syscall(SYS_renameat, from_folder, from, to_folder, to);
	shim_dies_after(effect);
	return result;
}

int
rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* Only what makes a file: opening one that is there wants nothing of the disk. */
static int
open_in(int folder, const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];
	enum effect effect = NONE;
	int fd;

	if ((flags & O_CREAT) && shim_watches(folder, name, path)) {
		effect = shim_count("create", path, 0, syscall(SYS_access, path, F_OK) != 0);
		if (shim_fails(effect))
			return -1;
	}
	fd = (int)syscall(SYS_openat, folder, name, flags, mode);
	shim_dies_after(effect);
	return fd;
}

#define OPEN(NAME, PARAMETERS, FOLDER)                                                         \
	int NAME PARAMETERS                                                                    \
	{                                                                                      \
		va_list rest;                                                                  \
		mode_t mode = 0;                                                               \
		va_start(rest, flags);                                                         \
		if (flags & (O_CREAT | __O_TMPFILE))                                           \
			mode = va_arg(rest, mode_t);                                           \
		va_end(rest);                                                                  \
		return open_in(FOLDER, path, flags, mode);                                     \
	}
OPEN(open, (const char *path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD)
OPEN(openat, (int folder, const char *path, int flags, ...), folder)
OPEN(openat64, (int folder, const char *path, int flags, ...), folder)

static int
remove_in(int folder, const char *name, int flags)
{
	char path[PATH_MAX];
	enum effect effect = NONE;
	int result;

	if (shim_watches(folder, name, path))
		effect = shim_count("unlink", path, 0, false);
	if (shim_fails(effect))
		return -1;
	result = (int)syscall(SYS_unlinkat, folder, name, flags);
	shim_dies_after(effect);
	return result;
}

int
unlinkat(int folder, const char *name, int flags)
{
	return remove_in(folder, name, flags);
}

int
unlink(const char *name)
{
	return remove_in(AT_FDCWD, name, 0);
}

int
fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
	char path[PATH_MAX];
	enum effect effect = NONE;
	int result;

	if (shim_watches(fd, NULL, path))
		effect = shim_count("setxattr", path, size, true);
	if (shim_fails(effect))
		return -1;
	result = (int)syscall(SYS_fsetxattr, fd, name, value, size, flags);
	shim_dies_after(effect);
	return result;
}
