#include "flow/self.h"

#include <string.h>

#include "base/advice.h"
#include "base/credential.h"
#include "gitlab/people.h"
#include "policy/policy.h"

bool
self_is(const struct attempt *attempt)
{
	return attempt->frozen.rotate_with == ROTATE_WITH_SELF;
}

static bool
is_own(const struct attempt *attempt)
{
	return attempt->frozen.is_own == STATED_YES;
}

static struct bearer_source
source_of(const struct attempt *attempt)
{
	return (struct bearer_source){
		.what = is_own(attempt) ? "our own credential" : "the token's own secret",
		.key = is_own(attempt) ? "own" : attempt->row->address,
		.file = attempt->frozen.secret,
		.apart = is_own(attempt) ? NULL : attempt->own,
		.number = attempt->row->token,
	};
}

static void
unlock(struct attempt *attempt)
{
	if (attempt->lock > 0)
		close(attempt->lock);
	attempt->lock = 0;
}

void
self_done(struct attempt *attempt)
{
	bearer_done(&attempt->self);
	bearer_done(&attempt->rescuer);
	unlock(attempt);
}

static bool
open_self(struct attempt *attempt, struct err *err)
{
	const struct bearer_source source = source_of(attempt);

	bearer_done(&attempt->self);
	return bearer_open(attempt->journal, gitlab_server_of(attempt->gitlab), &source,
		&attempt->self, err);
}

static bool
lost(struct err *err)
{
	err->kind = ERR_REFUSED;
	return err_advise(err, GLR_SELF_LOST);
}

/* --- preflight and request --- */

static bool
is_target(const struct attempt *attempt, struct err *err)
{
	const struct token *token = identity_token(attempt->self.identity);
	const struct frozen *frozen = &attempt->frozen;

	if (token->id != attempt->row->target_id)
		return err_set(err, ERR_LATER, 0,
			"'%s' holds #%lld now: the next run goes on with that", frozen->secret,
			(long long)token->id);
	if (token->user_id != frozen->user_id || token->created_msec != frozen->created_msec) {
		err_set(err, ERR_PERSON, 0, "#%lld is another token than the one adopted",
			(long long)token->id);
		return err_advise(err, GLR_IDENTITY);
	}
	if (identity_may_rotate_itself(attempt->self.identity))
		return true;
	err_set(err, ERR_REFUSED, 0, "it has neither the scope self_rotate nor api");
	return err_advise(err, GLR_ROTATE_REFUSED);
}

/* What an encrypted credential looks like, or one that somebody put there for later: writing over it would lose it. */
static bool
file_is_ours(struct attempt *attempt, struct err *err)
{
	const struct destination_tools tools = attempt_tools(attempt);

	for (size_t i = 0; is_own(attempt) && i < attempt->deliveries.count; i++) {
		auto_secret struct secret *present = NULL;

		if (!destination_read(&tools, &attempt->destinations[i], &present, err))
			return false;
		if (!present || secret_equal(present, attempt->self.secret))
			continue;
		err_set(err, ERR_PERSON, 0,
			"%s does not hold the credential in use; an encrypted one cannot be written in this version",
			attempt->destinations[i].text);
		return err_advise(err, GLR_DESTINATION_REFUSED);
	}
	return true;
}

/* Nothing was sent yet: the row is given up, and begun anew when the secret is proven again. But where a request of ours was put
 * off (so it was said), it may have been carried out all the same. */
static bool
is_not_proven(const struct attempt *attempt, struct err *err)
{
	if (err->kind == ERR_MOVED)
		err->kind = ERR_LATER;
	if (err->kind != ERR_CREDENTIAL)
		return false;
	if (!attempt->row->old_id)
		return lost(err);
	if (!identity_is_dead(attempt->self.identity)) {
		err->kind = ERR_LATER;
		return false;
	}
	err->kind = ERR_MOVED;
	return err_advise(err, GLR_SELF_LOST);
}

/* Which of its paths a release has. One that does not let us ask is a new one: only those know the scope self_rotate. */
static void
learn_version(struct attempt *attempt)
{
	const char *version;
	struct err ignored;

	if (!gitlab_knows_version(gitlab_server_of(attempt->self.gitlab)))
		(void)!people_version(attempt->self.gitlab, attempt->arena, &version, &ignored);
}

/* Two that rotate one token with its own secret kill each other's (T2): the file is locked until the row rests. */
bool
self_read_target(struct attempt *attempt, struct err *err)
{
	unlock(attempt);
	if (!credential_lock(attempt->frozen.secret, &attempt->lock, err) ||
		!open_self(attempt, err))
		return false;
	gitlab_set_urgency(attempt->self.gitlab, URGENCY_ROTATE);
	if (!identity_prove(attempt->self.identity, attempt->self.gitlab, err))
		return is_not_proven(attempt, err);
	if (!is_target(attempt, err) || !file_is_ours(attempt, err))
		return false;
	learn_version(attempt);
	attempt->frozen.expires_on = identity_expires_on(attempt->self.identity);
	if (!attempt->row->highest_id)
		attempt->row->highest_id = attempt->row->target_id;
	return true;
}

struct identity *
self_identity(const struct attempt *attempt)
{
	return self_is(attempt) ? attempt->self.identity : attempt->identity;
}

struct gitlab *
self_connection(const struct attempt *attempt)
{
	return self_is(attempt) ? attempt->self.gitlab : attempt->gitlab;
}

/* That its secret is refused says nothing of our credential; but the row must be read before anything else. */
bool
self_rotate(struct attempt *attempt, struct token *token, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);
	const struct rotation *row = attempt->row;

	if (token_rotate_self(attempt->self.gitlab, &owner, row->target_id, row->wanted_on,
		    attempt->arena, token, err))
		return true;
	identity_judge(attempt->self.identity, attempt->self.gitlab, err);
	if (err->kind == ERR_CREDENTIAL)
		err->kind = ERR_DOUBT;
	return false;
}

/* --- doubt --- */

/* From here on the row is rotated by its id, by `with`. */
static void
hand_over(struct attempt *attempt, enum rotate_with with)
{
	attempt->frozen.rotate_with = with;
	attempt_freeze(attempt);
}

static bool
use_rescue(struct attempt *attempt, struct err *err)
{
	const struct bearer_source source = { .what = "the rescue credential",
		.file = attempt->rescue };
	const char *version;
	struct err ignored;

	if (!attempt->rescue)
		return err_set(err, ERR_REFUSED, 0, "the policy names no rescue_credential");
	if (!attempt->rescuer.gitlab && !bearer_open_file(gitlab_server_of(attempt->gitlab),
						&source, &attempt->rescuer, err))
		return false;
	if (!identity_prove(attempt->rescuer.identity, attempt->rescuer.gitlab, err))
		return false;
	/* An answer to the date asked for is known by the release. */
	(void)!people_version(attempt->rescuer.gitlab, attempt->arena, &version, &ignored);
	attempt->agent = attempt->gitlab;
	attempt->gitlab = attempt->rescuer.gitlab;
	attempt->identity = attempt->rescuer.identity;
	return true;
}

static bool
finds_owner(struct attempt *attempt, struct err *err)
{
	struct frozen *frozen = &attempt->frozen;
	struct address address;
	struct owner owner;

	if (frozen->owner_id || (frozen->type != TYPE_PROJECT && frozen->type != TYPE_GROUP))
		return true;
	if (!address_parse(attempt->arena, attempt->row->address, false, &address, err) ||
		!people_owner(attempt->gitlab, &address, attempt->arena, &owner, err))
		return false;
	frozen->owner_id = owner.id;
	return true;
}

/* Whether the credential that the row reads with now sees the token among its owner's. */
static bool
sees_target(struct attempt *attempt, struct tokens *all, struct err *err)
{
	return finds_owner(attempt, err) && evidence_list(attempt, all, err) &&
	       (evidence_find(all, attempt->row->target_id) ||
		       err_set(err, ERR_PERSON, 0, "#%lld is hidden from it",
			       (long long)attempt->row->target_id));
}

/* Its own secret is dead, and the one that took its place was never seen. Who else has a right to the token makes another. */
static bool
rescue(struct attempt *attempt, struct err *err)
{
	struct tokens all;
	struct err why;

	if (!is_own(attempt) && sees_target(attempt, &all, &why)) {
		hand_over(attempt, ROTATE_WITH_AGENT);
		return reconcile_rotation(attempt, &all, err);
	}
	if (use_rescue(attempt, &why) && sees_target(attempt, &all, &why)) {
		hand_over(attempt, ROTATE_WITH_RESCUE);
		return reconcile_rotation(attempt, &all, err);
	}
	if (why.kind == ERR_REACH || why.kind == ERR_LATER || why.kind == ERR_STOPPED) {
		*err = why;
		return false;
	}
	err_set(err, ERR_REFUSED, 0,
		"its secret is dead, and the one that took its place is known to nobody; %s",
		why.text);
	return lost(err);
}

bool
self_reconcile(struct attempt *attempt, struct err *err)
{
	if (!attempt->self.gitlab && !open_self(attempt, err)) {
		err->kind = ERR_LATER;
		return false;
	}
	gitlab_set_urgency(attempt->self.gitlab, URGENCY_RECONCILE);
	if (identity_prove(attempt->self.identity, attempt->self.gitlab, err)) {
		if (identity_token_id(attempt->self.identity) == attempt->row->target_id)
			return reconcile_never_happened(attempt, err);
		return err_set(err, ERR_LATER, 0, "'%s' holds another token now",
			attempt->frozen.secret);
	}
	return err->kind == ERR_CREDENTIAL && rescue(attempt, err);
}

/* It is known to be dead, and not asked about again. */
bool
self_recover(struct attempt *attempt, struct err *err)
{
	if (attempt->row->old_id)
		return rescue(attempt, err);
	err_set(err, ERR_REFUSED, 0, "#%lld is dead, and not by a request of ours",
		(long long)attempt->row->target_id);
	return lost(err);
}

/* --- entering --- */

static bool
drop_replaced(struct attempt *attempt, struct outcome *outcome, struct err *err)
{
	const struct rotation *row = attempt->row;
	const char *text = arena_format(attempt->arena, "'%s' holds another token now%s",
		attempt->frozen.secret,
		row->secret
			? arena_format(attempt->arena,
				  "; #%lld, which we made, was dropped: revoke it if it lives",
				  (long long)row->new_id)
			: "");

	if (!journal_move(attempt->journal, attempt->row, STATE_DROPPED, NULL, text, err) ||
		!journal_flush(attempt->journal, err))
		return false;
	outcome_event(outcome, row, text);
	/* The order was for the token that was. */
	if (attempt->frozen.ordered == STATED_YES)
		err_set(&attempt->trouble, ERR_LATER, 0,
			"%s: what was ordered is to be ordered again", text);
	return true;
}

bool
self_enter(struct attempt *attempt, struct outcome *outcome, bool *on, struct err *err)
{
	const int64_t ids[2] = { attempt->row->target_id, attempt->row->new_id };
	const struct bearer_source source = source_of(attempt);
	bool replaced = false;
	struct err why;

	if (!attempt->frozen.secret)
		return true;
	if (!bearer_is_replaced(attempt->journal, gitlab_server_of(attempt->gitlab), &source,
		    ids, &replaced, &why) &&
		why.kind == ERR_STORE) {
		*err = why;
		return false;
	}
	if (replaced) {
		*on = false;
		return drop_replaced(attempt, outcome, err);
	}
	if (attempt->frozen.rotate_with != ROTATE_WITH_RESCUE || attempt->agent)
		return true;
	*on = use_rescue(attempt, &attempt->trouble);
	if (!*on)
		err_advise(&attempt->trouble, GLR_SELF_LOST);
	return true;
}
