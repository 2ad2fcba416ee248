/* destination.h: where a new secret is put: the table of kinds, and what each can do.
 * Touches what the kind names: GitLab's variables through gitlab/, files through base/atomic_file.h, other servers
 * through remote.h. */
#ifndef DESTINATION_DESTINATION_H
#define DESTINATION_DESTINATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/secret.h"
#include "destination/format.h"
#include "gitlab/gitlab.h"
#include "gitlab/variable.h"

enum destination_kind {
	DESTINATION_CI_VARIABLE = 1,
	DESTINATION_FILE,
	DESTINATION_EXEC,
	DESTINATION_SYSTEMD_CREDENTIAL,
	DESTINATION_VAULT,
	DESTINATION_KUBERNETES,
	DESTINATION_SLOT,
	DESTINATION_CI_DEPLOY_PAIR,
};

/* As a policy says it, before templates; decoded through destination_arms. */
struct ci_variable_entry {
	struct place at;
	const char *key; /* required; may hold templates */
	const char *project,
		*group;       /* at most one; neither: the token's own project or group */
	enum stated instance; /* yes: neither; a variable of all projects, without scopes */
	struct texts environment_scope; /* none: `*` */
	int visibility;                 /* enum visibility; KEPT when unstated */
	enum stated protected, raw;
	const char *type; /* "env_var", "file"; NULL: kept, env_var when created */
};
struct file_entry {
	struct place at;
	const char *path;          /* absolute */
	const char *user, *group;  /* names; NULL: that of the present file, else ours */
	int64_t mode;              /* 0: that of the present file, else 0600 */
	struct format_entry entry; /* what of it is ours; raw: all of it */
	struct texts
		exec; /* an absolute path and arguments, run after a change; none: nothing */
	int64_t timeout_sec; /* of exec; 0: 60 s */
};
struct exec_entry {
	struct place at;
	struct texts run;    /* an absolute path, and arguments, which may hold templates */
	int64_t timeout_sec; /* 0: 60 s */
	const char *name;    /* what people call it; NULL: by its command */
};
struct systemd_credential_entry {
	struct place at;
	const char *name; /* the credential's */
	const char *path; /* absolute; NULL: /etc/credstore.encrypted/NAME */
	const char *unit; /* to restart; NULL: none */
	int restart, with_key;
};
struct vault_entry {
	struct place at;
	const char *url, *ca_file, *namespace;
	const char *mount, *path; /* without mount, path begins with it */
	const char *key;
	struct choice auth; /* enum vault_auth: struct vault_token, struct vault_approle */
};
struct kubernetes_entry {
	struct place at;
	const char *server, *ca_file, *token; /* of one kind of three to reach it */
	const char *kubeconfig, *context;     /* of the second */
	enum stated in_cluster;               /* of the third */
	const char *namespace, *secret, *key, *type;
	const char *registry, *username; /* of the type kubernetes.io/dockerconfigjson */
};
struct ci_deploy_pair_entry {
	struct place at;
	const char *project, *group; /* one of the two */
	enum stated protected;
};
/* For policy/keys.c: `ci_variable: KEY`, `ci_variable: {…}`, `file: PATH`, `file: {…}`, `vault: {…}`,
 * `kubernetes: {…}`, `slot`, `ci_deploy_pair: {…}`. */
extern const struct arm destination_arms[];

/* Whether GitLab itself hands a token of that type and name to jobs; see slot.h. */
bool slot_is_of(enum token_type type, const char *name);

/* One place that holds one secret: templates filled in, one environment scope. This is what a rotation's row
 * freezes, as JSON through destination_shape. */
struct destination {
	struct place at;
	const char *text; /* its address, unique: "ci_variable platform/api REGISTRY_TOKEN *",
	                                  "ci_variable group:platform KEY production", "ci_variable instance KEY",
	                                  "file /etc/deploy/token",
	                                  "file /etc/deploy/netrc gitlab.example.com",
	                                  "vault https://vault.example.com secret/ci/registry token",
	                                  "kubernetes https://10.0.0.1:6443 ci/registry token" */
	int64_t owner_id; /* of the project or group it stands in; 0 until pinned (destination_pin), and for others */
	struct choice
		to; /* enum destination_kind, and what only that kind knows: struct variable_place … */
};
extern const struct shape destination_shape;

/* A variable's place; `choice.value` of DESTINATION_CI_VARIABLE, and of each half of DESTINATION_CI_DEPLOY_PAIR. */
struct variable_place {
	struct place at;
	int level;         /* enum variable_level */
	const char *owner; /* full path as the policy says it; NULL: the instance's */
	const char *key, *scope, *type; /* type NULL: kept; the instance's scope is "*" */
	int visibility;                 /* enum visibility */
	enum stated protected, raw;
};
/* A file's; `choice.value` of DESTINATION_FILE. */
struct file_place {
	struct place at;
	const char *path, *user, *group;
	int64_t mode;
	struct format_entry entry;
	struct texts exec;
	int64_t timeout_sec;
};

/* A program's. */
struct exec_place {
	struct place at;
	struct texts run;
	int64_t timeout_sec;
};

/* A systemd credential's. */
struct systemd_credential_place {
	struct place at;
	const char *name, *path, *unit;
	int64_t restart, with_key;
};

/* A key of a secret in Vault; `choice.value` of DESTINATION_VAULT. */
struct vault_place {
	struct place at;
	const char *url, *ca_file, *namespace, *mount, *path, *key;
	const char *credential; /* whose name: of a token, or of the role's secret_id */
	const char *role_id, *role_mount; /* NULL: a token */
};
/* A key of a Secret in Kubernetes; `choice.value` of DESTINATION_KUBERNETES. */
struct kubernetes_place {
	struct place at;
	const char *server, *ca_file,
		*token; /* NULL: the kubeconfig says it, or the cluster that we are in */
	const char *kubeconfig, *context;
	const char *namespace, *secret, *key, *type;
	const char *registry, *username; /* registry NULL: the value is the secret itself */
};

/* The project or group of GitLab's that it stands in, or the instance (path NULL); level 0 (and path NULL) when it stands in none. */
struct destination_home {
	int level;        /* enum variable_level */
	const char *path; /* as the policy says it */
};
bool destination_kind_has_home(int kind); /* enum destination_kind; 0 has none */
struct destination_home destination_home(const struct destination *destination);

/* Whether two secrets cannot stand there at once: it is one place, or an entry of a file, and that file as a whole. */
bool destination_overlaps(const struct destination *a, const struct destination *b);
/* Only what has the same root can overlap. */
const char *destination_root(const struct destination *destination);

/* What it uses of this machine by its policy's word; NULL: nothing of that kind. */
struct destination_uses {
	const char *program; /* run: an absolute path */
	const char *unit;    /* restarted */
	const char *file;    /* written, in whole or an entry of it: an absolute path */
	const char *
		credential; /* sent to a server: a name, an absolute path (of what names one, too), or DESTINATION_IN_CLUSTER */
};
#define DESTINATION_IN_CLUSTER "in_cluster"
struct destination_uses destination_uses(const struct destination *destination);

/* Fills the templates {owner} {owner:basename} {name} {name:key} {type} and splits environment scopes; appends
 * struct destination to `list` (grown in `arena`). `outside_owner` allows other owners for patterns: with
 * `from_pattern` and without it, a destination outside the token's own owner is refused.
 * Fails: ERR_POLICY with the reason (a template value with characters outside [A-Za-z0-9_./-] or with "..", a
 * personal token without `project:` or `group:`, an impossible key or path). */
must_check bool destination_expand(const struct choice *entry, const struct address *token,
	bool from_pattern, bool outside_owner, struct arena *arena, struct list *list,
	struct err *err);

/* What a destination remembers of who wrote it: a variable's description (after a person's own text), a file's
 * extended attribute, a key beside the secret's in Vault, an annotation in Kubernetes.
 * Text form: `[glrotate #4711 2026-11-21 g3 0123…ef]`. */
struct stamp {
	int64_t token_id;
	int64_t date;       /* the day it was written, days since 1970 */
	int64_t generation; /* counts up with every secret of the token's address; 0: no stamp */
	char agent[33];     /* the state directory's uuid, 32 hex digits */
};
#define STAMP_TEXT_BYTES 128
bool stamp_is_same(const struct stamp *a, const struct stamp *b);
const char *stamp_text(const struct stamp *stamp, char *text);
/* Finds a stamp in a description; generation 0 when there is none. `rest` (may be NULL) gets the person's own
 * text without it, trimmed, in `arena`. */
void stamp_parse(
	const char *description, struct arena *arena, struct stamp *stamp, const char **rest);

/* Whose secret it is that is delivered. Borrowed texts. */
struct delivered {
	const char *address; /* TYPE:OWNER:NAME */
	int64_t token_id;    /* the new token's; 0 before there is one */
	int64_t expires_on;  /* its end, a day; NO_DATE when unknown, or none */
	const char *username; /* who logs in with it, where that matters (deploy tokens); NULL: anybody */
};

/* What a destination is reached with; made for one worker and one token. */
struct destination_tools {
	struct gitlab *gitlab;             /* may be NULL for what does not stand in GitLab */
	struct arena *arena;
	const struct delivered *delivered; /* NULL where nothing is written: `plan`, `check`, a pin */
	struct remotes *remotes;           /* remote.h; needed for what stands on other servers */
	struct journal *journal;           /* for `gave` alone */
	/* Whether that journal gave that token that generation, under whatever address; NULL: it gave none. */
	bool (*gave)(struct journal *journal, const struct stamp *stamp);
	/* For destination_inspect() alone: the last secret's stamp, which the fence is compared with, and where GLR-nnn goes when that does
	 * not hold; both may be NULL. */
	const struct stamp *ours;
	int *advice;
};

/* The fence: whether a secret of generation `ours->generation` may be written over what `found` says.
 *   no stamp, or ours with a lower or equal generation      true
 *   ours with a higher generation that this journal gave    true: the place belonged to another entry of the policy before
 *   ours with a higher generation that it knows nothing of  ERR_MOVED: our journal is an old backup (GLR-106)
 *   another agent's                                         ERR_PERSON: a second agent (GLR-107) */
must_check bool stamp_allows(const struct destination_tools *tools, const struct stamp *found,
	const struct stamp *ours, struct err *err);

/* The same for destination_inspect(), with what its tools say. */
must_check bool stamp_would_allow(const struct destination_tools *tools,
	const struct stamp *found, struct err *err);

/* Resolves the owner's path to its number, or, when owner_id is set already, proves that the path still leads to
 * it. Fails: ERR_PERSON (GLR-105) when it leads to another; ERR_REFUSED when nothing of that path is visible. */
must_check bool destination_pin(const struct destination_tools *tools,
	struct destination *destination, struct err *err);

/* Proves that a secret can be written, without writing one: a variable's description alone is written as it
 * is; an absent variable is created with a placeholder (masked, protected, raw unless stated) and every attribute read back; for a
 * file a temporary is made beside it; Vault is sent a write under a version that cannot be, Kubernetes one that runs dry.
 * `ours` is the stamp that the last secret got; generation 0 before the first.
 * Fails: ERR_REFUSED (a person must change something first), ERR_LATER, ERR_MOVED or ERR_PERSON (the fence). */
must_check bool destination_preflight(const struct destination_tools *tools,
	const struct destination *destination, const struct stamp *ours, struct err *err);

/* Compares the fence, writes secret, stated attributes and stamp. Writing the same again is harmless. */
must_check bool destination_deliver(const struct destination_tools *tools,
	const struct destination *destination, const struct secret *secret,
	const struct stamp *stamp, struct err *err);

/* PROOF_VALUE: read back and equal. PROOF_STAMP: cannot be read (hidden), its stamp is ours; PROOF_NONE: was
 * written without an error, and nothing more can be said; PROOF_SLOT: nothing is to stand there, GitLab itself hands it out.
 * Fails: ERR_MOVED when it holds another value or stamp. */
enum proof { PROOF_VALUE = 1, PROOF_STAMP, PROOF_NONE, PROOF_SLOT };
must_check bool destination_verify(const struct destination_tools *tools,
	const struct destination *destination, const struct secret *secret,
	const struct stamp *stamp, enum proof *proof, struct err *err);

/* What a delivery would change there, for `plan` and `explain`, without changing anything: "value, masked no → yes", "created",
 * "cannot: …", as the preflight would find it. Never the value. */
const char *destination_inspect(
	const struct destination_tools *tools, const struct destination *destination);

/* The secret that stands there, or NULL in `*secret` when it cannot be read or there is none. */
must_check bool destination_read(const struct destination_tools *tools,
	const struct destination *destination, struct secret **secret, struct err *err);

#endif
