/* brake.h: for which tokens nothing new is begun: pauses, and the file FREEZE beside the policy, whose mere existence stops all.
 * brakes_read() touches the journal and that file, read-only; everything else touches nothing. Moments are UTC seconds. */
#ifndef FLOW_BRAKE_H
#define FLOW_BRAKE_H

#include "base/address.h"
#include "base/arena.h"
#include "base/err.h"
#include "store/journal.h"

struct brake {
	struct address pattern;
	const struct pause *pause; /* NULL: the file */
	int64_t until;             /* NO_MOMENT: without end */
	const char *text;          /* "paused until 2026-12-05 00:00 UTC by alice: freeze of the release" */
};
struct brakes {
	struct brake *items;       /* pauses whose time is over among them */
	size_t count;
	const struct brake *freeze; /* that of the file; NULL: there is none */
};

/* `journal` NULL: the file alone; `policy_file` NULL: the pauses alone.
 * Fails: ERR_STORE. A file that cannot be read stops all the same. */
must_check bool brakes_read(struct journal *journal, const char *policy_file,
	struct arena *arena, struct brakes *brakes, struct err *err);

/* The one that lasts longest of those that hold the token at `now`; NULL: none does. `brakes` may be NULL. */
const struct brake *brakes_find(
	const struct brakes *brakes, const struct address *address, int64_t now);
/* Whether it holds that very token, or all that its pattern means. */
bool brake_means(const struct brake *brake, const struct address *address);
bool brake_is_on(const struct brake *brake, int64_t now);

/* Whether what lives at `now` and dies at `dies_at` is dead before it ends; of one without end, within a week. */
bool brake_outlasts(const struct brake *brake, int64_t dies_at, int64_t now);
/* Its text, with the death when that is within it. */
const char *brake_words(
	const struct brake *brake, int64_t dies_at, int64_t now, struct arena *arena);

#endif
