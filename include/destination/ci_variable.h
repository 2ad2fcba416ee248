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
