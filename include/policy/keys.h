/* keys.h: what a policy file may say: one table for the decoder, the schema and the manual.
 * Touches nothing: it is data. For this layer and its tests. */
#ifndef POLICY_KEYS_H
#define POLICY_KEYS_H

#include "base/arena.h"
#include "policy/policy.h"

/* The main file. */
struct policy_file {
	struct place at;
	struct gitlab_section gitlab;
	struct list lifetimes; /* struct lifetime */
	struct limits limits;
	struct list alerts;    /* struct choice */
	struct heartbeat heartbeat;
	struct list tokens;    /* struct token_entry */
};
extern const struct shape policy_file_shape;

/* A file of policies.d: tokens only. */
struct tokens_file {
	struct place at;
	struct list tokens; /* struct token_entry */
};
extern const struct shape tokens_file_shape;

/* Whether a key is there only to say that it is not in this version yet. */
bool field_is_later(const struct field *field);

#endif
