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
struct variable *world_file_variable(struct sim *sim, const json_t *json,
	struct list *variables, char wrong[512]);

/* "developer" or 30; 0 when it is neither. */
int level_parse(const json_t *level);

#endif
