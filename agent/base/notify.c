#include "base/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

static void
tell(const char *message)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, message);
#else
	(void)message;
#endif
}

void
notify_ready(void)
{
	tell("READY=1");
}

/* A line end in the text would begin another assignment. */
void
notify_status(const char *format, ...)
{
	char message[512] = "STATUS=";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message + 7, sizeof(message) - 7, format, arguments);
	va_end(arguments);
	for (char *at = message; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = '?';
	tell(message);
}

void
notify_extend(int64_t seconds)
{
	char message[96];

	snprintf(message, sizeof(message), "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=%" PRId64,
		seconds * 1000000);
	tell(message);
}

void
notify_alive(void)
{
	static _Atomic int64_t told_msec;
	const int64_t now = clock_msec();
	int64_t last = told_msec;

	/* Of several threads one tells. */
	if (now - last >= 1000 && atomic_compare_exchange_strong(&told_msec, &last, now))
		notify_extend(NOTIFY_ALIVE_SEC);
}

void
notify_stopping(void)
{
	tell("STOPPING=1");
}
