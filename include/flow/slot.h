/* slot.h: rows of a token that GitLab itself hands to jobs: the deploy token called gitlab-deploy-token.
 * Touches GitLab and the journal, for the steps of REPLACE.
 *
 * A job keeps the password that it started with, and of two tokens of that name GitLab may give it either. So, beside what REPLACE does
 * for all:
 *   preflight  nothing may go before the slot, and no other token be in it; the new one takes the old one's user name to the letter
 *   deliver    the pin: from now on new jobs get the new password, whichever token GitLab picks (destination/slot.h)
 *   overlap    until it is over, and until each job that began before the pin has ended
 *   retire     the old one is ended, and the orphans with it
 *   settle     exactly one is in the slot: the pins go
 * An orphan, made by a request whose answer was lost, is in the slot as soon as it is made, and any job may have its password, which
 * nobody of us knows. So it is not ended when it is found: another token is made and pinned, and the orphan ends with the old one.
 * At each moment every token that a job may hold lives, and no pin names one that is ended: a crash leaves nothing that is wrong. */
#ifndef FLOW_SLOT_H
#define FLOW_SLOT_H

#include "flow/attempt.h"

bool slot_is(const struct attempt *attempt);

/* Made by a request of this row whose answer was lost, and kept until the old one ends. */
bool slot_is_orphan(const struct attempt *attempt, int64_t id);

/* --- slot.c: the parts of the steps --- */
/* What refuses a replacement before anything is made; then the row's deliveries are what is to be pinned. `all` are the owner's tokens.
 * Fails: ERR_PERSON (GLR-128, GLR-129); ERR_LATER. */
must_check bool slot_preflight(
	struct attempt *attempt, const struct tokens *all, struct err *err);

/* Instead of ending row->new_id, whose secret is lost: it is kept in mind, if it lives, and what is pinned of it is unpinned. */
must_check bool slot_keep_orphan(
	struct attempt *attempt, const struct token *orphan, struct err *err);

/* What would have a row given up that left an orphan behind, and nobody else would end that, is told instead, and the row stays. Always
 * returns false. */
bool slot_stays(struct attempt *attempt, struct err *err);

/* A place took the secret. */
void slot_note_written(struct attempt *attempt, size_t which);

/* The projects that it reaches are others than before: those that left are unpinned, and with `adds` those that came are pinned.
 * Before the row is delivered that is for the next preflight. */
must_check bool slot_follow(struct attempt *attempt, bool adds, struct err *err);

/* For new jobs the pins stand: the new secret is proven alive before anything is pinned with it. Fails: ERR_MOVED when it is dead. From
 * RETIRING on no way leads back: then the pins go, so that new jobs get what still lives, and it is ERR_PERSON (GLR-110). */
must_check bool slot_keep(struct attempt *attempt, struct err *err);
must_check bool slot_keep_or_free(struct attempt *attempt, struct err *err);

/* Every orphan is ended. To be called when no job can have its password. */
must_check bool slot_end_orphans(
	struct attempt *attempt, const struct tokens *all, struct err *err);

/* Exactly one is in the slot, and the pins are gone. */
must_check bool slot_settle(struct attempt *attempt, struct err *err);

/* --- slot_jobs.c --- */
/* No job that began before its project was pinned still runs; true as well when nothing is left that could be ended.
 * Fails: ERR_LATER, and the row rests with what it waits for; ERR_PERSON (GLR-130) after a day more than it should take. */
must_check bool slot_jobs_ended(
	struct attempt *attempt, const struct tokens *all, struct err *err);
/* A token that is ended with the old one, or is the old one, and lives. */
bool slot_is_to_end(const struct attempt *attempt, const struct token *token);

/* --- slot_words.c --- */
struct plan_item;
/* For `plan` and `check`: what the slot at item->destinations[which] reaches, or "cannot: …". `uuid` is the journal's. */
const char *slot_words(const struct destination_tools *tools, const char *uuid,
	const struct plan_item *item, size_t which);

#endif
