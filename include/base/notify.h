/* notify.h: what systemd is told while we run. Without systemd every call does nothing.
 * Touches $NOTIFY_SOCKET. */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

#include "base/cleanup.h"

void notify_ready(void);
void notify_status(const char *format, ...) printf_like(1, 2);
void notify_extend(int64_t seconds); /* EXTEND_TIMEOUT_USEC */
void notify_stopping(void);

#endif
