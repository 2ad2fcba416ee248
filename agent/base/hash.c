#include "base/hash.h"

uint64_t
hash_value(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x100000001b3);
}

uint64_t
hash_bytes(uint64_t hash, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = hash_value(hash, (unsigned char)bytes[i]);
	return hash;
}
