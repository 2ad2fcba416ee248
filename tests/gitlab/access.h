/* access.h: who stands where: administrators, levels, visibility. */
#ifndef ACCESS_H
#define ACCESS_H

#include "request.h"

/* In admin mode an administrator's token needs the scope of that name. */
bool is_admin(const struct sim *sim, const struct request *request);

/* The highest level in the resource or any group above it. */
/* As a member of it, not of what is above. */
int level_direct(const struct user *user, const struct resource *resource);
int level_in(const struct user *user, const struct resource *resource);
bool has_level(const struct sim *sim, const struct request *request,
	const struct resource *resource, int level);

/* The project or group of the `id` parameter: a number, or a path. NULL: `answer` says 404,
 * or 301 for a project that has moved. */
struct resource *resource_require(struct sim *sim, struct request *request,
	enum resource_kind kind, struct answer *answer);
/* A number, or a path. NULL: there is none. */
struct resource *resource_named(struct world *world, enum resource_kind kind, const char *id);
bool resource_visible(
	const struct sim *sim, const struct request *request, const struct resource *resource);

const char *resource_word(enum resource_kind kind); /* "group", "project" */
bool setting_true(const struct sim *sim, const char *name);

#endif
