/* atomic_file.h: the only module that replaces files: a temporary beside it, mode and owner, full write,
 * fsync, rename, fsync of the folder.
 * Touches the file and its folder. A reader sees the old content or the new, whole, also after power
 * loss. What a killed run leaves is named `.NAME.glrotate-XXXXXX`, of the file's own mode, and is swept by
 * the next replacement of that file. Of the present file's extended attributes are kept: those of users (user.*), its access list
 * (system.posix_acl_access) and its SELinux label (security.selinux). */
#ifndef BASE_ATOMIC_FILE_H
#define BASE_ATOMIC_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/secret.h"

struct atomic_file {
	const char *
		path; /* absolute; the last part must not be a link, nor a part before it one of another user than root and us */
	mode_t mode;  /* 0: that of the present file, else 0600 */
	uid_t uid;    /* (uid_t)-1: that of the present file, else ours */
	gid_t gid;    /* likewise */
	/* Kept as the extended attribute user.glrotate, or NULL; a file system without such attributes is no error. */
	const char *stamp;
	/* Where several parts of one file have a stamp each: whose it is, user.glrotate.STAMP_OF; or NULL. */
	const char *stamp_of;
};

/* Does all of it but the rename, with an empty temporary: proves that a replacement can work.
 * Fails: ERR_REFUSED (no folder, somebody's link on the way, no right, read-only), ERR_LATER (no space). */
must_check bool atomic_file_probe(const struct atomic_file *file, struct err *err);

/* Writes `content`, with a final newline when `newline`. */
must_check bool atomic_file_replace(const struct atomic_file *file,
	const struct secret *content, bool newline, struct err *err);

/* The same, but only where the file still holds `present` (NULL: where there is none): nobody's edit is lost, though it came while
 * the new content was made. Where the file system can exchange two names, what was replaced is looked at after the exchange, and
 * put back when it is not `present`.
 * Fails: also ERR_LATER with the code ESTALE: somebody changed it; read it again. */
must_check bool atomic_file_change(const struct atomic_file *file, const struct secret *present,
	const struct secret *content, struct err *err);

/* All of it, as it is; NULL in *content when there is no file.
 * Fails: ERR_REFUSED (a link, hard ones too, no regular file, more than `max_bytes`, no right), ERR_LATER. */
must_check bool atomic_file_read(
	const char *path, size_t max_bytes, struct secret **content, struct err *err);

/* The stamp (of `stamp_of`, or NULL), into `text`; "" when there is none. False only on a failure to read. */
must_check bool atomic_file_stamp(
	const char *path, const char *stamp_of, char *text, size_t bytes, struct err *err);

#endif
