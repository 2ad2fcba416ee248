/* match.h: which requests a rule means: a method, a path, and then counting or chance. */
#ifndef MATCH_H
#define MATCH_H

#include <stdbool.h>

#include <jansson.h>

struct match {
	char *method, *path; /* NULL: any */
	long nth, every, times, seen, hits;
	double probability; /* 0: by counting */
	unsigned seed;
};

#define MATCH_KEYS "method path nth every times probability seed"

/* Keys that are missing mean: any request, the first one of them, once. */
struct match match_read(const json_t *json);
void match_done(struct match *match);
/* Counts the request when it is one that is meant; true: it is hit. */
bool match_hits(struct match *match, const char *method, const char *path);
/* All keys and counts, for more to be added. */
json_t *match_json(const struct match *match);

/* A glob when it has one of *?[, a part of the path otherwise. */
bool path_matches(const char *pattern, const char *path);

#endif
