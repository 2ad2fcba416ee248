#include "store/group.h"

#include <pthread.h>

#include "base/memory.h"

/* So many may ride before one of them commits for all: what a commit may need stays bounded, and
 * below the room that the intents made sure of. */
#define RIDERS_MAX 16

/* One who waits for the disk; its own thread's. */
struct passenger {
	struct passenger *next;
	bool arrived, ok;
};

struct group {
	struct db *db;
	bool writable;
	pthread_mutex_t lock; /* over all below, and over db unless `committing` */
	pthread_cond_t moved; /* a commit ended, or nobody stands in line any more */
	bool committing;      /* a leader has db to itself */
	size_t in_line;       /* who waits for that to end in order to add what is theirs */
	bool is_open;         /* a transaction */
	size_t riders;        /* in it */
	struct passenger *aboard;
	struct err failure; /* kind ERR_NONE until the first */
};

struct group *
group_new(struct db *db, bool writable)
{
	struct group *group = memory_or_abort(calloc(1, sizeof(*group)));

	group->db = db;
	group->writable = writable;
	pthread_mutex_init(&group->lock, NULL);
	pthread_cond_init(&group->moved, NULL);
	return group;
}

void
group_free(struct group *group)
{
	if (!group)
		return;
	db_close(group->db);
	pthread_cond_destroy(&group->moved);
	pthread_mutex_destroy(&group->lock);
	free(group);
}

static void
stand_in_line(struct group *group)
{
	pthread_mutex_lock(&group->lock);
	group->in_line++;
	while (group->committing)
		pthread_cond_wait(&group->moved, &group->lock);
	group->in_line--;
}

/* Whoever waits for the disk may have waited for the line to end. */
static void
step_aside(struct group *group)
{
	if (!group->in_line)
		pthread_cond_broadcast(&group->moved);
	pthread_mutex_unlock(&group->lock);
}

static void
set_down(struct group *group, bool ok)
{
	for (struct passenger *at = group->aboard, *next; at; at = next) {
		next = at->next; /* read before its thread can wake and leave */
		at->ok = ok;
		at->arrived = true;
	}
	group->aboard = NULL;
	group->is_open = false;
	group->riders = 0;
	pthread_cond_broadcast(&group->moved);
}

static bool
break_down(struct group *group, const struct err *err)
{
	db_abandon(group->db);
	group->failure = *err;
	set_down(group, false);
	return false;
}

static bool
add_savepoint(struct group *group, struct err *err)
{
	if (!group->is_open && !db_execute(group->db, "BEGIN IMMEDIATE", err))
		return break_down(group, err);
	group->is_open = true;
	if (!db_execute(group->db, "SAVEPOINT one", err))
		return break_down(group, err);
	return true;
}

struct db *
group_enter(struct group *group, bool rescue, struct err *err)
{
	bool ok;

	if (!group->writable) {
		err_set(err, ERR_STORE, 0, "the journal was opened for reading");
		return NULL;
	}
	stand_in_line(group);
	ok = !group->failure.kind || rescue;
	if (!ok)
		*err = group->failure;
	else
		ok = add_savepoint(group, err);
	if (ok)
		return group->db;
	step_aside(group);
	return NULL;
}

/* Commits for all who are aboard, with the lock let go meanwhile. */
static void
lead(struct group *group)
{
	struct err err;
	bool ok;

	group->committing = true;
	pthread_mutex_unlock(&group->lock);
	ok = db_execute(group->db, "COMMIT", &err);
	pthread_mutex_lock(&group->lock);
	group->committing = false;
	if (ok)
		set_down(group, true);
	else
		break_down(group, &err);
}

static bool
wait_for_disk(struct group *group, struct err *err)
{
	auto_free struct passenger *self = memory_or_abort(calloc(1, sizeof(*self)));

	self->next = group->aboard;
	group->aboard = self;
	while (!self->arrived) {
		if (group->committing || group->in_line)
			pthread_cond_wait(&group->moved, &group->lock);
		else
			lead(group);
	}
	if (!self->ok)
		*err = group->failure;
	return self->ok;
}

/* A refused row is taken back alone; after a failure to write, nothing of the transaction is left. */
static void
take_back(struct group *group, const struct err *why)
{
	struct err err;

	if (db_is_broken(group->db))
		break_down(group, why);
	else if (!db_execute(group->db, "ROLLBACK TO one; RELEASE one", &err))
		break_down(group, &err);
}

bool
group_leave(struct group *group, bool ok, bool waits, struct err *err)
{
	ok = ok && db_execute(group->db, "RELEASE one", err);
	if (!ok)
		take_back(group, err);
	else if (waits || ++group->riders >= RIDERS_MAX)
		ok = wait_for_disk(group, err);
	step_aside(group);
	return ok;
}

bool
group_has_failed(const struct group *group)
{
	return group->failure.kind != ERR_NONE;
}

struct db *
group_look(struct group *group, struct err *err)
{
	stand_in_line(group);
	if (!group->failure.kind)
		return group->db;
	*err = group->failure;
	step_aside(group);
	return NULL;
}

/* A failure to read marks the connection as well; then nothing more is promised on it. */
void
group_done_looking(struct group *group)
{
	struct err err;

	if (db_is_broken(group->db)) {
		err_set(&err, ERR_STORE, 0, "the journal could not be read");
		break_down(group, &err);
	}
	step_aside(group);
}

bool
group_flush(struct group *group, struct err *err)
{
	bool ok;

	stand_in_line(group);
	ok = !group->failure.kind;
	if (!ok)
		*err = group->failure;
	else if (group->is_open)
		ok = wait_for_disk(group, err);
	step_aside(group);
	return ok;
}
