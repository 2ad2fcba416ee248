/* gitlab.h: a GitLab and a worker's connection to it.
 * Touches the network through http.h. What all workers share (pace, clock, version) is inside the server
 * object under its own lock, never held over a request. */
#ifndef GITLAB_GITLAB_H
#define GITLAB_GITLAB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/http.h"
#include "base/secret.h"

struct gitlab_server;

/* The site outlives it. `stop` is set by a signal handler and ends waits early; may be NULL. */
struct gitlab_server *gitlab_server_new(struct http_site *site, const volatile int *stop);
void gitlab_server_free(struct gitlab_server *server);

/* Server time: the last Date header carried on by the monotonic clock. Before the first answer it is the
 * local clock. GitLab decides when tokens die, so all planning uses this clock. */
int64_t gitlab_now(const struct gitlab_server *server);
/* Local clock minus server clock, seconds; 0 before the first answer. */
int64_t gitlab_clock_skew(const struct gitlab_server *server);
unsigned gitlab_requests_sent(const struct gitlab_server *server);

/* Refused credentials of earlier runs, each so many seconds ago, count too; `tell` is called for each new one, from any thread. */
void gitlab_server_set_failures(struct gitlab_server *server, const int64_t *ages_sec, size_t count,
	void (*tell)(void *context), void *context);

/* "18.11.5-ee" split; all 0 until people_version() asked for it. */
void gitlab_set_version(struct gitlab_server *server, int major, int minor);
bool gitlab_knows_version(const struct gitlab_server *server);
bool gitlab_at_least(const struct gitlab_server *server, int major, int minor); /* true when not known */

/* What pace-keeping lets pass first. */
enum urgency { URGENCY_DELIVER, URGENCY_RECONCILE, URGENCY_ROTATE, URGENCY_READ };

/* One worker's connection, authenticating as `credential` (borrowed; must outlive it). */
struct gitlab;
struct gitlab *gitlab_new(struct gitlab_server *server, const struct secret *credential);
void gitlab_free(struct gitlab *gitlab);
struct gitlab_server *gitlab_server_of(struct gitlab *gitlab);
void gitlab_set_urgency(struct gitlab *gitlab, enum urgency urgency);
/* Asked of each change when its turn has come: one that may not go any more is not sent, but fails with ERR_LATER, and
 * gitlab_was_late() says so until the next guard is set. NULL: all may. */
void gitlab_set_guard(struct gitlab *gitlab, bool (*may_go)(const void *context), const void *context);
bool gitlab_was_late(const struct gitlab *gitlab);
/* From now on nothing is asked again: who has little time takes the first answer. */
void gitlab_set_hasty(struct gitlab *gitlab);

/* One call: pace, send, classify. `method` and `path` as in http.h, `body` may be NULL.
 * A GET answered 429, 502, 503 or 504, or not answered, is asked again up to three times in all, with the
 * pause the server names (at most 60 s) or a growing one. A change is sent once and never again here.
 * After ten refused credentials within three minutes nothing more is sent until they are over (ERR_LATER): GitLab and what stands
 * in front of it ban hosts that go on.
 * Owns:  `answer` is written in any case, and the caller's for http_answer_done(): a 2xx on success, on failure the
 *        last one for its status and body, or zeroes when there was none. What it held before is not freed.
 * Fails: as answer.h and http_send() say; ERR_STOPPED when a signal ended a wait: a change was not sent then. */
must_check bool gitlab_call(struct gitlab *gitlab, const char *method, const char *path,
	const struct secret *body, struct http_answer *answer, struct err *err);

/* A GET that shows a login, "name:secret" in base64, instead of our credential; NULL: nobody's. Paced, and asked again, as above; a 401
 * to a login is a refused credential.
 * Owns:  `answer` is the caller's for http_answer_done(), on failure too. An answer of any kind is a success, and so is none: its status
 *        is 0 then.
 * Fails: ERR_LATER while nothing is sent after too many refused credentials; ERR_STOPPED. */
must_check bool gitlab_knock(struct gitlab *gitlab, const char *path, const struct secret *login,
	struct http_answer *answer, struct err *err);

/* All pages of a list of `shape` (without FIELD_SECRET), in order, into one list; stops with ERR_LATER when a page
 * repeats, when more than 100 000 items come, or when any page fails: a part of a list is no list. */
struct list;
struct shape;
must_check bool gitlab_list(struct gitlab *gitlab, const char *path, const struct shape *shape,
	struct arena *arena, struct list *list, struct err *err);

/* A GET of one object. */
must_check bool gitlab_get(struct gitlab *gitlab, const char *path, const struct shape *shape,
	struct arena *arena, void *target, struct err *err);

/* The same of one that need not be there: `found` is false when answer_is_absence() says so. */
must_check bool gitlab_find(struct gitlab *gitlab, const char *path, const struct shape *shape,
	struct arena *arena, bool *found, void *target, struct err *err);

CLEANUP(gitlab, struct gitlab *, gitlab_free)
#define auto_gitlab __attribute__((cleanup(gitlab_cleanup)))
CLEANUP(gitlab_server, struct gitlab_server *, gitlab_server_free)
#define auto_gitlab_server __attribute__((cleanup(gitlab_server_cleanup)))

#endif
