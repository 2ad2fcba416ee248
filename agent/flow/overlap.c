/* REPLACE, after the delivery: both tokens live side by side, then the old one is retired. */
#include "flow/overlap.h"

#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "flow/slot.h"

/* So long after the overlap the old one may be in use before a person hears of it. */
#define OLD_IN_USE_MOST_SEC (7 * DAY_SEC)
/* So long after the old one's end a list without the new one may be an old list. */
#define NEW_IS_ABSENT_MOST_SEC HOUR_SEC

const char *
overlap_words(const struct rotation *row, struct arena *arena)
{
	char until[WHEN_TEXT_BYTES];

	if (!row->old_id)
		return "it is delivered; nothing is to be retired";
	return arena_format(arena, "the old #%lld lives beside #%lld %s %s%s%s",
		(long long)row->old_id, (long long)row->new_id,
		*row->trouble ? "since its overlap ended on" : "until",
		moment_text(row->retire_after, until),
		*row->trouble ? ": " : ", and is retired then", row->trouble);
}

bool
overlap_cut(struct attempt *attempt, int64_t now, struct err *err)
{
	struct rotation *row = attempt->row;
	char until[WHEN_TEXT_BYTES];

	if (row->state != STATE_OVERLAP || !row->old_id)
		return true;
	attempt->frozen.quiet_sec = 0;
	if (row->retire_after <= now)
		return true;
	moment_text(row->retire_after, until);
	row->retire_after = now;
	return journal_event(attempt->journal, row->address, row->id, "overlap.cut",
		arena_format(attempt->arena,
			"a rotation is ordered: the old #%lld is retired now, and not on %s",
			(long long)row->old_id, until),
		err);
}

static int64_t
now_of(const struct attempt *attempt)
{
	return gitlab_now(gitlab_server_of(attempt->gitlab));
}

static bool
is_deploy(const struct attempt *attempt)
{
	return kind_of((enum token_type)attempt->frozen.type)->is_deploy;
}

/* --- verify --- */

int64_t
attempt_overlap_sec(const struct attempt *attempt)
{
	const struct frozen *frozen = &attempt->frozen;

	if (!attempt->row->old_id)
		return 0;
	return frozen->quiet_sec > frozen->overlap_sec ? frozen->quiet_sec
	                                               : frozen->overlap_sec;
}

/* GitLab may have granted less than the policy's overlap: the row must be done when the new one falls due. */
static int64_t
middle_of_new(const struct rotation *row)
{
	const int64_t made_at = row->new_created_msec / 1000;

	return row->new_expires_on == NO_DATE
	               ? INT64_MAX
	               : made_at + (date_start(row->new_expires_on) - made_at) / 2;
}

/* From now on the old one is not needed, and lives as long as the policy gives who still has it. */
static void
begin_overlap(struct attempt *attempt)
{
	const int64_t now = now_of(attempt), middle = middle_of_new(attempt->row);
	const int64_t wanted = now + attempt_overlap_sec(attempt);

	attempt->row->retire_after = wanted < middle ? wanted : middle > now ? middle : now;
	attempt->replaced = true;
}

bool
step_replace_verify(struct attempt *attempt, struct err *err)
{
	gitlab_set_urgency(attempt->gitlab, URGENCY_DELIVER);
	if (!evidence_of_life(attempt, err) || !verify_destinations(attempt, err))
		return false;
	if (!verify_membership(attempt, err)) {
		identity_judge(attempt->identity, attempt->gitlab, err);
		/* What is known of the destinations stays; only the reading is to be done again. */
		if (err->kind == ERR_REFUSED || err->kind == ERR_MOVED)
			err->kind = ERR_LATER;
		return false;
	}
	begin_overlap(attempt);
	return true;
}

/* --- wait --- */

static bool
rest(struct attempt *attempt, const char *why, struct err *err)
{
	attempt->waits = why;
	return err_set(err, ERR_LATER, 0, "both live side by side");
}

/* last_used_at lags by ten minutes, and so `quiet` is an hour at the least. */
static bool
is_still_used(const struct attempt *attempt, const struct token *old)
{
	return attempt->frozen.quiet_sec && old->last_used_msec != NO_MOMENT &&
	       now_of(attempt) - old->last_used_msec / 1000 < attempt->frozen.quiet_sec;
}

static const char *
used_text(const struct attempt *attempt, const struct token *old)
{
	const char *places = "";
	char when[WHEN_TEXT_BYTES];

	for (size_t i = 0; i < old->last_used_ips.count; i++)
		places = arena_format(attempt->arena, "%s%s%s", places,
			*places ? ", " : ", from ", old->last_used_ips.items[i]);
	return arena_format(attempt->arena, "#%lld is still in use: last used %s%s",
		(long long)old->id, moment_text(old->last_used_msec / 1000, when), places);
}

/* Somebody still uses it long after everybody known to us has the new one: that is not going to end by itself. */
static bool
tell_user_of_old(struct attempt *attempt, const struct token *old, struct err *err)
{
	const char *text = used_text(attempt, old);

	if (now_of(attempt) - attempt->row->retire_after < OLD_IN_USE_MOST_SEC)
		return rest(attempt, text, err);
	err_set(err, ERR_PERSON, 0, "%s", text);
	return err_advise(err, GLR_OLD_IN_USE);
}

/* Rule 5: in the run that retires the old one, every destination is read again. */
static bool
verify_again(struct attempt *attempt, struct err *err)
{
	if (attempt->verified)
		return true;
	gitlab_set_urgency(attempt->gitlab, URGENCY_DELIVER);
	if (evidence_of_life(attempt, err) && verify_destinations(attempt, err))
		return true;
	identity_judge(attempt->identity, attempt->gitlab, err);
	return false;
}

/* What a request of ours makes long after nobody believed in it any more is not left until the end of the overlap. Somebody else's is
 * told once, then. */
static bool
sweep_silently(struct attempt *attempt, struct err *err)
{
	const char *told = attempt->told;
	const bool ok = step_sweep(attempt, err);

	attempt->told = told;
	return ok;
}

/* A list without the new one says nothing of the old one. */
static bool
new_is_listed(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	const struct token *new = evidence_find(all, attempt->row->new_id);

	return (new &&token_is_alive(new, now_of(attempt))) ||
	       err_set(err, ERR_LATER, 0, "GitLab does not list #%lld as alive",
		       (long long)attempt->row->new_id);
}

static bool
jobs_ended(struct attempt *attempt, struct err *err)
{
	struct tokens all;

	return !slot_is(attempt) ||
	       (evidence_list(attempt, &all, err) && new_is_listed(attempt, &all, err) &&
		       slot_jobs_ended(attempt, &all, err));
}

/* Who reads the destinations has nothing else: one that died is made anew at once, and not when the overlap is over. */
static bool
new_lives_on(struct attempt *attempt, struct err *err)
{
	const struct token *new;
	struct tokens all;

	if (!evidence_list(attempt, &all, err))
		return false;
	new = evidence_find(&all, attempt->row->new_id);
	/* What a list does not hold a replica may not know. */
	if (!new)
		return evidence_of_life(attempt, err);
	return token_is_alive(new, now_of(attempt)) ||
	       err_set(err, ERR_MOVED, 0, "#%lld, whose secret is delivered, is dead: %s",
		       (long long)new->id,
		       token_is_revoked(new) ? "it was revoked" : "it ran out");
}

bool
step_wait(struct attempt *attempt, struct err *err)
{
	const struct rotation *row = attempt->row;
	const struct token *old;
	struct tokens all;

	if (!new_lives_on(attempt, err))
		return false;
	if (slot_is(attempt) ? !slot_keep(attempt, err) : !sweep_silently(attempt, err))
		return false;
	if (now_of(attempt) < row->retire_after)
		return rest(attempt, "", err);
	if (row->old_id && attempt->frozen.quiet_sec) {
		/* A new one that died is made anew, whoever still uses the old one. */
		if (!evidence_of_life(attempt, err) || !evidence_list(attempt, &all, err) ||
			!new_is_listed(attempt, &all, err))
			return false;
		old = evidence_find(&all, row->old_id);
		if (old && token_is_alive(old, now_of(attempt)) && is_still_used(attempt, old))
			return tell_user_of_old(attempt, old, err);
	}
	if (verify_again(attempt, err))
		return jobs_ended(attempt, err);
	/* A place that lost it gets it once more, and who reads there another overlap. */
	if (err->kind == ERR_REFUSED)
		err->kind = ERR_MOVED;
	return false;
}

/* --- retire --- */

/* From RETIRING no way leads back: a place that lost the secret in between gets it here. */
static bool
verify_or_mend(struct attempt *attempt, struct err *err)
{
	if (verify_again(attempt, err) ||
		(err->kind == ERR_REFUSED && step_deliver(attempt, err) &&
			verify_again(attempt, err)))
		return true;
	/* "Moved" means here that the old one is gone. */
	if (err->kind == ERR_MOVED || err->kind == ERR_REFUSED)
		err->kind = ERR_PERSON;
	return err->kind == ERR_PERSON && !err->advice ? err_advise(err, GLR_IDENTITY) : false;
}

static bool
old_is_itself(const struct attempt *attempt, const struct token *old, struct err *err)
{
	if (evidence_is_target(attempt, old) && old->id != attempt->row->new_id &&
		(is_deploy(attempt) || old->id != identity_token_id(attempt->identity)))
		return true;
	err_set(err, ERR_PERSON, 0, "#%lld is another token than the one replaced: not retired",
		(long long)old->id);
	return err_advise(err, GLR_IDENTITY);
}

/* Rule 1: what ends it is on the disk before it is sent. */
static bool
end_old(struct attempt *attempt, const struct token *old, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);

	if (!journal_event(attempt->journal, attempt->row->address, attempt->row->id,
		    "old.ended",
		    arena_format(attempt->arena, "ends #%lld, which #%lld has replaced",
			    (long long)old->id, (long long)attempt->row->new_id),
		    err) ||
		!journal_flush(attempt->journal, err))
		return false;
	if (token_revoke(attempt->gitlab, &owner, old->id, err))
		return true;
	identity_judge(attempt->identity, attempt->gitlab, err);
	/* A 404 of its project or route says nothing of the token: only a reading does. */
	if (err->kind == ERR_MOVED)
		err->kind = ERR_LATER;
	return err_wrap(err, "retiring #%lld", (long long)old->id);
}

bool
step_retire(struct attempt *attempt, struct err *err)
{
	const struct rotation *row = attempt->row;
	const struct token *old;
	struct tokens all;

	if (*attempt->stop)
		return err_set(err, ERR_STOPPED, 0, "stopped before the old one was retired");
	if (!row->old_id && !slot_is(attempt))
		return true;
	/* Projects that came and went since then, and a pin that was lost and is back: the jobs are looked at again. */
	if (slot_is(attempt) && !slot_keep_or_free(attempt, err))
		return false;
	if (!verify_or_mend(attempt, err))
		return false;
	gitlab_set_urgency(attempt->gitlab, URGENCY_ROTATE);
	if (!evidence_list(attempt, &all, err) || !new_is_listed(attempt, &all, err) ||
		(slot_is(attempt) && !slot_jobs_ended(attempt, &all, err)))
		return false;
	old = row->old_id ? evidence_find(&all, row->old_id) : NULL;
	if (old && !token_is_revoked(old) &&
		(!old_is_itself(attempt, old, err) || !end_old(attempt, old, err)))
		return false;
	attempt->retired = row->old_id != 0;
	return !slot_is(attempt) || slot_end_orphans(attempt, &all, err);
}

/* --- settle --- */

/* Whether GitLab's list shows that the old one is gone. */
static bool
read_end(struct attempt *attempt, bool *is_gone, struct err *err)
{
	const struct rotation *row = attempt->row;
	const struct token *old;
	struct tokens all;

	*is_gone = false;
	gitlab_set_urgency(attempt->gitlab, URGENCY_RECONCILE);
	if (!evidence_list(attempt, &all, err))
		return false;
	/* One that somebody ended since is the next run's to find: this row has nothing left to do for it. A deploy token that is
	 * ended is not even listed, and neither is what a replica does not know yet. */
	if (!evidence_find(&all, row->new_id) &&
		now_of(attempt) - row->moved_at < NEW_IS_ABSENT_MOST_SEC)
		return err_set(err, ERR_LATER, 0, "GitLab does not list #%lld",
			(long long)row->new_id);
	old = row->old_id ? evidence_find(&all, row->old_id) : NULL;
	*is_gone = !old || !token_is_alive(old, now_of(attempt));
	return true;
}

/* An answer that said it is gone may have been a proxy's. What was sent in this run is not sent again in it: a replica may
 * lag behind. */
bool
step_settle(struct attempt *attempt, struct err *err)
{
	bool is_gone;

	if (!read_end(attempt, &is_gone, err))
		return false;
	if (!is_gone && !attempt->retired &&
		(!step_retire(attempt, err) || !read_end(attempt, &is_gone, err)))
		return false;
	if (!is_gone)
		return err_set(err, ERR_LATER, 0, "#%lld, which was retired, still lives",
			(long long)attempt->row->old_id);
	return slot_is(attempt) ? slot_settle(attempt, err) : step_sweep(attempt, err);
}
