/* alerted.h: that alerts were told while there was no journal to remember it in.
 * Touches the file `alerted` in the state directory; a state of NULL remembers nothing. */
#ifndef STORE_ALERTED_H
#define STORE_ALERTED_H

#include <stdbool.h>
#include <stdint.h>

#include "store/state.h"

/* Whether `what`, one line, was noted less than `within_sec` before `now`, by this machine's clock. */
bool alerted_lately(
	const struct state *state, const char *what, int64_t now, int64_t within_sec);
/* False when it cannot be noted. */
bool alerted_note(const struct state *state, const char *what);
/* The journal remembers again. */
void alerted_forget(const struct state *state);

#endif
