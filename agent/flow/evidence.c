/* What readings of GitLab say about a row: who is whose successor, and whether a held secret lives. Reads only. */
#include <stdlib.h>
#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "flow/slot.h"

/* GitLab's Date header counts whole seconds, created_at milliseconds. */
#define CLOCK_GRAIN_MSEC INT64_C(2000)
/* A read replica that lags behind the primary answers a new secret with a bare 401. */
#define NOT_SEEN_YET_SEC (5 * MINUTE_SEC)
/* A request waits for 90 s in GitLab's queue and works for 60 s at the most. */
#define COMMITS_LATE_SEC (5 * MINUTE_SEC)
/* The first pause; each further one is twice as long, for every question is a failed authentication. */
#define ASK_AGAIN_SEC INT64_C(2)

bool
evidence_is_young(const struct attempt *attempt)
{
	return gitlab_now(gitlab_server_of(attempt->gitlab)) -
	               attempt->row->new_created_msec / 1000 <
	       NOT_SEEN_YET_SEC;
}

void
evidence_ask_again(struct attempt *attempt)
{
	attempt->wait_until = gitlab_now(gitlab_server_of(attempt->gitlab)) +
	                      (ASK_AGAIN_SEC << (attempt->unseen < 5 ? attempt->unseen : 5));
	attempt->unseen++;
}

static bool
is_not_seen_yet(struct attempt *attempt, enum credential_state state, const struct err *err)
{
	const int64_t now = gitlab_now(gitlab_server_of(attempt->gitlab));

	return err->kind == ERR_REFUSED && state == CREDENTIAL_UNKNOWN &&
	       strstr(err->text, "401") && now - attempt->row->moved_at < NOT_SEEN_YET_SEC;
}

/* What a /self that was not answered with 200 says of the secret that was presented. */
static bool
explain_silence(struct attempt *attempt, enum credential_state state, struct err *err)
{
	const long long id = attempt->row->new_id;

	if (is_not_seen_yet(attempt, state, err)) {
		evidence_ask_again(attempt);
		return err_set(err, ERR_LATER, 0,
			"GitLab does not know the new secret of #%lld yet", id);
	}
	switch (err->kind) {
	case ERR_CREDENTIAL:
		return err_set(err, ERR_MOVED, 0, "the held secret of #%lld is dead: %s", id,
			state == CREDENTIAL_EXPIRED ? "it ran out" : "it was revoked");
	case ERR_REFUSED:
		if (strstr(err->text, "401"))
			return err_set(err, ERR_MOVED, 0,
				"the held secret of #%lld is not known to GitLab", id);
		err->kind = ERR_PERSON;
		err_advise(err, GLR_OWNER_BLOCKED);
		return err_wrap(err, "the new secret of #%lld", id);
	case ERR_REACH:
	case ERR_LATER:
		return err_wrap(err, "proving the new secret of #%lld", id);
	default:
		err->kind = ERR_LATER;
		return err_wrap(err, "proving the new secret of #%lld", id);
	}
}

/* Nobody can ask the API as a deploy token: its owner's list says whether it lives, and then a door whether the secret is its. */
static bool
life_of_deploy_token(struct attempt *attempt, struct err *err)
{
	const int64_t now = gitlab_now(gitlab_server_of(attempt->gitlab));
	const long long id = attempt->row->new_id;
	const struct token *token;
	struct tokens all;

	if (!evidence_list(attempt, &all, err))
		return false;
	token = evidence_find(&all, id);
	if (!token && evidence_is_young(attempt)) {
		evidence_ask_again(attempt);
		return err_set(err, ERR_LATER, 0, "GitLab does not list #%lld yet", id);
	}
	if (!token)
		return err_set(
			err, ERR_MOVED, 0, "#%lld, whose secret is held, was deleted", id);
	if (!token_is_alive(token, now))
		return err_set(err, ERR_MOVED, 0, "#%lld, whose secret is held, is dead: %s",
			id, token_is_revoked(token) ? "it was revoked" : "it ran out");
	if (*attempt->row->new_username &&
		strcmp(token->username, attempt->row->new_username) != 0) {
		err_set(err, ERR_PERSON, 0, "#%lld is another deploy token than the one made",
			id);
		return err_advise(err, GLR_IDENTITY);
	}
	attempt->alive = proof_of_deploy_token(attempt, token, err);
	return attempt->alive;
}

static bool
is_deploy(const struct attempt *attempt)
{
	return kind_of((enum token_type)attempt->frozen.type)->is_deploy;
}

bool
evidence_of_life(struct attempt *attempt, struct err *err)
{
	auto_gitlab struct gitlab *as_token = NULL;
	enum credential_state state = CREDENTIAL_UNKNOWN;
	struct token token;

	if (attempt->alive)
		return true;
	if (!attempt->row->secret)
		return err_set(err, ERR_MOVED, 0, "the journal lost the held secret of #%lld",
			(long long)attempt->row->new_id);
	if (is_deploy(attempt))
		return life_of_deploy_token(attempt, err);
	as_token = gitlab_new(gitlab_server_of(attempt->gitlab), attempt->row->secret);
	gitlab_set_urgency(as_token, URGENCY_DELIVER);
	if (!token_self(as_token, attempt->arena, &token, &state, err))
		return explain_silence(attempt, state, err);
	if (token.id != attempt->row->new_id) {
		err_set(err, ERR_PERSON, 0,
			"the held secret opens #%lld, and should open #%lld",
			(long long)token.id, (long long)attempt->row->new_id);
		return err_advise(err, GLR_IDENTITY);
	}
	attempt->alive = true;
	return true;
}

bool
evidence_list(struct attempt *attempt, struct tokens *all, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);

	if (!identity_fresh(attempt->identity, attempt->gitlab, err))
		return false;
	if (token_list(attempt->gitlab, &owner, attempt->arena, all, err))
		return true;
	identity_judge(attempt->identity, attempt->gitlab, err);
	if (err->kind == ERR_REFUSED || err->kind == ERR_MOVED) {
		err->kind = ERR_PERSON;
		err_advise(err, GLR_DOUBT_STAYS);
	}
	return err_wrap(err, "the owner's tokens");
}

const struct token *
evidence_find(const struct tokens *all, int64_t id)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].id == id)
			return &all->items[i];
	return NULL;
}

/* A creation beside a project's or group's token brings a bot of its own. */
static bool
has_new_bot(const struct attempt *attempt)
{
	return attempt_creates(attempt) &&
	       kind_of((enum token_type)attempt->frozen.type)->has_level;
}

/* Of the row's name and user, and younger than its first intent. */
static bool
came_after(const struct attempt *attempt, const struct token *token)
{
	const struct frozen *frozen = &attempt->frozen;

	return token->id > attempt->row->highest_id && !strcmp(token->name, frozen->name) &&
	       (!frozen->user_id || has_new_bot(attempt) || token->user_id == frozen->user_id);
}

bool
evidence_is_target(const struct attempt *attempt, const struct token *token)
{
	const struct frozen *frozen = &attempt->frozen;

	if (is_deploy(attempt))
		return token->id == attempt->row->target_id &&
		       !strcmp(token->name, frozen->name) && frozen->username &&
		       !strcmp(token->username, frozen->username) &&
		       token->expires_on == frozen->expires_on;
	return token->user_id == frozen->user_id && token->created_msec == frozen->created_msec;
}

bool
evidence_is_fork(const struct attempt *attempt, const struct token *token)
{
	const struct rotation *row = attempt->row;

	return came_after(attempt, token) && token->id != row->target_id &&
	       token->id != row->new_id && !token_is_revoked(token) &&
	       !slot_is_orphan(attempt, token->id);
}

/* Releases that ignore the date asked for give seven days (rotate before 16.6, group service accounts
 * before 17.9). Only there may a date of seven days be our request's. */
static bool
is_known_cut(const struct attempt *attempt, const struct token *token)
{
	const struct gitlab_server *server = gitlab_server_of(attempt->gitlab);
	const bool ignores = attempt->frozen.type == TYPE_SERVICE_ACCOUNT
	                             ? !gitlab_at_least(server, 17, 9)
	                             : !gitlab_at_least(server, 16, 6);

	return ignores && token->expires_on == date_of(token->created_msec / 1000) + 7;
}

int64_t
evidence_wanted_msec(const struct rotation *row)
{
	const char *hex = row->nonce ? strrchr(row->nonce, '-') : NULL;
	const int64_t second =
		hex ? (int64_t)(strtoull(hex + 1, NULL, 16) % (uint64_t)(DAY_SEC - 1)) : 0;

	/* Never the day's first: that is what people ask for. */
	return (date_start(row->wanted_on) + second + 1) * 1000;
}

/* GitLab keeps neither a description nor the time of making of a deploy token; but its end, to the second. */
static bool
deploy_token_is_ours(const struct attempt *attempt, const struct token *token)
{
	const int64_t day_msec = DAY_SEC * 1000;

	return attempt->row->nonce && *attempt->row->nonce && attempt->frozen.username &&
	       !strcmp(token->username, attempt->frozen.username) &&
	       token->expires_msec % day_msec == evidence_wanted_msec(attempt->row) % day_msec;
}

/* Where they are kept, one without is not our creation. */
static bool
keeps_descriptions(const struct attempt *attempt)
{
	return gitlab_at_least(gitlab_server_of(attempt->gitlab), 17, 7);
}

/* Without a mark a date is all that speaks for it. While old and new live side by side, others have days to make one like it: ours
 * was made at once, or, if GitLab let it wait, within minutes. */
static bool
came_too_late(const struct attempt *attempt, const struct token *token)
{
	return token->created_msec / 1000 > attempt->row->intent_at + COMMITS_LATE_SEC;
}

/* The mark of our last request, and no use of the secret that its answer held. */
static bool
is_of_our_request(const struct attempt *attempt, const struct token *token)
{
	const struct rotation *row = attempt->row;

	if (is_deploy(attempt))
		return deploy_token_is_ours(attempt, token);
	if (token->last_used_msec != NO_MOMENT)
		return false;
	if (attempt_creates(attempt) && (token->description || keeps_descriptions(attempt)))
		return row->nonce && *row->nonce && token->description &&
		       strstr(token->description, row->nonce);
	if (token->created_msec + CLOCK_GRAIN_MSEC < row->intent_at * 1000 ||
		(attempt_creates(attempt) && came_too_late(attempt, token)))
		return false;
	return token->expires_on == row->wanted_on || is_known_cut(attempt, token);
}

bool
evidence_is_ours(const struct attempt *attempt, const struct token *token)
{
	const struct rotation *row = attempt->row;

	if (row->new_id && token->id == row->new_id)
		return true;
	return evidence_is_fork(attempt, token) && is_of_our_request(attempt, token);
}

bool
evidence_is_loss_of_ours(const struct attempt *attempt, const struct tokens *all)
{
	const struct rotation *row = attempt->row;
	const struct token *target = evidence_find(all, row->target_id);
	size_t lost = 0;

	/* A secret that we held was perhaps taken away for a reason. */
	if (!target || !token_is_revoked(target) || !row->intent_at || row->new_id)
		return false;
	for (size_t i = 0; i < all->count; i++) {
		const struct token *token = &all->items[i];

		if (token->id <= row->target_id || !came_after(attempt, token))
			continue;
		if (!token_is_revoked(token) || !is_of_our_request(attempt, token))
			return false;
		lost++;
	}
	return lost > 0;
}
