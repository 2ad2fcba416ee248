/* clock.h: time that only runs forward, for measuring and waiting inside one run.
 * Touches nothing. It goes on while the machine sleeps; it is no date. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_msec(void);

/* Waits; false when `*stop` was set before the time was over (looked at several times a second). */
bool clock_pause(int64_t msec, const volatile int *stop);

#endif
