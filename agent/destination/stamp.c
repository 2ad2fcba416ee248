#include "destination/destination.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/advice.h"
#include "base/when.h"

#define STAMP_BEGIN "[glrotate #"
#define STAMP_AGENT 32
#define STAMP_DATE 10

const char *
stamp_text(const struct stamp *stamp, char *text)
{
	char date[WHEN_TEXT_BYTES];

	snprintf(text, STAMP_TEXT_BYTES, STAMP_BEGIN "%" PRId64 " %.10s g%" PRId64 " %.32s]",
		stamp->token_id, date_text(stamp->date, date), stamp->generation, stamp->agent);
	return text;
}

/* Each reads its part and moves on; false leaves the position anywhere. */
static bool
read_word(const char **at, const char *word)
{
	const size_t length = strlen(word);

	if (strncmp(*at, word, length))
		return false;
	*at += length;
	return true;
}

static bool
read_number(const char **at, int64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*number = strtoll(*at, &end, 10);
	*at = end;
	return errno == 0 && *number > 0;
}

static bool
read_date(const char **at, int64_t *date)
{
	char text[STAMP_DATE + 1] = "";

	strncpy(text, *at, STAMP_DATE);
	*at += strlen(text);
	return date_parse(text, date);
}

static bool
read_agent(const char **at, char agent[STAMP_AGENT + 1])
{
	if (strspn(*at, "0123456789abcdef") != STAMP_AGENT)
		return false;
	memcpy(agent, *at, STAMP_AGENT);
	agent[STAMP_AGENT] = '\0';
	*at += STAMP_AGENT;
	return true;
}

static bool
read_stamp(const char **at, struct stamp *stamp)
{
	return read_word(at, STAMP_BEGIN) && read_number(at, &stamp->token_id) &&
	       read_word(at, " ") && read_date(at, &stamp->date) && read_word(at, " g") &&
	       read_number(at, &stamp->generation) && read_word(at, " ") &&
	       read_agent(at, stamp->agent) && read_word(at, "]");
}

/* Without the white space at both ends. */
static char *
trimmed(struct arena *arena, const char *text, size_t length)
{
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	while (length && isspace((unsigned char)*text)) {
		text++;
		length--;
	}
	return arena_text_n(arena, text, length);
}

static const char *
text_without(struct arena *arena, const char *text, const char *begin, const char *end)
{
	const char *before = trimmed(arena, text, (size_t)(begin - text));
	const char *after = trimmed(arena, end, strlen(end));

	return arena_format(arena, "%s%s%s", before, *before && *after ? " " : "", after);
}

/* The last one counts: we write it behind all else, and a person may have copied an older one. */
void
stamp_parse(
	const char *description, struct arena *arena, struct stamp *stamp, const char **rest)
{
	const char *text = description ? description : "", *begin = NULL, *end = NULL;
	struct stamp found = { 0 };

	for (const char *at = text; (at = strstr(at, STAMP_BEGIN)); at++) {
		struct stamp draft = { 0 };
		const char *behind = at;

		if (!read_stamp(&behind, &draft))
			continue;
		found = draft;
		begin = at;
		end = behind;
	}
	*stamp = found;
	if (rest)
		*rest = begin ? text_without(arena, text, begin, end)
		              : trimmed(arena, text, strlen(text));
}

bool
stamp_is_same(const struct stamp *a, const struct stamp *b)
{
	return a->generation == b->generation && a->token_id == b->token_id &&
	       !strcmp(a->agent, b->agent);
}

bool
stamp_allows(const struct destination_tools *tools, const struct stamp *found,
	const struct stamp *ours, struct err *err)
{
	char text[STAMP_TEXT_BYTES];

	if (!found->generation)
		return true;
	if (strcmp(found->agent, ours->agent)) {
		err_set(err, ERR_PERSON, 0,
			"another glrotate wrote it last, see its stamp %s; this one is %s",
			stamp_text(found, text), *ours->agent ? ours->agent : "new");
		return err_advise(err, GLR_SECOND_AGENT);
	}
	if (found->generation > ours->generation &&
		!(tools->gave && tools->gave(tools->journal, found))) {
		err_set(err, ERR_MOVED, 0,
			"its stamp %s is of a later secret than the journal knows (g%" PRId64
			"): the journal is an old copy",
			stamp_text(found, text), ours->generation);
		return err_advise(err, GLR_JOURNAL_OLD);
	}
	return true;
}

bool
stamp_would_allow(
	const struct destination_tools *tools, const struct stamp *found, struct err *err)
{
	if (!tools->ours || stamp_allows(tools, found, tools->ours, err))
		return true;
	if (tools->advice)
		*tools->advice = err->advice;
	return false;
}
