/* Which jobs may still hold a password that is about to die. Reads only. */
#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "destination/slot.h"
#include "flow/slot.h"
#include "gitlab/answer.h"
#include "gitlab/job.h"
#include "gitlab/people.h"

/* A job is given its variables when a runner takes it, and a runner that takes jobs in two steps says up to minutes later that it
 * began; and GitLab's machines do not quite agree on the time. What began within so much of the pin counts as begun before. */
#define SLACK_SEC (5 * MINUTE_SEC)
/* So long after the overlap, or the pin, a job may run before a person hears of it. */
#define JOBS_MOST_SEC DAY_SEC
/* GitLab's lists are cut into pages: between two of them what ends moves the rest. */
#define PAGE_ITEMS 100
/* Instead of a moment, where jobs may get either password. */
#define WHENEVER -1

static int64_t
now_of(const struct attempt *attempt)
{
	return gitlab_now(gitlab_server_of(attempt->gitlab));
}

bool
slot_is_to_end(const struct attempt *attempt, const struct token *token)
{
	const struct rotation *row = attempt->row;

	return !strcmp(token->name, SLOT_TOKEN) && token_is_alive(token, now_of(attempt)) &&
	       token->id != row->new_id &&
	       ((row->old_id && token->id == row->old_id) ||
		       slot_is_orphan(attempt, token->id) || evidence_is_ours(attempt, token));
}

/* What was found, of all projects. */
struct counting {
	struct attempt *attempt;
	size_t count;
	const struct job *first; /* the one that began first */
	int64_t first_project;
	int64_t since; /* …and the moment before which it began */
};

static bool
began_before(const struct job *job, int64_t moment)
{
	return moment == WHENEVER || job->started_msec == NO_MOMENT ||
	       job->started_msec / 1000 < moment + SLACK_SEC;
}

/* 403: its CI/CD is switched off. 404: it is gone, and its jobs with it. */
static bool
list_jobs(struct attempt *attempt, int64_t project, struct list *jobs, struct err *err)
{
	*jobs = (struct list){ 0 };
	return job_list_active(attempt->gitlab, project, attempt->arena, jobs, err) ||
	       err->kind == ERR_MOVED || answer_was_forbidden(err);
}

/* In a project, those that began before that moment. */
static bool
count_in(struct counting *counting, int64_t project, int64_t since, struct err *err)
{
	for (int reading = 0; reading < 2; reading++) {
		const size_t before = counting->count;
		const struct job *jobs;
		struct list list;

		if (!list_jobs(counting->attempt, project, &list, err))
			return false;
		jobs = list.items;
		for (size_t i = 0; i < list.count; i++) {
			if (!began_before(&jobs[i], since))
				continue;
			counting->count++;
			if (counting->first && counting->first->id <= jobs[i].id)
				continue;
			counting->first = &jobs[i];
			counting->first_project = project;
			counting->since = since;
		}
		if (counting->count > before || list.count < PAGE_ITEMS)
			return true;
	}
	return true;
}

/* --- where --- */

static bool
count_in_all(
	struct counting *counting, const struct list *projects, int64_t since, struct err *err)
{
	const struct place_of_work *places = projects->items;

	for (size_t i = 0; i < projects->count; i++)
		if (!count_in(counting, places[i].id, since, err))
			return false;
	return true;
}

static bool
counts_by_itself(const struct attempt *attempt, int64_t project)
{
	for (size_t i = 0; i < attempt->deliveries.count; i++) {
		const struct slot_place *place = slot_place_of(&attempt->destinations[i]);

		if (place && place->of_group && attempt->destinations[i].owner_id == project)
			return place->pinned_at || place->unpinnable;
	}
	return false;
}

/* Projects of the group that are not pinned: they were reached before, perhaps, and a job of theirs may run since then. */
static bool
count_in_the_others(struct counting *counting, int64_t group, struct err *err)
{
	struct attempt *attempt = counting->attempt;
	const struct place_of_work *places;
	struct list list;

	if (!people_children(attempt->gitlab, group, attempt->arena, &list, err))
		return false;
	places = list.items;
	for (size_t i = 0; i < list.count; i++)
		if (!counts_by_itself(attempt, places[i].id) &&
			!count_in(counting, places[i].id, attempt->row->intent_at, err))
			return false;
	return true;
}

/* Since when every destination holds the new secret. */
static int64_t
delivered_at(const struct attempt *attempt)
{
	return attempt->row->retire_after - attempt_overlap_sec(attempt);
}

static bool
count_at_pair(struct counting *counting, const struct destination *half, struct err *err)
{
	struct attempt *attempt = counting->attempt;
	const struct destination_home home = destination_home(half);
	struct list projects;

	if (home.level == VARIABLE_PROJECT)
		return count_in(counting, half->owner_id, delivered_at(attempt), err);
	return people_projects(
		       attempt->gitlab, half->owner_id, attempt->arena, &projects, err) &&
	       count_in_all(counting, &projects, delivered_at(attempt), err);
}

static bool
is_password(const struct destination *half)
{
	const struct variable_place *place = half->to.value;

	return !strcmp(place->key, SLOT_PASSWORD);
}

static bool
count_at(struct counting *counting, const struct destination *destination, struct err *err)
{
	const struct slot_place *place = slot_place_of(destination);

	if (destination->to.kind == DESTINATION_CI_DEPLOY_PAIR)
		return !is_password(destination) || count_at_pair(counting, destination, err);
	if (!place)
		return true;
	if (place->level == VARIABLE_GROUP)
		return count_in_the_others(counting, destination->owner_id, err);
	if (place->unpinnable)
		return count_in(counting, destination->owner_id, WHENEVER, err);
	return !place->pinned_at ||
	       count_in(counting, destination->owner_id, place->pinned_at, err);
}

/* --- what follows --- */

static bool
anything_is_to_end(const struct attempt *attempt, const struct tokens *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (slot_is_to_end(attempt, &all->items[i]))
			return true;
	return false;
}

static bool
wait_for(struct counting *counting, struct err *err)
{
	struct attempt *attempt = counting->attempt;
	const int64_t from = attempt->row->retire_after > counting->since
	                             ? attempt->row->retire_after
	                             : counting->since;
	const struct job *job = counting->first;
	char since[WHEN_TEXT_BYTES];
	const char *text = arena_format(attempt->arena,
		"%zu job%s that may hold the old password still run%s, the first of them #%lld%s%s of project %lld, since %s",
		counting->count, counting->count == 1 ? "" : "s",
		counting->count == 1 ? "s" : "", (long long)job->id, job->name ? " " : "",
		job->name ? job->name : "", (long long)counting->first_project,
		job->started_msec == NO_MOMENT ? "an unknown moment"
					       : moment_text(job->started_msec / 1000, since));

	if (now_of(attempt) - from >= JOBS_MOST_SEC) {
		err_set(err, ERR_PERSON, 0, "%s", text);
		return err_advise(err, GLR_SLOT_JOB);
	}
	attempt->waits = text;
	return err_set(err, ERR_LATER, 0, "%s", text);
}

bool
slot_jobs_ended(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	struct counting counting = { .attempt = attempt };

	if (!anything_is_to_end(attempt, all))
		return true;
	for (size_t i = 0; i < attempt->deliveries.count; i++)
		if (!count_at(&counting, &attempt->destinations[i], err)) {
			identity_judge(attempt->identity, attempt->gitlab, err);
			if (err->kind == ERR_MOVED || err->kind == ERR_REFUSED)
				err->kind = ERR_LATER;
			return false;
		}
	return !counting.count || wait_for(&counting, err);
}
