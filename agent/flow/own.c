#include "flow/own.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "destination/destination.h"
#include "flow/bearer.h"
#include "flow/plan.h"
#include "gitlab/people.h"

#define ADDRESS_FACT "own_address"
#define RESCUE_FACT "rescue"

static struct bearer_source
source_of(const struct context *context, int64_t number)
{
	return (struct bearer_source){
		.what = "our own credential",
		.key = "own",
		.file = context->policies->gitlab.credential,
		.number = number,
	};
}

static bool
is_writer(const struct context *context)
{
	return state_is_writer(context->state);
}

/* --- what the journal remembers of it --- */

/* The record, whose number is 0 when there is none. */
static bool
read_record(struct context *context, struct token_record *record, struct err *err)
{
	const struct token_record *found;
	struct token_records records;
	const char *address;

	*record = (struct token_record){ 0 };
	if (!journal_get(context->journal, ADDRESS_FACT, context->arena, &address, err))
		return false;
	if (!*address)
		return true;
	record->address = address;
	if (!journal_tokens(context->journal, context->arena, &records, err))
		return false;
	found = records_find(&records, address);
	if (found)
		*record = *found;
	return true;
}

bool
own_number(struct context *context, int64_t *number, struct err *err)
{
	struct token_record record;

	if (!read_record(context, &record, err))
		return false;
	*number = record.number;
	return true;
}

/* --- the entry --- */

/* GitLab names a bot after its home: project_7_bot_0a1b, group_5_bot_0a1b. */
static bool
find_home(struct context *context, const struct person *me, enum token_type *type,
	const char **owner, struct err *err)
{
	struct place_of_work home;
	int64_t id;

	*type = me->bot == STATED_YES ? TYPE_SERVICE_ACCOUNT : TYPE_PERSONAL;
	*owner = me->username;
	if (me->bot != STATED_YES)
		return true;
	if (sscanf(me->username, "project_%" SCNd64 "_bot", &id) == 1) {
		*type = TYPE_PROJECT;
		if (!people_project(context->gitlab, id, context->arena, &home, err))
			return false;
		*owner = home.path;
	} else if (sscanf(me->username, "group_%" SCNd64 "_bot", &id) == 1) {
		*type = TYPE_GROUP;
		if (!people_group(context->gitlab, id, context->arena, &home, err))
			return false;
		*owner = home.path;
	}
	return true;
}

static bool
ask_address(struct context *context, const char **address, struct err *err)
{
	const struct token *token = identity_token(context->identity);
	struct person me;
	enum token_type type;
	const char *owner;

	if (!people_me(context->gitlab, context->arena, &me, err) ||
		!find_home(context, &me, &type, &owner, err))
		return err_wrap(err, "whose our own credential is");
	*address = arena_format(
		context->arena, "%s:%s:%s", token_type_name(type), owner, token->name);
	return !is_writer(context) ||
	       journal_set(context->journal, ADDRESS_FACT, *address, err);
}

static struct token_entry *
find_entry(struct context *context)
{
	struct token_entry *entries = context->policies->tokens.items;

	for (size_t i = 0; i < context->policies->tokens.count; i++)
		if (entries[i].is_own)
			return &entries[i];
	return NULL;
}

/* One that a file names under the same address stays alone, and is told to be the credential in use. */
static bool
is_named(const struct context *context, const struct address *address)
{
	const struct token_entry *entry = policies_entry(context->policies, address);

	return entry && !entry->is_own && !address_is_pattern(&entry->token);
}

static struct list
one_file(struct context *context)
{
	struct arena *arena = context->policies->arena;
	struct file_entry *file = arena_alloc(arena, sizeof(*file));
	struct choice *choice = arena_alloc(arena, sizeof(*choice));

	*file = (struct file_entry){ .at = context->policies->gitlab.at,
		.path = context->policies->gitlab.credential_file };
	*choice = (struct choice){ .at = file->at, .kind = DESTINATION_FILE, .value = file };
	return (struct list){ choice, 1 };
}

static bool
put_entry(struct context *context, const char *text, struct err *err)
{
	const struct gitlab_section *section = &context->policies->gitlab;
	struct token_entry *present = find_entry(context);
	struct token_entry entry = {
		.at = section->at,
		.rotate_with = ROTATE_WITH_SELF,
		.secret = section->credential,
		.is_own = true,
	};

	if (!address_parse(context->policies->arena, text, false, &entry.token, err))
		return false;
	if (present) {
		present->token = entry.token;
	} else if (!is_named(context, &entry.token)) {
		entry.deliver = one_file(context);
		policies_add(context->policies, &entry);
	}
	return true;
}

bool
own_add_entry(struct context *context, struct err *err)
{
	const struct token *token = identity_token(context->identity);
	struct token_record record;
	const char *address;

	if (!context->policies->is_valid || context->policies->gitlab.rotate != STATED_YES)
		return true;
	if (!read_record(context, &record, err))
		return false;
	address = record.address;
	/* Another token than before may be another user's. */
	if (token && (!address || (record.number && record.token_id != token->id)) &&
		!ask_address(context, &address, err))
		return false;
	return !address || put_entry(context, address, err);
}

/* --- presenting it --- */

static bool
is_in_doubt(struct context *context, int64_t number, struct err *err)
{
	auto_rotations struct rotations rows = { 0 };

	if (!journal_open_rows(context->journal, context->arena, &rows, err))
		return true;
	for (size_t i = 0; i < rows.count; i++) {
		const struct rotation *row = &rows.items[i];
		const bool held = row->state >= STATE_HELD && row->state <= STATE_SWEPT;

		if (row->token != number || row->state == STATE_PLANNED ||
			(held && is_writer(context)))
			continue;
		err_set(err, row->advice ? ERR_PERSON : ERR_LATER, 0,
			"our own credential is being rotated and stands at %s: glrotate run goes on with it",
			row_state_name(row->state));
		err_advise(err, row->advice);
		return true;
	}
	return false;
}

bool
own_present(struct context *context, struct err *err)
{
	struct bearer_source source;
	struct bearer bearer = { 0 };
	int64_t number;

	if (!own_number(context, &number, err))
		return false;
	if (!number)
		return true;
	if (is_in_doubt(context, number, err))
		return false;
	/* Who only reads cannot open what is sealed; the file is as good, or the next run mends it. */
	if (!is_writer(context))
		return true;
	source = source_of(context, number);
	if (!bearer_open(context->journal, context->server, &source, &bearer, err))
		return false;
	gitlab_free(context->gitlab);
	identity_free(context->identity);
	secret_free(context->credential);
	context->credential = bearer.secret;
	context->gitlab = bearer.gitlab;
	context->identity = bearer.identity;
	context->old_file = bearer.old_file;
	return true;
}

/* --- in a run, once it is proven --- */

static bool
is_old_copy(struct context *context, const struct bearer_source *source,
	const struct secret *present, bool *is, struct err *err)
{
	*is = true;
	return !present || bearer_knows(context->journal, source, present, is, err);
}

/* What was put back from a backup is presented nowhere, and whoever reads that file is given the secret that lives. */
static bool
write_back(struct context *context, const struct token_record *record,
	const struct token_entry *entry, struct err *err)
{
	const struct bearer_source source = source_of(context, record->number);
	const struct destination_tools tools =
		context_tools(context, context->gitlab, context->arena);
	auto_secret struct secret *present = NULL;
	struct stamp stamp = { .token_id = record->token_id,
		.date = date_of(record->created_msec / 1000),
		.generation = record->generation };
	const struct destination *file;
	struct list list = { 0 };
	bool is_old;

	if (!policies_destinations(
		    context->policies, entry, &entry->token, context->arena, &list, err))
		return false;
	file = list.items;
	snprintf(stamp.agent, sizeof(stamp.agent), "%s", journal_uuid(context->journal));
	if (!destination_read(&tools, file, &present, err) ||
		!is_old_copy(context, &source, present, &is_old, err))
		return false;
	if (!is_old || secret_equal(present, context->credential))
		return true;
	return destination_deliver(&tools, file, context->credential, &stamp, err) &&
	       journal_event(context->journal, record->address, 0, "credential.written_back",
		       arena_format(context->arena, "%s held an old copy; it holds #%" PRId64,
			       file->text, record->token_id),
		       err);
}

/* A token that the operator gave may be another user's, or have another name: then it is another record. */
static bool
follow_token(struct context *context, struct token_record *record, struct err *err)
{
	const struct bearer bearer = { .identity = context->identity };
	const struct bearer_source source = source_of(context, record->number);
	const char *address;

	if (record->token_id == identity_token_id(context->identity))
		return true;
	if (!ask_address(context, &address, err))
		return false;
	if (!strcmp(address, record->address))
		return bearer_adopt(
			context->journal, &bearer, &source, record, context->arena, err);
	return journal_erase_sealed(context->journal, record->number, err);
}

bool
own_settle(struct context *context, struct outcome *outcome, struct err *err)
{
	struct token_record record;
	struct err why;

	if (!read_record(context, &record, err))
		return false;
	if (!record.number)
		return true;
	if (!follow_token(context, &record, err) || !own_add_entry(context, err))
		return false;
	if (!context->old_file || !find_entry(context) ||
		write_back(context, &record, find_entry(context), &why))
		return true;
	if (why.kind == ERR_STORE) {
		*err = why;
		return false;
	}
	outcome_trouble(
		outcome, &(struct trouble){ .address = record.address,
				 .text = why.text,
				 .advice = why.advice ? why.advice : GLR_DESTINATION_REFUSED,
				 .person = true,
				 .works_until = NO_MOMENT });
	return true;
}

/* --- the rescue credential --- */

/* "MARK ID MOMENT": which secret it was, whose it proved to be, and when. */
#define REFUSED_ONCE 0
#define REFUSED_AGAIN (-1)
struct rescue_fact {
	char mark[SECRET_MARK_TEXT];
	int64_t id, at;
};

static bool
read_rescue(struct context *context, struct rescue_fact *fact, struct err *err)
{
	const char *text;

	*fact = (struct rescue_fact){ 0 };
	if (!journal_get(context->journal, RESCUE_FACT, context->arena, &text, err))
		return false;
	if (sscanf(text, "%32s %" SCNd64 " %" SCNd64, fact->mark, &fact->id, &fact->at) != 3)
		*fact = (struct rescue_fact){ 0 };
	return true;
}

static bool
prove_rescue(struct context *context, struct bearer *bearer, struct rescue_fact *fact,
	struct err *trouble)
{
	const bool again = fact->at && fact->id <= REFUSED_ONCE;

	fact->id = again ? REFUSED_AGAIN : REFUSED_ONCE;
	fact->at = gitlab_now(context->server);
	if (!identity_prove(bearer->identity, bearer->gitlab, trouble))
		return trouble->kind == ERR_CREDENTIAL;
	fact->id = identity_token_id(bearer->identity);
	return true;
}

static void
judge_rescue(const struct context *context, const struct rescue_fact *fact, struct err *trouble)
{
	if (fact->id <= REFUSED_ONCE)
		err_set(trouble, ERR_PERSON, 0, "the rescue credential '%s' is refused",
			context->policies->gitlab.rescue_credential);
	else if (fact->id == identity_token_id(context->identity))
		err_set(trouble, ERR_PERSON, 0,
			"the rescue credential '%s' is our own token: it dies with it",
			context->policies->gitlab.rescue_credential);
	else
		return;
	err_advise(trouble, GLR_RESCUE);
}

static bool
renew_rescue(struct context *context, struct bearer *bearer, struct rescue_fact *fact,
	struct err *trouble, struct err *err)
{
	char mark[SECRET_MARK_TEXT];
	const char *text;

	journal_mark(context->journal, bearer->secret, mark);
	/* Once a day; but a first refusal may be a mistake, and is looked at by the next run. */
	if (strcmp(mark, fact->mark) != 0)
		*fact = (struct rescue_fact){ 0 };
	else if (fact->id != REFUSED_ONCE && gitlab_now(context->server) - fact->at < DAY_SEC)
		return true;
	if (!prove_rescue(context, bearer, fact, trouble))
		return true;
	text = arena_format(
		context->arena, "%s %" PRId64 " %" PRId64, mark, fact->id, fact->at);
	*trouble = (struct err){ 0 };
	return journal_set(context->journal, RESCUE_FACT, text, err);
}

bool
own_rescue(struct context *context, int64_t *id, struct err *trouble, struct err *err)
{
	const struct bearer_source source = { .what = "the rescue credential",
		.file = context->policies->gitlab.rescue_credential };
	auto_bearer struct bearer bearer = { 0 };
	struct rescue_fact fact;

	*id = 0;
	*trouble = (struct err){ 0 };
	if (!source.file)
		return true;
	if (!read_rescue(context, &fact, err))
		return false;
	if (!is_writer(context)) {
		*id = fact.id > 0 ? fact.id : 0;
		return true;
	}
	if (!bearer_open_file(context->server, &source, &bearer, trouble)) {
		err_advise(trouble, GLR_RESCUE);
		return true;
	}
	if (!renew_rescue(context, &bearer, &fact, trouble, err))
		return false;
	*id = fact.id > 0 ? fact.id : 0;
	if (trouble->kind == ERR_NONE)
		judge_rescue(context, &fact, trouble);
	return true;
}
