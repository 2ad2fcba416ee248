/* explain: all there is to say of one token: its lines of the policy, its due date as a sum, its destinations, what happened. When
 * GitLab cannot be read it says so and tells what the journal remembers. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/when.h"
#include "destination/destination.h"
#include "flow/fill.h"
#include "flow/overlap.h"
#include "flow/run.h"
#include "report/advice.h"
#include "report/page.h"
#include "report/standing.h"
#include "verb/choose.h"
#include "verb/options.h"
#include "verb/verb.h"

#define EVENTS_SHOWN 12
#define LABEL "  %-12s "

/* What is explained, and with which means. */
struct explanation {
	struct context *context;
	struct arena *arena;
	int64_t now;
	const char *address;
	const struct plan_item *item;      /* NULL: GitLab could not be read */
	const struct token_record *record; /* NULL: not adopted yet */
	struct fill fill;                  /* places that are new */
	const struct rotation *row;        /* open, or NULL */
	const struct brake *brake;         /* NULL: none holds it */
	struct deliveries
		deliveries; /* of the open row, else of who holds the present secret */
	struct events events;
	const struct err *unread; /* why GitLab could not be read, or NULL */
};

/* The one index that is chosen among `count`. */
static bool
one_of(const bool *chosen, size_t count, size_t *index, struct err *err)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		if (chosen[i] && ++found)
			*index = i;
	if (found == 1)
		return true;
	return err_set(err, ERR_USAGE, 0, "explain wants one token, and this means %zu", found);
}

static bool
find_item(struct explanation *it, const struct options *options, const struct reading *reading,
	struct err *err)
{
	const struct plan *plan = reading->plan;
	bool *chosen;
	size_t index = 0;

	if (!choose_items(options, plan, it->arena, &chosen, err) ||
		!one_of(chosen, plan->count, &index, err))
		return false;
	it->item = &plan->items[index];
	it->record = it->item->record;
	it->row = it->item->row;
	it->brake = it->item->brake;
	it->address = it->item->address.text;
	return true;
}

static bool
find_record(struct explanation *it, const struct options *options,
	const struct standings *standings, struct err *err)
{
	bool *chosen;
	size_t index = 0;

	if (!choose_records(options, &standings->records, it->arena, &chosen, err) ||
		!one_of(chosen, standings->records.count, &index, err))
		return false;
	it->record = &standings->records.items[index];
	it->address = it->record->address;
	for (size_t i = 0; i < standings->count; i++)
		if (standings->items[i].record == it->record) {
			it->row = standings->items[i].row;
			it->brake = standings->items[i].brake;
		}
	return true;
}

static bool
read_journal(struct explanation *it, struct err *err)
{
	struct journal *journal = it->context->journal;

	if (!journal_events(journal, it->record ? it->record->address : it->address,
		    EVENTS_SHOWN, it->arena, &it->events, err))
		return false;
	if (it->item && !fill_find(journal, it->item, it->arena, &it->fill, err))
		return false;
	if (it->row)
		return journal_deliveries(
			journal, it->row->id, it->arena, &it->deliveries, err);
	if (it->record)
		return journal_holders(
			journal, it->record->number, it->arena, &it->deliveries, err);
	return true;
}

/* A line whose label stands only before the first of its kind. */
static void
line(const char *label, const char *text)
{
	printf(LABEL "%s\n", label, text);
}

/* Whose it is, and since when. */
static const char *
token_words(const struct explanation *it, const struct token *token)
{
	const struct token_record *record = it->record;

	if (token->username)
		return arena_format(it->arena, "%s with the user name '%s', %s%s",
			page_id(it->arena, token->id), token->username,
			record && record->token_id == token->id && record->rotated_at
				? "made "
				: "first seen ",
			record && record->token_id == token->id && record->created_msec > 0
				? page_moment(it->arena, record->created_msec / 1000, it->now)
				: "now");
	return arena_format(it->arena, "%s of user %" PRId64 ", created %s",
		page_id(it->arena, token->id), token->user_id,
		page_moment(it->arena, token->created_msec / 1000, it->now));
}

static void
print_token(const struct explanation *it)
{
	struct arena *arena = it->arena;
	const struct plan_item *item = it->item;

	if (item && item->token) {
		line("token", token_words(it, item->token));
		line("dies", page_moment(arena, date_start(item->token->expires_on), it->now));
		line("activity", page_token_used(arena, item->token, it->now));
	} else if (it->record && it->record->token_id) {
		line("token", arena_format(arena, "%s, as last seen %s",
				      page_id(arena, it->record->token_id),
				      page_moment(arena, it->record->seen_at, it->now)));
		line("dies", page_moment(arena, date_start(it->record->expires_on), it->now));
	} else {
		line("token", "there is none yet");
	}
	if (item && item->holding && item->holding->namesakes.count > 1)
		for (size_t i = 0; i < item->holding->namesakes.count; i++) {
			const struct token *token = &item->holding->namesakes.items[i];

			line(i ? "" : "namesakes",
				arena_format(arena, "%s %s, %s", page_id(arena, token->id),
					token_is_alive(token, it->now) ? "alive" : "dead",
					page_token_used(arena, token, it->now)));
		}
}

static void
print_policy(const struct explanation *it, const struct token_entry *entry,
	const struct lifetime *lifetime)
{
	line("policy", entry ? arena_format(it->arena, "%s: %s",
				       page_place(it->arena, entry->at), entry->token.text)
			     : "no entry names it: nobody renews it");
	if (lifetime)
		line("lifetime", page_lifetime(it->arena, lifetime));
}

static void
print_plan(const struct explanation *it)
{
	const struct plan_item *item = it->item;

	line("next", arena_format(it->arena, "%s: %s%s%s", plan_action_name(item->action),
			     item->why ? item->why : "", item->advice ? "; see " : "",
			     item->advice ? page_advice(it->arena, item->advice) : ""));
	if (item->due.due_at != NO_MOMENT) {
		line("due", page_moment(it->arena, item->due.due_at, it->now));
		line("", page_due_sum(it->arena, &item->due));
	}
}

/* How the delivery of that place stands, or "". */
static const char *
held_words(const struct explanation *it, const char *place)
{
	for (size_t i = 0; i < it->deliveries.count; i++) {
		const struct delivery *delivery = &it->deliveries.items[i];

		if (strcmp(delivery->place, place) == 0)
			return arena_format(it->arena, " (%s%s%s)",
				page_delivery_state(delivery->state),
				*delivery->trouble ? ": " : "", delivery->trouble);
	}
	return "";
}

static void
print_destinations(const struct explanation *it)
{
	const struct destination_tools tools =
		context_tools(it->context, it->context->gitlab, it->arena);
	const struct destination *destinations = it->item->destinations.items;

	for (size_t i = 0; i < it->item->destinations.count; i++) {
		const char *new = fill_words(&it->fill, destinations[i].text, it->arena);
		int advice;
		const char *change =
			page_item_change(&tools, it->context->journal, it->item, i, &advice);

		line(i ? "" : "destinations",
			arena_format(it->arena, "%s: %s%s%s%s%s%s", destinations[i].text,
				change, advice ? "; see " : "",
				advice ? page_advice(it->arena, advice) : "",
				held_words(it, destinations[i].text), new ? "; " : "",
				new ? new : ""));
	}
}

static void
print_deliveries(const struct explanation *it)
{
	for (size_t i = 0; i < it->deliveries.count; i++)
		line(i ? "" : "destinations",
			arena_format(it->arena, "%s%s", it->deliveries.items[i].place,
				held_words(it, it->deliveries.items[i].place)));
}

static void
print_row(const struct explanation *it)
{
	const struct rotation *row = it->row;

	line("open row",
		arena_format(it->arena, "%" PRId64 " stands at %s since %s, for %s%s%s",
			row->id, row_state_name(row->state),
			page_moment(it->arena, row->moved_at, it->now), row->actor,
			*row->reason ? ": " : "", row->reason));
	if (row->state == STATE_OVERLAP)
		line("", overlap_words(row, it->arena));
	else if (*row->trouble)
		line("", arena_format(it->arena, "%s%s%s", row->trouble,
				 row->advice ? "; see " : "",
				 row->advice ? page_advice(it->arena, row->advice) : ""));
}

static void
print_events(const struct explanation *it)
{
	char at[WHEN_TEXT_BYTES];

	for (size_t i = 0; i < it->events.count; i++) {
		const struct event *event = &it->events.items[i];

		line(i ? "" : "events",
			arena_format(it->arena, "%s  %s  %s  %s", moment_text(event->at, at),
				event->actor, event->name, event->text));
	}
}

static void
print_brake(const struct explanation *it)
{
	const int64_t expires_on = it->item && it->item->token ? it->item->token->expires_on
	                           : it->record                ? it->record->expires_on
	                                                       : NO_DATE;

	if (it->brake)
		line("held",
			brake_words(it->brake, date_start(expires_on), it->now, it->arena));
}

static const struct token_entry *
entry_of(const struct explanation *it, const struct lifetime **lifetime)
{
	struct address address;
	struct err err;

	*lifetime = NULL;
	if (!address_parse(it->arena, it->address, false, &address, &err))
		return NULL;
	*lifetime = policies_lifetime(it->context->policies, &address);
	return policies_entry(it->context->policies, &address);
}

static void
print_page(const struct explanation *it)
{
	const struct lifetime *lifetime;
	const struct token_entry *entry = entry_of(it, &lifetime);

	printf("%s\n", it->address);
	print_token(it);
	print_policy(it, entry, entry ? lifetime : NULL);
	if (it->item)
		print_plan(it);
	else
		line("not read", it->unread->text);
	print_brake(it);
	if (it->item && it->item->holding && !it->item->holding->is_readable)
		line("not read", it->item->holding->trouble.text);
	if (it->item)
		print_destinations(it);
	else
		print_deliveries(it);
	if (it->row)
		print_row(it);
	print_events(it);
}

/* Without GitLab there is still what the journal remembers. */
static bool
explain_by_journal(struct explanation *it, const struct options *options, struct err *err)
{
	struct standings standings;
	bool ok;

	it->now = time(NULL);
	ok = standings_read(it->context->journal, it->context->policies, it->now, it->arena,
		     &standings, err) &&
	     find_record(it, options, &standings, err) && read_journal(it, err);
	if (ok)
		print_page(it);
	rotations_done(&standings.rows);
	return ok;
}

static bool
explain_by_plan(struct explanation *it, const struct options *options,
	const struct reading *reading, struct err *err)
{
	it->now = reading->plan->now;
	if (!find_item(it, options, reading, err) || !read_journal(it, err))
		return false;
	print_page(it);
	return true;
}

static bool
can_go_on_without(const struct err *unread)
{
	return unread->kind == ERR_REACH || unread->kind == ERR_LATER ||
	       unread->kind == ERR_CREDENTIAL || unread->kind == ERR_REFUSED;
}

bool
verb_explain(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct plan_options wishes = { .limit = context->policies->limits.rotations_per_run };
	struct explanation it = { .context = context, .arena = context->arena };
	auto_reading struct reading reading = { 0 };
	struct err unread;

	if (reading_open(context, &wishes, 0, &reading, &unread)) {
		if (!explain_by_plan(&it, options, &reading, err))
			return false;
		*exit_code = it.item->action == PLAN_PERSON ? 3 : 0;
		return true;
	}
	if (!can_go_on_without(&unread)) {
		*err = unread;
		return false;
	}
	it.unread = &unread;
	*exit_code = outcome_exit_for(&unread);
	return explain_by_journal(&it, options, err);
}
