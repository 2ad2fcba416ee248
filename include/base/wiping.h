/* wiping.h: the allocator that libraries get through whose hands secrets pass (libcurl, jansson): what it
 * frees, and what it leaves behind when a block grows, is wiped.
 * Touches nothing but memory. Thread-safe, as malloc() is. */
#ifndef BASE_WIPING_H
#define BASE_WIPING_H

#include <stddef.h>

/* As their namesakes without the prefix; NULL when memory is out, for the libraries report it. */
void *wiping_malloc(size_t bytes);
void *wiping_calloc(size_t count, size_t bytes);
void *wiping_realloc(void *memory, size_t bytes);
char *wiping_strdup(const char *text);
void wiping_free(void *memory);

#endif
