/* A held secret → every destination, each by itself; the journal remembers who has it. */
#include <string.h>

#include "base/advice.h"
#include "base/clock.h"
#include "base/when.h"
#include "destination/slot.h"
#include "flow/slot.h"

/* Pauses of 1, 2 and 4 seconds; what is not taken then waits for the next run. */
#define TRIES 4
/* So long a destination may refuse before it is set aside. */
#define REFUSED_MOST_SEC (7 * DAY_SEC)

static int64_t
now_of(const struct attempt *attempt)
{
	return gitlab_now(gitlab_server_of(attempt->gitlab));
}

static bool
is_written(const struct delivery *delivery)
{
	return delivery->state != DELIVERY_PENDING && delivery->state != DELIVERY_SET_ASIDE;
}

static bool
write_one(struct attempt *attempt, size_t which, struct err *err)
{
	const struct destination_tools tools = attempt_tools(attempt);
	struct destination *destination = &attempt->destinations[which];
	int64_t pause_msec = 1000;

	for (int try = 1;; try++, pause_msec *= 2) {
		if (destination_pin(&tools, destination, err) &&
			destination_deliver(&tools, destination, attempt->row->secret,
				&attempt->last_stamp, err))
			return true;
		if (!err_is_passing(err) || try == TRIES ||
			!clock_pause(pause_msec, attempt->stop))
			return false;
	}
}

static bool
remember_written(struct attempt *attempt, size_t which, struct err *err)
{
	struct delivery *delivery = &attempt->deliveries.items[which];

	slot_note_written(attempt, which);
	delivery->state = DELIVERY_WRITTEN;
	delivery->attempts++;
	delivery->failing_since = 0;
	delivery->next_at = 0;
	delivery->trouble = "";
	attempt->delivered++;
	return journal_delivery(attempt->journal, attempt->row, delivery,
		arena_format(attempt->arena, "%s holds the secret of #%lld", delivery->place,
			(long long)attempt->row->new_id),
		err);
}

static bool
remember_refused(struct attempt *attempt, struct delivery *delivery, const struct err *why,
	struct err *err)
{
	const bool is_new =
		!delivery->failing_since || strcmp(delivery->trouble, why->text) != 0;

	delivery->attempts++;
	delivery->trouble = arena_text(attempt->arena, why->text);
	if (!delivery->failing_since)
		delivery->failing_since = now_of(attempt);
	return journal_delivery(attempt->journal, attempt->row, delivery,
		is_new ? arena_format(attempt->arena, "%s: %s", delivery->place, why->text)
		       : NULL,
		err);
}

bool
deliver_one(struct attempt *attempt, size_t which, struct err *why, struct err *err)
{
	*why = (struct err){ 0 };
	if (write_one(attempt, which, why)) {
		*why = (struct err){ 0 };
		return remember_written(attempt, which, err);
	}
	if (why->kind == ERR_CREDENTIAL)
		identity_judge(attempt->identity, attempt->gitlab, why);
	if (!remember_refused(attempt, &attempt->deliveries.items[which], why, err))
		*why = (struct err){ 0 };
	return false;
}

/* Everything that still waits. `*worst` is the failure that most needs a person; false means that the journal failed. */
static bool
write_pending(struct attempt *attempt, struct err *worst, struct err *err)
{
	for (size_t i = 0; i < attempt->deliveries.count; i++) {
		struct err why;

		if (attempt->deliveries.items[i].state != DELIVERY_PENDING ||
			deliver_one(attempt, i, &why, err))
			continue;
		if (why.kind == ERR_NONE)
			return false;
		if (worst->kind == ERR_NONE || err_is_passing(worst))
			*worst = why;
		if (why.kind == ERR_CREDENTIAL)
			break;
	}
	return true;
}

/* A destination that refused for seven days does not hold up the rest of the row for ever, as long as somebody else holds the
 * secret: the last copy of one stays in the journal. */
static bool
set_aside(struct attempt *attempt, struct err *err)
{
	bool somebody = false;

	for (size_t i = 0; i < attempt->deliveries.count; i++)
		somebody = somebody || is_written(&attempt->deliveries.items[i]);
	for (size_t i = 0; somebody && i < attempt->deliveries.count; i++) {
		struct delivery *delivery = &attempt->deliveries.items[i];

		/* Jobs of a project that is not pinned would have the password of a token that is to end. */
		if (slot_place_of(&attempt->destinations[i]))
			continue;
		if (delivery->state != DELIVERY_PENDING || !delivery->failing_since ||
			now_of(attempt) - delivery->failing_since < REFUSED_MOST_SEC)
			continue;
		delivery->state = DELIVERY_SET_ASIDE;
		attempt->told = arena_format(attempt->arena,
			"%s was set aside: it refused for seven days (%s)", delivery->place,
			delivery->trouble);
		if (!journal_delivery(
			    attempt->journal, attempt->row, delivery, attempt->told, err))
			return false;
	}
	return true;
}

static size_t
count_pending(const struct attempt *attempt)
{
	size_t count = 0;

	for (size_t i = 0; i < attempt->deliveries.count; i++)
		count += attempt->deliveries.items[i].state == DELIVERY_PENDING;
	return count;
}

bool
step_deliver(struct attempt *attempt, struct err *err)
{
	struct err worst = { 0 };

	gitlab_set_urgency(attempt->gitlab, URGENCY_DELIVER);
	if (!evidence_of_life(attempt, err) ||
		(slot_is(attempt) && !slot_follow(attempt, false, err)))
		return false;
	if (!write_pending(attempt, &worst, err) || !set_aside(attempt, err))
		return false;
	if (!count_pending(attempt)) {
		if (attempt->is_fresh)
			breaker_note(attempt->breaker, BREAKER_DELIVERY, NULL);
		return true;
	}
	*err = worst;
	if (attempt->is_fresh)
		breaker_note(attempt->breaker, BREAKER_DELIVERY, err);
	/* A destination's word is not about the token: the row stays where it is. */
	if (err_is_passing(err)) {
		err->kind = ERR_LATER;
		return false;
	}
	if (err->kind == ERR_CREDENTIAL)
		return false;
	err->kind = ERR_PERSON;
	return err->advice ? false : err_advise(err, GLR_DESTINATION_REFUSED);
}
