
#include "store/inside.h"

static const struct db_field token_fields[] = {
	DB_FIELD(token_record, INT64, number),
	DB_FIELD(token_record, TOLD, address),
	DB_FIELD(token_record, INT64, owner_id),
	DB_FIELD(token_record, INT64, user_id),
	DB_FIELD(token_record, INT64, token_id),
	DB_FIELD(token_record, MSEC, created_msec),
	DB_FIELD(token_record, DATE, expires_on),
	DB_FIELD(token_record, MSEC, last_used_msec),
	DB_FIELD(token_record, INT64, generation),
	DB_FIELD(token_record, INT64, adopted_at),
	DB_FIELD(token_record, INT64, rotated_at),
	DB_FIELD(token_record, TEXT, rule),
	DB_FIELD(token_record, INT64, rule_since),
	DB_FIELD(token_record, TEXT, destinations),
	DB_FIELD(token_record, INT64, released_at),
	DB_FIELD(token_record, INT64, seen_at),
	DB_FIELD(token_record, INT64, in_project),
	DB_FIELD(token_record, TEXT, username),
};
#define TOKEN_FIELDS ARRAY_SIZE(token_fields)

static const struct db_field delivery_fields[] = {
	DB_FIELD(delivery, INT64, id),
	DB_FIELD(delivery, TOLD, place),
	DB_FIELD(delivery, TEXT, spec),
	DB_CHOICE(delivery, state, DELIVERY_SET_ASIDE),
	DB_FIELD(delivery, INT64, attempts),
	DB_FIELD(delivery, INT64, next_at),
	DB_FIELD(delivery, INT64, failing_since),
	DB_FIELD(delivery, TOLD, trouble),
};
#define DELIVERY_FIELDS ARRAY_SIZE(delivery_fields)
_Static_assert(sizeof(enum delivery_state) == sizeof(int), "an enumeration is read as an int");

/* --- tokens --- */

static bool
keep_token(void *context, const struct db_row *row, struct err *err)
{
	struct db_list *list = context;

	return db_fill(row, token_fields, TOKEN_FIELDS, list->arena,
		db_list_add(list, sizeof(struct token_record)), err);
}

bool
journal_tokens(struct journal *journal, struct arena *arena, struct token_records *records,
	struct err *err)
{
	struct db_list list = { .arena = arena };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, TOKENS_READ, NULL, 0, keep_token, &list, err);
	group_done_looking(journal->group);
	if (ok)
		*records = (struct token_records){ list.items, list.count };
	return ok;
}

static bool
update_token(struct db *db, const struct token_record *record, struct err *err)
{
	struct db_value values[TOKEN_FIELDS];

	db_values_of(token_fields, TOKEN_FIELDS, record, values);
	return db_change(db, TOKEN_UPDATE, values, TOKEN_FIELDS, err);
}

static bool
insert_token(struct db *db, const struct token_record *record, int64_t *number, struct err *err)
{
	struct db_value values[TOKEN_FIELDS];

	db_values_of(token_fields, TOKEN_FIELDS, record, values);
	if (!db_run(db, TOKEN_INSERT, values, TOKEN_FIELDS, NULL, err))
		return err_wrap(err, "adopting '%s'", record->address);
	*number = db_last_id(db);
	return true;
}

bool
journal_adopt(struct journal *journal, struct token_record *record, const char *event,
	struct err *err)
{
	const struct event told = { .at = journal_now(journal),
		.address = record->address,
		.name = record->number ? "token.changed" : "token.adopted",
		.text = event };
	struct db *db = group_enter(journal->group, false, err);
	int64_t number = record->number;
	bool ok;

	if (!db)
		return false;
	ok = number ? update_token(db, record, err) : insert_token(db, record, &number, err);
	ok = ok && (!event || event_append(journal, db, &told, err));
	if (!group_leave(journal->group, ok, false, err))
		return false;
	record->number = number;
	return true;
}

bool
journal_seen(struct journal *journal, const struct token_record *record, struct err *err)
{
	struct db *db = group_enter(journal->group, false, err);

	return db && group_leave(journal->group, update_token(db, record, err), false, err);
}

bool
journal_aim(struct journal *journal, int64_t new_id, const struct token_record *old,
	struct err *err)
{
	const struct db_value values[] = { DB_INT(old->number), DB_INT(new_id),
		DB_INT(old->token_id), DB_INT(old->user_id), DB_INT(old->created_msec),
		DB_INT(old->expires_on), DB_STRING(old->username), DB_INT(old->rotated_at) };
	struct db *db = group_enter(journal->group, false, err);

	return db && group_leave(journal->group,
			     db_run(db, TOKEN_AIM, values, ARRAY_SIZE(values), NULL, err),
			     false, err);
}

/* --- deliveries --- */

static bool
keep_delivery(void *context, const struct db_row *row, struct err *err)
{
	struct db_list *list = context;

	return db_fill(row, delivery_fields, DELIVERY_FIELDS, list->arena,
		db_list_add(list, sizeof(struct delivery)), err);
}

static bool
read_deliveries(struct journal *journal, enum statement statement,
	const struct db_value *values, size_t count, struct arena *arena,
	struct deliveries *deliveries, struct err *err)
{
	struct db_list list = { .arena = arena };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, statement, values, count, keep_delivery, &list, err);
	group_done_looking(journal->group);
	if (ok)
		*deliveries = (struct deliveries){ list.items, list.count };
	return ok;
}

bool
journal_deliveries(struct journal *journal, int64_t rotation, struct arena *arena,
	struct deliveries *deliveries, struct err *err)
{
	const struct db_value values[] = { DB_INT(rotation) };

	return read_deliveries(
		journal, DELIVERIES_READ, values, ARRAY_SIZE(values), arena, deliveries, err);
}

bool
journal_holders(struct journal *journal, int64_t token, struct arena *arena,
	struct deliveries *deliveries, struct err *err)
{
	const struct db_value values[] = { DB_INT(token), DB_INT(STATE_CLOSED) };

	return read_deliveries(journal, DELIVERIES_READ_LAST, values, ARRAY_SIZE(values), arena,
		deliveries, err);
}

bool
deliveries_insert(struct db *db, int64_t rotation, const struct deliveries *deliveries,
	int64_t *ids, struct err *err)
{
	struct db_value values[DELIVERY_FIELDS + 1];

	for (size_t i = 0; i < deliveries->count; i++) {
		db_values_of(delivery_fields, DELIVERY_FIELDS, &deliveries->items[i], values);
		values[DELIVERY_FIELDS] = DB_INT(rotation);
		if (!db_run(db, DELIVERY_INSERT, values, DELIVERY_FIELDS + 1, NULL, err))
			return false;
		if (ids)
			ids[i] = db_last_id(db);
	}
	return true;
}

static const char *const delivery_events[] = {
	[DELIVERY_PENDING] = "delivery.pending",
	[DELIVERY_WRITTEN] = "delivery.written",
	[DELIVERY_PROVEN] = "delivery.proven",
	[DELIVERY_UNPROVEN] = "delivery.unproven",
	[DELIVERY_SET_ASIDE] = "delivery.set_aside",
};

static struct event
told_of(struct journal *journal, const struct delivery *delivery, const char *address,
	int64_t rotation, const char *text)
{
	return (struct event){ .at = journal_now(journal),
		.address = address,
		.rotation = rotation,
		.name = delivery_events[delivery->state],
		.text = text };
}

/* One change of a delivery, with its event, if there is one to tell. `values` are what the statement binds: the delivery's
 * fields, and one more. */
static bool
change_delivery(struct journal *journal, enum statement statement,
	const struct db_value *values, const struct event *told, struct err *err)
{
	struct db *db = group_enter(journal->group, false, err);
	bool ok;

	if (!db)
		return false;
	ok = db_change(db, statement, values, DELIVERY_FIELDS + 1, err) &&
	     (!told->text || event_append(journal, db, told, err));
	return group_leave(journal->group, ok, false, err);
}

bool
journal_delivery(struct journal *journal, const struct rotation *row,
	const struct delivery *delivery, const char *text, struct err *err)
{
	const struct event told = told_of(journal, delivery, row->address, row->id, text);
	struct db_value values[DELIVERY_FIELDS + 1];

	db_values_of(delivery_fields, DELIVERY_FIELDS, delivery, values);
	values[DELIVERY_FIELDS] = DB_INT(row->id);
	return change_delivery(journal, DELIVERY_UPDATE, values, &told, err);
}

bool
journal_hold(struct journal *journal, const struct token_record *record,
	const struct delivery *delivery, const char *text, struct err *err)
{
	const struct event told = told_of(journal, delivery, record->address, 0, text);
	struct db_value values[DELIVERY_FIELDS + 1];

	db_values_of(delivery_fields, DELIVERY_FIELDS, delivery, values);
	values[0] = DB_INT(record->number);
	values[DELIVERY_FIELDS] = DB_INT(STATE_CLOSED);
	return change_delivery(journal, DELIVERY_HOLD, values, &told, err);
}

bool
journal_add_delivery(struct journal *journal, const struct rotation *row,
	struct delivery *delivery, const char *text, struct err *err)
{
	const struct event told = told_of(journal, delivery, row->address, row->id, text);
	const struct deliveries one = { delivery, 1 };
	struct db *db = group_enter(journal->group, false, err);
	int64_t id;
	bool ok;

	if (!db)
		return false;
	ok = deliveries_insert(db, row->id, &one, &id, err) &&
	     (!text || event_append(journal, db, &told, err));
	if (!group_leave(journal->group, ok, false, err))
		return false;
	delivery->id = id;
	return true;
}
