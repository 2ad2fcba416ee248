/* issue.h: issues of projects: found by a mark in their description, made, commented, closed.
 * Touches GitLab. Source: lib/api/issues.rb, lib/api/notes.rb. A change is sent once; whether one whose answer was lost happened, its mark
 * tells. */
#ifndef GITLAB_ISSUE_H
#define GITLAB_ISSUE_H

#include "base/arena.h"
#include "base/fields.h"
#include "gitlab/gitlab.h"

struct issue {
	struct place at;
	int64_t iid;
	const char *title, *description, *labels; /* labels: with commas between, NULL for none */
	enum stated confidential;
	const char *state;
};

/* `project`: its number, or its path with / as %2F. The newest open one whose description has `mark`, one word of letters and digits. */
must_check bool issue_find(struct gitlab *gitlab, const char *project, const char *mark,
	struct arena *arena, bool *found, struct issue *issue, struct err *err);
must_check bool issue_create(struct gitlab *gitlab, const char *project,
	const struct issue *issue, struct arena *arena, int64_t *iid, struct err *err);
must_check bool issue_comment(struct gitlab *gitlab, const char *project, int64_t iid,
	const char *text, struct arena *arena, struct err *err);
must_check bool issue_close(struct gitlab *gitlab, const char *project, int64_t iid,
	struct arena *arena, struct err *err);

#endif
