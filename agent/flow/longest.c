#include "flow/longest.h"

#include <stdlib.h>
#include <string.h>

#include "base/when.h"

/* An administrator may have raised it since. */
#define HOLDS_SEC (30 * DAY_SEC)

int64_t
longest_date_in(const char *refusal)
{
	static const char words[] = "must be before ";
	const char *at = strstr(refusal, words);
	char text[sizeof("2027-08-07")];
	int64_t date;

	if (!at || strlen(at + strlen(words)) < sizeof(text) - 1)
		return NO_DATE;
	memcpy(text, at + strlen(words), sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	return date_parse(text, &date) ? date : NO_DATE;
}

static const char *
key_of(enum token_type type, struct arena *arena)
{
	return arena_format(arena, "longest_days:%s", token_type_name(type));
}

/* "30 since 1795219200". */
static bool
read_fact(struct journal *journal, enum token_type type, struct arena *arena, int64_t *days,
	int64_t *since, struct err *err)
{
	const char *value;
	char *end;

	*days = *since = 0;
	if (!journal_get(journal, key_of(type, arena), arena, &value, err))
		return false;
	*days = strtoll(value, &end, 10);
	if (!strncmp(end, " since ", strlen(" since ")))
		*since = strtoll(end + strlen(" since "), NULL, 10);
	return true;
}

bool
longest_known(struct journal *journal, enum token_type type, int64_t now, struct arena *arena,
	int64_t *days, struct err *err)
{
	int64_t since;

	if (!read_fact(journal, type, arena, days, &since, err))
		return false;
	if (now < since || now - since > HOLDS_SEC)
		*days = 0;
	return true;
}

bool
longest_learn(struct journal *journal, enum token_type type, int64_t now, int64_t days,
	struct arena *arena, struct err *err)
{
	int64_t before, since;

	return read_fact(journal, type, arena, &before, &since, err) &&
	       journal_set(journal, key_of(type, arena),
		       arena_format(arena, "%lld since %lld", (long long)days, (long long)now),
		       err) &&
	       (before == days ||
		       journal_event(journal, "", 0, "gitlab.longest",
			       arena_format(arena,
				       "GitLab lets tokens of type %s live %lld days at most",
				       token_type_name(type), (long long)days),
			       err));
}
