/* user.h: glrotate --user. What stands under /etc and /var/lib for root stands for a person in the folders of XDG's base directory
 * specification, and what systemd is to root their user manager is to them.
 * Touches the environment, the user database, and their user manager, through systemctl and loginctl. */
#ifndef VERB_USER_H
#define VERB_USER_H

#include "base/arena.h"
#include "verb/verb.h"

struct user_places {
	const char *folder;   /* of the policies: $XDG_CONFIG_HOME/glrotate */
	const char *units;    /* $XDG_CONFIG_HOME/systemd/user */
	const char *policy;   /* what was given, else glrotate.yaml in `folder` */
	const char *unit;     /* the service of that policy; NULL: it is none of `folder` */
	const char *instance; /* "" without one */
	const char *state;    /* $XDG_STATE_HOME/glrotate, of an instance glrotate-NAME */
};

/* Where they are for `policy`; NULL: none was given.
 * Fails: ERR_USAGE the environment names what is no absolute path, or does not say where home is. */
must_check bool user_places(
	const char *policy, struct arena *arena, struct user_places *places, struct err *err);

/* With --user fills in the policy and the state that it means, where none was given. They live as long as `arena`.
 * Fails: ERR_USAGE as above, and for root. */
must_check bool user_enter(struct options *options, struct arena *arena, struct err *err);

/* Whoever this process is; their number when nobody knows the name. */
const char *user_name(struct arena *arena);

/* The home that systemd knows, which may be another than $HOME's. */
const char *user_home(struct arena *arena);

/* What their user manager is found by, also by those who did not log in; ends with NULL. */
const char *const *user_environment(struct arena *arena);

/* `*absent` is NULL when their user manager answers, else why there is none, and what to do. Where there is none lingering is
 * turned on, if they may, which starts it; not when `stop`, which ends the wait for it, is NULL.
 * Fails: ERR_USAGE when it means other folders than we do. */
must_check bool user_manager(const struct user_places *places, const volatile int *stop,
	struct arena *arena, const char **absent, struct err *err);

/* Whether it has that unit. */
bool user_has_unit(const char *unit, struct arena *arena);

#endif
