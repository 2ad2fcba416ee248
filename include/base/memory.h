/* memory.h: what happens when memory is out: the process ends with a line on stderr. Every promise
 * we hold is on disk by then, and a crash is what the journal is made for; so no caller has an
 * error path that nobody could test. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdio.h>
#include <stdlib.h>

static inline void *
memory_or_abort(void *memory)
{
	if (!memory) {
		fputs("glrotate: out of memory\n", stderr);
		abort();
	}
	return memory;
}

#endif
