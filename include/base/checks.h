/* checks.h: what more than one table of fields asks of a text; see `check` in fields.h.
 * Touches nothing. Each writes to `why` what was expected, and returns false. */
#ifndef BASE_CHECKS_H
#define BASE_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

/* https://HOST, http:// only to this machine itself; no user, query or fragment. */
bool check_url(const char *text, char *why, size_t why_bytes);
/* A path that begins with a slash. */
bool check_absolute(const char *text, char *why, size_t why_bytes);
/* What credential_read() takes: a systemd credential's name, or an absolute path. */
bool check_credential(const char *text, char *why, size_t why_bytes);

#endif
