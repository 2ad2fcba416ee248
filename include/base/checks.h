/* checks.h: what more than one module asks of a text that somebody wrote.
 * Touches nothing. */
#ifndef BASE_CHECKS_H
#define BASE_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

/* One character at the least: letters and digits of ASCII, and those of `more`. */
bool text_is_made_of(const char *text, const char *more);
/* Parts between single slashes, none of them empty, "." or "..", and no control characters; of an absolute path, what follows
 * its first slash. */
bool path_is_clean(const char *path);

/* --- as `check` in fields.h: each writes to `why` what was expected, and returns false --- */
/* https://HOST, http:// only to this machine itself; no user, query or fragment. */
bool check_url(const char *text, char *why, size_t why_bytes);
/* A path that begins with a slash and is clean: one file has one such name, but for links. */
bool check_absolute(const char *text, char *why, size_t why_bytes);
/* What credential_read() takes: a systemd credential's name, or an absolute path. */
bool check_credential(const char *text, char *why, size_t why_bytes);

#endif
