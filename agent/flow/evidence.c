/* What readings of GitLab say about a row: who is whose successor, and whether a held secret lives. Reads only. */
#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "flow/attempt.h"

/* GitLab's Date header counts whole seconds, created_at milliseconds. */
#define CLOCK_GRAIN_MSEC INT64_C(2000)
/* A read replica that lags behind the primary answers a new secret with a bare 401. */
#define NOT_SEEN_YET_SEC (5 * MINUTE_SEC)
/* The first pause; each further one is twice as long, for every question is a failed authentication. */
#define ASK_AGAIN_SEC INT64_C(2)

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
		attempt->wait_until =
			gitlab_now(gitlab_server_of(attempt->gitlab)) +
			(ASK_AGAIN_SEC << (attempt->unseen < 5 ? attempt->unseen : 5));
		attempt->unseen++;
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

bool
evidence_of_life(struct attempt *attempt, struct err *err)
{
	auto_gitlab struct gitlab *as_token = NULL;
	enum credential_state state = CREDENTIAL_UNKNOWN;
	struct token token;

	if (attempt->alive)
		return true;
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

/* Of the row's name and user, and younger than its first intent. */
static bool
came_after(const struct attempt *attempt, const struct token *token)
{
	const struct frozen *frozen = &attempt->frozen;

	return token->id > attempt->row->highest_id && !strcmp(token->name, frozen->name) &&
	       (!frozen->user_id || token->user_id == frozen->user_id);
}

bool
evidence_is_fork(const struct attempt *attempt, const struct token *token)
{
	const struct rotation *row = attempt->row;

	return came_after(attempt, token) && token->id != row->target_id &&
	       token->id != row->new_id && !token_is_revoked(token);
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

/* The mark of our last request, and no use of the secret that its answer held. */
static bool
is_of_our_request(const struct attempt *attempt, const struct token *token)
{
	const struct rotation *row = attempt->row;

	if (token->last_used_msec != NO_MOMENT ||
		token->created_msec + CLOCK_GRAIN_MSEC < row->intent_at * 1000)
		return false;
	if (!row->old_id && token->description)
		return row->nonce && *row->nonce && strstr(token->description, row->nonce);
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
