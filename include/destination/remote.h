/* remote.h: what destinations on other servers share: sites, sessions, one request, and what its answer means for the step.
 * Touches the network through base/http.h. What such a server says is about the destination and never about GitLab, or about
 * our credential there: the kinds are ERR_REFUSED and ERR_LATER alone. */
#ifndef DESTINATION_REMOTE_H
#define DESTINATION_REMOTE_H

#include "base/http.h"
#include "destination/destination.h"

/* How often a write is tried on what was read anew, before it waits: other workers write other keys of the same secret. */
#define REMOTE_TRIES 8

/* The servers of one run, each with its CA store, which is parsed once, and the sessions that were opened there. Thread-safe, by
 * one lock that is never held over a request. */
struct remotes;
/* `own`: what no server is sent, see credential_read_apart(); borrowed. */
struct remotes *remotes_new(const struct texts *own);
/* Ends the sessions, as far as their servers can be reached, and forgets all. Takes NULL. */
void remotes_free(struct remotes *remotes);

/* One server in the hands of one worker, while it works at one destination. Beside the credential, `sent` and `coded` (borrowed,
 * may be NULL) must not come back in an error. */
struct remote {
	const struct destination_tools *tools;
	const char *what;            /* "Vault": for people */
	const char *credential_head; /* the header that carries the credential, up to its value */
	struct secret *credential;   /* owned; NULL: none yet */
	struct http_site *site;      /* the run's */
	struct http *http;           /* owned */
	const struct secret *sent, *coded;
};

/* Finds or makes the site, and a connection to it. `tools` and `what` are set by the caller; remote_done() ends it whatever this
 * returns. Fails: ERR_REFUSED when the URL or the CA file is not acceptable. */
must_check bool remote_open(
	struct remote *remote, const struct http_options *options, struct err *err);
void remote_done(struct remote *remote);

/* Reads the credential of that name. Fails: ERR_REFUSED, also where it is glrotate's own. */
must_check bool remote_credential(struct remote *remote, const char *name, struct err *err);

/* Sends once, without a redirect. True whenever a whole answer came, whatever its status.
 * Fails: ERR_LATER: no answer; what was written may have arrived, and is found by reading again. */
must_check bool remote_send(struct remote *remote, const struct http_request *request,
	struct http_answer *answer, struct err *err);

/* What a status that is no success means: 408, 409, 412, 425, 429, Vault's 472 and 473, and 5xx pass by themselves, all else is
 * for a person. `message` is the path in the body of what the server says of it; it is left out where it repeats a secret.
 * Returns false. */
bool remote_refuse(const struct remote *remote, const struct http_answer *answer,
	const char *message, struct err *err);

/* json_decode() of what should be one of its answers. Fails: ERR_REFUSED. */
must_check bool remote_decode(const struct remote *remote, const struct http_answer *answer,
	const struct shape *shape, void *target, struct err *err);

/* Each part between the slashes percent-encoded. */
const char *remote_path(struct arena *arena, const char *path);
/* Without slashes at either end, which is how people write a folder. */
const char *remote_trimmed(struct arena *arena, const char *path);

/* --- sessions: a token that a login gave, for the rest of the run --- */
/* A copy of the one that `key` names, the caller's; NULL when there is none, or it is about to end. */
struct secret *remotes_session(struct remotes *remotes, const char *key);
/* Keeps what remote->credential holds under `key`, for `lease_sec` (0: for good); POST `revoke_path` ends it. Where another worker
 * was quicker both are kept, and both ended. */
void remotes_keep_session(const struct remote *remote, const char *key, int64_t lease_sec,
	const char *revoke_path);

#endif
