#include "base/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/folder.h"

/* Where `name` stands; false when there is no such place. */
static bool
credential_path(const char *name, char path[PATH_MAX], struct err *err)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	int length;

	if (name[0] == '/') {
		length = snprintf(path, PATH_MAX, "%s", name);
	} else if (!name[0] || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) {
		return err_set(err, ERR_POLICY, 0,
			"is neither a credential's name nor an absolute path");
	} else if (!folder || folder[0] != '/') {
		return err_set(err, ERR_POLICY, 0,
			"$CREDENTIALS_DIRECTORY is not set; systemd sets it from LoadCredential=, by hand: "
			"CREDENTIALS_DIRECTORY=FOLDER glrotate …, with the secret in the file FOLDER/%s; "
			"or name an absolute path of mode 0600 instead",
			name);
	} else {
		length = snprintf(path, PATH_MAX, "%s/%s", folder, name);
	}
	if (length < 0 || length >= PATH_MAX)
		return err_set(err, ERR_POLICY, ENAMETOOLONG, "cannot open");
	return true;
}

/* systemd gives its own credentials to the service by an access list, which shows as group rights: so those
 * are asked for their owner only. */
static bool
credential_is_private(int fd, bool by_path, struct err *err)
{
	struct stat facts;

	if (fstat(fd, &facts))
		return err_set(err, ERR_POLICY, errno, "cannot be examined");
	if (!S_ISREG(facts.st_mode))
		return err_set(err, ERR_POLICY, 0, "is not a regular file");
	if (facts.st_uid != 0 && facts.st_uid != geteuid())
		return err_set(err, ERR_POLICY, 0,
			"belongs to user %u, who is neither root nor the one that glrotate runs as",
			facts.st_uid);
	if (by_path && (facts.st_mode & 077))
		return err_set(err, ERR_POLICY, 0,
			"has mode %04o, so others than its owner can use it: chmod 0600 it",
			facts.st_mode & 07777U);
	return true;
}

static bool
open_its_folder(const char *path, int *folder, const char **file, struct err *err)
{
	if (folder_open(path, folder, file, err))
		return true;
	err->kind = ERR_POLICY;
	return false;
}

static bool
credential_open(const char *name, int *opened, struct err *err)
{
	auto_close int folder = -1;
	char path[PATH_MAX];
	const char *file;
	int fd;

	if (!credential_path(name, path, err) || !open_its_folder(path, &folder, &file, err))
		return false;
	/* Without O_NONBLOCK a named pipe would hold us until somebody writes to it. */
	fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ELOOP)
		return err_set(
			err, ERR_POLICY, 0, "'%s' is a link, which is not followed", path);
	if (fd < 0)
		return err_set(err, ERR_POLICY, errno, "cannot open '%s'", path);
	*opened = fd;
	return true;
}

bool
credential_read(const char *name, struct secret **secret, struct err *err)
{
	auto_secret struct secret *draft = NULL;
	auto_close int fd = -1;

	if (!credential_open(name, &fd, err) ||
		!credential_is_private(fd, name[0] == '/', err) ||
		!secret_read(fd, CREDENTIAL_MAX_BYTES, &draft, err) ||
		(!secret_is_word(draft) &&
			!err_set(err, ERR_POLICY, 0,
				"expected one word in one line: it holds blanks, further lines, or signs beyond ASCII")))
		return err_wrap(err, "credential '%s'", name);
	*secret = take(draft);
	return true;
}

bool
credential_read_apart(
	const char *name, const struct texts *own, struct secret **secret, struct err *err)
{
	auto_secret struct secret *draft = NULL;

	if (!credential_read(name, &draft, err))
		return false;
	for (size_t i = 0; own && i < own->count; i++) {
		auto_secret struct secret *ours = NULL;
		struct err ignored;

		if (credential_read(own->items[i], &ours, &ignored) &&
			secret_equal(draft, ours))
			return err_set(err, ERR_PERSON, 0,
				"credential '%s': it holds what '%s' does, which is glrotate's own and shown to nobody else",
				name, own->items[i]);
	}
	*secret = take(draft);
	return true;
}

/* The lock is on what stood there when it was opened; whoever replaces the file holds it until they are done. */
static bool
is_still_there(const char *name, int fd)
{
	auto_close int now = -1;
	struct stat held, present;
	struct err ignored;

	return credential_open(name, &now, &ignored) && !fstat(fd, &held) &&
	       !fstat(now, &present) && held.st_ino == present.st_ino &&
	       held.st_dev == present.st_dev;
}

bool
credential_lock(const char *name, int *lock, struct err *err)
{
	auto_close int fd = -1;
	bool is_locked;
	int kept;

	if (!credential_open(name, &fd, err))
		return err_wrap(err, "credential '%s'", name);
	is_locked = !flock(fd, LOCK_EX | LOCK_NB);
	if (!is_locked && errno != EWOULDBLOCK)
		return err_set(
			err, ERR_LATER, errno, "credential '%s': cannot be locked", name);
	if (!is_locked || !is_still_there(name, fd))
		return err_set(err, ERR_LATER, 0,
			"credential '%s': another glrotate rotates it now", name);
	kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (kept < 0)
		return err_set(
			err, ERR_LATER, errno, "credential '%s': cannot be locked", name);
	*lock = kept;
	return true;
}

bool
credential_exists(const char *name)
{
	char path[PATH_MAX];
	struct stat facts;
	struct err err;

	return credential_path(name, path, &err) && !lstat(path, &facts);
}
