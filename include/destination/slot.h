/* slot.h: the slot that GitLab keeps for a deploy token called gitlab-deploy-token, as a destination.
 * Touches GitLab's variables, groups, projects and deploy tokens, all but one variable read-only.
 *
 * To each job, when it starts, GitLab gives the variables CI_DEPLOY_USER and CI_DEPLOY_PASSWORD of the living token of that name: of
 * the job's project, else of the group right above it, and of two it may take either. A variable that somebody made goes before
 * them. So as long as two tokens live, one variable CI_DEPLOY_PASSWORD of ours, the pin, says which of them new jobs get; it stands
 * in the project, or for a group's slot in each project right below that has no slot of its own. */
#ifndef DESTINATION_SLOT_H
#define DESTINATION_SLOT_H

#include "destination/destination.h"

#define SLOT_TOKEN "gitlab-deploy-token"
#define SLOT_USERNAME "CI_DEPLOY_USER"
#define SLOT_PASSWORD "CI_DEPLOY_PASSWORD"

/* `choice.value` of DESTINATION_SLOT: the slot itself, or a project below that a group's reaches. */
struct slot_place {
	struct place at;
	int level;         /* enum variable_level */
	const char *owner; /* full path */
	int64_t of_group;  /* of a project below: the group's number; else 0 */
	enum stated pins;  /* STATED_YES: the pin stands, or is to stand, in this project */
	int64_t pinned_at; /* server time at which it took the newest secret; 0: it never did */
	/* Not on the disk; within this run: it is reached, and could not be pinned. */
	bool unpinnable;
};
struct slot_place *slot_place_of(const struct destination *slot); /* NULL: another kind */

/* A project below the group `group`, which its slot reaches; pinned. */
struct destination slot_below(
	int64_t group, int64_t project, const char *path, struct arena *arena);

/* Takes the pin away, if it is ours: of this slot, by its stamp, and of no later secret than `ours` says. `secret` is what it should hold; may be
 * NULL. One that is gone is success, and so is a project that is. *changed: what stands there is somebody else's, and stays. */
must_check bool slot_unpin(const struct destination_tools *tools,
	const struct destination *slot, const struct stamp *ours, const struct secret *secret,
	bool *changed, struct err *err);

/* --- slot_reach.c --- */
enum slot_reach {
	SLOT_REACHES,
	SLOT_HAS_OWN,  /* its own slot goes before the group's */
	SLOT_ARCHIVED, /* no job starts there, and nobody has its variables */
	SLOT_CLOSED,   /* the same, for its CI/CD or its repository is switched off */
};
struct slot_child {
	int64_t id;
	const char *path;
	enum slot_reach reach;
};
struct slot_children {
	struct slot_child *items;
	size_t count;
};
/* The projects right below a group. */
must_check bool slot_children(const struct destination_tools *tools, int64_t group,
	struct slot_children *children, struct err *err);

/* What keeps a slot from being what jobs get. */
struct slot_sight {
	const char *
		shadow; /* a variable of either name that goes before it, in words; NULL: none */
	const char
		*another; /* a pin of another slot of ours stands there, in words; NULL: none */
	const char *unread; /* where this credential may not look; NULL: nowhere */
};
/* Looks for variables of both names in the project (or each of `children` that is reached; one that refuses is closed then), every
 * group above and the instance. Fine
 * are this slot's pins, and those that are among `own`, the token's destinations. */
must_check bool slot_look_around(const struct destination_tools *tools,
	const struct destination *slot, struct slot_children *children,
	const struct list *own, const struct stamp *ours, struct slot_sight *sight,
	struct err *err);

/* For these two files only. What stands under CI_DEPLOY_PASSWORD where a pin would. */
enum slot_pin { PIN_OURS, PIN_OF_ANOTHER_SLOT, PIN_FOREIGN };
enum slot_pin slot_judge(const struct destination_tools *tools, const struct destination *slot,
	const struct variable *present, const struct stamp *ours);

#endif
