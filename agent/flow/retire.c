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

bool
step_sweep(struct attempt *attempt, struct err *err)
{
	const int64_t now = gitlab_now(gitlab_server_of(attempt->gitlab));
	struct tokens all;

	if (self_is(attempt))
		return true;
	if (!evidence_list(attempt, &all, err))
		return false;
	for (size_t i = 0; i < all.count; i++) {
		const struct token *token = &all.items[i];

		if (!evidence_is_fork(attempt, token) || !token_is_alive(token, now))
			continue;
		if (!evidence_is_ours(attempt, token))
			tell_fork(attempt, token);
		else if (!revoke_fork(attempt, token, err))
			return false;
	}
	return true;
}

/* The row's end erases the sealed secret: its destinations hold it now. */
bool
step_forget(struct attempt *attempt, struct err *err)
{
	(void)attempt;
	(void)err;
	return true;
}
