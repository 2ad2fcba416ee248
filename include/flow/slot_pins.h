/* slot_pins.h: what slot.c and slot_pins.c know of a slot's row; for these two only.
 * Touches GitLab's variables and the journal. */
#ifndef FLOW_SLOT_PINS_H
#define FLOW_SLOT_PINS_H

#include "destination/slot.h"
#include "flow/slot.h"

/* --- slot_pins.c --- */
/* The place of that delivery, if it is a slot; else NULL. */
struct slot_place *slot_place_at(const struct attempt *attempt, size_t which);
/* The one that stands in the policy, or NULL. */
struct destination *slot_find(struct attempt *attempt);
/* Forgets those below a group, which are found anew; adds one, which moves the arrays. Not on the disk yet. */
void slot_drop_below(struct attempt *attempt);
void slot_add_place(struct attempt *attempt, const struct destination *added);
/* A person hears of it though the row goes on. */
void slot_tell(struct attempt *attempt, const char *text, int advice);
must_check bool slot_unpin_all(struct attempt *attempt, const char *why, struct err *err);

/* --- slot.c --- */
/* Jobs may get another password than the one that is delivered. */
bool slot_needs_pins(const struct attempt *attempt, const struct tokens *all);
/* No living token is in the slot but the row's. Fails: ERR_PERSON (GLR-129). */
must_check bool slot_is_alone(
	const struct attempt *attempt, const struct tokens *all, struct err *err);

#endif
