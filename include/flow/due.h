/* due.h: when a token is due, as a sum that can be shown.
 * Touches nothing: a function of its arguments. Moments are UTC seconds, spans seconds. */
#ifndef FLOW_DUE_H
#define FLOW_DUE_H

#include <stdbool.h>
#include <stdint.h>

struct due_facts {
	const char *identity;      /* what fixes the spread: the token's address */
	int64_t created_at;        /* of the present secret's token */
	int64_t expires_on;        /* NO_DATE: never */
	int64_t max_lifetime_sec, renew_before_sec; /* the lifetime line */
	int64_t rule_since;        /* when the token was adopted, or the line was last edited */
	int64_t ramp_sec;
	int64_t rotated_at;        /* our last rotation; 0: never */
};

enum due_basis { DUE_BY_EXPIRY, DUE_BY_LIFETIME };

/* due_at = max(basis_at − renew_before + spread, ramp point when ramped, not_before). */
struct due {
	enum due_basis basis;
	int64_t dies_at;           /* 00:00 UTC of expires_on; NO_MOMENT when never */
	int64_t basis_at;          /* min(expiry, created + max_lifetime) */
	int64_t renew_before_sec;  /* the effective one: at most a third of what was granted */
	int64_t spread_sec;        /* in the first half of the window */
	bool ramped;               /* due only because it was adopted or a line was edited */
	int64_t ramp_at;           /* the point in the ramp that is this token's; 0 when not ramped */
	int64_t not_before;        /* rotated_at + max(24 h, granted / 4); 0 before our first rotation */
	int64_t due_at;
	int64_t urgent_at;         /* the second half of the window begins: limits no longer hold it back */
};

void due_compute(const struct due_facts *facts, struct due *due);

/* When a token may have been made of which nobody tells that, for due_facts.created_at: when it was first seen, or as long before its
 * own end as the policy lets one live, if that is earlier. So one that ends soon is due with its whole window. */
int64_t due_created(int64_t seen_at, int64_t expires_on, int64_t max_lifetime_sec);

/* The expires_at to ask for at `now`: max_lifetime ahead, at least two UTC days. */
int64_t due_wanted_date(int64_t now, int64_t max_lifetime_sec);

#endif
