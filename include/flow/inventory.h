/* inventory.h: GitLab → the tokens that do hold.
 * Touches GitLab, read-only. */
#ifndef FLOW_INVENTORY_H
#define FLOW_INVENTORY_H

#include "flow/plan.h"
#include "gitlab/gitlab.h"

/* Reads every owner that an entry names or a pattern finds: one list an owner, all pages, all states, before anything is changed.
 * An owner that a record has pinned is asked by number; others are resolved by path first. `workers` connections are made at once.
 * `credential` is borrowed. An owner that cannot be read is a holding that says so, not a failure.
 * Fails: ERR_CREDENTIAL, ERR_REACH, ERR_STOPPED: nothing is known then. */
must_check bool inventory_read(struct gitlab_server *server, const struct secret *credential,
	size_t workers, const struct policies *policies, const struct token_records *records,
	struct arena *arena, struct holdings *holdings, struct err *err);

#endif
