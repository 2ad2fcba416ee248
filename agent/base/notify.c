#include "base/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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
	char message[64];

	snprintf(message, sizeof(message), "EXTEND_TIMEOUT_USEC=%" PRId64, seconds * 1000000);
	tell(message);
}

void
notify_stopping(void)
{
	tell("STOPPING=1");
}
