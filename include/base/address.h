/* address.h: one address for a token everywhere, `TYPE:OWNER:NAME`, and the patterns over it.
 * Touches nothing.
 *
 * OWNER is a project's or group's full path or a user's name. A service account is addressed by where
 * it lives: `service_account:deployer:…` is the instance's, `service_account:platform/deployer:…`
 * the top-level group's, `service_account:platform/api/deployer:…` the project's. NAME is everything
 * after the second colon and may hold any character. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum token_type {
	TYPE_PERSONAL,
	TYPE_SERVICE_ACCOUNT,
	TYPE_IMPERSONATION,
	TYPE_PROJECT,
	TYPE_GROUP,
	TYPE_PROJECT_DEPLOY,
	TYPE_GROUP_DEPLOY,
	TYPE_TRIGGER,
	TYPE_KUBERNETES_AGENT,
	TYPE_RUNNER,
	TYPE_WEBHOOK,
	TYPE_COUNT,
	TYPE_ANY = TYPE_COUNT, /* in patterns only: `*` */
};

/* GitLab's word, as in "project_deploy"; "*" for TYPE_ANY. */
const char *token_type_name(enum token_type type);
bool token_type_parse(const char *word, enum token_type *type);

struct address {
	enum token_type type;
	const char *owner;
	const char *name;
	const char *text; /* the whole, as people write it */
};

/* Parses `TYPE:OWNER:NAME`. With `pattern`, TYPE may be `*`, OWNER and NAME may hold `*` (within a
 * path segment) and `**` (across), OWNER alone may be left out together with NAME, or NAME alone:
 * `personal:*`, `project:*`, `*`; what is left out is any.
 * Owns:  the strings live in `arena`.
 * Fails: ERR_POLICY with the reason, without naming the file. */
must_check bool address_parse(struct arena *arena, const char *text, bool pattern,
	struct address *address, struct err *err);

bool address_is_pattern(const struct address *address);

/* Whether `pattern` (which may be exact) covers the exact `address`. */
bool address_matches(const struct address *pattern, const struct address *address);

/* `*` within a path segment, `**` across; everything else to the letter. Linear in practice, never
 * exponential. */
bool glob_matches(const char *pattern, const char *text);

/* The part of OWNER that a pattern fixes before its first segment with a wildcard: `platform/team` where
 * that is followed by a slash and stars; "" when nothing is fixed. */
const char *address_fixed_owner(struct arena *arena, const struct address *pattern);

#endif
