/* sim_act.h: what somebody else does, with nobody's leave. The lock is held. */
#ifndef SIM_ACT_H
#define SIM_ACT_H

#include "request.h"

struct act {
	const char *name;
	void (*act)(struct sim *sim, const json_t *act, struct answer *answer);
};

/* Closed by an empty row. */
extern const struct act more_acts[];

/* The names of all acts. */
json_t *act_kinds(void);

#define ACT_UNKNOWN "act is none of the known ones"
bool act_known(const json_t *act);
/* Several in one are one change, which the caller notes. */
void act_run(struct sim *sim, const json_t *act, struct answer *answer);

/* POST /sim/act: at once, or before or after a request that is to come. */
void sim_act(struct sim *sim, struct request *request, struct answer *answer);

/* For acts: what a key names. NULL: there is none, which is answered for all but the first. */
const char *act_text(const json_t *act, const char *key);
/* "token": an id, or a name: its newest bearer that lives, or the newest. */
struct token *act_token(struct sim *sim, const json_t *act, struct answer *answer);
struct user *act_user(
	struct sim *sim, const json_t *act, const char *key, struct answer *answer);
/* "owner": the project of that path, or the group: projects shadow groups. */
struct resource *act_resource(struct sim *sim, const json_t *act, struct answer *answer);
/* Makes a token of what the act says, without `others`: the keys that are no TOKEN's. */
void act_token_make(struct sim *sim, const json_t *act, struct user *user,
	struct resource *resource, struct answer *answer);

#endif
