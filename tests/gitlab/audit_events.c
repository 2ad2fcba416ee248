/* audit_events.c: /audit_events of the instance, of groups and of projects. */
#include "access.h"
#include "page.h"
#include "route.h"

#include <stdlib.h>
#include <string.h>

/* Who asks for no time gets this much of the past. */
#define WINDOW_MSEC (30 * DAY_MSEC)

static json_t *
event_view(struct sim *sim, struct request *request, void *row)
{
	const struct audit_event *event = row;
	char created[MOMENT_SIZE];
	json_t *json = json_pack("{s:I, s:I, s:I, s:s}", "id", (json_int_t)event->id,
		"author_id", (json_int_t)event->author_id, "entity_id",
		(json_int_t)event->entity_id, "entity_type", event->entity_type);

	(void)request;
	if (sim->version >= V(16, 9))
		json_object_set_new(json, "event_name", json_string(event->name));
	json_object_set(json, "details", event->details);
	json_object_set_new(
		json, "created_at", json_string(moment_print(event->created_at, created)));
	return json;
}

/* What one list is about: all, or one group or project, or there only one's own doings. */
struct events_of {
	const char *type;
	long entity, author; /* 0: any */
};

static bool
event_matches(struct sim *sim, const struct request *request, const struct audit_event *event,
	const struct events_of *of)
{
	const char *after = param_text(request, "created_after");
	const char *before = param_text(request, "created_before");
	int64_t from = clock_now(&sim->clock) - WINDOW_MSEC, to = INT64_MAX;

	if (after)
		moment_parse(after, &from);
	if (before)
		moment_parse(before, &to);
	if (of->type && strcmp(event->entity_type, of->type) != 0)
		return false;
	if (of->entity && event->entity_id != of->entity)
		return false;
	if (of->author && event->author_id != of->author)
		return false;
	return event->created_at >= from && event->created_at <= to;
}

/* The next page by the last id seen, which no later event can move. */
static void
keyset_answer(struct sim *sim, struct request *request, const struct list *found,
	struct answer *answer)
{
	const long cursor = param_number(request, "cursor");
	const long per_page = param_number(request, "per_page");
	const long most = per_page < 1 ? 20 : per_page > 100 ? 100 : per_page;
	json_t *out = json_array();

	for (size_t i = 0; i < found->count; i++) {
		struct audit_event *event = found->items[i];

		if (cursor && event->id >= cursor)
			continue;
		if (json_array_size(out) == (size_t)most) {
			const json_t *last = json_array_get(out, (size_t)most - 1);

			answer_header(answer, "Link",
				"<%s://%s%s?cursor=%lld&order_by=id&pagination=keyset&"
				"per_page=%ld&sort=desc>; rel=\"next\"",
				request->tls ? "https" : "http", request->host, request->path,
				(long long)json_integer_value(json_object_get(last, "id")),
				most);
			break;
		}
		json_array_append_new(out, event_view(sim, request, event));
	}
	answer_json(answer, 200, out);
}

static void
events_answer(struct sim *sim, struct request *request, const struct events_of *of,
	struct answer *answer)
{
	const struct list *events = &sim->world.extras.events;
	const char *pagination = param_text(request, "pagination");
	struct list found = { 0 };

	for (size_t i = events->count; i-- > 0;) {
		if (event_matches(sim, request, events->items[i], of))
			list_add(&found, events->items[i]);
	}
	if (pagination && strcmp(pagination, "keyset") == 0)
		keyset_answer(sim, request, &found, answer);
	else
		page_answer(sim, request, &found, event_view, answer);
	list_done(&found);
}

static void
event_answer(struct sim *sim, struct request *request, const struct events_of *of,
	const char *id, struct answer *answer)
{
	const struct list *events = &sim->world.extras.events;

	for (size_t i = 0; i < events->count; i++) {
		struct audit_event *event = events->items[i];

		if (event->id != param_number(request, id) ||
			(of->type && (strcmp(event->entity_type, of->type) != 0 ||
					     event->entity_id != of->entity)) ||
			(of->author && event->author_id != of->author))
			continue;
		answer_json(answer, 200, event_view(sim, request, event));
		return;
	}
	error_record_not_found(answer);
}

static void
all_list(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct events_of of = { .type = param_text(request, "entity_type"),
		.entity = param_number(request, "entity_id") };

	if (of.entity && !of.type)
		error_error(answer, 400, "entity_type is missing");
	else
		events_answer(sim, request, &of, answer);
}

static void
all_get(struct sim *sim, struct request *request, struct answer *answer)
{
	event_answer(sim, request, &(struct events_of){ 0 }, "id", answer);
}

/* Owners of groups and maintainers of projects see all; developers what they did. */
static bool
events_of_resource(struct sim *sim, struct request *request, enum resource_kind kind,
	struct events_of *of, struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);

	if (!resource)
		return false;
	if (!has_level(sim, request, resource, LEVEL_DEVELOPER)) {
		error_forbidden(answer);
		return false;
	}
	*of = (struct events_of){ .type = kind == GROUP ? "Group" : "Project",
		.entity = resource->id };
	if (!has_level(sim, request, resource, kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER))
		of->author = request->user->id;
	return true;
}

static void
events_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct events_of of;

	if (events_of_resource(sim, request, kind, &of, answer))
		events_answer(sim, request, &of, answer);
}

static void
event_get(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct events_of of;

	if (events_of_resource(sim, request, kind, &of, answer))
		event_answer(sim, request, &of, "audit_event_id", answer);
}

FOR_BOTH(events_list)
FOR_BOTH(event_get)

/* clang-format off */
#define LIST_PARAMS \
	{ "created_after", PARAM_MOMENT }, { "created_before", PARAM_MOMENT }, \
	{ "pagination", PARAM_TEXT, .values = "keyset,legacy" }, { "cursor", PARAM_NUMBER }, \
	{ "order_by", PARAM_TEXT }, { "sort", PARAM_TEXT }, PAGE_PARAMS
static const struct param all_params[] = {
	{ "entity_type", PARAM_TEXT, .values = "Project,User,Group,Gitlab::Audit::InstanceScope" },
	{ "entity_id", PARAM_NUMBER }, LIST_PARAMS, { 0 }
};
static const struct param all_id_params[] = { { "id", PARAM_NUMBER, .required = true }, { 0 } };
static const struct param list_params[] = { LIST_PARAMS, { 0 } };
static const struct param id_params[] = { { "audit_event_id", PARAM_NUMBER, .required = true }, { 0 } };

#define EVENTS "/audit_events"

const struct route audit_routes[] = {
	{ "GET", EVENTS,                                  all_list,            all_params,    .admin = true },
	{ "GET", EVENTS "/:id",                           all_get,             all_id_params, .admin = true },
	{ "GET", "/groups/:id" EVENTS,                    group_events_list,   list_params },
	{ "GET", "/groups/:id" EVENTS "/:audit_event_id", group_event_get,     id_params },
	{ "GET", "/projects/:id" EVENTS,                  project_events_list, list_params },
	{ "GET", "/projects/:id" EVENTS "/:audit_event_id", project_event_get, id_params },
	{ 0 }
};
/* clang-format on */
