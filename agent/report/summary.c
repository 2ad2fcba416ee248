#include "report/summary.h"

#include "report/advice.h"
#include "report/page.h"

/* "rotated 4, delivered to 6 destinations". */
static const char *
deeds(const struct outcome *outcome, struct arena *arena)
{
	static const struct {
		enum outcome_count what;
		const char *before, *one, *many;
	} parts[] = {
		{ COUNT_CREATED, "created", "token", "tokens" },
		{ COUNT_ROTATED, "rotated", "token", "tokens" },
		{ COUNT_DELIVERED, "delivered to", "destination", "destinations" },
		{ COUNT_RETIRED, "retired", "old token", "old tokens" },
		{ COUNT_REPAIRED, "repaired", "token", "tokens" },
		{ COUNT_ADOPTED, "adopted", "token", "tokens" },
		{ COUNT_RELEASED, "released", "token", "tokens" },
		{ COUNT_IDLE, "put off for running jobs:", "token", "tokens" },
		{ COUNT_WAITING, "left for a later run", "token", "tokens" },
	};
	const char *text = "";

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		unsigned count = outcome_count(outcome, parts[i].what);

		if (count)
			text = arena_format(arena, "%s%s%s %s", text, *text ? ", " : "",
				parts[i].before,
				page_count(arena, count, parts[i].one, parts[i].many));
	}
	return text;
}

/* What had to be: "hit 2 running jobs (platform/api: deploy #12, build #13)". */
static const char *
with_hits(const struct outcome *outcome, const char *done, struct arena *arena)
{
	const size_t jobs = outcome_hit_jobs(outcome);
	const char *which = outcome_hit_text(outcome);

	if (!*which)
		return done;
	if (!jobs)
		return arena_format(arena, "%s (%s)", done, which);
	return arena_format(arena, "%s, hit %s (%s)", done,
		page_count(arena, jobs, "running job", "running jobs"), which);
}

const char *
summary_text(const struct outcome *outcome, struct arena *arena)
{
	size_t troubles = outcome_troubles(outcome), persons = 0;
	const char *done = with_hits(outcome, deeds(outcome, arena), arena);
	const char *left = "nothing needs you";

	if (!*done && !troubles)
		return "";
	for (size_t i = 0; i < troubles; i++)
		persons += outcome_trouble_at(outcome, i)->person;
	if (persons)
		left = arena_format(arena, "%zu %s you", persons,
			persons == 1 ? "thing needs" : "things need");
	else if (troubles)
		left = arena_format(
			arena, "%zu unfinished, a later run goes on by itself", troubles);
	return arena_format(arena, "%s; %s", *done ? done : "nothing was changed", left);
}

void
summary_print(const struct outcome *outcome, int64_t now, enum summary_when when)
{
	auto_arena struct arena *arena = arena_new();
	const char *text = summary_text(outcome, arena);

	if (when != SUMMARY_NEVER && *text)
		printf("%s\n", text);
	else if (when == SUMMARY_ALWAYS)
		printf("nothing was due; nothing needs you\n");
	for (size_t i = 0; i < outcome_troubles(outcome); i++) {
		const struct trouble *trouble = outcome_trouble_at(outcome, i);

		if (!trouble->person)
			continue;
		fputc('\n', stderr);
		advice_print(trouble, now, stderr);
	}
}
