#include "report/standing.h"

#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "flow/apart.h"
#include "flow/idle.h"
#include "flow/remember.h"
#include "report/page.h"

/* What standings_read() fills, and out of what. */
struct reader {
	struct journal *journal;
	const struct policies *policies;
	struct arena *arena;
	int64_t now;
	struct standings *standings;
	struct troubles troubles;
	struct aparts aparts;
};

/* Facts are seconds since 1970, or a moment as text. */
static bool
read_moment(const struct reader *reader, const char *key, int64_t *moment, struct err *err)
{
	const char *value;
	char *end;
	int64_t msec;

	if (!journal_get(reader->journal, key, reader->arena, &value, err))
		return false;
	*moment = strtoll(value, &end, 10);
	if (end == value || *end)
		*moment = moment_parse_msec(value, &msec) ? msec / 1000 : NO_MOMENT;
	return true;
}

static const struct rotation *
row_of(const struct rotations *rows, const struct token_record *record)
{
	for (size_t i = 0; i < rows->count; i++)
		if (rows->items[i].token == record->number)
			return &rows->items[i];
	return NULL;
}

static const struct trouble *
trouble_of(const struct reader *reader, const char *address)
{
	for (size_t i = 0; i < reader->troubles.count; i++)
		if (!strcmp(reader->troubles.items[i].address, address))
			return &reader->troubles.items[i];
	return NULL;
}

static bool
is_remembered(const struct token_records *records, const char *address)
{
	for (size_t i = 0; i < records->count; i++)
		if (!strcmp(records->items[i].address, address))
			return true;
	return false;
}

static const struct apart *
apart_of(const struct reader *reader, const char *address)
{
	for (size_t i = 0; i < reader->aparts.count; i++)
		if (!strcmp(reader->aparts.items[i].address, address))
			return &reader->aparts.items[i];
	return NULL;
}

static void
add_record(struct reader *reader, const char *address)
{
	struct token_records *records = &reader->standings->records;
	const struct apart *apart = apart_of(reader, address);

	if (!*address || is_remembered(records, address))
		return;
	records->items[records->count++] = (struct token_record){ .address = address,
		.username = "",
		.token_id = apart ? apart->token_id : 0,
		.expires_on = apart ? apart->expires_on : NO_DATE,
		.last_used_msec = NO_MOMENT,
		.adopted_at = NO_MOMENT,
		.seen_at = NO_MOMENT };
}

/* A token that could not be adopted yet, or is not to be, is known by what was told of it alone. */
static void
add_unremembered(struct reader *reader)
{
	struct token_records *records = &reader->standings->records;
	const size_t most = records->count + reader->troubles.count + reader->aparts.count;
	struct token_record *all = arena_alloc(reader->arena, (most + 1) * sizeof(*all));

	if (records->count)
		memcpy(all, records->items, records->count * sizeof(*all));
	records->items = all;
	for (size_t i = 0; i < reader->troubles.count; i++)
		add_record(reader, reader->troubles.items[i].address);
	for (size_t i = 0; i < reader->aparts.count; i++)
		add_record(reader, reader->aparts.items[i].address);
}

bool
delivery_lags(const struct delivery *delivery)
{
	return delivery->state == DELIVERY_PENDING || delivery->state == DELIVERY_SET_ASIDE;
}

static bool
any_lags(const struct deliveries *deliveries)
{
	for (size_t i = 0; i < deliveries->count; i++)
		if (delivery_lags(&deliveries->items[i]))
			return true;
	return false;
}

/* The due date by the policy as it stands and the token as it was last seen. */
static bool
find_due(const struct reader *reader, struct standing_item *item, struct err *err)
{
	const struct token_record *record = item->record;
	struct due_facts facts = {
		.identity = record->address,
		.created_at = record->created_msec / 1000,
		.expires_on = record->expires_on,
		.rule_since = record->rule_since,
		.rotated_at = record->rotated_at,
	};
	struct address address;

	if (!reader->policies || record->released_at || !record->token_id || item->unmanaged)
		return true;
	if (!address_parse(reader->arena, record->address, false, &address, err)) {
		err->kind = ERR_STORE;
		err_advise(err, GLR_DATABASE_DAMAGED);
		return err_wrap(err, "the journal's token '%s'", record->address);
	}
	item->lifetime = policies_lifetime(reader->policies, &address);
	if (!item->lifetime)
		return true;
	facts.max_lifetime_sec = item->lifetime->max_lifetime_sec;
	facts.renew_before_sec = item->lifetime->renew_before_sec;
	if (*record->username && !record->rotated_at)
		facts.created_at = due_created(
			facts.created_at, record->expires_on, facts.max_lifetime_sec);
	facts.ramp_sec = reader->policies->limits.ramp_sec;
	due_compute(&facts, &item->due);
	return true;
}

static bool
is_dead(const struct token_record *record, int64_t now)
{
	return !record->released_at && record->token_id && record->expires_on != NO_DATE &&
	       date_start(record->expires_on) <= now;
}

static enum standing
judge(const struct standing_item *item, int64_t now)
{
	if ((item->row && item->row->advice) || (item->trouble && item->trouble->person))
		return STANDING_PERSON;
	if (item->unmanaged && !item->row && !item->trouble)
		return STANDING_UNMANAGED;
	if (is_dead(item->record, now))
		return STANDING_DEAD;
	if (item->row && item->row->state == STATE_OVERLAP && !item->trouble)
		return STANDING_OVERLAP;
	if (item->row && idle_words(item->row) && !item->trouble)
		return STANDING_IDLE;
	if (item->row || item->trouble)
		return STANDING_OPEN;
	if (item->record->released_at)
		return STANDING_RELEASED;
	if (any_lags(&item->deliveries))
		return STANDING_LAGS;
	if (item->lifetime && item->due.due_at <= now)
		return STANDING_DUE;
	if (item->lifetime && item->due.due_at <= now + 7 * DAY_SEC)
		return STANDING_SOON;
	return STANDING_WELL;
}

static const char *
words_of_person(const struct standing_item *item, struct arena *arena)
{
	const char *code = page_advice(arena,
		item->row && item->row->advice ? item->row->advice : item->trouble->advice);

	if (item->row)
		return arena_format(
			arena, "%s %s", row_state_name(item->row->state), code ? code : "");
	return code ? code : "needs a person";
}

static bool
find_brake(const struct reader *reader, struct standing_item *item, struct err *err)
{
	const int64_t dies_at = date_start(item->record->expires_on);
	struct address address;

	/* What has no number is a trouble of a pattern, or of the run. */
	if (item->record->released_at || !item->record->number)
		return true;
	if (!address_parse(reader->arena, item->record->address, false, &address, err)) {
		err->kind = ERR_STORE;
		return false;
	}
	item->brake = brakes_find(&reader->standings->brakes, &address, reader->now);
	item->dies_braked = item->brake && brake_outlasts(item->brake, dies_at, reader->now);
	return true;
}

static const char *
words_of(const struct standing_item *item, struct arena *arena)
{
	static const char *const words[] = {
		[STANDING_DEAD] = "dead",
		[STANDING_LAGS] = "lags",
		[STANDING_DUE] = "due",
		[STANDING_IDLE] = "waits for jobs",
		[STANDING_SOON] = "ok",
		[STANDING_RELEASED] = "released",
		[STANDING_UNMANAGED] = "unmanaged",
		[STANDING_WELL] = "ok",
	};

	if (item->standing == STANDING_PERSON)
		return words_of_person(item, arena);
	if (item->standing == STANDING_OVERLAP)
		return *item->row->trouble ? "overlap, old one in use" : "overlap";
	if (item->standing == STANDING_OPEN)
		return item->row ? row_state_name(item->row->state) : "waits";
	if (item->brake && item->standing >= STANDING_DUE &&
		item->standing != STANDING_UNMANAGED)
		return "paused";
	if (item->standing == STANDING_WELL && !item->record->token_id)
		return "not created";
	return words[item->standing];
}

static bool
fill_item(const struct reader *reader, const struct token_record *record,
	struct standing_item *item, struct err *err)
{
	const struct apart *apart = apart_of(reader, record->address);
	bool ok;

	item->record = record;
	item->unmanaged = apart ? apart->why : NULL;
	item->row = row_of(&reader->standings->rows, record);
	item->trouble =
		item->row && item->row->advice ? NULL : trouble_of(reader, record->address);
	if (item->row)
		ok = journal_deliveries(
			reader->journal, item->row->id, reader->arena, &item->deliveries, err);
	else
		ok = journal_holders(
			reader->journal, record->number, reader->arena, &item->deliveries, err);
	if (!ok || !find_due(reader, item, err) || !find_brake(reader, item, err))
		return false;
	item->standing = judge(item, reader->now);
	item->words = words_of(item, reader->arena);
	return true;
}

/* Until when the secret in use lives. */
static int64_t
works_until(const struct standing_item *item)
{
	bool is_dead = item->standing == STANDING_DEAD;

	return is_dead ? NO_MOMENT : date_start(item->record->expires_on);
}

struct trouble
standing_trouble(const struct standing_item *item)
{
	const struct rotation *row = item->row;

	if (item->trouble)
		return *item->trouble;
	return (struct trouble){
		.address = item->record->address,
		.text = row ? row->trouble : "it ran out before it was renewed",
		.advice = row && row->advice ? row->advice : GLR_REVOKED,
		.person = true,
		.since = row ? row->trouble_since : date_start(item->record->expires_on),
		.works_until = works_until(item),
	};
}

struct trouble
standing_own_end(const struct standings *standings, int64_t now, struct arena *arena)
{
	const struct own_end *end = &standings->own_end;

	return (struct trouble){
		.address = "",
		.text = own_end_words(end, now, arena),
		.advice = GLR_OWN_ENDS,
		.person = true,
		.works_until = end->dies_at,
	};
}

static int
compare_items(const void *a, const void *b)
{
	const struct standing_item *left = a, *right = b;

	if (left->standing != right->standing)
		return left->standing < right->standing ? -1 : 1;
	if (left->lifetime && right->lifetime && left->due.due_at != right->due.due_at)
		return left->due.due_at < right->due.due_at ? -1 : 1;
	return strcmp(left->record->address, right->record->address);
}

bool
standings_read(struct journal *journal, const struct policies *policies, int64_t now,
	struct arena *arena, struct standings *standings, struct err *err)
{
	struct reader reader = { journal, policies, arena, now, standings, { 0 }, { 0 } };

	*standings = (struct standings){ 0 };
	if (!read_moment(&reader, "last_run", &standings->last_run, err) ||
		!read_moment(&reader, "last_good_run", &standings->last_good_run, err) ||
		!own_end_read(journal, policies, arena, &standings->own_end, err) ||
		!brakes_read(journal, policies ? policies->file : NULL, arena,
			&standings->brakes, err) ||
		!remember_read(journal, arena, &reader.troubles, err) ||
		!aparts_read(journal, arena, &reader.aparts, err) ||
		!journal_tokens(journal, arena, &standings->records, err) ||
		!journal_open_rows(journal, arena, &standings->rows, err))
		return false;
	add_unremembered(&reader);
	standings->end = trouble_of(&reader, "");
	standings->items =
		arena_alloc(arena, (standings->records.count + 1) * sizeof(*standings->items));
	for (size_t i = 0; i < standings->records.count; i++, standings->count++)
		if (!fill_item(&reader, &standings->records.items[i],
			    &standings->items[standings->count], err))
			return false;
	qsort(standings->items, standings->count, sizeof(*standings->items), compare_items);
	return true;
}
