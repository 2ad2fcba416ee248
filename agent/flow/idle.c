#include "flow/idle.h"

#include "base/clock.h"
#include "base/when.h"
#include "gitlab/job.h"
#include "gitlab/people.h"

/* All of them are asked within the minute in which the secret dies. */
#define PROJECTS_MOST 50
/* The preflight of the destinations, which comes before it, holds for less than a minute. */
#define LOOK_MOST_MSEC 15000
#define LOOK_HOLDS_MSEC 60000
#define LAST_HOURS_SEC (2 * HOUR_SEC)
/* So many are named; the rest is counted. */
#define NAMED_MOST 5

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
idle_until(int64_t begun_at, int64_t span_sec, int64_t dies_at)
{
	const int64_t until = begun_at + span_sec;

	if (dies_at == NO_MOMENT)
		return until;
	return least(
		least(until, begun_at + (dies_at - begun_at) / 2), dies_at - LAST_HOURS_SEC);
}

bool
idle_is_fresh(const struct attempt *attempt)
{
	return !attempt->idle.looked_msec ||
	       clock_msec() - attempt->idle.looked_msec < LOOK_HOLDS_MSEC;
}

/* Only what keeps a row from going on has a moment since which it does. */
const char *
idle_words(const struct rotation *row)
{
	return row->state == STATE_PLANNED && row->trouble && *row->trouble &&
	                       !row->trouble_since
	               ? row->trouble
	               : NULL;
}

/* --- looking --- */

/* What one look at all projects came to. */
struct look {
	struct attempt *attempt;
	struct gitlab *gitlab;
	struct arena *arena;
	int64_t begun_msec;
	size_t projects, busy_projects, jobs;
	const char *busy;   /* "2 jobs of platform/api" */
	const char *names;  /* "platform/api: deploy #12, build #13" */
	const char *unread; /* why some could not be seen; NULL: all were */
};

static const char *
with(struct arena *arena, const char *text, const char *between, const char *more)
{
	return arena_format(arena, "%s%s%s", text, *text ? between : "", more);
}

static void
add_jobs(struct look *look, const char *path, const struct list *jobs)
{
	const struct job *items = jobs->items;
	const char *names = "";

	if (!jobs->count)
		return;
	for (size_t i = 0; i < jobs->count && look->jobs + i < NAMED_MOST; i++)
		names = with(look->arena, names, ", ",
			arena_format(look->arena, "%s #%lld",
				items[i].name ? items[i].name : "a job",
				(long long)items[i].id));
	if (*names)
		look->names = with(look->arena, look->names, "; ",
			arena_format(look->arena, "%s: %s", path, names));
	look->jobs += jobs->count;
	if (look->busy_projects++ >= NAMED_MOST)
		return;
	look->busy = with(look->arena, look->busy, ", ",
		arena_format(look->arena, "%zu job%s of %s", jobs->count,
			jobs->count == 1 ? "" : "s", path));
}

static bool
set_unread(struct look *look, struct err *err)
{
	if (!job_is_unreadable(err))
		return false;
	/* A plain 401 may be about our credential. */
	if (!look->attempt->agent)
		identity_judge(look->attempt->identity, look->gitlab, err);
	if (err->kind == ERR_CREDENTIAL)
		return false;
	if (!look->unread)
		look->unread = arena_text(look->arena, err->text);
	return true;
}

static bool
look_at_project(struct look *look, int64_t id, const char *path, struct err *err)
{
	struct list jobs;

	if (clock_msec() - look->begun_msec > LOOK_MOST_MSEC) {
		look->unread = "GitLab takes too long to say";
		return true;
	}
	if (++look->projects > PROJECTS_MOST) {
		look->unread = arena_format(
			look->arena, "they are more than %d projects", PROJECTS_MOST);
		return true;
	}
	if (!job_list_active(look->gitlab, id, look->arena, &jobs, err))
		return set_unread(look, err);
	add_jobs(look, path, &jobs);
	return true;
}

/* Every project below a group is given its variables. */
static bool
look_at_group(struct look *look, int64_t id, struct err *err)
{
	const struct place_of_work *items;
	struct list projects;

	if (!people_projects(look->gitlab, id, look->arena, &projects, err))
		return set_unread(look, err);
	items = projects.items;
	for (size_t i = 0; i < projects.count && look->projects <= PROJECTS_MOST; i++)
		if (items[i].archived != STATED_YES &&
			!look_at_project(look, items[i].id, items[i].path, err))
			return false;
	return true;
}

static bool
was_looked_at(const struct attempt *attempt, size_t count, const struct destination_home *home)
{
	for (size_t i = 0; i < count; i++)
		if (attempt->destinations[i].owner_id ==
				attempt->destinations[count].owner_id &&
			destination_home(&attempt->destinations[i]).level == home->level)
			return true;
	return false;
}

static bool
look_at_all(struct look *look, struct err *err)
{
	const struct attempt *attempt = look->attempt;
	bool ok = true;

	for (size_t i = 0; ok && i < attempt->deliveries.count; i++) {
		const struct destination *destination = &attempt->destinations[i];
		const struct destination_home home = destination_home(destination);

		if (!home.level || was_looked_at(attempt, i, &home))
			continue;
		if (home.level == VARIABLE_PROJECT)
			ok = look_at_project(look, destination->owner_id, home.path, err);
		else if (home.level == VARIABLE_GROUP)
			ok = look_at_group(look, destination->owner_id, err);
		else
			look->unread = "all projects are given it";
	}
	return ok;
}

/* --- deciding --- */

/* Where the secret that is about to die is what the jobs have, and nobody hurries. */
static bool
may_wait(struct attempt *attempt)
{
	struct frozen *frozen = &attempt->frozen;

	if (frozen->ordered == STATED_YES)
		frozen->hurries = STATED_YES;
	return attempt->row->target_id == frozen->first_target && !frozen->taken_over_at &&
	       frozen->hurries != STATED_YES;
}

static bool
rest(struct look *look, int64_t until, struct err *err)
{
	struct arena *arena = look->arena;
	char moment[WHEN_TEXT_BYTES];
	const char *more = look->busy_projects > NAMED_MOST ? " and others" : "";
	const char *what =
		look->jobs ? arena_format(arena, "%s%s to end", look->busy, more)
			   : arena_format(arena,
				     "a moment without running jobs, which it cannot see (%s)",
				     look->unread);

	look->attempt->waits = arena_format(arena, "waits for %s, until %s at the latest", what,
		moment_text(until, moment));
	return err_set(err, ERR_LATER, 0, "jobs run");
}

static void
tell_hit(const struct look *look)
{
	struct idle *idle = &look->attempt->idle;
	const size_t more = look->jobs > NAMED_MOST ? look->jobs - NAMED_MOST : 0;

	idle->jobs = look->jobs;
	if (look->jobs)
		idle->hit = arena_format(look->arena, "%s%s", look->names,
			more ? arena_format(look->arena, ", and %zu more", more) : "");
	else if (look->unread)
		idle->hit = arena_format(
			look->arena, "it could not be seen whether jobs run: %s", look->unread);
}

bool
idle_allows(struct attempt *attempt, struct err *err)
{
	const struct frozen *frozen = &attempt->frozen;
	const int64_t until = idle_until(
		attempt->row->opened_at, frozen->idle_sec, date_start(frozen->expires_on));
	const bool waits =
		may_wait(attempt) && gitlab_now(gitlab_server_of(attempt->gitlab)) < until;
	struct look look = { .attempt = attempt,
		.gitlab = attempt_tools(attempt).gitlab,
		.arena = attempt->arena,
		.begun_msec = clock_msec(),
		.busy = "",
		.names = "" };

	attempt->idle = (struct idle){ 0 };
	if (!frozen->idle_sec || !attempt->row->target_id)
		return true;
	if (waits)
		attempt->idle.looked_msec = clock_msec();
	if (!look_at_all(&look, err)) {
		if (waits || err->kind == ERR_CREDENTIAL)
			return false;
		look.unread = arena_text(look.arena, err->text);
	}
	if (waits && (look.jobs || look.unread))
		return rest(&look, until, err);
	tell_hit(&look);
	return true;
}
