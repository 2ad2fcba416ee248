#include "undo.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One thing that is not on the disk yet: bytes with what stood there, or a name with whom it meant. */
struct note {
	struct note *before;
	dev_t device;
	ino_t number; /* of the file, or of the folder of a renamed one */
	char path[PATH_MAX], from[PATH_MAX];
	bool is_rename, had_target;
	off_t at, size; /* the file's size before */
	size_t length;
	char old[];
};

static struct note *newest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Where the replaced file is kept meanwhile: beside it, so that a link suffices. */
static void
name_kept(const char *path, char *kept)
{
	snprintf(kept, PATH_MAX, "%.*s.cut", PATH_MAX - 8, path);
}

static void
add(struct note *note, const struct stat *facts, const char *path)
{
	note->device = facts->st_dev;
	note->number = facts->st_ino;
	snprintf(note->path, sizeof(note->path), "%s", path);
	pthread_mutex_lock(&lock);
	note->before = newest;
	newest = note;
	pthread_mutex_unlock(&lock);
}

void
undo_note_write(int fd, const char *path, off_t at, size_t length)
{
	struct note *note = calloc(1, sizeof(*note) + length);
	struct stat facts;

	if (!note || fstat(fd, &facts)) {
		free(note);
		return;
	}
	note->at = at;
	note->size = facts.st_size;
	note->length = at < facts.st_size ? length : 0;
	if (note->length && at + (off_t)length > facts.st_size)
		note->length = (size_t)(facts.st_size - at);
	if (note->length)
		syscall(SYS_pread64, fd, note->old, note->length, at);
	add(note, &facts, path);
}

void
undo_note_size(int fd, const char *path, off_t size)
{
	struct stat facts;

	if (!fstat(fd, &facts))
		undo_note_write(fd, path, size,
			size < facts.st_size ? (size_t)(facts.st_size - size) : 0);
}

void
undo_note_rename(const char *from, const char *to)
{
	struct note *note = calloc(1, sizeof(*note));
	char folder[PATH_MAX], kept[PATH_MAX];
	struct stat facts;

	snprintf(folder, sizeof(folder), "%s", to);
	*strrchr(folder, '/') = '\0';
	if (!note || stat(folder, &facts)) {
		free(note);
		return;
	}
	name_kept(to, kept);
	note->is_rename = true;
	note->had_target = !link(to, kept);
	snprintf(note->from, sizeof(note->from), "%s", from);
	add(note, &facts, to);
}

static void
drop_kept(const struct note *note)
{
	char kept[PATH_MAX];

	if (!note->had_target)
		return;
	name_kept(note->path, kept);
	syscall(SYS_unlinkat, AT_FDCWD, kept, 0);
}

void
undo_forget(int fd)
{
	struct stat facts;

	if (!newest || fstat(fd, &facts))
		return;
	pthread_mutex_lock(&lock);
	for (struct note **at = &newest, *note; (note = *at);) {
		if (note->device != facts.st_dev || note->number != facts.st_ino) {
			at = &note->before;
			continue;
		}
		*at = note->before;
		if (note->is_rename)
			drop_kept(note);
		free(note);
	}
	pthread_mutex_unlock(&lock);
}

static void
undo_rename(const struct note *note)
{
	char kept[PATH_MAX];

	name_kept(note->path, kept);
	syscall(SYS_renameat, AT_FDCWD, note->path, AT_FDCWD, note->from);
	if (note->had_target)
		syscall(SYS_renameat, AT_FDCWD, kept, AT_FDCWD, note->path);
}

static void
undo_bytes(const struct note *note)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, note->path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (note->length)
		syscall(SYS_pwrite64, fd, note->old, note->length, note->at);
	syscall(SYS_ftruncate, fd, note->size);
}

void
undo_all(void)
{
	pthread_mutex_lock(&lock);
	for (const struct note *note = newest; note; note = note->before) {
		if (note->is_rename)
			undo_rename(note);
		else
			undo_bytes(note);
	}
}
