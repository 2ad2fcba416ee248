#include "flow/due.h"

#include <string.h>

#include "base/hash.h"
#include "base/when.h"

/* Two points a token, independent of each other. */
enum salt { SALT_SPREAD = 1, SALT_RAMP };

/* Behind it a last mixing (that of splitmix64), for the low bits of a hash follow the last letter. */
static uint64_t
hash_of(const char *identity, enum salt salt)
{
	uint64_t hash = hash_bytes(HASH_START ^ (uint64_t)salt, identity, strlen(identity));

	hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
	return hash ^ (hash >> 31);
}

static int64_t
point_within(int64_t span, const char *identity, enum salt salt)
{
	return span > 0 ? (int64_t)(hash_of(identity, salt) % (uint64_t)span) : 0;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* A token without expiry was granted what we give it. */
static int64_t
granted_sec(const struct due_facts *facts, int64_t dies_at)
{
	if (dies_at == NO_MOMENT)
		return facts->max_lifetime_sec;
	return most(0, dies_at - facts->created_at);
}

static int64_t
window_begin(const struct due *due, int64_t end)
{
	return end - due->renew_before_sec + due->spread_sec;
}

/* What a rule makes due on the day it begins to hold waits for its point in the ramp, a day later at the
 * least, so that neither adoption nor an edit rotates anything the same day; but no longer than the token's
 * own date allows. Urgent is then what that date says: a limit may delay a rule, not a death. */
static void
ramp(const struct due_facts *facts, struct due *due)
{
	int64_t lead = least(DAY_SEC, facts->ramp_sec / 2);
	int64_t first = facts->rule_since + lead;
	int64_t point =
		first + point_within(facts->ramp_sec - lead, facts->identity, SALT_RAMP);

	if (due->basis == DUE_BY_EXPIRY || due->due_at >= first)
		return;
	due->urgent_at = point + due->renew_before_sec / 2;
	if (due->dies_at != NO_MOMENT) {
		due->urgent_at = due->dies_at - due->renew_before_sec / 2;
		point = least(point, window_begin(due, due->dies_at));
	}
	if (point < first)
		return;
	due->ramped = true;
	due->ramp_at = point;
	due->due_at = most(due->due_at, point);
}

void
due_compute(const struct due_facts *facts, struct due *due)
{
	int64_t lifetime_ends = facts->created_at + facts->max_lifetime_sec;
	int64_t dies_at = date_start(facts->expires_on);
	int64_t granted = granted_sec(facts, dies_at);
	bool by_expiry = dies_at != NO_MOMENT && dies_at <= lifetime_ends;

	*due = (struct due){
		.basis = by_expiry ? DUE_BY_EXPIRY : DUE_BY_LIFETIME,
		.dies_at = dies_at,
		.basis_at = by_expiry ? dies_at : lifetime_ends,
		.renew_before_sec = least(facts->renew_before_sec, granted / 3),
	};
	due->spread_sec = point_within(due->renew_before_sec / 2, facts->identity, SALT_SPREAD);
	due->due_at = window_begin(due, due->basis_at);
	due->urgent_at = due->basis_at - due->renew_before_sec / 2;
	ramp(facts, due);
	if (facts->rotated_at)
		due->not_before = facts->rotated_at + most(DAY_SEC, granted / 4);
	due->due_at = most(due->due_at, due->not_before);
}

int64_t
due_created(int64_t seen_at, int64_t expires_on, int64_t max_lifetime_sec)
{
	const int64_t dies_at = date_start(expires_on);

	return dies_at == NO_MOMENT ? seen_at : least(seen_at, dies_at - max_lifetime_sec);
}

int64_t
due_wanted_date(int64_t now, int64_t max_lifetime_sec)
{
	return most(date_of(now + max_lifetime_sec), date_of(now) + 2);
}
