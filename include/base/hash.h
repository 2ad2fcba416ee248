/* hash.h: FNV-1a with 64 bits: it keeps apart what nobody chose to be alike, and no more.
 * Touches nothing. What it gives stands on disk and in GitLab, so it stays as it is. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* `hash` with one value more, which is a byte or, as a mark between texts, a number. */
uint64_t hash_value(uint64_t hash, uint64_t value);
uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t length);

#endif
