#include "flow/own_end.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/when.h"

#define FACT "own_end"
#define WARN_SEC (14 * DAY_SEC)

/* `created_at` NO_MOMENT: not known. */
static struct own_end
end_of(int64_t token_id, int64_t created_at, int64_t expires_on,
	const struct policies *policies)
{
	struct own_end end = { .token_id = token_id, .dies_at = date_start(expires_on) };
	int64_t warn_sec = WARN_SEC;

	if (policies && policies->gitlab.rotate == STATED_YES)
		end.dies_at = NO_MOMENT;
	if (end.dies_at == NO_MOMENT)
		return end;
	if (created_at != NO_MOMENT && (end.dies_at - created_at) / 3 < warn_sec)
		warn_sec = (end.dies_at - created_at) / 3;
	end.warn_at = end.dies_at - warn_sec;
	end.near_at = end.dies_at - warn_sec / 2;
	return end;
}

static int64_t
created_at(const struct token *token)
{
	return token->created_msec == NO_MOMENT ? NO_MOMENT : token->created_msec / 1000;
}

struct own_end
own_end_of(const struct token *token, const struct policies *policies)
{
	return end_of(token->id, created_at(token), token->expires_on, policies);
}

bool
own_end_warns(const struct own_end *end, int64_t now)
{
	return end->dies_at != NO_MOMENT && now >= end->warn_at;
}

bool
own_end_is_near(const struct own_end *end, int64_t now)
{
	return end->dies_at != NO_MOMENT && now >= end->near_at;
}

const char *
own_end_words(const struct own_end *end, int64_t now, struct arena *arena)
{
	char at[WHEN_TEXT_BYTES], ago[WHEN_TEXT_BYTES];

	return arena_format(arena,
		"our own credential #%" PRId64 " %s %s (%s), and nobody renews it",
		end->token_id, now < end->dies_at ? "dies" : "died",
		moment_text(end->dies_at, at), ago_text(now - end->dies_at, ago));
}

bool
own_end_read(struct journal *journal, const struct policies *policies, struct arena *arena,
	struct own_end *end, struct err *err)
{
	int64_t id, created, expires_on;
	const char *text;

	*end = (struct own_end){ .dies_at = NO_MOMENT };
	if (!journal_get(journal, FACT, arena, &text, err))
		return false;
	if (sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64, &id, &created, &expires_on) == 3)
		*end = end_of(id, created, expires_on, policies);
	return true;
}

bool
own_end_remember(struct journal *journal, const struct token *token, struct arena *arena,
	struct err *err)
{
	return journal_set(journal, FACT,
		arena_format(arena, "%" PRId64 " %" PRId64 " %" PRId64, token->id,
			created_at(token), token->expires_on),
		err);
}
