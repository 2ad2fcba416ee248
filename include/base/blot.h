/* blot.h: what somebody wrote who knew a secret, without the secret.
 * Touches nothing. The secret is found as it is, in base64 of any alignment and alphabet, percent-encoded, JSON-escaped, over
 * line breaks, and in pieces of BLOT_PIECE_BYTES and more. */
#ifndef BASE_BLOT_H
#define BASE_BLOT_H

#include <stddef.h>

#include "base/secret.h"

#define BLOT_PIECE_BYTES 8
#define BLOT_TEXT_BYTES ((size_t)2048)

/* The end of `text` into `clean` (of BLOT_TEXT_BYTES), with stars where `secret` (may be NULL) stood. `was_cut`: the text may end
 * within the secret. What remains may still be unfit for a terminal: see source_clean(). */
void blot(const struct secret *text, const struct secret *secret, bool was_cut, char *clean);

#endif
