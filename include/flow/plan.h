/* plan.h: what is due, and why.
 * Touches nothing: a plan is a function of its arguments. Times are UTC seconds. */
#ifndef FLOW_PLAN_H
#define FLOW_PLAN_H

#include "base/address.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "flow/brake.h"
#include "flow/due.h"
#include "flow/grip.h"
#include "gitlab/token.h"
#include "policy/policy.h"
#include "store/journal.h"

/* One token that a policy names (or a pattern found), as GitLab shows it now. */
struct holding {
	struct address address;
	const struct token_entry *entry;
	struct owner owner;
	struct tokens namesakes;   /* of that owner and name, in all states, by id upwards */
	int64_t highest_id;        /* of all the owner's tokens */
	bool is_readable;          /* false: `trouble` says why the owner could not be read */
	struct err trouble;
};
struct holdings {
	struct holding *items;
	size_t count;
	const struct address **barren; /* the patterns that find no token, though all was read */
	size_t barren_count;
};

enum plan_action {
	PLAN_NOTHING,   /* not due */
	PLAN_ROTATE,
	PLAN_CREATE,    /* declared, and the owner's list in all states shows no namesake */
	PLAN_WAITS,     /* due, but rotations_per_run is used up, or another one's open row has its token or a place of it */
	PLAN_PAUSED,    /* due, but a brake holds it */
	PLAN_OPEN,      /* a rotation of it is under way: the open row goes first */
	PLAN_RELEASED,  /* the entry is gone: nobody renews it */
	PLAN_PERSON,    /* a person is needed: two namesakes, revoked by somebody, not readable, a place that is another's, … */
};
const char *plan_action_name(enum plan_action action); /* "rotate" */

struct plan_item {
	struct address address;
	const struct holding *holding;       /* NULL when released */
	const struct token_entry *entry;     /* NULL when released */
	const struct token *token;           /* the one that is meant; NULL: none */
	const struct token_record *record;   /* NULL before adoption */
	const struct rotation *row;          /* the open row, or NULL */
	const struct grip *grip;             /* what that holds on to; NULL: nothing is known of it */
	const struct lifetime *lifetime;
	struct list destinations;            /* struct destination; owner_id from the record's pins */
	enum plan_action action;
	const struct brake *brake;           /* that holds it, whether it is due or not; NULL: none */
	bool dies_braked;                    /* its secret dies before the brake ends */
	const char *waits_for;               /* another one's open row, which has its token or a place of it, in words: nothing of it is
	                                      * begun, and no place filled; NULL: nothing */
	bool supersedes;                     /* `row` holds a secret that is due again: its rotation is begun anew */
	bool is_ordered;                     /* by `rotate TOKEN` */
	bool takes_over;                     /* `token` is somebody else's rotation, answered as the policy says */
	bool recreates;                      /* PLAN_CREATE of one that ran out and was removed */
	const char *unmanaged;               /* why its pattern does not keep it alive: it can do more than that allows; NULL: it does */
	bool adopts;                         /* it will be remembered from this run on, without a change */
	const char *rule;                    /* for token_record.rule */
	int64_t rule_since;
	struct due due;                      /* due_at NO_MOMENT: never, it is not managed or does not exist */
	const char *why;                     /* one sentence: "expires 2026-11-26, renewed 10d before" */
	int advice;                          /* GLR-nnn for PLAN_PERSON */
};

struct plan {
	struct arena *arena;
	struct plan_item *items;             /* by urgency: open rows, persons, due (soonest death first), the rest by due date */
	size_t count;
	int64_t now;
};

struct plan_options {
	int64_t limit;                       /* rotations_per_run; 0 holds everything back */
	int64_t longest_days[TYPE_COUNT];    /* how long GitLab lets tokens of a type live; 0: no bound is known */
	int64_t well_at;                     /* the last run of all tokens, if it found all well; else 0 */
	int64_t own_token_id;                /* the credential we ourselves use: planned by its own entry alone; 0: not known */
	int64_t rescue_token_id;             /* never planned; 0: not known */
	const int64_t *in_use;               /* the tokens that rotate themselves: each by its own entry alone */
	size_t in_use_count;
	const struct grip *grips;            /* of the open rows, in their order; NULL: nothing is known of them */
	const struct brakes *brakes;         /* NULL: none */
	bool (*ordered)(void *context, const struct address *address); /* `rotate TOKEN`: due now; may be NULL */
	void *context;
};

/* Owns:  *plan is the caller's, for plan_free(); everything else is borrowed, and outlives it.
 * Fails: ERR_STORE when the journal names a token that is none. */
must_check bool plan_build(const struct policies *policies, const struct holdings *holdings,
	const struct token_records *records, const struct rotations *open, int64_t now,
	const struct plan_options *options, struct plan **plan, struct err *err);
void plan_free(struct plan *plan);

/* The record of an address, or NULL; records as journal_tokens() gives them. */
const struct token_record *records_find(const struct token_records *records, const char *address);

/* All that identifies it, as far as it is known, is as it was when it was last seen. */
bool plan_is_as_remembered(const struct token *token, const struct token_record *record);
/* When the item's token was made. GitLab does not say that of deploy tokens: then when we made it, or first saw it (due_created()). */
int64_t plan_created_at(const struct plan_item *item, int64_t now);

size_t plan_count(const struct plan *plan, enum plan_action action);

CLEANUP(plan, struct plan *, plan_free)
#define auto_plan __attribute__((cleanup(plan_cleanup)))

#endif
