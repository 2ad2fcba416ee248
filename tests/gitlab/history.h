/* history.h: the world as it was, for replicas that lag and for backups. The lock is held. */
#ifndef HISTORY_H
#define HISTORY_H

#include "world.h"

struct sim;
struct fault;

enum { HISTORY_MAX = 64 };

/* What was true before each of the last changes, oldest first; kept only while a rule asks. */
struct history {
	struct list states;
};

/* Called before anything changes. */
void history_note(struct sim *sim);
/* The state the fault means; NULL: nothing has changed since. */
struct world *history_find(struct sim *sim, const struct fault *fault);
void history_clear(struct history *history);

/* Backups: world and settings, by name. */
void snapshot_take(struct sim *sim, const char *name);
/* False: there is none of that name. The backup stays. */
bool snapshot_restore(struct sim *sim, const char *name);
void snapshots_done(struct list *snapshots);

#endif
