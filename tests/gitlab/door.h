/* door.h: the doors beside the API at which tokens are presented with HTTP Basic. */
#ifndef DOOR_H
#define DOOR_H

#include "request.h"

/* What the scopes of a token are good for there. */
enum ability {
	DOWNLOAD_CODE = 1,
	PUSH_CODE = 2,
	READ_IMAGE = 4,
	CREATE_IMAGE = 8,
	ADMIN_IMAGE = 16,
};

/* As its path was sent. */
bool door_known(const char *path);

/* Whether somebody came with a login, and it is one. `project` or NULL: the door is no project's.
 * `abilities` are those of the token. */
bool door_admit(struct sim *sim, struct request *request, const struct resource *project,
	unsigned *abilities);
#define DOOR_DENIED                                                                             \
	"HTTP Basic: Access denied. If a password was provided for Git authentication, the "    \
	"password was incorrect or you're required to use a token instead of a password. If a " \
	"token was provided, it was either incorrect, expired, or improperly scoped. See "

/* Whether a deploy token is the project's own, or that of a group above it. */
bool deploy_token_reaches(const struct deploy_token *token, const struct resource *project);
/* Who is no private project's member sees it not at all; NULL is nobody in particular. */
bool door_can(const struct user *user, const struct resource *project, int level);

/* Each answers what its door answers. `path` is the repository's, decoded. */
void door_registry(struct sim *sim, struct request *request, struct answer *answer);
void door_git(
	struct sim *sim, struct request *request, const char *path, struct answer *answer);

#endif
