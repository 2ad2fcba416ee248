/* credential.h: a named secret: a file in $CREDENTIALS_DIRECTORY, or an absolute path of mode 0600.
 * Touches that file, read-only. */
#ifndef BASE_CREDENTIAL_H
#define BASE_CREDENTIAL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/fields.h"
#include "base/secret.h"

#define CREDENTIAL_MAX_BYTES ((size_t)4096)

/* `name` is a credential's name (no slash) or an absolute path. Refused: a link as the last part, a link of somebody's on the
 * way to it (folder.h), another file kind than a regular one, group or world access for an absolute path, an owner who is
 * neither we nor root, an empty file, more than CREDENTIAL_MAX_BYTES, more than one word (secret_is_word()).
 * Fails: ERR_POLICY; a missing $CREDENTIALS_DIRECTORY says how to give the credential by hand. */
must_check bool credential_read(const char *name, struct secret **secret, struct err *err);

/* The same of one that others are shown: refused, too, when it holds what one of `own` does, by whatever path, link or copy. They
 * are names and paths of credentials, of which those that are not there count for nothing; NULL: none.
 * Fails: ERR_PERSON for that; ERR_POLICY as above. */
must_check bool credential_read_apart(
	const char *name, const struct texts *own, struct secret **secret, struct err *err);

/* Keeps whoever else rotates it on this machine away until `*lock` is closed; a descriptor above 2.
 * Fails: ERR_LATER while another holds it, or has just replaced it, or when it cannot be locked; ERR_POLICY as above. */
must_check bool credential_lock(const char *name, int *lock, struct err *err);

/* Whether it is there at all, without reading it. */
bool credential_exists(const char *name);

#endif
