/* secret.h: a secret is a struct secret from the byte it arrives: guarded memory, wiped on free.
 * Touches libsodium's guarded allocator and nothing else. Thread-safe after secret_start(). */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

struct secret;

/* Once, before any other call; the process becomes undumpable (no core, no ptrace by its own user). */
must_check bool secret_start(struct err *err);

/* Whether RLIMIT_MEMLOCK leaves room for a few: what cannot be locked is used all the same, and may come to stand in swap. */
must_check bool secret_is_lockable(void);

/* Room for `capacity` bytes, empty. Guarded, locked where RLIMIT_MEMLOCK allows. Aborts when memory
 * is out, as arena.h does. */
struct secret *secret_new(size_t capacity);

/* A copy of `bytes`; the caller still wipes its own. */
struct secret *secret_copy(const void *bytes, size_t length);

/* Appends; false when the capacity is reached (nothing is written then). */
must_check bool secret_append(struct secret *secret, const void *bytes, size_t length);

/* The same of another secret. */
must_check bool secret_join(struct secret *secret, const struct secret *more);

/* Its bytes in base64, with padding and without line ends. The caller's. */
struct secret *secret_base64(const struct secret *secret);

/* Back again; NULL when it is no base64 with its padding. The caller's. */
struct secret *secret_from_base64(const char *text, size_t length);
/* The same of a text that is a secret itself. */
struct secret *secret_unbase64(const struct secret *text);

/* Reads `fd` to its end; ERR_POLICY when it holds more than `max_bytes`, zero bytes or nothing.
 * One trailing newline (or CRLF) is not part of a secret and is dropped. */
must_check bool secret_read(int fd, size_t max_bytes, struct secret **secret, struct err *err);

/* Reads `fd` to its end, as it is: any bytes, or none. ERR_REFUSED when it holds more than `max_bytes`, ERR_LATER when it cannot
 * be read. */
must_check bool secret_read_whole(
	int fd, size_t max_bytes, struct secret **secret, struct err *err);

/* The one way in. NUL-terminated; borrowed, alive until secret_free(). tests/lint/secrets.sh lists
 * who may call it. */
const char *secret_reveal(const struct secret *secret);
size_t secret_length(const struct secret *secret);

/* Whether it is one word of printable ASCII, as every token is: what a header can hold, and no second line. */
bool secret_is_word(const struct secret *secret);

/* In constant time for secrets of one length. NULL equals nothing. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* Whether it stands somewhere in a text, as in an answer that repeats it. */
bool secret_holds(const struct secret *text, const struct secret *secret);

/* Wipes a buffer that held a secret outside of a struct secret; never optimised away. */
void secret_wipe(void *bytes, size_t length);

/* Unpredictable bytes, for nonces and names; not a secret by themselves. */
void random_bytes(void *bytes, size_t length);

void secret_free(struct secret *secret);

CLEANUP(secret, struct secret *, secret_free)
#define auto_secret __attribute__((cleanup(secret_cleanup)))

#endif
