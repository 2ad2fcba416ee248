/* context.h: what a run holds open; for verbs and run.c only, every stage gets just what it uses.
 * Touches what the needs name: policy files, the state directory, GitLab. */
#ifndef FLOW_CONTEXT_H
#define FLOW_CONTEXT_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/secret.h"
#include "destination/remote.h"
#include "flow/identity.h"
#include "gitlab/gitlab.h"
#include "policy/policy.h"
#include "store/journal.h"
#include "store/refusals.h"

enum need {
	NEED_POLICY = 1 << 0,         /* must be valid, else ERR_POLICY with the diags printed to stderr */
	NEED_POLICY_IF_VALID = 1 << 1, /* load it, go on without: open rows are finished under a broken policy */
	NEED_JOURNAL = 1 << 2,        /* as the one writer, under the lock */
	NEED_JOURNAL_COPY = 1 << 3,   /* as a reader */
	NEED_GITLAB = 1 << 4,         /* credential read, site open; nothing is sent yet */
};

/* In the environment of a verb that runs in the service's context for somebody: their name, which stands in the events. */
#define CONTEXT_BY_HAND "GLROTATE_BY_HAND"

struct context_wish {
	const char *policy_file;      /* --policy; NULL: /etc/glrotate/glrotate.yaml */
	const char *state_path;       /* --state; NULL: see state.h */
	const char *reason;           /* --reason; NULL: "" */
	unsigned needs;
	const volatile int *stop;     /* set by SIGTERM and SIGINT */
};

struct context {
	struct arena *arena;
	struct diags *diags;
	struct run_facts facts;
	struct policies *policies;
	struct state *state;
	struct journal *journal;
	struct refusals *refusals;
	struct http_site *site;
	struct gitlab_server *server;
	struct secret *credential;
	struct texts own;             /* names and paths of what opens GitLab or the journal: nobody else is shown what they hold */
	bool old_file;                /* our credential's file holds an old copy of it */
	struct gitlab *gitlab;        /* the calling thread's connection */
	struct identity *identity;
	struct remotes *remotes;      /* the servers of destinations, besides GitLab's */
	bool is_spent;                /* a run ended with our credential rotated, refused or in doubt: GitLab is asked nothing more */
	const volatile int *stop;
};

/* Opens what `wish->needs` names, in the order policy, journal (key and database are proven before any request), GitLab.
 * Owns:  `context` is zeroed by the caller and closed by context_close() whatever this returns. */
must_check bool context_open(
	const struct context_wish *wish, struct context *context, struct err *err);
void context_close(struct context *context);

/* What destinations are reached with by the worker whose connection `gitlab` is; what is made on the way stands in `arena`. Who
 * writes there sets `delivered`. */
struct destination_tools context_tools(
	const struct context *context, struct gitlab *gitlab, struct arena *arena);
/* Their `gave`; false where there is no journal, or it cannot be read. */
bool context_gave(struct journal *journal, const struct stamp *stamp);

#endif
