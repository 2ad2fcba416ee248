/* The new token works, its destinations hold it, the old secret is dead: all by reading. */
#include "base/advice.h"
#include "base/when.h"
#include "flow/self.h"
#include "gitlab/people.h"

/* A lagging replica shows the old token alive for a moment; a GitLab put back from a backup, for ever. */
#define OLD_ALIVE_MOST_SEC (5 * MINUTE_SEC)

/* Somebody wrote over it, or it cannot be read: it is written once more. */
static bool
deliver_again(struct attempt *attempt, struct delivery *delivery, struct err *err)
{
	struct err why = *err;

	delivery->state = DELIVERY_PENDING;
	delivery->trouble = arena_text(attempt->arena, why.text);
	if (!journal_delivery(attempt->journal, attempt->row, delivery, delivery->trouble, err))
		return false;
	err_set(err, ERR_REFUSED, 0, "%s", why.text);
	return err_advise(err, GLR_DESTINATION_REFUSED);
}

/* What is known of a destination that did not say otherwise. */
static const char *const proofs[] = {
	[PROOF_VALUE] = "read back",
	[PROOF_STAMP] = "hidden; its stamp is ours",
	[PROOF_NONE] = "unproven: it cannot be read back",
	[PROOF_SLOT] = "GitLab hands it out",
};

static bool
verify_one(struct attempt *attempt, size_t which, struct err *err)
{
	const struct destination_tools tools = attempt_tools(attempt);
	struct delivery *delivery = &attempt->deliveries.items[which];
	enum proof proof;

	if (delivery->state == DELIVERY_SET_ASIDE)
		return true;
	if (!destination_verify(&tools, &attempt->destinations[which], attempt->row->secret,
		    &attempt->last_stamp, &proof, err)) {
		if (err->kind == ERR_MOVED || err->kind == ERR_REFUSED)
			return deliver_again(attempt, delivery, err);
		return false;
	}
	delivery->state = proof == PROOF_VALUE ? DELIVERY_PROVEN : DELIVERY_UNPROVEN;
	return journal_delivery(attempt->journal, attempt->row, delivery,
		arena_format(attempt->arena, "%s: %s", delivery->place, proofs[proof]), err);
}

bool
verify_destinations(struct attempt *attempt, struct err *err)
{
	for (size_t i = 0; i < attempt->deliveries.count; i++)
		if (!verify_one(attempt, i, err))
			return false;
	attempt->verified = true;
	return true;
}

/* The owner's list that shows the new token shows the old one too, or it is gone. */
static bool
old_is_dead(struct attempt *attempt, struct err *err)
{
	const struct rotation *row = attempt->row;
	const int64_t now = gitlab_now(gitlab_server_of(attempt->gitlab));
	const struct token *old;
	struct tokens all;

	if (!row->old_id)
		return true;
	if (!evidence_list(attempt, &all, err))
		return false;
	if (!evidence_find(&all, row->new_id))
		return err_set(err, ERR_LATER, 0, "GitLab does not list #%lld yet",
			(long long)row->new_id);
	old = evidence_find(&all, row->old_id);
	if (!old || !token_is_alive(old, now))
		return true;
	err_set(err, ERR_LATER, 0, "#%lld, which was rotated, still lives",
		(long long)row->old_id);
	if (now - row->moved_at < OLD_ALIVE_MOST_SEC)
		return false;
	err->kind = ERR_PERSON;
	return err_advise(err, GLR_RESTORED);
}

/* Releases before 16.10 let a bot's membership end at the old token's date (gitlab.com/gitlab-org/gitlab issue 423362). */
bool
verify_membership(struct attempt *attempt, struct err *err)
{
	const struct frozen *frozen = &attempt->frozen;
	int64_t level;

	if (frozen->type != TYPE_PROJECT && frozen->type != TYPE_GROUP)
		return true;
	if (!people_level(attempt->gitlab, frozen->type == TYPE_PROJECT, frozen->owner_id,
		    attempt->row->new_user_id, &level, err))
		return err_wrap(err, "whether its bot is a member");
	if (level != ROLE_NONE)
		return true;
	err_set(err, ERR_PERSON, 0, "its bot, user %lld, is no member of %s",
		(long long)attempt->row->new_user_id, frozen->owner);
	return err_advise(err, GLR_BOT_NOT_MEMBER);
}

bool
step_verify(struct attempt *attempt, struct err *err)
{
	gitlab_set_urgency(attempt->gitlab, URGENCY_DELIVER);
	if (!evidence_of_life(attempt, err) || !verify_destinations(attempt, err))
		return false;
	/* The answer that brought the new secret says that the old one is dead, and it may not see more. */
	if (self_is(attempt) || (old_is_dead(attempt, err) && verify_membership(attempt, err)))
		return true;
	identity_judge(attempt->identity, attempt->gitlab, err);
	/* What is known of the destinations stays; only the reading is to be done again. */
	if (err->kind == ERR_REFUSED || err->kind == ERR_MOVED)
		err->kind = ERR_LATER;
	return false;
}
