/* pins.h: the destinations of a token with the numbers they were pinned to, as the journal keeps them.
 * Touches nothing. */
#ifndef FLOW_PINS_H
#define FLOW_PINS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"

/* JSON for token_record.destinations, out of a list of struct destination. */
const char *pins_text(const struct list *destinations, struct arena *arena);

/* "" is none. Fails: ERR_STORE when it is not what pins_text() wrote. */
must_check bool pins_read(
	const char *text, struct arena *arena, struct list *destinations, struct err *err);

/* Gives each destination the number that `text` has for the one of its name; what cannot be read pins nothing. */
void pins_apply(const char *text, struct arena *arena, struct list *destinations);

#endif
