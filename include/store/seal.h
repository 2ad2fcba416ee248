/* seal.h: a secret at rest: XChaCha20-Poly1305 (libsodium), the row's and token's id as associated data; and the hash that
 * chains the events.
 * Touches the key: the credential `glrotate-key` if there is one, else the file `key` (0600) in the state
 * directory; both hold 64 hex digits. */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"
#include "store/state.h"

#define SEAL_CREDENTIAL "glrotate-key"
#define SEAL_FILE "key"

/* Every sealed secret has this size, so that the answer overwrites the room that its intent reserved. Secrets of up to
 * SEAL_SECRET_MAX bytes fit. */
#define SEAL_SECRET_MAX 1023
#define SEALED_BYTES (24 + 1024 + 16)
#define SEAL_FINGERPRINT_TEXT 33

struct seal;

/* Opens the key. With `create` (an empty database) the file is made when neither credential nor file exists.
 * Fails: ERR_PERSON (GLR-102) when the key is missing, malformed, or readable by others. */
must_check bool seal_open(struct state *state, bool create, struct seal **seal, struct err *err);
void seal_close(struct seal *seal);
/* Hex, of a keyed hash: says which key without saying anything of it. */
void seal_fingerprint(const struct seal *seal, char text[SEAL_FINGERPRINT_TEXT]);

must_check bool seal_shut(const struct seal *seal, const struct secret *secret, int64_t row,
	int64_t token, unsigned char sealed[SEALED_BYTES], struct err *err);
/* Fails: ERR_PERSON (GLR-103) when the bytes were not sealed by this key for this row and token. */
must_check bool seal_reopen(const struct seal *seal, const unsigned char *sealed, size_t length,
	int64_t row, int64_t token, struct secret **secret, struct err *err);

/* Hex, a keyed hash of the secret. */
#define SEAL_MARK_TEXT 33
void seal_mark(const struct seal *seal, const struct secret *secret, char text[SEAL_MARK_TEXT]);

/* One field of what is hashed. */
struct hash_part {
	const void *bytes;
	size_t length;
};
#define CHAIN_HASH_BYTES 32

/* BLAKE2b over the hash before and the parts, each with its length before it, so that no byte can move from one field to its
 * neighbour unseen. */
void chain_hash(const unsigned char before[CHAIN_HASH_BYTES], const struct hash_part *parts,
	size_t count, unsigned char hash[CHAIN_HASH_BYTES]);

CLEANUP(seal, struct seal *, seal_close)
#define auto_seal __attribute__((cleanup(seal_cleanup)))

#endif
