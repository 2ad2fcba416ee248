/* door.h: whether the secret of a deploy token works. It cannot use the API: it is shown where those who use it show it, with HTTP
 * Basic, to the door of the container registry (/jwt/auth) or of a project's repository (/PATH.git/info/refs).
 * Touches GitLab, read-only. Source: app/controllers/jwt_controller.rb, app/services/auth/container_registry_authentication_service.rb,
 * app/controllers/repositories/git_http_client_controller.rb, lib/gitlab/auth.rb#deploy_token_check. */
#ifndef GITLAB_DOOR_H
#define GITLAB_DOOR_H

#include "base/arena.h"
#include "base/fields.h"
#include "base/secret.h"
#include "gitlab/gitlab.h"
#include "gitlab/kinds.h"

enum door_word {
	DOOR_SILENT,  /* it says nothing of the secret: there is no such door, something stands in front of it, it is out of order */
	DOOR_OPENS,   /* the secret lives */
	DOOR_REFUSES, /* in GitLab's own words */
};

struct door_login {
	const struct owner *owner;
	const char *username;        /* to the letter; as GitLab lists it */
	struct texts scopes;
	const struct secret *secret; /* shown to the second door only when the first is silent, or that of a repository refuses it */
};

/* Asks at the doors that its scopes are for, until one says something: the registry's for *_registry, where there is one; for
 * read_repository that of the token's own project, where it has a repository.
 * `*why` is what the door said, for people.
 * Fails: ERR_LATER while nothing is sent after too many refused credentials; else as gitlab_call() where the project is read. */
must_check bool door_ask(struct gitlab *gitlab, const struct door_login *login,
	struct arena *arena, enum door_word *word, const char **why, struct err *err);

/* What an answer says, pure functions of it. A 401 that is not in GitLab's words is something's that stands in front of it. */
enum door_word door_word_of_registry(const struct http_answer *answer);
enum door_word door_word_of_git(const struct http_answer *answer);
/* Whether it is what the door of a registry says to nobody in particular. Without a registry GitLab refuses tokens that are for it
 * alone, whatever their secret is. */
bool door_is_registry(const struct http_answer *answer);

#endif
