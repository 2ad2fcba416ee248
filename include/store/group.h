/* group.h: commits that several workers share: one connection, lent to one thread at a time.
 * Touches the database through db.h. Thread-safe; owns the lock over the connection, which is held over statements and let
 * go while a commit is on its way to the disk.
 *
 * What a thread writes between group_enter() and group_leave() happens whole or not at all, in a savepoint of its own. Some
 * wait for the disk: one of them commits for all who wait, after those who stood in line behind the last commit have added
 * theirs. The others ride along in the next commit.
 *
 * After a commit fails, everything that was aboard is lost, everybody who waited for it fails, and so does every later call:
 * memory and disk no longer agree. One exception, for a rescue: see group_enter(). */
#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include <stdbool.h>

#include "base/err.h"
#include "store/db.h"

struct group;

/* Owns `db` from here on. What is not `writable` refuses group_enter(). */
struct group *group_new(struct db *db, bool writable);
void group_free(struct group *group);

/* Lends the connection for writing; on failure there is nothing to leave. `rescue`: lends it after a failure too, with a new
 * transaction over what is on the disk; for what would otherwise be lost for good. */
must_check struct db *group_enter(struct group *group, bool rescue, struct err *err);
/* Ends it: `ok` false takes back what was written since group_enter(), and returns false with `err` as it is. `waits`: returns when
 * it is on the disk. */
must_check bool group_leave(struct group *group, bool ok, bool waits, struct err *err);

/* Between the two: whether something failed before, so that this is a rescue. */
bool group_has_failed(const struct group *group);

/* Lends it for reading. */
must_check struct db *group_look(struct group *group, struct err *err);
void group_done_looking(struct group *group);

/* Returns when all that was written so far is on the disk. */
must_check bool group_flush(struct group *group, struct err *err);

CLEANUP(group, struct group *, group_free)
#define auto_group __attribute__((cleanup(group_cleanup)))

#endif
