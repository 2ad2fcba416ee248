/* What is read in one place is proven to be the token's present secret, and only then written to another: fence and stamp are those of
 * the rotation that made it. Nothing of the token is changed; doing it twice is harmless, and so is a crash in between. */
#include "flow/fill.h"

#include <string.h>

#include "base/advice.h"
#include "base/json.h"
#include "base/log.h"
#include "base/when.h"
#include "destination/destination.h"
#include "flow/pins.h"
#include "flow/running.h"

/* --- what is to be done, by the journal alone --- */

static const struct delivery *
holder_of(const struct deliveries *holders, const struct destination *destination)
{
	for (size_t i = 0; i < holders->count; i++)
		if (!strcmp(holders->items[i].place, destination->text))
			return &holders->items[i];
	return NULL;
}

static bool
is_looked_at(const struct plan_item *item)
{
	const struct token_record *record = item->record;

	return item->action == PLAN_NOTHING && !item->brake && !item->waits_for &&
	       item->token && record && record->generation && record->rotated_at &&
	       !record->released_at && record->token_id == item->token->id &&
	       item->due.due_at != NO_MOMENT && !item->entry->is_own &&
	       !kind_of(item->address.type)->is_deploy;
}

bool
fill_find(struct journal *journal, const struct plan_item *item, struct arena *arena,
	struct fill *fill, struct err *err)
{
	const struct destination *places = item->destinations.items;
	struct deliveries holders = { 0 };

	*fill = (struct fill){ 0 };
	if (!is_looked_at(item))
		return true;
	if (!journal_holders(journal, item->record->number, arena, &holders, err))
		return false;
	if (!holders.count)
		return true;
	fill->missing =
		arena_alloc(arena, (item->destinations.count + 1) * sizeof(*fill->missing));
	fill->was_aside =
		arena_alloc(arena, (item->destinations.count + 1) * sizeof(*fill->was_aside));
	for (size_t i = 0; i < item->destinations.count; i++) {
		const struct delivery *holder = holder_of(&holders, &places[i]);

		if (!holder || holder->state == DELIVERY_SET_ASIDE) {
			fill->was_aside[fill->count] = holder != NULL;
			fill->missing[fill->count++] = &places[i];
		} else if (holder->state == DELIVERY_PROVEN && !fill->source)
			fill->source = &places[i];
	}
	return true;
}

static const char *
words_of(const struct fill *fill, size_t which, struct arena *arena)
{
	const char *what = fill->was_aside[which] ? "set aside" : "new";
	const char *when =
		fill->was_aside[which] ? "tried again by each run" : "filled by the next run";

	if (!fill->source)
		return arena_format(arena,
			"%s: filled at the next rotation, for no place that has the secret can be read",
			what);
	return arena_format(arena, "%s: %s, from %s", what, when, fill->source->text);
}

const char *
fill_words(const struct fill *fill, const char *place, struct arena *arena)
{
	for (size_t i = 0; i < fill->count; i++)
		if (!strcmp(fill->missing[i]->text, place))
			return words_of(fill, i, arena);
	return NULL;
}

/* --- doing it --- */

/* So many bad secrets are presented in a run, for GitLab counts refusals. */
#define BAD_SECRETS_MOST 3

struct filling {
	struct run *run;
	const struct plan_item *item;
	const struct token_record *record; /* of this run */
	struct destination_tools tools;
	struct stamp stamp;
	struct secret *secret;
	struct identity *identity; /* of the secret itself */
	struct gitlab *as_token;
	bool is_refused; /* it was presented, and is not the token's */
	bool is_down;    /* GitLab was not there to be asked */
	size_t filled;
	struct err worst; /* what a person must hear of */
};

/* As it is pinned, whatever its path leads to now is told by the pin. */
static struct destination
pinned(const struct filling *filling, const struct destination *destination)
{
	struct destination copy = *destination;
	struct list one = { &copy, 1 };

	pins_apply(filling->record->destinations, filling->tools.arena, &one);
	return copy;
}

static bool
read_source(struct filling *filling, const struct destination *source, struct err *err)
{
	struct destination place = pinned(filling, source);

	if (!destination_pin(&filling->tools, &place, err) ||
		!destination_read(&filling->tools, &place, &filling->secret, err))
		return false;
	if (filling->secret)
		return true;
	err_set(err, ERR_PERSON, 0, "%s holds no secret any more", source->text);
	return err_advise(err, GLR_DESTINATION_REFUSED);
}

static bool
is_meant_secret(struct filling *filling, struct err *err)
{
	const struct token *token;

	if (!identity_fresh(filling->identity, filling->as_token, err))
		return false;
	token = identity_token(filling->identity);
	return (token->id == filling->record->token_id &&
		       token->user_id == filling->record->user_id) ||
	       err_set(err, ERR_CREDENTIAL, 0, "it opens #%lld", (long long)token->id);
}

/* Proven less than 30 s before each write. What is not the token's secret is nobody's business but of who wrote it there. */
static bool
prove(struct filling *filling, const struct destination *source, struct err *err)
{
	if (is_meant_secret(filling, err))
		return true;
	filling->is_down = err->kind == ERR_REACH;
	if (err->kind != ERR_CREDENTIAL && err->kind != ERR_REFUSED)
		return false;
	filling->is_refused = true;
	err->kind = ERR_PERSON;
	err_wrap(err, "%s does not hold the secret of #%lld any more", source->text,
		(long long)filling->record->token_id);
	return err_advise(err, GLR_DESTINATION_REFUSED);
}

static bool
write_one(struct filling *filling, const struct destination *source,
	const struct destination *missing, struct err *err)
{
	const struct destination_tools *tools = &filling->tools;
	struct destination place = pinned(filling, missing);
	enum proof proof;
	struct delivery delivery;

	if (!destination_pin(tools, &place, err) || !prove(filling, source, err) ||
		!destination_deliver(tools, &place, filling->secret, &filling->stamp, err) ||
		!destination_verify(
			tools, &place, filling->secret, &filling->stamp, &proof, err))
		return false;
	delivery = (struct delivery){ .place = place.text,
		.spec = json_encode_text(&destination_shape, &place, tools->arena),
		.state = proof == PROOF_VALUE ? DELIVERY_PROVEN : DELIVERY_UNPROVEN,
		.trouble = "" };
	if (!journal_hold(filling->run->context->journal, filling->record, &delivery,
		    arena_format(tools->arena, "%s holds the secret of #%lld, from %s",
			    place.text, (long long)filling->record->token_id, source->text),
		    err))
		return false;
	outcome_add(filling->run->outcome, COUNT_DELIVERED);
	filling->filled++;
	return true;
}

static bool
ends_run(const struct err *err)
{
	return err->kind == ERR_STORE || err->kind == ERR_CREDENTIAL ||
	       err->kind == ERR_STOPPED;
}

/* One place's refusal keeps no other one waiting. What was set aside is known, and `status` tells it: that it refuses once
 * more is no news. False when the run ends with it. */
static bool
note_refusal(struct filling *filling, bool is_news, struct err *err)
{
	/* A plain 401 may be about our own credential. */
	identity_judge(filling->run->context->identity, filling->tools.gitlab, err);
	if (ends_run(err))
		return false;
	if (is_news && (filling->worst.kind == ERR_NONE ||
			       (err_is_passing(&filling->worst) && !err_is_passing(err))))
		filling->worst = *err;
	if (!is_news)
		log_line(LOG_LEVEL_DEBUG, "%s: set aside as before: %s",
			filling->item->address.text, err->text);
	return true;
}

static bool
has_news(const struct fill *fill)
{
	for (size_t i = 0; i < fill->count; i++)
		if (!fill->was_aside[i])
			return true;
	return false;
}

static bool
fill_all(struct filling *filling, const struct fill *fill, struct err *err)
{
	if (!read_source(filling, fill->source, err))
		return note_refusal(filling, has_news(fill), err);
	filling->as_token = gitlab_new(filling->run->context->server, filling->secret);
	for (size_t i = 0; i < fill->count; i++) {
		bool is_news = !fill->was_aside[i];

		if (write_one(filling, fill->source, fill->missing[i], err))
			continue;
		/* It is about the secret: no place would get it. */
		if (filling->is_refused || filling->is_down)
			return note_refusal(filling, has_news(fill), err);
		if (!note_refusal(filling, is_news, err))
			return false;
	}
	return true;
}

static void
tell(struct filling *filling, const struct err *why)
{
	const bool later = err_is_passing(why);

	outcome_trouble(filling->run->outcome,
		&(struct trouble){ .address = filling->item->address.text,
			.text = arena_format(filling->tools.arena,
				"a new destination is not filled yet: %s", why->text),
			.advice = later         ? 0
	                          : why->advice ? why->advice
	                                        : GLR_DESTINATION_REFUSED,
			.person = !later,
			.works_until = date_start(filling->record->expires_on) });
}

/* What a run may still do. */
struct allowance {
	int64_t tokens;
	int bad_secrets;
};

static bool
fill_item(struct run *run, const struct plan_item *item, const struct token_record *record,
	const struct fill *fill, struct allowance *allowance, struct err *err)
{
	auto_identity struct identity *identity = identity_new("the secret of a destination");
	const struct delivered delivered = { .address = item->address.text,
		.token_id = record->token_id,
		.expires_on = record->expires_on };
	struct filling filling = { .run = run,
		.item = item,
		.record = record,
		.tools = context_tools(
			run->context, run_connection(run, 0), run->context->arena),
		.stamp = { .token_id = record->token_id,
			.date = date_of(record->created_msec / 1000),
			.generation = record->generation },
		.identity = identity };
	bool ok;

	filling.tools.delivered = &delivered;
	snprintf(filling.stamp.agent, sizeof(filling.stamp.agent), "%s",
		journal_uuid(run->context->journal));
	gitlab_set_urgency(filling.tools.gitlab, URGENCY_DELIVER);
	ok = fill_all(&filling, fill, err);
	gitlab_free(filling.as_token);
	secret_free(filling.secret);
	allowance->tokens -= filling.filled > 0;
	allowance->bad_secrets -= filling.is_down ? allowance->bad_secrets : filling.is_refused;
	if (filling.worst.kind != ERR_NONE)
		tell(&filling, &filling.worst);
	return ok;
}

bool
run_fill(struct run *run, const struct plan *plan, const struct token_record *records,
	struct err *err)
{
	struct allowance allowance = { run->context->policies->limits.rotations_per_run,
		BAD_SECRETS_MOST };

	if (run->orders->ordered || breaker_holds(run->breaker, NULL))
		return true;
	for (size_t i = 0; i < plan->count && !*run->context->stop; i++) {
		const struct plan_item *item = &plan->items[i];
		struct fill fill;

		if (!fill_find(run->context->journal, item, run->context->arena, &fill, err))
			return false;
		if (!fill.count || !fill.source)
			continue;
		if (allowance.tokens <= 0 || allowance.bad_secrets <= 0) {
			if (has_news(&fill))
				outcome_add(run->outcome, COUNT_WAITING);
			continue;
		}
		if (!fill_item(run, item, &records[i], &fill, &allowance, err))
			return false;
	}
	return true;
}
