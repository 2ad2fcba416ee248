/* REPLACE: what is asked before a new token is made beside the old one, and what became of the request. */
#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "flow/slot.h"

static bool
is_deploy(const struct attempt *attempt)
{
	return kind_of((enum token_type)attempt->frozen.type)->is_deploy;
}

/* --- preflight --- */

static bool
is_gone(const struct attempt *attempt, const char *how, struct err *err)
{
	err_set(err, ERR_REFUSED, 0, "#%lld %s, and not by us",
		(long long)attempt->row->target_id, how);
	return err_advise(err, GLR_REVOKED);
}

/* A replacement can do what the old one can, and is told apart from it by its number alone. */
static void
take_after(struct frozen *frozen, const struct token *old)
{
	frozen->expires_on = old->expires_on;
	frozen->scopes = old->scopes;
	frozen->access_level = old->access_level;
	if (old->username)
		frozen->username = old->username;
}

static bool
read_target(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	const struct rotation *row = attempt->row;
	const struct token *old = evidence_find(all, row->target_id);

	if (!is_deploy(attempt) && row->target_id == identity_token_id(attempt->identity)) {
		err_set(err, ERR_PERSON, 0, "#%lld is the credential we ourselves use",
			(long long)row->target_id);
		return err_advise(err, GLR_OWN_CREDENTIAL);
	}
	if (!old)
		return is_gone(attempt, "was deleted", err);
	if (token_is_revoked(old))
		return is_gone(attempt, "was revoked", err);
	if (!evidence_is_target(attempt, old)) {
		err_set(err, ERR_PERSON, 0, "#%lld is another token than the one adopted",
			(long long)row->target_id);
		return err_advise(err, GLR_IDENTITY);
	}
	take_after(&attempt->frozen, old);
	return true;
}

/* Of an earlier request of this row, and ended since. */
static bool
is_our_orphan(const struct attempt *attempt, const struct token *token)
{
	const struct rotation *row = attempt->row;

	if (slot_is_orphan(attempt, token->id))
		return true;
	return *row->nonce && token->id > row->highest_id &&
	       (token->description ? strstr(token->description, row->nonce) != NULL
				   : token_is_revoked(token));
}

/* Before a first token of that name: none has it, dead or alive. */
static bool
read_absence(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	for (size_t i = 0; i < all->count; i++) {
		if (strcmp(all->items[i].name, attempt->frozen.name) != 0 ||
			is_our_orphan(attempt, &all->items[i]))
			continue;
		err_set(err, ERR_REFUSED, 0, "#%lld of that name is there already",
			(long long)all->items[i].id);
		return err_advise(err, GLR_NAMESAKES);
	}
	return true;
}

/* A request that was believed not to have been carried out was: what it made is ended before another one is made. */
static bool
nothing_is_ours(const struct attempt *attempt, const struct tokens *all, struct err *err)
{
	for (size_t i = 0; i < all->count && *attempt->row->nonce; i++)
		if (evidence_is_ours(attempt, &all->items[i]))
			return err_set(err, ERR_MOVED, 0,
				"an earlier request of ours made #%lld after all",
				(long long)all->items[i].id);
	return true;
}

static bool
read_owner(struct attempt *attempt, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);
	struct rotation *row = attempt->row;
	struct tokens all;

	if (!token_list(attempt->gitlab, &owner, attempt->arena, &all, err))
		return err_wrap(err, "the owner's tokens");
	/* Once a row: whatever is ours comes after its first intent. */
	if (!row->highest_id)
		row->highest_id = all.count ? all.items[all.count - 1].id : -1;
	return nothing_is_ours(attempt, &all, err) &&
	       (row->target_id ? read_target(attempt, &all, err)
			       : read_absence(attempt, &all, err)) &&
	       (!slot_is(attempt) || slot_preflight(attempt, &all, err));
}

static bool
target_is_ready(struct attempt *attempt, struct err *err)
{
	return preflight_owner(attempt, err) && read_owner(attempt, err);
}

bool
step_replace_preflight(struct attempt *attempt, struct err *err)
{
	return preflight(attempt, target_is_ready, err) || slot_stays(attempt, err);
}

/* --- reconcile --- */

/* What the owner's list says of a request whose answer was lost: the highest of each, and how many. */
struct finding {
	const struct token *ours;    /* it carries our nonce */
	const struct token *perhaps; /* it has all that can be compared, and carries no nonce */
	const struct token *foreign;
	size_t perhaps_count;
	bool perhaps_is_good; /* one that stands alone is ours */
};

/* Made for the day we asked for, with what we asked for, and yet not known by its nonce. */
static bool
is_perhaps_ours(const struct attempt *attempt, const struct token *token)
{
	if (token->expires_on != attempt->row->wanted_on)
		return false;
	if (is_deploy(attempt))
		return attempt->frozen.username &&
		       !strcmp(token->username, attempt->frozen.username);
	return !token->description && token->last_used_msec == NO_MOMENT;
}

static struct finding
find_made(const struct attempt *attempt, const struct tokens *all)
{
	struct finding found = { 0 };

	for (size_t i = 0; i < all->count; i++) {
		const struct token *token = &all->items[i];
		const bool ours = evidence_is_ours(attempt, token);

		if (ours && (is_deploy(attempt) || token->description)) {
			found.ours = token;
		} else if (ours || (evidence_is_fork(attempt, token) &&
					   is_perhaps_ours(attempt, token))) {
			found.perhaps = token;
			found.perhaps_is_good = ours;
			found.perhaps_count++;
		} else if (evidence_is_fork(attempt, token)) {
			found.foreign = token;
		}
	}
	/* Before 17.7 nothing carries a nonce. Two such cannot be told apart. */
	if (!found.ours && found.perhaps_is_good && found.perhaps_count == 1)
		found.ours = found.perhaps;
	return found;
}

bool
step_replace_reconcile(struct attempt *attempt, struct err *err)
{
	struct rotation *row = attempt->row;
	struct finding found;
	struct tokens all;

	attempt->doubted = true;
	if (*attempt->stop)
		return err_set(err, ERR_STOPPED, 0, "stopped before it was looked at");
	gitlab_set_urgency(attempt->gitlab, URGENCY_RECONCILE);
	row->new_id = 0;
	if (!evidence_list(attempt, &all, err))
		return false;
	found = find_made(attempt, &all);
	if (found.ours) {
		row->new_id = found.ours->id;
		row->read_at = 0;
		return err_set(err, ERR_MOVED, 0,
			"our request made #%lld, and its secret is lost with the answer",
			(long long)row->new_id);
	}
	if (found.perhaps) {
		err_set(err, ERR_PERSON, 0,
			"the answer to the request was lost, and whether #%lld is what it made cannot be told",
			(long long)found.perhaps->id);
		return err_advise(err, GLR_DOUBT_STAYS);
	}
	if (found.foreign)
		attempt->told = arena_format(attempt->arena,
			"#%lld of the same name appeared at the same time, and is not ours: it is not touched",
			(long long)found.foreign->id);
	return reconcile_never_happened(attempt, err);
}

/* --- discard --- */

static bool
is_what_was_made(const struct attempt *attempt, const struct token *token)
{
	if (strcmp(token->name, attempt->frozen.name) != 0)
		return false;
	if (is_deploy(attempt))
		return attempt->frozen.username &&
		       !strcmp(token->username, attempt->frozen.username);
	return kind_of((enum token_type)attempt->frozen.type)->has_level ||
	       token->user_id == attempt->frozen.user_id;
}

/* Rule 1: what deletes is on the disk before it is sent. */
static bool
delete_orphan(struct attempt *attempt, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);
	const int64_t id = attempt->row->new_id;

	if (!journal_event(attempt->journal, attempt->row->address, attempt->row->id,
		    "orphan.ended",
		    arena_format(attempt->arena,
			    "ends #%lld, which our own request made and whose secret nobody has",
			    (long long)id),
		    err) ||
		!journal_flush(attempt->journal, err))
		return false;
	if (token_revoke(attempt->gitlab, &owner, id, err))
		return true;
	identity_judge(attempt->identity, attempt->gitlab, err);
	/* Only a reading says that it is gone. */
	if (err->kind == ERR_MOVED)
		err->kind = ERR_LATER;
	return err_wrap(err, "ending #%lld, whose secret is lost", (long long)id);
}

/* The record forgets a secret that was held and died; the old one's token is the one in use. */
static bool
aim_back(struct attempt *attempt, struct err *err)
{
	const struct frozen *frozen = &attempt->frozen;
	struct rotation *row = attempt->row;
	const struct token_record old = { .number = row->token,
		.token_id = row->target_id,
		.user_id = frozen->user_id,
		.created_msec = frozen->created_msec,
		.expires_on = frozen->expires_on,
		.rotated_at = frozen->rotated_at,
		.username = frozen->username };

	if (!journal_aim(attempt->journal, row->new_id, &old, err))
		return false;
	row->new_id = 0;
	row->intent_at = row->read_at = 0;
	attempt->alive = attempt->verified = false;
	return true;
}

/* By its number, and only what our own request made: 404 and revoked are as good. That of a slot is kept for now. */
bool
step_discard(struct attempt *attempt, struct err *err)
{
	const struct rotation *row = attempt->row;
	const struct token *orphan;
	struct tokens all;

	attempt->doubted = true;
	if (*attempt->stop)
		return err_set(err, ERR_STOPPED, 0, "stopped before it was ended");
	gitlab_set_urgency(attempt->gitlab, URGENCY_RECONCILE);
	if (!row->new_id || row->new_id == row->target_id)
		return err_set(err, ERR_PERSON, 0, "the row does not say what is to be ended");
	if (!evidence_list(attempt, &all, err))
		return false;
	orphan = evidence_find(&all, row->new_id);
	if (orphan && !token_is_revoked(orphan)) {
		if (!is_what_was_made(attempt, orphan)) {
			err_set(err, ERR_PERSON, 0, "#%lld is another token than the one made",
				(long long)row->new_id);
			return err_advise(err, GLR_IDENTITY);
		}
		if (!slot_is(attempt) && !delete_orphan(attempt, err))
			return false;
	}
	if (slot_is(attempt) && !slot_keep_orphan(attempt, orphan, err))
		return false;
	return aim_back(attempt, err);
}
