/* notify.h: what systemd is told while we run. Without systemd every call does nothing.
 * Touches $NOTIFY_SOCKET. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

#include "base/cleanup.h"

void notify_ready(void);
void notify_status(const char *format, ...) printf_like(1, 2);
/* Work goes on: the watchdog starts anew, and a run that would have to end has NOTIFY_ALIVE_SEC more. Once a second at the most is
 * anybody told. Called where something came to an end: an answer, a commit, a look at a program that runs. Thread-safe. */
#define NOTIFY_ALIVE_SEC 180
void notify_alive(void);
void notify_extend(int64_t seconds); /* the same for what is known to take so long */
void notify_stopping(void);

#endif
