/* resume: ends pauses. GitLab is not asked. */
#include <string.h>
#include <time.h>

#include "flow/brake.h"
#include "verb/paused.h"

/* A pattern ends itself, and the pauses of single tokens that it means; a token ends its own. */
static bool
ends(const struct pause *wish, const struct address *pattern, const struct brake *brake)
{
	const struct pause *pause = brake->pause;

	if (!pause)
		return false;
	if (!strcmp(wish->pattern, pause->pattern) && wish->is_exact == pause->is_exact)
		return true;
	return !wish->is_exact && pause->is_exact && address_matches(pattern, &brake->pattern);
}

static bool
end(struct context *context, const struct pause *pause, bool quiet, struct err *err)
{
	if (!journal_resume(context->journal, pause,
		    arena_format(context->arena, "%s: resumed", pause->pattern), err))
		return false;
	if (!quiet)
		printf("%s: resumed\n", pause->pattern);
	return true;
}

/* Why nothing was ended: a pattern holds it, or nothing does. */
static bool
refuse(const struct pause *wish, const struct address *pattern, const struct brakes *brakes,
	struct err *err)
{
	const struct brake *holds =
		wish->is_exact ? brakes_find(brakes, pattern, time(NULL)) : NULL;

	if (!holds)
		return err_set(err, ERR_USAGE, 0, "'%s' is not paused", wish->pattern);
	return err_set(err, ERR_USAGE, 0,
		"'%s' is held by '%s', %s: resume that, or order it: glrotate rotate",
		wish->pattern, holds->pattern.text, holds->text);
}

/* A token that had a pause of its own may be held by a pattern as well. */
static void
warn_of_another(
	const struct pause *wish, const struct address *pattern, const struct brakes *brakes)
{
	for (size_t i = 0; wish->is_exact && i < brakes->count; i++) {
		const struct brake *brake = &brakes->items[i];

		if (!ends(wish, pattern, brake) && brake->pause &&
			brake_means(brake, pattern) && brake_is_on(brake, time(NULL)))
			fprintf(stderr, "warning: still held by '%s', %s\n",
				brake->pattern.text, brake->text);
	}
}

static bool
end_wish(struct context *context, const struct pause *wish, const struct brakes *brakes,
	bool quiet, struct err *err)
{
	struct address pattern;
	size_t ended = 0;

	if (!address_parse(context->arena, wish->pattern, !wish->is_exact, &pattern, err))
		return false;
	for (size_t i = 0; i < brakes->count; i++) {
		if (!ends(wish, &pattern, &brakes->items[i]))
			continue;
		if (!end(context, brakes->items[i].pause, quiet, err))
			return false;
		ended++;
	}
	if (ended)
		warn_of_another(wish, &pattern, brakes);
	return ended || refuse(wish, &pattern, brakes, err);
}

static bool
end_all(struct context *context, const struct brakes *brakes, bool quiet, struct err *err)
{
	for (size_t i = 0; i < brakes->count; i++)
		if (brakes->items[i].pause && !end(context, brakes->items[i].pause, quiet, err))
			return false;
	return true;
}

static bool
end_wishes(struct context *context, const struct pauses *wishes, const struct brakes *brakes,
	bool quiet, struct err *err)
{
	for (size_t i = 0; i < wishes->count; i++)
		if (!end_wish(context, &wishes->items[i], brakes, quiet, err))
			return false;
	return true;
}

bool
verb_resume(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct pauses wishes;
	struct brakes brakes;

	if (!paused_read(context, options, &wishes, err) ||
		!brakes_read(context->journal, context->policies->file, context->arena, &brakes,
			err))
		return false;
	if (options->all ? !end_all(context, &brakes, options->quiet, err)
			 : !end_wishes(context, &wishes, &brakes, options->quiet, err))
		return false;
	if (brakes.freeze)
		fprintf(stderr, "warning: still %s\n", brakes.freeze->text);
	*exit_code = 0;
	return true;
}
