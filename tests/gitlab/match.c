#include "match.h"

#include "base.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static char *
text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? must_copy(text) : NULL;
}

static long
number_of(const json_t *json, const char *key, long fallback)
{
	const json_t *number = json_object_get(json, key);

	return json_is_integer(number) ? (long)json_integer_value(number) : fallback;
}

struct match
match_read(const json_t *json)
{
	double probability = json_number_value(json_object_get(json, "probability"));
	long every = number_of(json, "every", 0);

	return (struct match){ .method = text_of(json, "method"),
		.path = text_of(json, "path"),
		.nth = number_of(json, "nth", 1),
		.every = every,
		.probability = probability,
		.seed = (unsigned)number_of(json, "seed", 1),
		/* What goes on by itself has no end unless one is given; counting wants one hit. */
		.times = number_of(json, "times", probability > 0 || every ? 0 : 1) };
}

void
match_done(struct match *match)
{
	free(match->method);
	free(match->path);
	*match = (struct match){ 0 };
}

bool
match_hits(struct match *match, const char *method, const char *path)
{
	bool hit;

	if ((match->method && strcmp(match->method, method) != 0) ||
		(match->path && !path_matches(match->path, path)))
		return false;
	match->seen++;
	if (match->times && match->hits >= match->times)
		return false;
	if (match->probability > 0)
		hit = rand_r(&match->seed) < match->probability * RAND_MAX;
	else
		hit = match->seen >= match->nth &&
		      (!match->every || (match->seen - match->nth) % match->every == 0);
	match->hits += hit;
	return hit;
}

json_t *
match_json(const struct match *match)
{
	return json_pack("{s:s?, s:s?, s:I, s:I, s:I, s:f, s:I, s:I}", "method", match->method,
		"path", match->path, "nth", (json_int_t)match->nth, "every",
		(json_int_t)match->every, "times", (json_int_t)match->times, "probability",
		match->probability, "seen", (json_int_t)match->seen, "hits",
		(json_int_t)match->hits);
}

bool
path_matches(const char *pattern, const char *path)
{
	if (strpbrk(pattern, "*?["))
		return fnmatch(pattern, path, 0) == 0;
	return strstr(path, pattern) != NULL;
}
