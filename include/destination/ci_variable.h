/* ci_variable.h: the parts of the destination of that name, each its file; for these files only.
 * ci_variable_entry.c  the policy's words → one place, by number
 * ci_variable_rules.c  what may stand there, compared with what stands there; touches nothing
 * ci_variable.c        preflight, deliver, verify: what is asked of GitLab */
#ifndef DESTINATION_CI_VARIABLE_H
#define DESTINATION_CI_VARIABLE_H

#include "destination/kind.h"

#define VARIABLE_TEXT_MAX                                                                      \
	255 /* GitLab's limit for keys, scopes and descriptions, in characters */
#define PLACEHOLDER_TEXT "no secret yet: made by glrotate, which fills it at the next rotation"

extern const struct word ci_variable_visibilities[];

/* What only this kind knows of a destination. */
const struct variable_place *ci_variable_place(const struct destination *variable);

/* ci_variable.c, for the kinds whose variables have rules of their own. `variable` is a destination of this kind or of ci_deploy_pair. */
struct variable_where ci_variable_where(const struct destination *variable);
must_check bool ci_variable_look(const struct destination_tools *tools,
	const struct destination *variable, bool *found, struct variable *present,
	struct err *err);
/* What is wanted can be made of what is there, and its stamp allows it. */
must_check bool ci_variable_check(const struct destination_tools *tools,
	const struct variable_place *wanted, const struct variable *present,
	const struct stamp *ours, struct err *err);
/* Proves the right to write: its description is written as it is. */
must_check bool ci_variable_probe(const struct destination_tools *tools,
	const struct destination *variable, const struct variable *present, struct err *err);
/* `present` is what was seen there, NULL when there is none; `own_text` stands before the stamp, NULL: a person's is kept. */
must_check bool ci_variable_write(const struct destination_tools *tools,
	const struct destination *variable, const struct variable *present,
	const struct secret *secret, const char *own_text, const struct stamp *stamp,
	struct err *err);

/* ci_variable_entry.c */
/* One place out of the policy's words, but for its scope; and its text. */
must_check bool ci_variable_resolve(const struct ci_variable_entry *entry,
	const struct expansion *expansion, struct variable_place *variable, struct err *err);
const char *ci_variable_text(const struct variable_place *variable, struct arena *arena);
/* A path of GitLab's → its number, or proof that it still leads there: what destination_pin() says. */
must_check bool ci_variable_pin_at(const struct destination_tools *tools, int level,
	const char *path, int64_t *owner_id, struct err *err);
bool ci_variable_expand(const void *entry, const struct expansion *expansion, struct err *err);
struct destination_home ci_variable_home(const struct destination *variable);
bool ci_variable_pin(
	const struct destination_tools *tools, struct destination *variable, struct err *err);

/* What a new variable gets where the policy says nothing: the safest that works for a token. */
struct variable_place ci_variable_defaults(const struct variable_place *wanted);

/* Whether every attribute that is wanted is there. Fails: ERR_REFUSED naming it, wanted and got. */
must_check bool ci_variable_check_kept(
	const struct variable_place *wanted, const struct variable *got, struct err *err);

/* Why what is wanted cannot be made of what is there; NULL when it can. */
const char *ci_variable_impossible(const struct variable_place *wanted,
	const struct variable *present, struct arena *arena);

/* For `plan`: "created (masked, protected, raw)"; "new value, visibility visible → masked". */
const char *ci_variable_describe_new(const struct variable_place *wanted, struct arena *arena);
const char *ci_variable_describe_change(const struct variable_place *wanted,
	const struct variable *present, struct arena *arena);

/* A description's text without its stamp, and without what we say of a placeholder. */
const char *ci_variable_own_text(
	const char *description, struct arena *arena, struct stamp *stamp);

/* Whether a stamp fits behind it. Fails: ERR_REFUSED saying how much to cut. */
must_check bool ci_variable_check_room(const char *own_text, struct err *err);

#endif
