/* The steps that touch the token itself: preflight and request. */
#include <string.h>

#include "base/advice.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/when.h"
#include "flow/attempt.h"
#include "flow/due.h"
#include "flow/idle.h"
#include "flow/longest.h"
#include "flow/self.h"
#include "flow/slot.h"
#include "gitlab/people.h"

/* A moment of server time that is over. */
#define AT_ONCE INT64_C(1)

static int64_t
now_of(const struct attempt *attempt)
{
	return gitlab_now(gitlab_server_of(attempt->gitlab));
}

/* A path that now leads to another number is somebody else's project, whatever its name says. A path that leads
 * nowhere is a renamed one: its number still holds. */
static bool
owner_is_pinned(struct attempt *attempt, struct err *err)
{
	struct address address;
	struct owner now;

	if (!address_parse(attempt->arena, attempt->row->address, false, &address, err))
		return false;
	if (!people_owner(attempt->gitlab, &address, attempt->arena, &now, err))
		return err->kind == ERR_MOVED;
	if (now.id == attempt->frozen.owner_id &&
		(!attempt->frozen.owner_id || !now.user_id ||
			now.user_id == attempt->frozen.user_id) &&
		(now.id || now.user_id == attempt->frozen.user_id))
		return true;
	err_set(err, ERR_PERSON, 0, "'%s' is number %lld now, and was %lld when it was adopted",
		attempt->frozen.owner, (long long)(now.id ? now.id : now.user_id),
		(long long)(now.id ? attempt->frozen.owner_id : attempt->frozen.user_id));
	return err_advise(err, GLR_PATH_MOVED);
}

static bool
owner_is_active(struct attempt *attempt, struct err *err)
{
	struct person person;

	if (!attempt->frozen.user_id)
		return true;
	if (!people_user(
		    attempt->gitlab, attempt->frozen.user_id, attempt->arena, &person, err))
		/* One that is gone took its tokens along: they are read next. */
		return err->kind == ERR_MOVED ||
		       err_wrap(err, "user %lld", (long long)attempt->frozen.user_id);
	if (!person.state || !strcmp(person.state, "active"))
		return true;
	err_set(err, ERR_REFUSED, 0,
		"its user '%s' is %s: a new secret would not open anything", person.username,
		person.state);
	return err_advise(err, GLR_OWNER_BLOCKED);
}

bool
preflight_owner(struct attempt *attempt, struct err *err)
{
	return owner_is_pinned(attempt, err) && owner_is_active(attempt, err);
}

/* What the row says of its target must all be true now. */
static bool
target_is_itself(struct attempt *attempt, const struct token *token, struct err *err)
{
	if (!evidence_is_target(attempt, token)) {
		err_set(err, ERR_PERSON, 0, "#%lld is another token than the one adopted",
			(long long)token->id);
		return err_advise(err, GLR_IDENTITY);
	}
	if (token_is_revoked(token)) {
		err_set(err, ERR_MOVED, 0, "#%lld is revoked, and not by us",
			(long long)token->id);
		return err_advise(err, GLR_FOREIGN_ROTATION);
	}
	return true;
}

/* Once a row: whatever comes after its first intent is its successor, or a fork of it. */
static bool
find_highest(struct attempt *attempt, const struct owner *owner, struct err *err)
{
	struct tokens all;

	if (!attempt->row->highest_id)
		attempt->row->highest_id = attempt->known_highest;
	if (attempt->row->highest_id)
		return true;
	if (!token_list(attempt->gitlab, owner, attempt->arena, &all, err))
		return err_wrap(err, "the owner's tokens");
	attempt->row->highest_id = all.count ? all.items[all.count - 1].id : 0;
	return true;
}

static bool
read_target(struct attempt *attempt, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);
	struct token token;

	if (attempt->row->target_id == identity_token_id(attempt->identity)) {
		err_set(err, ERR_PERSON, 0, "#%lld is the credential we ourselves use",
			(long long)attempt->row->target_id);
		return err_advise(err, GLR_OWN_CREDENTIAL);
	}
	if (!token_get(attempt->gitlab, &owner, attempt->row->target_id, attempt->arena, &token,
		    err))
		return err_wrap(err, "token #%lld", (long long)attempt->row->target_id);
	if (!target_is_itself(attempt, &token, err))
		return false;
	attempt->frozen.expires_on = token.expires_on;
	return find_highest(attempt, &owner, err);
}

/* What stands in the way of a creation: any namesake, in all states; of one that takes a lost token's place, a living one.
 * What our own last request made, although its answer said that it would not, is no namesake. */
static bool
is_in_the_way(struct attempt *attempt, const struct token *token, struct err *err)
{
	const bool again = attempt->frozen.recreating == STATED_YES;
	const bool moved =
		again || (attempt->row->intent_at && evidence_is_ours(attempt, token));

	if (strcmp(token->name, attempt->frozen.name) != 0)
		return false;
	if (again && !token_is_alive(token, now_of(attempt)))
		return false;
	err_set(err, moved ? ERR_MOVED : ERR_REFUSED, 0, "#%lld of that name is there already",
		(long long)token->id);
	err_advise(err, moved ? GLR_FOREIGN_ROTATION : GLR_NAMESAKES);
	return true;
}

static bool
read_absence(struct attempt *attempt, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);
	struct tokens all;

	if (!token_list(attempt->gitlab, &owner, attempt->arena, &all, err)) {
		/* It is the owner that cannot be seen; of the token nothing was learnt. */
		if (err->kind == ERR_MOVED) {
			err->kind = ERR_REFUSED;
			err_advise(err, GLR_OWNER_UNREADABLE);
		}
		return err_wrap(err, "the owner's tokens");
	}
	if (!attempt->row->highest_id && all.count)
		attempt->row->highest_id = all.items[all.count - 1].id;
	for (size_t i = 0; i < all.count; i++)
		if (is_in_the_way(attempt, &all.items[i], err))
			return false;
	return true;
}

static void
forget_last_request(struct rotation *row)
{
	row->read_at = 0;
	row->new_id = row->new_user_id = row->new_created_msec = 0;
	row->new_expires_on = NO_DATE;
	row->new_username = "";
	secret_free(take(row->secret));
}

static void
set_nonce(struct attempt *attempt)
{
	unsigned char bytes[8];

	if (!attempt_creates(attempt) || (attempt->row->nonce && *attempt->row->nonce))
		return;
	random_bytes(bytes, sizeof(bytes));
	attempt->row->nonce = arena_format(attempt->arena,
		"glrotate-%02x%02x%02x%02x%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2],
		bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]);
}

static bool
target_is_ready(struct attempt *attempt, struct err *err)
{
	if (self_is(attempt))
		return self_read_target(attempt, err);
	return preflight_owner(attempt, err) &&
	       (attempt->row->target_id ? read_target(attempt, err)
					: read_absence(attempt, err));
}

/* What the policy asks for, or what GitLab is known to grant. */
static bool
set_wanted(struct attempt *attempt, struct err *err)
{
	const int64_t now = now_of(attempt);
	int64_t most_days, wanted;

	wanted = due_wanted_date(now, attempt->frozen.max_lifetime_sec);
	if (!longest_known(attempt->journal, (enum token_type)attempt->frozen.type, now,
		    attempt->arena, &most_days, err))
		return false;
	if (most_days && wanted > date_of(now) + most_days)
		wanted = date_of(now) + most_days;
	/* A deploy token's end lies within the last whole day that its lifetime allows: at which second of it says that it is ours. */
	if (kind_of((enum token_type)attempt->frozen.type)->is_deploy &&
		wanted > date_of(now) + 2)
		wanted--;
	attempt->row->wanted_on = wanted;
	return true;
}

/* A breaker holds back what is new. What was in doubt in this run goes on: its consumers may have a dead secret. */
static bool
is_held_back(const struct attempt *attempt, struct err *err)
{
	if (attempt->doubted || !breaker_holds(attempt->breaker, err))
		return false;
	err->kind = ERR_LATER;
	return true;
}

/* Nothing of an earlier request is left in the row, and what the next is known by is in it. */
static bool
be_ready(struct attempt *attempt, struct err *err)
{
	struct rotation *row = attempt->row;

	if (!set_wanted(attempt, err))
		return false;
	forget_last_request(row);
	set_nonce(attempt);
	row->intent_at = now_of(attempt);
	row->old_id = row->target_id;
	attempt->frozen.ordered = STATED_NO;
	attempt_freeze(attempt);
	return true;
}

bool
preflight(struct attempt *attempt, bool (*target_is_ready)(struct attempt *, struct err *),
	struct err *err)
{
	bool ok;

	if (*attempt->stop)
		return err_set(err, ERR_STOPPED, 0, "stopped before it began");
	if (is_held_back(attempt, err))
		return false;
	gitlab_set_urgency(attempt->gitlab, URGENCY_ROTATE);
	/* Our own credential is proven as the target; nothing else is asked with it. */
	ok = ((self_is(attempt) && attempt->frozen.is_own == STATED_YES) ||
		     identity_fresh(attempt->identity, attempt->gitlab, err)) &&
	     target_is_ready(attempt, err);
	if (!ok)
		attempt_note(attempt, BREAKER_READING, false, err);
	if (!ok || !preflight_destinations(attempt, err))
		return identity_judge(attempt->identity, attempt->gitlab, err);
	attempt_note(attempt, BREAKER_READING, true, err);
	return idle_allows(attempt, err) && be_ready(attempt, err);
}

bool
step_preflight(struct attempt *attempt, struct err *err)
{
	return preflight(attempt, target_is_ready, err);
}

static bool
send_request(struct attempt *attempt, struct token *token, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);
	const struct rotation *row = attempt->row;
	const struct frozen *frozen = &attempt->frozen;

	if (self_is(attempt))
		return self_rotate(attempt, token, err);
	if (!attempt_creates(attempt))
		return token_rotate(attempt->gitlab, &owner, row->target_id, row->wanted_on,
			attempt->arena, token, err);
	return token_create(attempt->gitlab, &owner,
		&(struct token_wish){
			.name = frozen->name,
			.description = frozen->description
	                                       ? arena_format(attempt->arena, "%s [%s]",
							 frozen->description, row->nonce)
	                                       : row->nonce,
			.scopes = frozen->scopes,
			.access_level = frozen->access_level,
			.expires_on = row->wanted_on,
			.username = frozen->username,
			.expires_msec = evidence_wanted_msec(row),
		},
		attempt->arena, token, err);
}

static void
tell_new_bot(struct attempt *attempt)
{
	const struct frozen *frozen = &attempt->frozen;

	if (frozen->recreating != STATED_YES ||
		(frozen->type != TYPE_PROJECT && frozen->type != TYPE_GROUP))
		return;
	attempt->told = arena_format(attempt->arena,
		"it was lost and is made anew as #%lld, with a new bot, user %lld: what was granted to the old bot "
		"(protected branches, CODEOWNERS, other projects) is to be granted again",
		(long long)attempt->row->new_id, (long long)attempt->row->new_user_id);
	attempt->told_advice = GLR_NEW_BOT;
}

/* A date beyond GitLab's limit is refused with the latest it takes, and the old secret is as it was: asked for that one, once, under
 * a new intent. */
static bool
learn_longest(struct attempt *attempt, struct err *err)
{
	const int64_t today = date_of(now_of(attempt));
	const int64_t latest = longest_date_in(err->text);
	struct rotation *row = attempt->row;
	struct err why;

	/* A day is the least that anybody can use. */
	if (latest == NO_DATE || latest < today + 2 || latest >= row->wanted_on ||
		attempt->frozen.shortened == STATED_YES)
		return false;
	if (!longest_learn(attempt->journal, (enum token_type)attempt->frozen.type,
		    now_of(attempt), latest - today, attempt->arena, &why)) {
		*err = why;
		return true;
	}
	attempt->frozen.shortened = STATED_YES;
	attempt_freeze(attempt);
	row->intent_at = 0;
	attempt->wait_until = now_of(attempt);
	err->kind = ERR_LATER;
	err->advice = 0;
	err_wrap(err, "asked again for %lld days", (long long)(latest - today));
	return true;
}

static bool
judge_refusal(struct attempt *attempt, struct err *err)
{
	if (err->kind == ERR_REFUSED && learn_longest(attempt, err))
		return false;
	if (err->kind == ERR_REFUSED && !err->advice)
		err_advise(
			err, attempt_creates(attempt) ? GLR_CANNOT_CREATE : GLR_ROTATE_REFUSED);
	identity_judge(attempt->identity, attempt->gitlab, err);
	return slot_stays(attempt, err);
}

static bool
may_go(const void *context)
{
	const struct attempt *attempt = context;

	return preflight_is_fresh(attempt) && idle_is_fresh(attempt) &&
	       identity_is_fresh(self_identity(attempt));
}

/* Rule 4. GitLab may make the request wait for its turn until the proof is spent: then the proof is asked for again. */
static bool
send_in_time(struct attempt *attempt, struct token *token, struct err *err)
{
	struct gitlab *gitlab = self_connection(attempt);
	bool ok, was_late;

	do {
		if (!preflight_holds(attempt, err)) {
			/* In this run, once. */
			if (attempt->preflight_msec && !attempt->was_spent)
				attempt->wait_until = AT_ONCE;
			attempt->was_spent = true;
			return false;
		}
		if (!idle_is_fresh(attempt))
			return err_set(
				err, ERR_LATER, 0, "the look at the jobs is too long ago");
		if (!identity_fresh(self_identity(attempt), gitlab, err)) {
			/* Nothing was sent, so nothing is in doubt but the credential. */
			err->kind = ERR_LATER;
			return false;
		}
		gitlab_set_guard(gitlab, may_go, attempt);
		ok = send_request(attempt, token, err);
		was_late = gitlab_was_late(gitlab);
		gitlab_set_guard(gitlab, NULL, NULL);
	} while (was_late);
	attempt_note(attempt, BREAKER_REQUEST, ok, err);
	return ok || judge_refusal(attempt, err);
}

/* One request, once. Whatever keeps it from being sent leads back to the preflight. */
bool
step_request(struct attempt *attempt, struct err *err)
{
	struct rotation *row = attempt->row;
	struct token token = { 0 };

	if (*attempt->stop)
		return err_set(err, ERR_STOPPED, 0, "stopped before the request");
	if (!send_in_time(attempt, &token, err))
		return false;
	row->new_id = token.id;
	row->new_user_id = token.user_id;
	row->new_created_msec = token.created_msec;
	row->new_expires_on = token.expires_on;
	if (kind_of((enum token_type)attempt->frozen.type)->is_deploy) {
		/* Nobody else will ever say when it was made. */
		row->new_created_msec = gitlab_now(gitlab_server_of(attempt->gitlab)) * 1000;
		row->new_username = token.username && *token.username
		                            ? token.username
		                            : attempt->frozen.username;
	}
	row->generation = attempt->last_stamp.generation + 1;
	row->secret = token.secret;
	attempt->alive = false;
	tell_new_bot(attempt);
	return true;
}
