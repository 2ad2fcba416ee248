#include "history.h"

#include "sim.h"

#include <stdlib.h>
#include <string.h>

struct state {
	struct world world;
	int64_t until; /* when the change came that ended it */
};

struct snapshot {
	char *name;
	struct world world;
	json_t *settings;
};

static void
state_free(struct state *state)
{
	world_done(&state->world);
	free(state);
}

/* Whether no rule can read the oldest state any more. A world may be large, so few are kept. */
static bool
oldest_is_useless(const struct sim *sim)
{
	const struct list *states = &sim->history.states;
	const struct state *oldest = states->count ? states->items[0] : NULL;

	if (!oldest || states->count > HISTORY_MAX)
		return oldest;
	return (long)states->count > sim->faults.stale_changes &&
	       oldest->until <= clock_now(&sim->clock) - sim->faults.stale_msec;
}

void
history_note(struct sim *sim)
{
	struct list *states = &sim->history.states;
	struct state *state;

	if (!sim->faults.stale_changes && !sim->faults.stale_msec)
		return;
	state = must_alloc(sizeof(*state));
	world_copy(&state->world, &sim->world);
	state->until = clock_now(&sim->clock);
	list_add(states, state);
	while (oldest_is_useless(sim)) {
		state = states->items[0];
		list_remove(states, state);
		state_free(state);
	}
}

struct world *
history_find(struct sim *sim, const struct fault *fault)
{
	const struct list *states = &sim->history.states;
	int64_t then = clock_now(&sim->clock) - fault->lag_msec;
	size_t back = fault->changes > 0 ? (size_t)fault->changes : 0;
	struct state *state;

	if (fault->lag_msec < 0) {
		if (!back || !states->count)
			return NULL;
		state = states->items[back < states->count ? states->count - back : 0];
		return &state->world;
	}
	for (size_t i = 0; i < states->count; i++) {
		state = states->items[i];
		if (state->until > then)
			return &state->world;
	}
	return NULL;
}

void
history_clear(struct history *history)
{
	for (size_t i = 0; i < history->states.count; i++)
		state_free(history->states.items[i]);
	list_done(&history->states);
}

static struct snapshot *
snapshot_find(const struct sim *sim, const char *name)
{
	for (size_t i = 0; i < sim->snapshots.count; i++) {
		struct snapshot *snapshot = sim->snapshots.items[i];

		if (strcmp(snapshot->name, name) == 0)
			return snapshot;
	}
	return NULL;
}

static void
snapshot_free(struct snapshot *snapshot)
{
	world_done(&snapshot->world);
	json_decref(snapshot->settings);
	free(snapshot->name);
	free(snapshot);
}

void
snapshot_take(struct sim *sim, const char *name)
{
	struct snapshot *snapshot = snapshot_find(sim, name);

	if (snapshot) {
		list_remove(&sim->snapshots, snapshot);
		snapshot_free(snapshot);
	}
	snapshot = must_alloc(sizeof(*snapshot));
	snapshot->name = must_copy(name);
	snapshot->settings = json_deep_copy(sim->settings);
	world_copy(&snapshot->world, &sim->world);
	list_add(&sim->snapshots, snapshot);
}

bool
snapshot_restore(struct sim *sim, const char *name)
{
	struct snapshot *snapshot = snapshot_find(sim, name);

	if (!snapshot)
		return false;
	world_done(&sim->world);
	world_copy(&sim->world, &snapshot->world);
	json_decref(sim->settings);
	sim->settings = json_deep_copy(snapshot->settings);
	return true;
}

void
snapshots_done(struct list *snapshots)
{
	for (size_t i = 0; i < snapshots->count; i++)
		snapshot_free(snapshots->items[i]);
	list_done(snapshots);
}
