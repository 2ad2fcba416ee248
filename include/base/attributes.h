/* attributes.h: the extended attributes of a file that is replaced; for atomic_file.c, and for who asks for a stamp.
 * Touches the files it is given. */
#ifndef BASE_ATTRIBUTES_H
#define BASE_ATTRIBUTES_H

#include <stdbool.h>

#include "base/err.h"

/* Carries over what a person or the system gave the file `from`, but for the stamp of `stamp_of`, which is ours to set. What
 * cannot be carried over is no reason to leave a consumer with a dead secret. */
void attributes_keep(int from, int to, const char *stamp_of);

/* Sets user.glrotate, or user.glrotate.STAMP_OF. A file system without such attributes is no error; false with errno else. */
must_check bool attributes_set_stamp(int fd, const char *stamp_of, const char *stamp);

#endif
