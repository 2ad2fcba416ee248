/* What is done when somebody else rotated the token, and when nothing is left to rotate. Reads only. */
#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "flow/self.h"

static int64_t
now_of(const struct attempt *attempt)
{
	return gitlab_now(gitlab_server_of(attempt->gitlab));
}

void
attempt_aim_at(struct attempt *attempt, const struct token *token)
{
	struct rotation *row = attempt->row;

	row->target_id = token->id;
	row->intent_at = 0;
	row->read_at = 0;
	attempt->frozen.user_id = token->user_id;
	attempt->frozen.created_msec = token->created_msec;
	attempt->frozen.expires_on = token->expires_on;
	attempt_freeze(attempt);
}

/* The one living namesake, or NULL. Fails when there are several. */
static bool
living_namesake(struct attempt *attempt, struct tokens *all, const struct token **living,
	struct err *err)
{
	const int64_t now = now_of(attempt);
	size_t count = 0;

	*living = NULL;
	if (*attempt->stop)
		return err_set(err, ERR_STOPPED, 0, "stopped before it was looked at");
	/* What would be begun here is new. */
	if (!attempt->doubted && breaker_holds(attempt->breaker, err)) {
		err->kind = ERR_LATER;
		return false;
	}
	if (!evidence_list(attempt, all, err))
		return false;
	for (size_t i = 0; i < all->count; i++) {
		if (strcmp(all->items[i].name, attempt->frozen.name) != 0 ||
			!token_is_alive(&all->items[i], now))
			continue;
		*living = &all->items[i];
		count++;
	}
	if (count < 2)
		return true;
	err_set(err, ERR_PERSON, 0, "%zu living tokens have that name", count);
	return err_advise(err, GLR_NAMESAKES);
}

static bool
is_foreign(const struct token *living, const char *but, struct err *err)
{
	err_set(err, ERR_REFUSED, 0, "somebody else rotated it: #%lld is the token now%s",
		(long long)living->id, but);
	return err_advise(err, GLR_FOREIGN_ROTATION);
}

/* What somebody created anew was not rotated: it is for a reason that nobody told us. */
static bool
is_its_successor(
	const struct attempt *attempt, const struct tokens *all, const struct token *living)
{
	const struct token *target = evidence_find(all, attempt->row->target_id);

	return target && token_is_revoked(target) && living->id > target->id &&
	       living->user_id == target->user_id;
}

/* A second agent that takes over too is answered once a day, not once a run. */
static bool
was_ours_today(const struct attempt *attempt)
{
	const int64_t taken = attempt->frozen.taken_over_at, rotated = attempt->rotated_at;

	return now_of(attempt) - (taken > rotated ? taken : rotated) < DAY_SEC;
}

/* It only seemed gone for a moment; or our own request made it, although its answer said that it would not. */
static bool
is_nobody_elses(const struct attempt *attempt, const struct token *living)
{
	const struct frozen *frozen = &attempt->frozen;

	if (living->id == attempt->row->target_id)
		return living->user_id == frozen->user_id &&
		       living->created_msec == frozen->created_msec;
	return attempt->row->intent_at && evidence_is_ours(attempt, living);
}

/* Whoever rotated it holds the secret, so nothing is done but by order, or as the policy says. */
bool
step_respond(struct attempt *attempt, struct err *err)
{
	const struct token *living;
	struct tokens all;

	if (self_is(attempt))
		return self_recover(attempt, err);
	if (!living_namesake(attempt, &all, &living, err))
		return false;
	if (!living) {
		err_set(err, ERR_REFUSED, 0,
			"it is revoked, not by us, and nothing of that name is alive");
		return err_advise(err, GLR_REVOKED);
	}
	if (is_nobody_elses(attempt, living)) {
		attempt_aim_at(attempt, living);
		return true;
	}
	if (attempt->frozen.ordered != STATED_YES) {
		if (attempt->frozen.takes_over != STATED_YES)
			return is_foreign(living, "", err);
		if (!is_its_successor(attempt, &all, living))
			return is_foreign(living, ", and was not made by rotating ours", err);
		if (was_ours_today(attempt))
			return is_foreign(
				living, ", and it is taken over once a day at most", err);
	}
	attempt->frozen.taken_over_at = now_of(attempt);
	attempt_aim_at(attempt, living);
	return true;
}

/* The name stays, and whose it is; a project's or group's token gets a new bot. */
static bool
recreate(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	struct frozen *frozen = &attempt->frozen;
	struct rotation *row = attempt->row;

	if (!frozen->scopes.count) {
		err_set(err, ERR_REFUSED, 0,
			"it is lost, and neither its entry nor the journal says with which scopes to create another");
		return err_advise(err, GLR_CANNOT_CREATE);
	}
	row->target_id = row->intent_at = row->read_at = 0;
	row->nonce = "";
	row->highest_id = all->count ? all->items[all->count - 1].id : 0;
	frozen->recreating = STATED_YES;
	frozen->created_msec = 0;
	if (frozen->type == TYPE_PROJECT || frozen->type == TYPE_GROUP)
		frozen->user_id = 0;
	attempt_freeze(attempt);
	return true;
}

/* Nothing is left to rotate. A person may have made a new one by hand; what our own lost answer ended can be made
 * anew, when the run has seen that it is one of few. */
bool
step_recover(struct attempt *attempt, struct err *err)
{
	const struct token *living;
	struct tokens all;

	if (self_is(attempt))
		return self_recover(attempt, err);
	if (!living_namesake(attempt, &all, &living, err))
		return false;
	if (living) {
		err_set(err, ERR_MOVED, 0, "#%lld has taken its place", (long long)living->id);
		return err_advise(err, GLR_FOREIGN_ROTATION);
	}
	if (attempt->frozen.recreates != STATED_YES ||
		!evidence_is_loss_of_ours(attempt, &all)) {
		err_set(err, ERR_REFUSED, 0, "it is revoked and has no living successor");
		return err_advise(err, GLR_REVOKED);
	}
	attempt->is_lost = true;
	switch (attempt->repair) {
	case REPAIR_GOES_ON:
		return recreate(attempt, &all, err);
	case REPAIR_TOO_MANY:
		err_set(err, ERR_PERSON, 0, "it is one of more losses than are repaired");
		return err_advise(err, GLR_LOSSES);
	default:
		return err_set(err, ERR_LATER, 0,
			"it is lost through us, and made anew at the end of the run");
	}
}
