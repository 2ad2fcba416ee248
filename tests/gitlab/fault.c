#include "fault.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct rule {
	char *method, *path;
	long nth, times, seen, hits;
	double probability; /* 0: by counting */
	unsigned seed;
	struct fault fault;
};

static const struct {
	enum fault_kind kind;
	const char *name;
	bool commits;
} kinds[] = {
	{ FAULT_DROP_BEFORE_COMMIT, "drop_before_commit", false },
	{ FAULT_DROP_AFTER_COMMIT, "drop_after_commit", true },
	{ FAULT_DELAY, "delay", true },
	{ FAULT_DELAY_AFTER, "delay_after", true },
	{ FAULT_CUT_BODY, "cut_body", true },
	{ FAULT_GARBAGE, "garbage", true },
	{ FAULT_WRONG_CONTENT_TYPE, "wrong_content_type", true },
	{ FAULT_STATUS, "status", false },
	{ FAULT_TOO_MANY, "too_many", false },
	{ FAULT_REDIRECT, "redirect", false },
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

bool
fault_commits(const struct fault *fault)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].kind == fault->kind)
			return kinds[i].commits || fault->commit;
	}
	return true;
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

static char *
text_of(const json_t *rule, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(rule, key));

	text = text ? text : fallback;
	return text ? must_copy(text) : NULL;
}

static long
number_of(const json_t *rule, const char *key, long fallback)
{
	const json_t *number = json_object_get(rule, key);

	return json_is_integer(number) ? (long)json_integer_value(number) : fallback;
}

const char *
faults_add(struct faults *faults, const json_t *json)
{
	enum fault_kind kind = kind_of(json_string_value(json_object_get(json, "fault")));
	struct rule *rule;

	if (kind == FAULT_NONE)
		return "fault is none of the known kinds";
	rule = must_alloc(sizeof(*rule));
	rule->method = text_of(json, "method", NULL);
	rule->path = text_of(json, "path", NULL);
	rule->nth = number_of(json, "nth", 1);
	rule->probability = json_number_value(json_object_get(json, "probability"));
	rule->seed = (unsigned)number_of(json, "seed", 1);
	/* Chance without an end is what a soak test wants; counting wants one hit. */
	rule->times = number_of(json, "times", rule->probability > 0 ? 0 : 1);
	rule->fault.kind = kind;
	rule->fault.msec = number_of(json, "ms", 0);
	rule->fault.status = (int)number_of(json, "status", 503);
	rule->fault.commit = json_is_true(json_object_get(json, "commit"));
	rule->fault.retry_after = number_of(json, "retry_after", -1);
	rule->fault.body = text_of(json, "body", "");
	rule->fault.content_type = text_of(json, "content_type", "text/plain");
	rule->fault.location = text_of(json, "location", "/");
	list_add(&faults->rules, rule);
	return NULL;
}

json_t *
faults_json(const struct faults *faults)
{
	json_t *out = json_array();

	for (size_t i = 0; i < faults->rules.count; i++) {
		const struct rule *rule = faults->rules.items[i];

		json_array_append_new(
			out, json_pack("{s:s?, s:s?, s:s, s:I, s:I, s:f, s:I, s:I}", "method",
				     rule->method, "path", rule->path, "fault",
				     fault_name(rule->fault.kind), "nth", (json_int_t)rule->nth,
				     "times", (json_int_t)rule->times, "probability",
				     rule->probability, "seen", (json_int_t)rule->seen, "hits",
				     (json_int_t)rule->hits));
	}
	return out;
}

void
fault_done(struct fault *fault)
{
	free(fault->body);
	free(fault->content_type);
	free(fault->location);
	*fault = (struct fault){ 0 };
}

void
faults_clear(struct faults *faults)
{
	for (size_t i = 0; i < faults->rules.count; i++) {
		struct rule *rule = faults->rules.items[i];

		fault_done(&rule->fault);
		free(rule->method);
		free(rule->path);
		free(rule);
	}
	list_done(&faults->rules);
}

bool
path_matches(const char *pattern, const char *path)
{
	if (strpbrk(pattern, "*?["))
		return fnmatch(pattern, path, 0) == 0;
	return strstr(path, pattern) != NULL;
}

static bool
rule_matches(const struct rule *rule, const char *method, const char *path)
{
	if (rule->method && strcmp(rule->method, method) != 0)
		return false;
	return !rule->path || path_matches(rule->path, path);
}

static bool
rule_applies(struct rule *rule)
{
	rule->seen++;
	if (rule->times && rule->hits >= rule->times)
		return false;
	if (rule->probability > 0)
		return rand_r(&rule->seed) < rule->probability * RAND_MAX;
	return rule->seen >= rule->nth;
}

struct fault
faults_match(struct faults *faults, const char *method, const char *path)
{
	struct fault fault = { 0 };

	for (size_t i = 0; i < faults->rules.count; i++) {
		struct rule *rule = faults->rules.items[i];

		if (!rule_matches(rule, method, path) || !rule_applies(rule))
			continue;
		rule->hits++;
		fault = rule->fault;
		fault.body = must_copy(fault.body);
		fault.content_type = must_copy(fault.content_type);
		fault.location = must_copy(fault.location);
		break;
	}
	return fault;
}
