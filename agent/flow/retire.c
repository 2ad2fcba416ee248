/* The token's forks are gone, and the row with them. */
#include "base/advice.h"
#include "flow/self.h"

/* Rule 1: what revokes is on the disk before it is sent. */
static bool
revoke_fork(struct attempt *attempt, const struct token *fork, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);
	const char *text = arena_format(attempt->arena,
		"revokes #%lld: a second successor that our own requests made, never used",
		(long long)fork->id);

	if (!journal_event(attempt->journal, attempt->row->address, attempt->row->id,
		    "fork.revoked", text, err) ||
		!journal_flush(attempt->journal, err))
		return false;
	if (token_revoke(attempt->gitlab, &owner, fork->id, err))
		return true;
	identity_judge(attempt->identity, attempt->gitlab, err);
	/* A redirect, or a 404 of its project or route, says nothing of the token. */
	if (err->kind == ERR_MOVED)
		err->kind = ERR_LATER;
	return err_wrap(err, "revoking the fork #%lld", (long long)fork->id);
}

/* Somebody else's is told, and left alone. */
static void
tell_fork(struct attempt *attempt, const struct token *fork)
{
	attempt->told = arena_format(attempt->arena,
		"#%lld of the same name appeared during the rotation, and is not ours; #%lld is delivered",
		(long long)fork->id, (long long)attempt->row->new_id);
}

/* `revoked`: how many of ours were alive and are revoked now; NULL: none may be. */
static bool
sweep_listed(struct attempt *attempt, size_t *revoked, struct err *err)
{
	const int64_t now = gitlab_now(gitlab_server_of(attempt->gitlab));
	struct tokens all;

	if (!evidence_list(attempt, &all, err))
		return false;
	for (size_t i = 0; i < all.count; i++) {
		const struct token *token = &all.items[i];

		if (!evidence_is_fork(attempt, token) || !token_is_alive(token, now))
			continue;
		if (!evidence_is_ours(attempt, token)) {
			tell_fork(attempt, token);
			continue;
		}
		if (!revoked)
			return err_set(err, ERR_LATER, 0,
				"the fork #%lld, which was revoked, still lives",
				(long long)token->id);
		if (!revoke_fork(attempt, token, err))
			return false;
		++*revoked;
	}
	return true;
}

/* An answer that said it is gone may have been a proxy's: only a reading says so. */
bool
step_sweep(struct attempt *attempt, struct err *err)
{
	size_t revoked = 0;

	if (self_is(attempt))
		return true;
	return sweep_listed(attempt, &revoked, err) &&
	       (!revoked || sweep_listed(attempt, NULL, err));
}

/* The row's end erases the sealed secret: its destinations hold it now. */
bool
step_forget(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	(void)err;
	return true;
}
