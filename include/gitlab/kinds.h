/* kinds.h: what GitLab knows of each token type, a row a type.
 * Touches nothing. Facts are from GitLab's API documentation and lib/api/. */
#ifndef GITLAB_KINDS_H
#define GITLAB_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/err.h"

/* Whose tokens they are, pinned by number once resolved. */
struct owner {
	enum token_type type;
	int64_t id;            /* project or group id; 0 for personal and instance service accounts */
	int64_t user_id;       /* of a person or service account; 0 for project and group (a bot a token) */
	bool in_project;       /* a service account of a project, not of a group */
	const char *path;      /* full path, or user name, as GitLab answers it now */
};

enum people_role { ROLE_NONE = 0, ROLE_GUEST = 10, ROLE_PLANNER = 15, ROLE_REPORTER = 20,
	ROLE_DEVELOPER = 30, ROLE_MAINTAINER = 40, ROLE_OWNER = 50 };

struct kind {
	enum token_type type;
	bool manageable;         /* this version of glrotate rotates it */
	bool has_level;          /* access_level at creation; each has a bot user of its own */
	bool of_user;            /* belongs to one user, who is the owner */
	bool is_deploy;          /* numbered by itself; no user, no dates but its end, never known to be used */
	bool rotates, replaces;  /* the ways in which GitLab lets it be renewed */
	const char *least_right; /* for people: the least that may list and rotate it */
};

const struct kind *kind_of(enum token_type type);

/* The endpoints of the owner's tokens, in `arena`, behind the site's URL: `/api/v4/projects/7/access_tokens`.
 * Personal tokens and instance service accounts: `/api/v4/personal_access_tokens` (list adds user_id). */
const char *kind_tokens_path(const struct owner *owner, struct arena *arena);
const char *kind_token_path(const struct owner *owner, int64_t id, struct arena *arena);
/* The same where it is rotated; `/rotate` comes behind. */
const char *kind_rotated_path(const struct owner *owner, int64_t id, struct arena *arena);
/* Where a token is created: as above, but `/api/v4/users/ID/personal_access_tokens` for users. */
const char *kind_create_path(const struct owner *owner, struct arena *arena);

/* GitLab's words for levels: "developer" ↔ 30; NULL and ROLE_NONE for others. */
const char *role_name(int64_t level);
int64_t role_parse(const char *word);

#endif
