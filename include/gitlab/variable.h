/* variable.h: CI/CD variables of projects, groups and the instance.
 * Touches GitLab. Source: lib/api/ci/variables.rb, lib/api/group_variables.rb. Rows are selected with
 * filter[environment_scope], which is an exact match; environment_scope in a body would move the row. */
#ifndef GITLAB_VARIABLE_H
#define GITLAB_VARIABLE_H

#include "base/arena.h"
#include "base/fields.h"
#include "base/secret.h"
#include "gitlab/gitlab.h"

enum variable_level { VARIABLE_PROJECT = 1, VARIABLE_GROUP, VARIABLE_INSTANCE };
enum visibility { VISIBILITY_KEPT, VISIBILITY_VISIBLE, VISIBILITY_MASKED, VISIBILITY_HIDDEN };

struct variable_where {
	enum variable_level level;
	int64_t owner_id;          /* 0 for the instance */
	const char *key;
	const char *scope;         /* "*"; not sent for the instance */
};

/* As GitLab answers it. */
struct variable {
	struct place at;
	const char *key, *variable_type, *environment_scope;
	const char *description;   /* NULL: unset, or a release before 16.2 */
	enum stated masked, hidden, protected, raw;
	struct secret *value;      /* NULL for hidden ones; the caller's */
};
void variable_done(struct variable *variable); /* frees value */

/* An answer is about that row: a release that does not know the filter may answer another scope's. */
bool variable_is_meant(
	const struct variable_where *where, const struct variable *variable);

/* `found` is false when there is none; a variable of another scope is none. A 404 of the project or group itself is
 * ERR_MOVED. */
must_check bool variable_get(struct gitlab *gitlab, const struct variable_where *where,
	struct arena *arena, bool *found, struct variable *variable, struct err *err);

/* The variable of that key whatever its scope; `where->scope` says nothing here. `count` is 0, 1 or 2: several, of which
 * `variable` is none. */
must_check bool variable_get_any(struct gitlab *gitlab, const struct variable_where *where,
	struct arena *arena, size_t *count, struct variable *variable, struct err *err);

/* All variables there, struct variable without their values. `where` needs no key. */
must_check bool variable_list(struct gitlab *gitlab, const struct variable_where *where,
	struct arena *arena, struct list *variables, struct err *err);

/* What is to be written; UNSTATED, NULL and VISIBILITY_KEPT are not sent. */
struct variable_change {
	const struct secret *value;
	const char *description;
	enum visibility visibility;   /* hidden on creation only */
	enum stated protected, raw;
	const char *variable_type;
};
/* Both answer with the variable as GitLab keeps it. */
must_check bool variable_create(struct gitlab *gitlab, const struct variable_where *where,
	const struct variable_change *change, struct arena *arena, struct variable *variable,
	struct err *err);
/* The row must have been seen by variable_get() in this run: a group PUT with a filter that matches nothing
 * overwrites another scope. */
must_check bool variable_update(struct gitlab *gitlab, const struct variable_where *where,
	const struct variable_change *change, struct arena *arena, struct variable *variable,
	struct err *err);

/* A 404 of the variable itself is success. As with a change, the row must have been seen by variable_get() before. */
must_check bool variable_delete(struct gitlab *gitlab, const struct variable_where *where,
	struct arena *arena, struct err *err);

/* Whether GitLab would take `value` under masking (raw: \A\S{8,}\z, else \A[a-zA-Z0-9_+=/@:.~-]{8,}\z). Every secret that GitLab makes
 * passes both, and so none has to be guessed at before it is there: its letters are [A-Za-z0-9_.-], and those of a prefix that an
 * administrator chose [a-zA-Z0-9_+=/@:.-], for others GitLab refuses (app/models/application_setting.rb, personal_access_token_prefix). */
bool variable_can_mask(const struct secret *value, bool raw);

#define auto_variable __attribute__((cleanup(variable_done)))

#endif
