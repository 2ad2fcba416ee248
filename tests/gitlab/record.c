#include "record.h"

#include "clock.h"
#include "request.h"

#include <stdlib.h>
#include <string.h>

static void
entry_done(struct entry *entry)
{
	free(entry->method);
	free(entry->path);
	free(entry->query);
	json_decref(entry->body);
	*entry = (struct entry){ 0 };
}

unsigned long
record_request(
	struct record *record, int64_t at, const struct request *request, const char *fault)
{
	struct entry *entry;

	if (!record->entries)
		record->entries = must_alloc(RECORD_MAX * sizeof(*entry));
	if (record->next == 0)
		record->first = record->next = 1;
	entry = &record->entries[record->next % RECORD_MAX];
	entry_done(entry);
	*entry = (struct entry){ .n = record->next,
		.at = at,
		.method = must_copy(request->method),
		.path = must_copy(request->path),
		.query = must_copy(request->query),
		.body = json_incref(request->body),
		.credential = "none",
		.fault = fault };
	if (++record->next - record->first > RECORD_MAX)
		record->first++;
	return entry->n;
}

void
record_answer(struct record *record, unsigned long n, const struct request *request, int status,
	int outcome)
{
	static const char *const credentials[] = {
		[CREDENTIAL_NONE] = "none",
		[CREDENTIAL_UNKNOWN] = "unknown",
		[CREDENTIAL_EXPIRED] = "expired",
		[CREDENTIAL_REVOKED] = "revoked",
		[CREDENTIAL_ACTIVE] = "active",
	};
	struct entry *entry = &record->entries[n % RECORD_MAX];

	if (entry->n != n)
		return;
	entry->status = status;
	entry->outcome = outcome;
	entry->credential = credentials[request->credential];
	if (request->token) {
		entry->token_id = request->token->id;
		entry->user_id = request->token->user->id;
	}
	if (request->deploy_token)
		entry->deploy_token_id = request->deploy_token->id;
}

static json_t *
number_or_null(long number)
{
	return number ? json_integer(number) : json_null();
}

static json_t *
entry_json(const struct entry *entry)
{
	char at[MOMENT_SIZE];

	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:O?, s:o, s:o, s:o, s:o, s:o, s:s, s:s?}",
		"n", (json_int_t)entry->n, "at", moment_print(entry->at, at), "method",
		entry->method, "path", entry->path, "query", entry->query, "body", entry->body,
		"status", number_or_null(entry->status), "outcome",
		number_or_null(entry->outcome), "token_id", number_or_null(entry->token_id),
		"deploy_token_id", number_or_null(entry->deploy_token_id), "user_id",
		number_or_null(entry->user_id), "credential", entry->credential, "fault",
		entry->fault);
}

json_t *
record_json(const struct record *record, const char *method, const char *path)
{
	json_t *out = json_array();

	for (unsigned long n = record->first; n < record->next; n++) {
		const struct entry *entry = &record->entries[n % RECORD_MAX];

		if (method && strcmp(method, entry->method) != 0)
			continue;
		if (path && !path_matches(path, entry->path))
			continue;
		json_array_append_new(out, entry_json(entry));
	}
	return out;
}

void
record_clear(struct record *record)
{
	for (unsigned long n = record->first; n < record->next; n++)
		entry_done(&record->entries[n % RECORD_MAX]);
	record->first = record->next;
}

void
record_done(struct record *record)
{
	record_clear(record);
	free(record->entries);
	*record = (struct record){ 0 };
}
