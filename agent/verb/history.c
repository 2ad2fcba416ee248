/* history: the events, and whether their chain of hashes is whole. Reads a copy of the journal alone. */
#include <errno.h>
#include <inttypes.h>

#include "base/when.h"
#include "report/page.h"
#include "verb/choose.h"
#include "verb/options.h"
#include "verb/verb.h"

enum {
	COLUMN_TIME,
	COLUMN_ACTOR,
	COLUMN_EVENT,
	COLUMN_TOKEN,
	COLUMN_TEXT,
	COLUMN_REASON,
	COLUMN_ROTATION,
	COLUMN_REVISION,
	COLUMN_CORRELATION,
	COLUMN_ID,
	COLUMN_COUNT
};
static const struct table_column columns[COLUMN_COUNT] = {
	[COLUMN_TIME] = { "TIME", .help = "when, UTC" },
	[COLUMN_ACTOR] = { "ACTOR", .help = "who" },
	[COLUMN_EVENT] = { "EVENT", .help = "what kind of event" },
	[COLUMN_TOKEN] = { "TOKEN", .help = "of which token; none: of the run" },
	[COLUMN_TEXT] = { "TEXT", .help = "in words" },
	[COLUMN_REASON] = { "REASON", .hidden = true, .help = "--reason of that run" },
	[COLUMN_ROTATION] = { "ROTATION", .right = true, .number = true, .hidden = true,
		.help = "its row" },
	[COLUMN_REVISION] = { "REVISION", .hidden = true, .help = "of the policy then" },
	[COLUMN_CORRELATION] = { "RUN", .hidden = true,
		.help = "the same in all events of a run" },
	[COLUMN_ID] = { "ID", .right = true, .number = true, .hidden = true,
		.help = "its place in the chain" },
};

/* What it was called before its project, group or user was renamed. */
static bool
was_called(struct context *context, const char *text, const char **address)
{
	struct events events;
	struct err ignored;

	if (!journal_events(context->journal, text, 1, context->arena, &events, &ignored) ||
		!events.count)
		return false;
	*address = text;
	return true;
}

/* The address that TOKEN means among all that were ever managed, released ones included; NULL for all. */
static bool
find_address(struct context *context, const struct options *options, const char **address,
	struct err *err)
{
	struct token_records records;
	bool *chosen;

	*address = NULL;
	if (!options->argument_count)
		return true;
	if (!journal_tokens(context->journal, context->arena, &records, err))
		return false;
	if (!choose_records(options, &records, context->arena, &chosen, err))
		return err->kind == ERR_USAGE &&
		       was_called(context, options->arguments[0], address);
	for (size_t i = 0; i < records.count; i++) {
		if (chosen[i] && *address)
			return err_set(err, ERR_USAGE, 0,
				"'%s' means several tokens; history tells of one at a time, or of all",
				options->arguments[0]);
		if (chosen[i])
			*address = records.items[i].address;
	}
	return true;
}

static void
add_row(struct table *table, struct arena *arena, const struct event *event)
{
	char at[WHEN_TEXT_BYTES];
	const char *cells[COLUMN_COUNT] = {
		[COLUMN_TIME] = moment_text(event->at, at),
		[COLUMN_ACTOR] = event->actor,
		[COLUMN_TOKEN] = event->address,
		[COLUMN_EVENT] = event->name,
		[COLUMN_TEXT] = event->text,
		[COLUMN_REASON] = event->reason,
		[COLUMN_ROTATION] = event->rotation
		                            ? arena_format(arena, "%" PRId64, event->rotation)
		                            : NULL,
		[COLUMN_REVISION] = event->revision,
		[COLUMN_CORRELATION] = event->correlation,
		[COLUMN_ID] = arena_format(arena, "%" PRId64, event->id),
	};

	table_row(table, cells, NULL);
}

/* The events of one token need not repeat its address. */
static bool
print_table(const struct events *events, const struct options *options, struct arena *arena,
	struct err *err)
{
	struct table_options wishes = options_table(options, "events");
	auto_table struct table *table = NULL;

	if (options->argument_count && !options->output)
		wishes.columns = "TIME,ACTOR,EVENT,TEXT";
	if (!table_new(columns, COLUMN_COUNT, &wishes, &table, err))
		return false;
	for (size_t i = 0; i < events->count; i++)
		add_row(table, arena, &events->items[i]);
	if (!events->count && !options_bare(options)) {
		puts("no events yet");
		return true;
	}
	return table_print(table, stdout, err);
}

static struct json *
event_json(const struct event *event)
{
	struct json *json = json_new_object();

	json_set_int(json, "id", event->id);
	page_set_moment(json, "at", event->at);
	json_set_text(json, "actor", event->actor);
	json_set_text(json, "event", event->name);
	json_set_text(json, "token", *event->address ? event->address : NULL);
	json_set_text(json, "text", event->text);
	json_set_text(json, "reason", event->reason);
	json_set_int(json, "rotation", event->rotation);
	json_set_text(json, "revision", event->revision);
	json_set_text(json, "run", event->correlation);
	return json;
}

static bool
print_json(const struct events *events, struct err *err)
{
	auto_json struct json *page = json_new_object();
	struct json *array = json_new_array();

	for (size_t i = 0; i < events->count; i++)
		json_push(array, event_json(&events->items[i]));
	json_set(page, "events", array);
	return json_print(page, stdout) ||
	       err_set(err, ERR_LATER, errno, "cannot write the answer");
}

/* Says whether the chain is whole; a head that was noted elsewhere (each run logs it) proves that nothing was cut off. */
static bool
print_chain(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	auto_json struct json *page = json_new_object();
	char head[EVENT_HASH_TEXT];
	int64_t broken;

	if (!journal_verify(context->journal, head, &broken, err))
		return false;
	*exit_code = broken ? 3 : 0;
	json_set_bool(page, "whole", !broken);
	json_set_text(page, "head", head);
	if (broken)
		json_set_int(page, "broken_at", broken);
	if (options->json)
		return json_print(page, stdout) ||
		       err_set(err, ERR_LATER, errno, "cannot write the answer");
	if (broken)
		printf("the chain of events is broken at event %" PRId64
		       ": it, or one before it, was changed\n",
			broken);
	else
		printf("the chain of events is whole; head %s\n", head);
	return true;
}

bool
verb_history(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct events events;
	const char *address;
	size_t most = options->limit > 0 ? (size_t)options->limit : 0;

	if (options->verify)
		return print_chain(context, options, exit_code, err);
	if (!find_address(context, options, &address, err))
		return false;
	if (!journal_events(context->journal, address, most, context->arena, &events, err))
		return false;
	if (options->json && !options->output
			? !print_json(&events, err)
			: !print_table(&events, options, context->arena, err))
		return false;
	*exit_code = 0;
	return true;
}
