/* overlap.h: a row whose old and new token live side by side, in words.
 * Touches nothing. */
#ifndef FLOW_OVERLAP_H
#define FLOW_OVERLAP_H

#include "base/arena.h"
#include "store/journal.h"

/* "the old #12 lives beside #15 until 2026-12-01 10:00 UTC, and is retired then"; what keeps it from that, when something does. For a
 * row at OVERLAP. */
const char *overlap_words(const struct rotation *row, struct arena *arena);

#endif
