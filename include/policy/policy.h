/* policy.h: files → what should hold.
 * Touches the main file and the .yaml files in `policies.d` beside it, read-only. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/fields.h"
#include "policy/alerts.h"

enum strategy { STRATEGY_UNSTATED, STRATEGY_ROTATE, STRATEGY_REPLACE };
enum retire { RETIRE_UNSTATED, RETIRE_AFTER_OVERLAP, RETIRE_WHEN_UNUSED };
enum new_bot { NEW_BOT_UNSTATED, NEW_BOT_ACCEPT };
enum rotate_with {
	ROTATE_WITH_UNSTATED,
	ROTATE_WITH_AGENT,
	ROTATE_WITH_SELF,
	ROTATE_WITH_RESCUE, /* no word of a policy: what a row comes to whose token can no longer help itself */
};
enum on_foreign_rotation { FOREIGN_UNSTATED, FOREIGN_ALERT, FOREIGN_TAKEOVER };
enum on_loss { LOSS_UNSTATED, LOSS_ALERT, LOSS_RECREATE };

struct gitlab_section {
	struct place at;
	const char *url;
	const char *credential;
	const char *rescue_credential; /* NULL: none */
	enum stated rotate;            /* whether our own credential is a managed token */
	const char *credential_file;   /* where its new secret is written; `credential` itself when that is a path; NULL: nowhere */
	const char *ca_file;           /* NULL: the system's */
	int64_t requests_at_once;      /* 1 to 64; 8 when unstated */
};

struct lifetime {
	struct place at;
	struct address holds_for;      /* key `for`; a pattern */
	int64_t max_lifetime_sec;
	int64_t renew_before_sec;      /* a third of max_lifetime when unstated */
};

struct limits {
	struct place at;
	int64_t rotations_per_run;     /* 20 */
	int64_t ramp_sec;              /* 30d */
	int64_t settle_sec;            /* 5m */
	int64_t clock_skew_sec;        /* 5m */
	struct texts programs;         /* patterns: what entries of policies.d may have run; none: nothing */
	struct texts units;            /* patterns: what they may have restarted */
	struct texts files;            /* patterns: which files of this machine they may have written */
	struct texts credentials;      /* patterns: which credentials they may use, by name or path; none: none */
};

struct token_entry {
	struct place at;
	struct address token;          /* exact, or a pattern (a fleet) */
	int64_t id;                    /* which of several namesakes; 0: unstated */
	int access_level;              /* GitLab's number; 0: unstated */
	struct texts scopes;
	struct list deliver;           /* struct choice, through destination_arms; never empty */
	int strategy;                  /* enum strategy */
	int64_t idle_sec;              /* `rotate` only: how long it waits for a moment without running jobs; 0: not */
	int rotate_with;               /* enum rotate_with */
	const char *secret;            /* where the first secret of one that rotates itself is read: a credential's name, or a path */
	bool is_own;                   /* our own credential: no entry of a file, see flow/own.h */
	/* `replace` only */
	int64_t overlap_sec;           /* 1d when unstated */
	int retire;                    /* enum retire */
	int64_t quiet_sec;             /* `when_unused` only; 1d when unstated */
	int new_bot;                   /* enum new_bot; tokens of projects and groups only */
	const char *username;          /* of a deploy token, for creation; NULL: one is made up */
	const char *description;       /* given at creation */
	int on_foreign_rotation;       /* enum on_foreign_rotation */
	int on_loss;                   /* enum on_loss */
	/* patterns only */
	struct texts except;           /* checked to parse as patterns */
	struct texts scopes_at_most;
	int level_at_most;
	enum stated outside_owner;
};

struct policies {
	struct arena *arena;           /* holds everything below */
	const char *file;
	struct gitlab_section gitlab;
	struct list lifetimes;         /* struct lifetime, in order */
	struct limits limits;
	struct list alerts;            /* struct choice, see alerts.h */
	struct heartbeat heartbeat;
	struct list tokens;            /* struct token_entry of all files, main file first, then by file name */
	bool gitlab_is_valid;          /* the section alone: open rows can be finished with it */
	bool is_valid;                 /* no error in any file */
	char revision[17];             /* hash of all bytes read, hex: which policy an event was under */
};

/* Reads and checks everything that can be checked without GitLab: shapes, limits, every token has a lifetime, addresses unique,
 * destinations of exact tokens unique over all entries (naming both), what this version cannot do yet named as an error at its
 * place. All errors of all files go to `diags`. Always returns an object, for policies_free(). */
struct policies *policies_load(const char *file, struct diags *diags);
void policies_free(struct policies *policies);

/* Whether its tokens are renewed by a new one beside the old: by its strategy, and by its type where GitLab knows no other way. */
bool token_entry_replaces(const struct token_entry *entry);

/* Whether it has a destination of that kind (enum destination_kind). */
bool token_entry_delivers(const struct token_entry *entry, int kind);

/* The first lifetime that matches; NULL when none does. */
const struct lifetime *policies_lifetime(const struct policies *policies, const struct address *address);

/* What `glrotate selftest` calls its tokens: no pattern covers them. */
#define SELFTEST_TOKEN "glrotate-selftest-"

/* The exact entry of an address, else the first pattern that covers it and does not except it, else NULL. */
const struct token_entry *policies_entry(const struct policies *policies, const struct address *address);

/* The entry's destinations for that token: struct destination into `list`, in `arena`.
 * Fails: ERR_POLICY naming file and line, also where a file of policies.d uses what it may not. */
must_check bool policies_destinations(const struct policies *policies,
	const struct token_entry *entry, const struct address *address, struct arena *arena, struct list *list, struct err *err);

/* The same tables as text: the JSON schema of the policy (policies/schema.json is its output), and a check that the manual names
 * every key is made from it in tests. */
const char *policies_schema(struct arena *arena);

/* An entry more, as if it stood in a file; texts are borrowed. */
void policies_add(struct policies *policies, const struct token_entry *entry);

CLEANUP(policies, struct policies *, policies_free)
#define auto_policies __attribute__((cleanup(policies_cleanup)))

#endif
