/* refusals.h: when GitLab refused a credential, remembered from run to run: at most ten within three minutes, whoever starts us how
 * often. GitLab and what stands in front of it ban hosts that go on.
 * Touches the file `refused` in the state directory, a moment a line; by the seconds since the host booted, which nobody sets. It
 * is best effort: what cannot be read or written remembers nothing, and keeps nobody from his work. Thread-safe. */
#ifndef STORE_REFUSALS_H
#define STORE_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "store/state.h"

struct refusals;

/* `state` NULL, or of a directory that does not exist: remembers nothing. */
struct refusals *refusals_open(const struct state *state);
void refusals_close(struct refusals *refusals);

/* How many seconds ago each of the last was, at most `most`; those of more than three minutes ago are not told. */
size_t refusals_ages(struct refusals *refusals, int64_t *ages_sec, size_t most);

/* One more, now. For gitlab_server_set_failures(), so with a void pointer. */
void refusals_add(void *refusals);

#endif
