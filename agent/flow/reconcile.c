/* Doubt → evidence → where the row really stands. Reads only. */
#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "flow/self.h"

/* A request leaves at most so long after its intent: see rotate.c, and the time for connecting. */
#define LEAVES_LATE_SEC MINUTE_SEC
/* Two readings of one moment could be two views of one lagging replica. */
#define BETWEEN_READINGS_SEC INT64_C(2)

static bool
is_stopped(const struct attempt *attempt, struct err *err)
{
	return *attempt->stop &&
	       !err_set(err, ERR_STOPPED, 0, "stopped before it was looked at");
}

/* When the request was written, at the latest: before the row came into doubt, and soon after its intent. */
static int64_t
written_at(const struct rotation *row)
{
	const int64_t latest = row->intent_at + LEAVES_LATE_SEC;

	return row->moved_at < latest ? row->moved_at : latest;
}

/* "It never happened" is believed only after `settle` of server time and by two agreeing readings: what we
 * gave up on can still commit. */
bool
reconcile_never_happened(struct attempt *attempt, struct err *err)
{
	const int64_t now = gitlab_now(gitlab_server_of(attempt->gitlab));
	struct rotation *row = attempt->row;
	const int64_t settled_at = written_at(row) + attempt->frozen.settle_sec;

	if (row->read_at && now >= settled_at && now - row->read_at >= BETWEEN_READINGS_SEC) {
		row->intent_at = 0;
		row->read_at = 0;
		return true;
	}
	if (!row->read_at)
		row->read_at = now;
	attempt->wait_until = row->read_at + BETWEEN_READINGS_SEC;
	if (attempt->wait_until < settled_at)
		attempt->wait_until = settled_at;
	return err_set(err, ERR_LATER, 0,
		"the answer to the request was lost; that it never happened is believed in %lld s",
		(long long)(attempt->wait_until - now));
}

enum weight { WEIGHT_NONE, WEIGHT_OURS, WEIGHT_FOREIGN };

/* Of a fork of ours the highest is taken; the sweep revokes the rest. */
static enum weight
weigh_successors(
	const struct attempt *attempt, const struct tokens *all, const struct token **found)
{
	enum weight weight = WEIGHT_NONE;

	for (size_t i = 0; i < all->count; i++) {
		const struct token *token = &all->items[i];

		if (token_is_revoked(token))
			continue;
		if (evidence_is_ours(attempt, token)) {
			*found = token;
			weight = WEIGHT_OURS;
		} else if (weight != WEIGHT_OURS && evidence_is_fork(attempt, token)) {
			*found = token;
			weight = WEIGHT_FOREIGN;
		}
	}
	return weight;
}

static bool
is_foreign(const struct token *token, struct err *err)
{
	err_set(err, ERR_MOVED, 0, "somebody else rotated it: #%lld is the token now",
		(long long)token->id);
	return err_advise(err, GLR_FOREIGN_ROTATION);
}

static bool
reconcile_creation(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	const struct token *found = NULL;

	switch (weigh_successors(attempt, all, &found)) {
	case WEIGHT_OURS:
		attempt_aim_at(attempt, found);
		return true;
	case WEIGHT_FOREIGN:
		return is_foreign(found, err);
	default:
		return reconcile_never_happened(attempt, err);
	}
}

/* Our request was answered, so the target was dead. By order it is rotated again. */
static bool
is_restored(const struct attempt *attempt, struct err *err)
{
	err_set(err, ERR_PERSON, 0, "#%lld, which was rotated into #%lld, lives again",
		(long long)attempt->row->target_id, (long long)attempt->row->new_id);
	return err_advise(err, GLR_RESTORED);
}

bool
reconcile_rotation(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	const struct token *target = evidence_find(all, attempt->row->target_id);
	const struct token *found = NULL;

	if (!target) {
		/* A shorter list is what a demoted credential gets: absence proves nothing. */
		err_set(err, ERR_PERSON, 0,
			"#%lld is not among its owner's tokens any more: purged, or hidden from our credential",
			(long long)attempt->row->target_id);
		return err_advise(err, GLR_DOUBT_STAYS);
	}
	if (!token_is_revoked(target))
		return attempt->row->new_id && attempt->frozen.ordered != STATED_YES
		               ? is_restored(attempt, err)
		               : reconcile_never_happened(attempt, err);
	switch (weigh_successors(attempt, all, &found)) {
	case WEIGHT_OURS:
		attempt_aim_at(attempt, found);
		return true;
	case WEIGHT_FOREIGN:
		return is_foreign(found, err);
	default:
		err_set(err, ERR_REFUSED, 0, "#%lld is revoked and has no living successor",
			(long long)target->id);
		return err_advise(err, GLR_REVOKED);
	}
}

bool
step_reconcile(struct attempt *attempt, struct err *err)
{
	struct tokens all;

	attempt->doubted = true;
	if (is_stopped(attempt, err))
		return false;
	gitlab_set_urgency(attempt->gitlab, URGENCY_RECONCILE);
	if (self_is(attempt))
		return self_reconcile(attempt, err);
	if (!evidence_list(attempt, &all, err))
		return false;
	if (attempt->row->target_id)
		return reconcile_rotation(attempt, &all, err);
	return reconcile_creation(attempt, &all, err);
}
