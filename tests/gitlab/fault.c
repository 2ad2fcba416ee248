#include "fault.h"

#include "world_file.h"

#include <stdlib.h>
#include <string.h>

struct rule {
	struct match match;
	struct fault fault;
};

#define BY_DEFAULT "nginx"

enum { COMMITS = 1, DROPS = 2, RESETS = 4 };

static const struct {
	enum fault_kind kind;
	const char *name;
	int does;
} kinds[] = {
	{ FAULT_DROP_BEFORE_COMMIT, "drop_before_commit", DROPS },
	{ FAULT_DROP_AFTER_COMMIT, "drop_after_commit", COMMITS | DROPS },
	{ FAULT_RESET_BEFORE_COMMIT, "reset_before_commit", DROPS | RESETS },
	{ FAULT_RESET_AFTER_COMMIT, "reset_after_commit", COMMITS | DROPS | RESETS },
	{ FAULT_RESET_BODY, "reset_body", COMMITS | RESETS },
	{ FAULT_COMMIT_LATER, "commit_later", DROPS },
	{ FAULT_DELAY, "delay", COMMITS },
	{ FAULT_DELAY_AFTER, "delay_after", COMMITS },
	{ FAULT_CUT_BODY, "cut_body", COMMITS },
	{ FAULT_GARBAGE, "garbage", COMMITS },
	{ FAULT_WRONG_CONTENT_TYPE, "wrong_content_type", COMMITS },
	{ FAULT_STATUS, "status", 0 },
	{ FAULT_HTML, "html", 0 },
	{ FAULT_TOO_MANY, "too_many", 0 },
	{ FAULT_EXHAUSTED, "exhausted", COMMITS },
	{ FAULT_REDIRECT, "redirect", 0 },
	{ FAULT_TWICE, "twice", COMMITS },
	{ FAULT_STALE_READS, "stale_reads", COMMITS },
};

const char *
fault_name(enum fault_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].kind == kind)
			return kinds[i].name;
	}
	return NULL;
}

static bool
fault_does(const struct fault *fault, int what)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].kind == fault->kind)
			return kinds[i].does & what;
	}
	return what == COMMITS;
}

bool
fault_commits(const struct fault *fault)
{
	return fault_does(fault, COMMITS) || fault->commit;
}

bool
fault_drops(const struct fault *fault)
{
	return fault_does(fault, DROPS);
}

bool
fault_resets(const struct fault *fault)
{
	return fault_does(fault, RESETS);
}

static enum fault_kind
kind_of(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	}
	return FAULT_NONE;
}

json_t *
fault_kinds(void)
{
	json_t *out = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		json_array_append_new(out, json_string(kinds[i].name));
	return out;
}

static char *
text_of(const json_t *rule, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(rule, key));

	return must_copy(text ? text : fallback);
}

static long
number_of(const json_t *rule, const char *key, long fallback)
{
	const json_t *number = json_object_get(rule, key);

	return json_is_integer(number) ? (long)json_integer_value(number) : fallback;
}

/* False: such a rule would do nothing, or not what it seems to. */
static bool
fault_check(const json_t *json, const struct fault *fault, char wrong[512])
{
	const json_t *lag = json_object_get(json, "lag");
	const char *by = world_text(json, "by");

	if (fault->kind == FAULT_NONE)
		return world_fail(wrong, "fault is none of the known kinds");
	if (lag && fault->lag_msec < 0)
		return world_fail(wrong, "lag wants a span, as '90s'");
	if (fault->kind == FAULT_COMMIT_LATER && !fault->msec && !lag)
		return world_fail(wrong, "commit_later wants ms or lag");
	if (fault->kind == FAULT_COMMIT_LATER && fault->commit)
		return world_fail(wrong, "commit_later takes no commit");
	if (fault->kind == FAULT_STALE_READS && !lag && fault->changes < 1)
		return world_fail(wrong, "stale_reads wants changes, 1 or more, or lag");
	if (fault->kind == FAULT_HTML && !page_known(by ? by : BY_DEFAULT))
		return world_fail(wrong, "html comes by nginx, haproxy or gitlab");
	return true;
}

static bool
fault_read(const json_t *json, struct fault *fault, char wrong[512])
{
	const char *lag = world_text(json, "lag");

	if (!world_keys(json, "a fault",
		    MATCH_KEYS " fault ms lag changes status commit retry_after body "
			       "content_type location by",
		    wrong))
		return false;
	*fault = (struct fault){
		.kind = kind_of(world_text(json, "fault")),
		.msec = number_of(json, "ms", 0),
		.lag_msec = -1,
		.changes = number_of(json, "changes", 1),
		.status = (int)number_of(json, "status", 503),
		.commit = world_true(json, "commit"),
		.retry_after = number_of(json, "retry_after", -1),
	};
	if (lag && !span_parse(lag, &fault->lag_msec))
		fault->lag_msec = -1;
	return fault_check(json, fault, wrong);
}

static void
stale_note(struct faults *faults, const struct fault *fault)
{
	if (fault->lag_msec > faults->stale_msec)
		faults->stale_msec = fault->lag_msec;
	if (fault->lag_msec < 0 && fault->changes > faults->stale_changes)
		faults->stale_changes = fault->changes;
}

bool
faults_add(struct faults *faults, const json_t *json, char wrong[512])
{
	struct fault fault;
	struct rule *rule;

	if (!fault_read(json, &fault, wrong))
		return false;
	rule = must_alloc(sizeof(*rule));
	rule->match = match_read(json);
	rule->fault = fault;
	rule->fault.body = text_of(json, "body", "");
	rule->fault.content_type = text_of(json, "content_type", "text/plain");
	rule->fault.location = text_of(json, "location", "/");
	rule->fault.by = text_of(json, "by", BY_DEFAULT);
	if (fault.kind == FAULT_STALE_READS) {
		/* Changes are made where nothing lags, and a replica lags for more than once. */
		free(rule->match.method);
		rule->match.method = must_copy("GET");
		rule->match.times = number_of(json, "times", 0);
		stale_note(faults, &fault);
	}
	list_add(&faults->rules, rule);
	return true;
}

json_t *
faults_json(const struct faults *faults)
{
	json_t *out = json_array();

	for (size_t i = 0; i < faults->rules.count; i++) {
		const struct rule *rule = faults->rules.items[i];
		json_t *row = match_json(&rule->match);

		json_object_set_new(row, "fault", json_string(fault_name(rule->fault.kind)));
		json_array_append_new(out, row);
	}
	return out;
}

void
fault_done(struct fault *fault)
{
	free(fault->body);
	free(fault->content_type);
	free(fault->location);
	free(fault->by);
	*fault = (struct fault){ 0 };
}

void
faults_clear(struct faults *faults)
{
	for (size_t i = 0; i < faults->rules.count; i++) {
		struct rule *rule = faults->rules.items[i];

		fault_done(&rule->fault);
		match_done(&rule->match);
		free(rule);
	}
	list_done(&faults->rules);
	faults->stale_changes = faults->stale_msec = 0;
}

struct fault
faults_match(struct faults *faults, const char *method, const char *path)
{
	struct fault fault = { 0 };

	for (size_t i = 0; i < faults->rules.count; i++) {
		struct rule *rule = faults->rules.items[i];

		if (!match_hits(&rule->match, method, path))
			continue;
		fault = rule->fault;
		fault.body = must_copy(fault.body);
		fault.content_type = must_copy(fault.content_type);
		fault.location = must_copy(fault.location);
		fault.by = must_copy(fault.by);
		break;
	}
	return fault;
}
