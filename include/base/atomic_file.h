/* atomic_file.h: the only module that replaces files: a temporary beside it, mode and owner, full write,
 * fsync, rename, fsync of the folder.
 * Touches the file and its folder. A reader sees the old content or the new, whole, also after power
 * loss. What a killed run leaves is named `.NAME.glrotate-XXXXXX`, of the file's own mode, and is swept by
 * the next replacement of that file. */
#ifndef BASE_ATOMIC_FILE_H
#define BASE_ATOMIC_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/secret.h"

struct atomic_file {
	const char *path;     /* absolute; the last part must not be a link */
	mode_t mode;          /* 0: that of the present file, else 0600 */
	uid_t uid;            /* (uid_t)-1: that of the present file, else ours */
	gid_t gid;            /* likewise */
	const char *stamp;    /* kept as the extended attribute user.glrotate, or NULL; a file system
	                         without such attributes is no error */
};

/* Does all of it but the rename, with an empty temporary: proves that a replacement can work.
 * Fails: ERR_REFUSED (no folder, no right, read-only), ERR_LATER (no space). */
must_check bool atomic_file_probe(const struct atomic_file *file, struct err *err);

/* Writes `content`, with a final newline when `newline`. */
must_check bool atomic_file_replace(const struct atomic_file *file, const struct secret *content,
	bool newline, struct err *err);

/* The stamp, into `text`; "" when there is none. False only on a failure to read. */
must_check bool atomic_file_stamp(const char *path, char *text, size_t bytes, struct err *err);

#endif
