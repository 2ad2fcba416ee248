/* state.h: the state directory: one writer at a time, mode 0700.
 * Touches that directory. */
#ifndef STORE_STATE_H
#define STORE_STATE_H

#include <stdbool.h>

#include "base/err.h"

struct state; /* holds the directory, and for writers the lock */

/* `path` is --state, or NULL: $STATE_DIRECTORY, else /var/lib/glrotate. A writer creates it (0700) when its parent
 * exists, and takes the lock (flock on `lock`, released by the kernel when we die); a reader takes none, and to it a
 * directory that does not exist is an empty one (state_dirfd() is -1 then).
 * Fails: ERR_BUSY another run holds the lock, naming its process id; ERR_STORE not ours, not 0700, no right. */
must_check bool state_open(const char *path, bool writer, struct state **state, struct err *err);
void state_close(struct state *state);
const char *state_path(const struct state *state);
int state_dirfd(const struct state *state);
bool state_is_writer(const struct state *state);

CLEANUP(state, struct state *, state_close)
#define auto_state __attribute__((cleanup(state_cleanup)))

#endif
