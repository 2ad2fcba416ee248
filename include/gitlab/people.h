/* people.h: who we are, who owns, who is a member.
 * Touches GitLab, read-only. Source: lib/api/users.rb, projects.rb, groups.rb, members.rb, metadata.rb. */
#ifndef GITLAB_PEOPLE_H
#define GITLAB_PEOPLE_H

#include "base/arena.h"
#include "base/fields.h"
#include "gitlab/gitlab.h"
#include "gitlab/kinds.h"

struct person {
	struct place at;
	int64_t id;
	const char *username;
	const char *state;        /* "active", "blocked", "deactivated", … */
	enum stated is_admin;     /* UNSTATED when we may not see it; Admin Mode can take it away (see design) */
	enum stated bot;
};

must_check bool people_me(struct gitlab *gitlab, struct arena *arena, struct person *me, struct err *err);
must_check bool people_user(struct gitlab *gitlab, int64_t id, struct arena *arena,
	struct person *person, struct err *err);
/* GET /metadata; sets the server's version. */
must_check bool people_version(struct gitlab *gitlab, struct arena *arena, const char **version,
	struct err *err);

/* The owner an address names, by path or user name, resolved to numbers.
 * Fails: ERR_MOVED when nothing of that name is visible, or the path answers with a redirect. */
must_check bool people_owner(struct gitlab *gitlab, const struct address *address,
	struct arena *arena, struct owner *owner, struct err *err);

/* A project's or group's full path by id (ERR_MOVED when it is gone), and whether it is archived. */
struct place_of_work {
	struct place at;
	int64_t id;
	const char *path;       /* path_with_namespace, or full_path */
	enum stated archived;
	/* Of a project, as far as it was said: "disabled", "private", "enabled"; of its CI/CD, and its repository. */
	const char *builds, *repository;
};
must_check bool people_project(struct gitlab *gitlab, int64_t id, struct arena *arena,
	struct place_of_work *project, struct err *err);
must_check bool people_project_at(struct gitlab *gitlab, const char *path, struct arena *arena,
	struct place_of_work *project, struct err *err);
must_check bool people_group(struct gitlab *gitlab, int64_t id, struct arena *arena,
	struct place_of_work *group, struct err *err);
must_check bool people_group_at(struct gitlab *gitlab, const char *path, struct arena *arena,
	struct place_of_work *group, struct err *err);

/* All projects below a group, sub-groups included; with group 0 all projects we are a member of (an
 * administrator: all). And all groups below one, itself included; 0: all we see. */
must_check bool people_projects(struct gitlab *gitlab, int64_t group, struct arena *arena,
	struct list *projects, struct err *err);
must_check bool people_groups(struct gitlab *gitlab, int64_t group, struct arena *arena,
	struct list *groups, struct err *err);

/* The projects right in a group, archived ones too, without those of its sub-groups. */
must_check bool people_children(struct gitlab *gitlab, int64_t group, struct arena *arena,
	struct list *projects, struct err *err);

/* The level a user has in a project or group, inherited ones included; ROLE_NONE when not a member. */
must_check bool people_level(struct gitlab *gitlab, bool in_project, int64_t id, int64_t user_id,
	int64_t *level, struct err *err);

#endif
