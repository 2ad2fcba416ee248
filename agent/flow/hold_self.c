#include "flow/hold_self.h"

#include <string.h>

#include "base/advice.h"
#include "flow/bearer.h"
#include "gitlab/people.h"

struct reader {
	struct context *context;
	struct token_records *records;
	const struct rotations *rows;
	struct holdings *holdings;
};

static struct token_record *
record_of(const struct reader *reader, const struct token_entry *entry)
{
	/* The caller's own array. */
	return (struct token_record *)records_find(reader->records, entry->token.text);
}

static bool
has_row(const struct reader *reader, const struct token_record *record)
{
	for (size_t i = 0; record && i < reader->rows->count; i++)
		if (reader->rows->items[i].token == record->number)
			return true;
	return false;
}

static bool
ends_reading(const struct err *err)
{
	return err->kind == ERR_STORE || err->kind == ERR_REACH || err->kind == ERR_STOPPED ||
	       err->kind == ERR_CREDENTIAL;
}

/* --- the token --- */

static struct token
token_of_record(const struct token_record *record, const struct token_entry *entry)
{
	return (struct token){
		.id = record->token_id,
		.user_id = record->user_id,
		.name = entry->token.name,
		.created_msec = record->created_msec,
		.expires_on = record->expires_on,
		.last_used_msec = record->last_used_msec,
	};
}

/* Who only reads cannot open what is sealed, and what is in the file then is old. */
static bool
goes_by_record(const struct reader *reader, const struct token_record *record)
{
	return has_row(reader, record) ||
	       (record && record->generation && !state_is_writer(reader->context->state));
}

static bool
check_secret(const struct token_entry *entry, const struct token *token, struct err *err)
{
	if (!strcmp(token->name, entry->token.name))
		return true;
	err_set(err, ERR_PERSON, 0, "the secret in '%s' is of another token: #%lld, named '%s'",
		entry->secret, (long long)token->id, token->name);
	return err_advise(err, GLR_IDENTITY);
}

static bool
open_bearer(const struct reader *reader, const struct token_entry *entry,
	const struct token_record *record, struct bearer *bearer, struct bearer_source *source,
	struct err *err)
{
	struct context *context = reader->context;

	*source = (struct bearer_source){ .what = "the token's own secret",
		.key = entry->token.text,
		.file = entry->secret,
		.apart = &context->own,
		.number = record ? record->number : 0 };
	return state_is_writer(context->state)
	               ? bearer_open(context->journal, context->server, source, bearer, err)
	               : bearer_open_file(context->server, source, bearer, err);
}

/* Its texts live in the context's arena. */
static struct token
copy_token(struct arena *arena, const struct token *token)
{
	struct token copy = *token;
	const char **scopes = arena_alloc(arena, (token->scopes.count + 1) * sizeof(*scopes));

	for (size_t i = 0; i < token->scopes.count; i++)
		scopes[i] = arena_text(arena, token->scopes.items[i]);
	copy.scopes.items = scopes;
	copy.name = arena_text(arena, token->name);
	copy.description = token->description ? arena_text(arena, token->description) : NULL;
	return copy;
}

static bool
ask_token(const struct reader *reader, const struct token_entry *entry,
	struct token_record *record, struct token *token, struct err *err)
{
	struct context *context = reader->context;
	auto_bearer struct bearer bearer = { 0 };
	struct bearer_source source;

	if (!open_bearer(reader, entry, record, &bearer, &source, err))
		return false;
	if (!bearer_prove(state_is_writer(context->state) ? context->journal : NULL, &source,
		    &bearer, err)) {
		if (err->kind != ERR_CREDENTIAL)
			return false;
		/* It says nothing of our own. */
		err->kind = ERR_PERSON;
		return err_advise(err, GLR_SELF_LOST);
	}
	*token = copy_token(context->arena, identity_token(bearer.identity));
	return check_secret(entry, token, err) &&
	       (!record || !state_is_writer(context->state) ||
		       bearer_adopt(context->journal, &bearer, &source, record, context->arena,
			       err));
}

static bool
find_token(const struct reader *reader, const struct token_entry *entry, struct token *token,
	struct err *err)
{
	struct token_record *record = record_of(reader, entry);

	if (goes_by_record(reader, record)) {
		*token = token_of_record(record, entry);
		return true;
	}
	if (entry->is_own) {
		*token = copy_token(
			reader->context->arena, identity_token(reader->context->identity));
		return true;
	}
	return ask_token(reader, entry, record, token, err);
}

/* --- its owner --- */

static bool
is_users(const struct token_entry *entry)
{
	return entry->token.type != TYPE_PROJECT && entry->token.type != TYPE_GROUP;
}

/* An owner that our credential cannot see is no obstacle: the token's own secret says who it is. */
static bool
find_owner(const struct reader *reader, const struct token_entry *entry,
	const struct token *token, struct owner *owner, struct err *err)
{
	const struct token_record *record = record_of(reader, entry);
	struct owner draft = { .type = entry->token.type, .path = entry->token.owner };

	if (record) {
		draft.id = record->owner_id;
		draft.in_project = record->in_project;
	} else if (!people_owner(reader->context->gitlab, &entry->token, reader->context->arena,
			   &draft, err)) {
		if (ends_reading(err))
			return false;
		draft = (struct owner){ .type = entry->token.type, .path = entry->token.owner };
	}
	if (is_users(entry) && draft.user_id && draft.user_id != token->user_id) {
		err_set(err, ERR_PERSON, 0, "the secret in '%s' is of another user: #%lld",
			entry->secret, (long long)token->id);
		return err_advise(err, GLR_IDENTITY);
	}
	draft.path = entry->token.owner;
	draft.user_id = is_users(entry) ? token->user_id : 0;
	*owner = draft;
	return true;
}

/* --- holdings --- */

static bool
fill(const struct reader *reader, const struct token_entry *entry, struct holding *holding,
	struct err *err)
{
	struct token *token = arena_alloc(reader->context->arena, sizeof(*token));

	*holding = (struct holding){ .address = entry->token, .entry = entry };
	holding->owner =
		(struct owner){ .type = entry->token.type, .path = entry->token.owner };
	holding->is_readable =
		find_token(reader, entry, token, &holding->trouble) &&
		find_owner(reader, entry, token, &holding->owner, &holding->trouble);
	if (!holding->is_readable) {
		*err = holding->trouble;
		/* The file cannot be read, or holds what is no token of this entry's. */
		if (!holding->trouble.advice && err->kind == ERR_POLICY)
			err_advise(&holding->trouble, GLR_SELF_LOST);
		if (!holding->trouble.advice && err->kind == ERR_PERSON)
			err_advise(&holding->trouble, GLR_IDENTITY);
		return !ends_reading(err);
	}
	holding->trouble = (struct err){ 0 };
	holding->namesakes = (struct tokens){ token, 1 };
	holding->highest_id = token->id;
	return true;
}

bool
hold_self(struct context *context, struct token_records *records, const struct rotations *rows,
	struct holdings *holdings, int64_t **ids, size_t *count, struct err *err)
{
	const struct reader reader = { context, records, rows, holdings };
	const struct list *tokens = &context->policies->tokens;
	const struct token_entry *entries = tokens->items;
	struct holding *all = arena_alloc(
		context->arena, (holdings->count + tokens->count + 1) * sizeof(*all));

	*ids = arena_alloc(context->arena, (tokens->count + 1) * sizeof(**ids));
	*count = 0;
	if (holdings->count)
		memcpy(all, holdings->items, holdings->count * sizeof(*all));
	holdings->items = all;
	for (size_t i = 0; i < tokens->count; i++) {
		struct holding *holding = &all[holdings->count];

		if (entries[i].rotate_with != ROTATE_WITH_SELF || !entries[i].token.text)
			continue;
		if (!fill(&reader, &entries[i], holding, err))
			return false;
		if (holding->is_readable)
			(*ids)[(*count)++] = holding->highest_id;
		holdings->count++;
	}
	return true;
}
