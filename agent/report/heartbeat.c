#include "report/heartbeat.h"

#include <string.h>

#include "base/notify.h"
#include "base/when.h"
#include "gitlab/people.h"
#include "gitlab/variable.h"
#include "report/alert_send.h"
#include "report/page.h"

/* Not masked, so that a job may print it; neither is it a secret. */
static bool
write_variable(struct gitlab *gitlab, const struct heartbeat_variable *wanted, int64_t now,
	struct arena *arena, struct err *err)
{
	char moment[WHEN_TEXT_BYTES];
	auto_secret struct secret *value = NULL;
	auto_variable struct variable present = { 0 }, written = { 0 };
	struct variable_change change = { 0 };
	struct variable_where where = {
		.level = VARIABLE_PROJECT, .key = wanted->key, .scope = "*"
	};
	struct place_of_work project;
	bool found;

	moment_iso(now, moment);
	value = secret_copy(moment, strlen(moment));
	change.value = value;
	if (!people_project_at(gitlab, wanted->project, arena, &project, err))
		return err_wrap(err, "project '%s'", wanted->project);
	where.owner_id = project.id;
	if (!variable_get(gitlab, &where, arena, &found, &present, err))
		return false;
	if (found)
		return variable_update(gitlab, &where, &change, arena, &written, err);
	change.visibility = VISIBILITY_VISIBLE;
	change.protected = STATED_NO;
	change.raw = STATED_YES;
	change.description = "when glrotate last had a good run";
	return variable_create(gitlab, &where, &change, arena, &written, err);
}

static void
beat_variable(struct context *context, const struct heartbeat_variable *wanted)
{
	auto_arena struct arena *arena = arena_new();
	struct alert_gitlab gitlab = { 0 };
	struct err err;

	if (!alert_gitlab_open(context, &gitlab, &err) ||
		!write_variable(
			gitlab.gitlab, wanted, gitlab_now(context->server), arena, &err))
		outcome_alert("heartbeat ci_variable", "", &err);
	alert_gitlab_close(&gitlab);
}

void
heartbeat_beat(struct context *context, int exit_code)
{
	const bool good = exit_code == 0 || exit_code == 1;
	const struct heartbeat *heartbeat;
	struct err err;

	if (!context->policies || (!good && exit_code != 2 && exit_code != 3))
		return;
	heartbeat = &context->policies->heartbeat;
	if (!heartbeat->url && !heartbeat->ci_variable.key)
		return;
	notify_extend(ALERT_SEC + 60);
	if (heartbeat->url &&
		!alert_ask(heartbeat->url, good ? "" : "/fail", heartbeat->ca_file, NULL, &err))
		outcome_alert("heartbeat url", "", &err);
	if (good && heartbeat->ci_variable.key && heartbeat->ci_variable.project)
		beat_variable(context, &heartbeat->ci_variable);
}

/* --- asked on this machine --- */

static size_t
persons(const struct standings *standings, int64_t now)
{
	size_t count = standings->end && standings->end->person;

	count += own_end_is_near(&standings->own_end, now);

	for (size_t i = 0; i < standings->count; i++)
		count += standings->items[i].standing <= STANDING_DEAD;
	return count;
}

struct health
heartbeat_health(const struct standings *standings, int64_t max_age_sec, int64_t now,
	struct arena *arena)
{
	const size_t needed = persons(standings, now);
	const int64_t good = standings->last_good_run;
	const char *last = good == NO_MOMENT ? "no good run yet"
	                                     : arena_format(arena, "last good run %s",
						       page_moment(arena, good, now));

	if (needed)
		return (struct health){ 3,
			arena_format(arena, "%s; %s",
				page_count(arena, needed, "thing needs a person",
					"things need a person"),
				last) };
	if (good == NO_MOMENT || now - good > max_age_sec)
		return (struct health){ 1, arena_format(arena, "too long ago: %s", last) };
	return (struct health){ 0, arena_format(arena, "ok: %s", last) };
}
