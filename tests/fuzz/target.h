/* target.h: what every fuzz target is made of. libFuzzer calls both, and so does replay.c. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Once, before the first input: the libraries' allocators, as main() sets them. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
/* The target itself, a file each: returns 0, or aborts where the program broke its word. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
