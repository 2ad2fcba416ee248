#include "hook.h"

#include "match.h"
#include "sim_act.h"
#include "world_file.h"

#include <stdlib.h>

static const char *const whens[] = { [BEFORE] = "before", [AFTER] = "after" };

struct hook {
	enum when when;
	struct match match;
	json_t *act;
	json_t *last; /* what came of it: {status, answer} */
};

bool
hook_wanted(const json_t *act)
{
	return json_object_get(act, whens[BEFORE]) || json_object_get(act, whens[AFTER]);
}

static json_t *
hook_json(const struct hook *hook)
{
	json_t *row = match_json(&hook->match);

	json_object_set_new(row, "when", json_string(whens[hook->when]));
	json_object_set(row, "act", hook->act);
	json_object_set_new(row, "last", hook->last ? json_incref(hook->last) : json_null());
	return row;
}

void
hook_add(struct sim *sim, const json_t *act, struct answer *answer)
{
	enum when when = json_object_get(act, whens[BEFORE]) ? BEFORE : AFTER;
	const json_t *match = json_object_get(act, whens[when]);
	struct hook *hook;
	char wrong[512];

	if (!act_known(act) || !world_keys(match, whens[when], MATCH_KEYS, wrong)) {
		error_error(answer, 400, "%s", act_known(act) ? wrong : ACT_UNKNOWN);
		return;
	}
	hook = must_alloc(sizeof(*hook));
	hook->when = when;
	hook->match = match_read(match);
	hook->act = json_deep_copy(act);
	json_object_del(hook->act, whens[when]);
	list_add(&sim->hooks.waiting, hook);
	answer_json(answer, 200, hook_json(hook));
}

static void
hook_run(struct sim *sim, struct hook *hook)
{
	struct answer answer = { 0 };

	history_note(sim);
	act_run(sim, hook->act, &answer);
	json_decref(hook->last);
	hook->last = json_pack("{s:i, s:O?}", "status", answer.status, "answer", answer.json);
	answer_done(&answer);
}

void
hooks_run(struct sim *sim, const struct request *request, enum when when)
{
	for (size_t i = 0; i < sim->hooks.waiting.count; i++) {
		struct hook *hook = sim->hooks.waiting.items[i];

		if (hook->when == when &&
			match_hits(&hook->match, request->method, request->path))
			hook_run(sim, hook);
	}
}

json_t *
hooks_json(const struct hooks *hooks)
{
	json_t *out = json_array();

	for (size_t i = 0; i < hooks->waiting.count; i++)
		json_array_append_new(out, hook_json(hooks->waiting.items[i]));
	return out;
}

void
hooks_clear(struct hooks *hooks)
{
	for (size_t i = 0; i < hooks->waiting.count; i++) {
		struct hook *hook = hooks->waiting.items[i];

		match_done(&hook->match);
		json_decref(hook->act);
		json_decref(hook->last);
		free(hook);
	}
	list_done(&hooks->waiting);
}
