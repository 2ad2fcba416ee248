/* alert: who was told what, and what the end of a run would tell now; sends nothing but a test. */
#include <errno.h>
#include <time.h>

#include "base/when.h"
#include "report/alert_send.h"
#include "report/page.h"
#include "verb/verb.h"

struct view {
	const struct options *options;
	struct arena *arena;
	struct alerts alerts;
	struct standings standings;
	struct memory memory;
	int64_t now;
	struct json *json; /* NULL: for people */
};

static const char *
reason_of(const struct alert_items *due, const struct condition *condition)
{
	for (size_t i = 0; i < due->count; i++)
		if (due->items[i].condition == condition)
			return alert_reason_word(due->items[i].reason);
	return NULL;
}

/* "  person GLR-113 project:platform/api:push (file /etc/token): …; told 2026-11-21 10:00 UTC (2d ago)". */
static void
print_condition(struct view *view, const struct condition *condition, const struct told *told,
	const char *reason)
{
	const struct trouble *trouble = &condition->trouble;
	const char *code = page_advice(view->arena, trouble->advice);

	printf("  %s%s%s%s%s%s%s%s: %s; ", alert_kind_word(condition->kind), code ? " " : "",
		code ? code : "", *trouble->address ? " " : "", trouble->address,
		*condition->destination ? " (" : "", condition->destination,
		*condition->destination ? ")" : "", alert_headline(condition));
	if (told && told->told_at)
		printf("told %s%s", page_moment(view->arena, told->told_at, view->now),
			reason ? ", to be told: " : "");
	else
		fputs(reason ? "to be told: " : "told, and not known to have arrived", stdout);
	printf("%s\n", reason ? reason : "");
}

static void
add_condition(struct view *view, struct json *array, const struct condition *condition,
	const struct told *told, const char *reason)
{
	const struct trouble *trouble = &condition->trouble;
	struct json *json = json_new_object();

	json_set_text(json, "kind", alert_kind_word(condition->kind));
	json_set_text(json, "code", page_advice(view->arena, trouble->advice));
	json_set_text(json, "token", trouble->address);
	json_set_text(json, "destination", condition->destination);
	json_set_text(json, "headline", alert_headline(condition));
	page_set_moment(json, "since", trouble->since ? trouble->since : NO_MOMENT);
	page_set_moment(json, "told_at", told && told->told_at ? told->told_at : NO_MOMENT);
	json_set_text(json, "to_be_told", reason);
	json_push(array, json);
}

static void
show_over(struct json *array, const struct alert_items *due)
{
	for (size_t i = 0; i < due->count; i++) {
		const struct told *told = due->items[i].told;
		struct json *json;

		if (due->items[i].condition)
			continue;
		if (!array) {
			printf("  %s%s%s; to be told: %s\n", told->address,
				*told->address ? ": " : "", told->headline,
				alert_reason_word(due->items[i].reason));
			continue;
		}
		json = json_new_object();
		json_set_text(json, "token", told->address);
		json_set_text(json, "destination", told->destination);
		json_set_text(json, "headline", told->headline);
		json_set_text(json, "to_be_told", alert_reason_word(due->items[i].reason));
		json_push(array, json);
	}
}

static void
show_alert(struct view *view, const struct alert *alert)
{
	const struct conditions conditions =
		alert_conditions(&view->standings, alert, view->now, view->arena);
	const struct alert_items due = alert_due(
		alert->rules, alert->name, &conditions, &view->memory, view->now, view->arena);
	struct json *array = view->json ? json_new_array() : NULL, *object;
	size_t shown = 0;

	if (!array)
		printf("%s\n", alert->name);
	for (size_t i = 0; i < conditions.count; i++) {
		const struct condition *condition = &conditions.items[i];
		const struct told *told = alert_told_of(&view->memory, alert->name, condition);

		if (!alert_is_for(alert->rules, condition, view->now))
			continue;
		shown++;
		if (array)
			add_condition(view, array, condition, told, reason_of(&due, condition));
		else
			print_condition(view, condition, told, reason_of(&due, condition));
	}
	show_over(array, &due);
	if (!array && !shown && !due.count)
		puts("  nothing is open");
	if (!array)
		return;
	object = json_new_object();
	json_set_text(object, "alert", alert->name);
	json_set(object, "conditions", array);
	json_push(view->json, object);
}

static bool
show_all(struct view *view, struct err *err)
{
	auto_json struct json *page = json_new_object();

	view->json = view->options->json ? json_new_array() : NULL;
	for (size_t i = 0; i < view->alerts.count; i++)
		show_alert(view, &view->alerts.items[i]);
	if (!view->json)
		return true;
	json_set(page, "alerts", view->json);
	return json_print(page, stdout) ||
	       err_set(err, ERR_LATER, errno, "cannot write the answer");
}

static bool
test_all(struct view *view, struct context *context, int *exit_code, struct err *err)
{
	auto_json struct json *page = json_new_object();
	struct json *array = json_new_array();

	for (size_t i = 0; i < view->alerts.count; i++) {
		const struct alert *alert = &view->alerts.items[i];
		struct err failure = { 0 };
		const bool ok = alert_test(context, alert, &failure);
		struct json *object = json_new_object();

		if (!view->options->json)
			printf("%-4s %s%s%s\n", ok ? "ok" : "FAIL", alert->name, ok ? "" : ": ",
				failure.text);
		json_set_text(object, "alert", alert->name);
		json_set_bool(object, "ok", ok);
		json_set_text(object, "why", ok ? NULL : failure.text);
		json_push(array, object);
		if (!ok)
			*exit_code = 3;
	}
	json_set(page, "alerts", array);
	return !view->options->json || json_print(page, stdout) ||
	       err_set(err, ERR_LATER, errno, "cannot write the answer");
}

bool
verb_alert(
	struct context *context, const struct options *options, int *exit_code, struct err *err)
{
	struct view view = {
		.options = options, .arena = context->arena, .now = (int64_t)time(NULL)
	};
	bool ok;

	*exit_code = 0;
	view.alerts = alerts_of(context->policies, view.arena, NULL);
	if (!view.alerts.count && !options->json)
		puts("the policy has no alerts");
	if (options->test)
		return test_all(&view, context, exit_code, err);
	ok = standings_read(context->journal, context->policies, view.now, view.arena,
		     &view.standings, err) &&
	     alert_memory_read(context->journal, view.arena, &view.memory, err) &&
	     show_all(&view, err);
	rotations_done(&view.standings.rows);
	return ok;
}
