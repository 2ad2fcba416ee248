/* match.h: which tokens a command line means.
 * Touches nothing. */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include <stdbool.h>

#include "base/address.h"
#include "base/err.h"

/* What --owner, --type, and TOKEN… say. Texts are borrowed from argv. */
struct selection {
	const char *owner;            /* glob over OWNER, or NULL */
	const char *type;             /* a type's name, or NULL */
	const char *const *tokens;    /* TYPE:OWNER:NAME, patterns, bare names, #ID */
	size_t count;                 /* 0: all */
};

/* A thing that can be selected. */
struct candidate {
	struct address address;
	const char *was;              /* what it was called until now, or NULL */
	int64_t id;                   /* GitLab's token id, 0 when not known */
};

/* Marks chosen[i] for each candidate that the selection means. A bare name must be unique among the
 * candidates; an argument that means nothing is an error.
 * Fails: ERR_USAGE, naming the candidates (at most ten) or the nearest name. */
must_check bool selection_apply(const struct selection *selection, const struct candidate *candidates,
	size_t count, bool *chosen, struct err *err);

#endif
