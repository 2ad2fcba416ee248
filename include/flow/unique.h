/* unique.h: what no two items of a plan may share, a token and a place; for plan.c only.
 * Touches nothing. */
#ifndef FLOW_UNIQUE_H
#define FLOW_UNIQUE_H

#include "flow/plan.h"

/* Of items that mean one token, or one place, the one goes on that has an open row, else the one that is remembered, else
 * the one that the policy names exactly. The others become PLAN_PERSON, and so do all where nothing sets one apart. What
 * an open row froze, its tokens and places, is its own until its end: who is to have it next waits for that (waits_for). */
void unique_enforce(struct plan *plan);

#endif
