/* For which tokens nothing new is begun. */
#include "store/inside.h"

static const struct db_field pause_fields[] = {
	DB_FIELD(pause, INT64, id),
	DB_FIELD(pause, TOLD, pattern),
	DB_FIELD(pause, INT64, is_exact),
	DB_FIELD(pause, INT64, until),
	DB_FIELD(pause, INT64, since),
	DB_FIELD(pause, TOLD, actor),
	DB_FIELD(pause, TOLD, reason),
};
#define PAUSE_FIELDS ARRAY_SIZE(pause_fields)

static bool
keep_pause(void *context, const struct db_row *row, struct err *err)
{
	struct db_list *list = context;

	return db_fill(row, pause_fields, PAUSE_FIELDS, list->arena,
		db_list_add(list, sizeof(struct pause)), err);
}

bool
journal_pauses(
	struct journal *journal, struct arena *arena, struct pauses *pauses, struct err *err)
{
	struct db_list list = { .arena = arena };
	struct db *db = group_look(journal->group, err);
	bool ok;

	if (!db)
		return false;
	ok = db_each(db, PAUSES_READ, NULL, 0, keep_pause, &list, err);
	group_done_looking(journal->group);
	if (ok)
		*pauses = (struct pauses){ list.items, list.count };
	return ok;
}

/* The history of a token tells of pauses that are its own; a pattern's are of the run. */
static bool
tell(struct journal *journal, struct db *db, const struct pause *pause, const char *name,
	const char *text, struct err *err)
{
	const struct event told = { .at = journal_now(journal),
		.address = pause->is_exact ? pause->pattern : "",
		.name = name,
		.text = text };

	return event_append(journal, db, &told, err);
}

static bool
drop(struct db *db, const struct pause *pause, struct err *err)
{
	const struct db_value values[] = { DB_STRING(pause->pattern), DB_INT(pause->is_exact) };

	return db_run(db, PAUSE_DELETE, values, ARRAY_SIZE(values), NULL, err);
}

bool
journal_pause(struct journal *journal, struct pause *pause, const char *text, struct err *err)
{
	struct pause draft = *pause;
	struct db_value values[PAUSE_FIELDS];
	struct db *db = group_enter(journal->group, false, err);
	bool ok;

	if (!db)
		return false;
	draft.since = journal_now(journal);
	draft.actor = journal->facts.actor;
	draft.reason = journal->facts.reason;
	db_values_of(pause_fields, PAUSE_FIELDS, &draft, values);
	ok = drop(db, pause, err) && db_run(db, PAUSE_INSERT, values, PAUSE_FIELDS, NULL, err);
	if (ok)
		draft.id = db_last_id(db);
	ok = ok && tell(journal, db, &draft, "pause.begun", text, err);
	if (!group_leave(journal->group, ok, true, err))
		return false;
	*pause = draft;
	return true;
}

bool
journal_resume(
	struct journal *journal, const struct pause *pause, const char *text, struct err *err)
{
	struct db *db = group_enter(journal->group, false, err);
	bool ok;

	if (!db)
		return false;
	ok = drop(db, pause, err) && tell(journal, db, pause, "pause.ended", text, err);
	return group_leave(journal->group, ok, true, err);
}
