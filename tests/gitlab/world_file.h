/* world_file.h: the world as a file, and the parts /sim/act makes the same way. */
#ifndef WORLD_FILE_H
#define WORLD_FILE_H

#include "sim.h"

/* Fills the world; false: `wrong` says what and where. */
bool world_file_load(struct sim *sim, const char *file, char wrong[512]);

/* One TOKEN of `user`, or with a resource of a bot made for it. */
struct token *world_file_token(struct sim *sim, const json_t *json, struct user *user,
	struct resource *resource, char wrong[512]);
/* One VAR; an existing one of that key and scope gets the attributes given. */
struct variable *world_file_variable(
	struct sim *sim, const json_t *json, struct list *variables, char wrong[512]);

/* "developer" or 30; 0 when it is neither. */
int level_parse(const json_t *level);

/* For both: false, with `wrong` set as by printf(). */
bool world_fail(char wrong[512], const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *world_text(const json_t *json, const char *key);
bool world_true(const json_t *json, const char *key);
void world_text_take(const json_t *json, const char *key, char **into);
/* A misspelt key would make a test prove nothing, so it is an error. */
bool world_keys(const json_t *json, const char *what, const char *known, char wrong[512]);
/* "-3d" from the simulator's now, or a date and time; absent or null leaves `moment` alone. */
bool world_moment(const struct sim *sim, const json_t *json, const char *key, int64_t *moment,
	char wrong[512]);

#endif
