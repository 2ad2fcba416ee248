/* folder.h: the folder that a file stands in, reached through nobody else's links.
 * Touches the folders on the way, which it searches. Whoever owns a link may lead it elsewhere at any time, so that one which is
 * neither root's nor ours is not followed: everything is done relative to the one descriptor. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include "base/err.h"

/* Opens it with O_PATH, and points `name` to the last part of `path`.
 * Owns:  *folder is the caller's, for close().
 * Fails: ERR_REFUSED, with errno as its code, or 0 for somebody's link and for what is no absolute path of a file. */
must_check bool folder_open(const char *path, int *folder, const char **name, struct err *err);

#endif
