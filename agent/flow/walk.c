#include "flow/walk.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/notify.h"
#include "base/when.h"
#include "flow/idle.h"
#include "flow/overlap.h"
#include "flow/self.h"
#include "flow/slot.h"

/* So long the answer of a rotate, which nobody else has, is brought to a disk that refuses it. */
#define BRING_TRIES 600
#define BRING_PAUSE_MSEC 1000

/* --- opening --- */

static bool
read_destinations(struct attempt *attempt, struct err *err)
{
	attempt->destinations = arena_alloc(attempt->arena,
		(attempt->deliveries.count + 1) * sizeof(*attempt->destinations));
	if (!attempt_steps(attempt->row)[attempt->row->state].does)
		return err_set(err, ERR_STORE, 0, "a row at %s has no step",
			row_state_name(attempt->row->state));
	for (size_t i = 0; i < attempt->deliveries.count; i++)
		if (!json_decode_text(attempt->deliveries.items[i].spec, &destination_shape,
			    attempt->arena, &attempt->destinations[i], err))
			return err_wrap(err, "the journal's destination '%s'",
				attempt->deliveries.items[i].place);
	return true;
}

/* The same in every run that delivers it. */
static int64_t
day_of_secret(const struct rotation *row)
{
	if (row->new_created_msec == NO_MOMENT)
		return date_of(row->intent_at);
	return date_of(row->new_created_msec / 1000);
}

bool
attempt_open(struct attempt *attempt, int64_t generation, int64_t token_id, struct err *err)
{
	struct rotation *row = attempt->row;

	attempt->last_stamp = (struct stamp){ .token_id = token_id, .generation = generation };
	snprintf(attempt->last_stamp.agent, sizeof(attempt->last_stamp.agent), "%s",
		journal_uuid(attempt->journal));
	attempt->last_stamp.date = day_of_secret(row);
	if (json_decode_text(
		    row->frozen, &frozen_shape, attempt->arena, &attempt->frozen, err) &&
		(!row->id || journal_deliveries(attempt->journal, row->id, attempt->arena,
				     &attempt->deliveries, err)) &&
		read_destinations(attempt, err)) {
		attempt_note_secret(attempt);
		return true;
	}
	err->kind = ERR_STORE;
	return err_wrap(err, "%s", row->address);
}

/* --- moving --- */

static const char *
count_text(struct attempt *attempt, const char *what)
{
	size_t count = 0;

	for (size_t i = 0; i < attempt->deliveries.count; i++)
		count += attempt->deliveries.items[i].state != DELIVERY_SET_ASIDE;
	return arena_format(
		attempt->arena, "%s %zu destination%s", what, count, count == 1 ? "" : "s");
}

static const char *
intent_text(struct attempt *attempt)
{
	const struct rotation *row = attempt->row;
	const bool foreign =
		attempt->frozen.taken_over_at && row->target_id != attempt->last_stamp.token_id;
	char date[WHEN_TEXT_BYTES];

	date_text(row->wanted_on, date);
	if (!row->target_id)
		return arena_format(attempt->arena, "a new token, to live until %s", date);
	if (attempt_creates(attempt))
		return arena_format(attempt->arena,
			"a new token beside #%lld, to live until %s", (long long)row->target_id,
			date);
	return arena_format(attempt->arena, "rotate #%lld%s, to live until %s%s%s",
		(long long)row->target_id, foreign ? ", taken over from whoever made it" : "",
		date,
		attempt->idle.jobs  ? "; jobs that lose the old secret: "
		: attempt->idle.hit ? "; "
				    : "",
		attempt->idle.hit ? attempt->idle.hit : "");
}

static const char *
discarded_text(const struct attempt *attempt)
{
	return slot_is(attempt) ? "it ends with the old one, and another one is made"
	                        : "it is ended, and another one is made";
}

/* The event's sentence for a step that was done. */
static const char *
done_text(struct attempt *attempt, enum state_of_row to)
{
	const struct rotation *row = attempt->row;
	char date[WHEN_TEXT_BYTES];

	switch (to) {
	case STATE_INTENDED:
		return intent_text(attempt);
	case STATE_HELD:
		return arena_format(attempt->arena, "#%lld lives until %s",
			(long long)row->new_id, date_text(row->new_expires_on, date));
	case STATE_DELIVERED:
		return count_text(attempt, "to");
	case STATE_VERIFIED:
		return count_text(attempt,
			row->old_id ? "the old secret is dead; proven in" : "proven in");
	case STATE_PLANNED:
		if (row->state == STATE_ORPHANED)
			return discarded_text(attempt);
		if (attempt->frozen.recreating == STATED_YES && !row->intent_at)
			return "a new one is created in its place";
		return row->target_id == attempt->frozen.first_target
		               ? "the request never happened"
		               : arena_format(attempt->arena, "#%lld is rotated next",
					 (long long)row->target_id);
	case STATE_SWEPT:
		return "no second successor lives";
	case STATE_OVERLAP:
		return row->old_id ? overlap_words(row, attempt->arena)
		                   : count_text(attempt, "proven in");
	case STATE_RETIRING:
		return row->old_id ? arena_format(attempt->arena, "#%lld; %s",
					     (long long)row->old_id,
					     count_text(attempt, "proven in"))
		                   : "nothing";
	case STATE_RETIRED:
		return row->old_id
		               ? arena_format(attempt->arena, "#%lld", (long long)row->old_id)
		               : "nothing";
	case STATE_SETTLED:
		return arena_format(
			attempt->arena, "#%lld is what is left", (long long)row->new_id);
	case STATE_CLOSED:
		return "its secret is erased from the journal";
	default:
		return "";
	}
}

/* Nothing else in the world has this secret, so nothing else is done before the disk has it. */
static bool
bring_answer(
	struct attempt *attempt, const char *text, struct outcome *outcome, struct err *err)
{
	static const volatile int never = 0;

	for (int try = 1;; try++) {
		if (journal_move(attempt->journal, attempt->row, STATE_HELD, NULL, text, err))
			return true;
		if (err->kind != ERR_STORE || try == BRING_TRIES)
			return false;
		if (try == 1)
			outcome_trouble(outcome,
				&(struct trouble){ .address = attempt->row->address,
					.text = arena_format(attempt->arena,
						"the new secret cannot be written down, and is tried again for ten minutes: %s",
						err->text),
					.person = true,
					.works_until = NO_MOMENT });
		notify_extend(NOTIFY_ALIVE_SEC);
		clock_pause(BRING_PAUSE_MSEC, &never);
	}
}

/* Rows that replace frozen ones get new numbers. */
static bool
read_numbers(struct attempt *attempt, struct err *err)
{
	struct deliveries kept;

	if (!journal_deliveries(attempt->journal, attempt->row->id, attempt->arena, &kept, err))
		return false;
	for (size_t i = 0; i < kept.count && i < attempt->deliveries.count; i++)
		attempt->deliveries.items[i].id = kept.items[i].id;
	return true;
}

static bool
move(struct attempt *attempt, enum state_of_row to, const char *text, struct outcome *outcome,
	struct err *err)
{
	struct rotation *row = attempt->row;
	const enum state_of_row from = row->state;
	bool ok;

	if (from == STATE_INTENDED && to == STATE_HELD)
		ok = bring_answer(attempt, text, outcome, err);
	else
		ok = journal_move(attempt->journal, row, to,
			to == STATE_INTENDED ? &attempt->deliveries : NULL, text, err);
	if (!ok || (to == STATE_INTENDED && !read_numbers(attempt, err)))
		return false;
	if (from == STATE_INTENDED && to == STATE_HELD) {
		attempt->last_stamp.token_id = row->new_id;
		attempt->last_stamp.generation = row->generation;
		attempt->last_stamp.date = day_of_secret(row);
		attempt->rotated_at = row->moved_at;
	}
	/* The log has its own words for these two. */
	outcome_event(outcome, row, to == STATE_SWEPT || to == STATE_CLOSED ? "" : text);
	return true;
}

/* --- resting --- */

static bool
needs_person(const struct err *why)
{
	switch (why->kind) {
	case ERR_PERSON:
	case ERR_REFUSED:
	case ERR_MOVED:
	case ERR_POLICY:
		return true;
	default:
		return false;
	}
}

static void
set_trouble(struct rotation *row, struct arena *arena, const struct err *why, int64_t now)
{
	const int advice = why && needs_person(why) ? why->advice : 0;

	if (!why) {
		row->trouble = "";
		row->advice = 0;
		row->trouble_since = 0;
		return;
	}
	if (!row->trouble_since || row->advice != advice)
		row->trouble_since = now;
	row->trouble = arena_text(arena, why->text);
	row->advice = advice;
}

static bool
ends_run(const struct err *why)
{
	return why->kind == ERR_STORE || why->kind == ERR_CREDENTIAL;
}

/* One step, and where it leads; `*on` when the row goes on from there. */
static bool
take_step(struct attempt *attempt, bool *on, struct outcome *outcome, struct err *err)
{
	struct rotation *row = attempt->row;
	const struct step *steps = attempt_steps(row);
	const enum state_of_row from = row->state;
	struct err why = { 0 };
	enum state_of_row to;
	bool ok, kept;
	int64_t now;

	attempt->waits = NULL;
	ok = steps[from].does(attempt, &why);
	now = gitlab_now(gitlab_server_of(attempt->gitlab));
	*on = step_decide(steps, from, step_end_of(ok, from, &why), &attempt->went_back, &to);
	if (ok && to == from)
		err_set(&why, ERR_LATER, 0,
			"it went back once in this run, and goes on in the next");
	attempt->trouble = (ok && to != from) || attempt->waits ? (struct err){ 0 } : why;
	if (!ok && why.kind == ERR_STORE) {
		*err = why;
		return false;
	}
	/* From here on no worker walks a path on which a dead credential kills its family. */
	if (!ok && why.kind == ERR_CREDENTIAL)
		identity_distrust(attempt->identity);
	set_trouble(row, attempt->arena, attempt->trouble.kind ? &why : NULL, now);
	if (attempt->waits)
		row->trouble = attempt->waits;
	kept = to == from ? journal_trouble(attempt->journal, row, err)
	                  : move(attempt, to, ok ? done_text(attempt, to) : why.text, outcome,
				    err);
	if (!kept)
		return false;
	if (!ok && ends_run(&why)) {
		*err = why;
		return false;
	}
	return true;
}

bool
attempt_walk(struct attempt *attempt, struct outcome *outcome, struct err *err)
{
	bool on = row_state_is_open(attempt->row->state);

	attempt->wait_until = 0;
	if (on && !self_enter(attempt, outcome, &on, err))
		return false;
	while (on)
		if (!take_step(attempt, &on, outcome, err))
			return false;
	return true;
}

/* --- reporting --- */

/* Until when the secret that the destinations hold can be relied on. */
static int64_t
works_until(const struct attempt *attempt)
{
	const struct rotation *row = attempt->row;
	const bool untouched = row->state == STATE_PLANNED || row->state == STATE_DROPPED ||
	                       row->state == STATE_INTENDED;

	/* Until the new one is everywhere, the old one still is somewhere. */
	if (row->strategy == ROW_REPLACES && row->target_id &&
		(untouched || row->state == STATE_DOUBTED || row->state == STATE_ORPHANED ||
			row->state == STATE_HELD || row->state == STATE_DELIVERED))
		return date_start(attempt->frozen.expires_on);
	if (!untouched || !row->target_id || row->target_id != attempt->frozen.first_target)
		return NO_MOMENT;
	return date_start(attempt->frozen.expires_on);
}

static void
count(const struct attempt *attempt, struct outcome *outcome)
{
	for (unsigned i = 0; i < attempt->delivered; i++)
		outcome_add(outcome, COUNT_DELIVERED);
	if (attempt->retired)
		outcome_add(outcome, COUNT_RETIRED);
	if (attempt->was_superseded)
		return;
	if (attempt->row->strategy == ROW_REPLACES ? !attempt->replaced
						   : attempt->row->state != STATE_CLOSED)
		return;
	outcome_add(outcome, attempt->frozen.first_target ? COUNT_ROTATED : COUNT_CREATED);
	if (attempt->doubted)
		outcome_add(outcome, COUNT_REPAIRED);
}

void
attempt_report(const struct attempt *attempt, struct outcome *outcome)
{
	const struct rotation *row = attempt->row;

	count(attempt, outcome);
	if (attempt->idle.hit && row->new_id)
		outcome_hit(outcome, attempt->idle.jobs, attempt->idle.hit);
	if (idle_words(row))
		outcome_add(outcome, COUNT_IDLE);
	if (attempt->told)
		outcome_trouble(
			outcome, &(struct trouble){ .address = row->address,
					 .text = attempt->told,
					 .advice = attempt->told_advice ? attempt->told_advice
		                                   : row->state == STATE_CLOSED ? 0
		                                                                : row->advice,
					 .person = true,
					 .works_until = NO_MOMENT });
	if (attempt->trouble.kind == ERR_NONE || row->state == STATE_CLOSED)
		return;
	outcome_trouble(outcome,
		&(struct trouble){ .address = row->address,
			.text = attempt->trouble.text,
			.advice = needs_person(&attempt->trouble) ? attempt->trouble.advice : 0,
			.person = needs_person(&attempt->trouble),
			.since = row->trouble_since,
			.works_until = works_until(attempt) });
}
