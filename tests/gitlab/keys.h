/* keys.h: how GitLab shows a row: its keys in their order, as a table. */
#ifndef KEYS_H
#define KEYS_H

#include "request.h"

/* What is looked at, and by whom; one of `user` and `resource`. */
struct look {
	struct sim *sim;
	const struct request *request;
	const struct user *user;
	const struct resource *resource;
	unsigned seen; /* bits of the enums below */
};

/* A key has its value as JSON in `value`, as a fresh GitLab has it, or makes it of the row. */
struct key {
	unsigned needs; /* the key is there when all of these bits are seen */
	const char *name;
	const char *value;
	json_t *(*make)(const struct look *look);
	int from, before; /* releases that have it; 0: no limit */
};

/* A string as a key's value. */
#define TEXT(text) "\"" text "\""

json_t *keys_show(const struct key *keys, const struct look *look);

json_t *text_json(const char *text);
json_t *moment_json(int64_t moment);
/* "SCHEME://HOST/" and the rest, with an s when the connection is secure. */
json_t *url_json(const struct request *request, const char *scheme, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* user_keys.c: what is seen of a user. */
enum {
	USER_OTHER = 1,    /* set by user_view(): it is not who asks */
	USER_PROFILE = 2,  /* GET /users/:id */
	USER_OWN = 4,      /* GET /user */
	USER_ADMIN = 8,    /* what administrators see everywhere */
	USER_DETAILS = 16, /* what they see besides in GET /users/:id */
	USER_AS_SELF = USER_PROFILE | USER_OWN,
	USER_AS_ADMIN = USER_AS_SELF | USER_ADMIN,
};
json_t *user_view(
	struct sim *sim, const struct request *request, const struct user *user, unsigned seen);

/* resource_keys.c: what is seen of a project or group. */
enum {
	SEE_MORE = 1,     /* not one of a list with simple=true */
	SEE_CODE = 2,     /* who may read the code: reporters */
	SEE_SETTINGS = 4, /* who may change them: maintainers of a project, owners of a group */
	SEE_ADMIN = 8,    /* administrators of the instance */
	SEE_ONE = 16,     /* one that was asked for or made, not a list */
	SEE_PERMISSIONS = 32, /* of /projects, but not of one that was just made */
	SEE_PROJECTS = 64,    /* GET /groups/:id */
	SEE_ROOT = 128,       /* a group without a parent */
};

/* `how`: the bits that the endpoint decides, SEE_ONE and the like; who asks decides the others. */
json_t *resource_view(struct sim *sim, const struct request *request,
	const struct resource *resource, unsigned how);
/* Of GET /personal_access_tokens/self/associations. */
json_t *association_view(
	struct sim *sim, const struct request *request, const struct resource *resource);

/* resource_parts.c: makers of what projects and groups show alike. */
json_t *resource_id(const struct look *look);
json_t *resource_description(const struct look *look);
json_t *resource_name(const struct look *look);
json_t *resource_full_name(const struct look *look);
json_t *resource_own_path(const struct look *look);
json_t *resource_full_path(const struct look *look);
json_t *resource_created(const struct look *look);
json_t *resource_visibility(const struct look *look);
json_t *resource_url(const struct look *look);
json_t *resource_parent_id(const struct look *look);
json_t *resource_namespace(const struct look *look);

#endif
