#include "base/clock.h"

#include <time.h>

/* How long a signal may wait to be seen; nanosleep() in a worker is not interrupted by it. */
#define LOOK_MSEC INT64_C(100)

int64_t
clock_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

bool
clock_pause(int64_t msec, const volatile int *stop)
{
	const int64_t until = clock_msec() + msec;

	for (;;) {
		int64_t left = until - clock_msec();
		struct timespec nap;

		if (*stop)
			return false;
		if (left <= 0)
			return true;
		if (left > LOOK_MSEC)
			left = LOOK_MSEC;
		nap = (struct timespec){ .tv_nsec = left * 1000000 };
		nanosleep(&nap, NULL);
	}
}
