/* overlap.h: a row whose old and new token live side by side.
 * Touches nothing but the journal's events. */
#ifndef FLOW_OVERLAP_H
#define FLOW_OVERLAP_H

#include "flow/attempt.h"

/* "the old #12 lives beside #15 until 2026-12-01 10:00 UTC, and is retired then"; what keeps it from that, when something does. For a
 * row at OVERLAP. */
const char *overlap_words(const struct rotation *row, struct arena *arena);

/* A person orders a rotation while both live: the old one is waited for no more, but for jobs that a slot gave it. With an event. */
must_check bool overlap_cut(struct attempt *attempt, int64_t now, struct err *err);

#endif
