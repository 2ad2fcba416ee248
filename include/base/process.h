/* process.h: what this process keeps of whoever started it: neither descriptors nor blocked or ignored signals, nor a right that
 * the caller has not.
 * Touches descriptors, signals, the umask and the environment; before anything else is opened, and before any thread. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdbool.h>

#include "base/err.h"

/* Standard streams that are closed become such that reading and writing them fails, so that no file of ours gets their number. A
 * broken pipe and a limit on file sizes are errors of a write from here on, and no deaths.
 * Fails: ERR_USAGE when the program runs set-user-id or set-group-id; ERR_LATER when there is no /dev/null. */
must_check bool process_start(struct err *err);

#endif
