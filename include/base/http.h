/* http.h: one request, one answer. The one module that knows libcurl and its SSL context.
 * Touches the network, and the CA files; tells the service manager of each answer. HTTP/1.1 only, no redirect is followed, nothing is resent. */
#ifndef BASE_HTTP_H
#define BASE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

/* Once, before any thread; sets libcurl's allocators to ones that wipe what they free. */
must_check bool http_start(struct err *err);

/* What all connections to one server share: its URL, the CA store (parsed once: Debian's default costs
 * 21 ms a connection otherwise), time limits. Thread-safe after http_site_new(). */
struct http_site;

struct http_options {
	const char *url;             /* https://host[:port][/prefix]; http:// only to loopback addresses and
	                                `localhost`; no user, query or fragment */
	const char *ca_file;         /* NULL: the system's */
	const char *ca_base64;       /* certificates in PEM form, in base64; only these are trusted; NULL: none */
	int64_t connect_msec;        /* 0: 10 000 */
	int64_t answer_msec;         /* for the whole exchange; 0: 60 000 */
	size_t answer_max_bytes;     /* 0: 16 MiB */
	const char *user_agent;      /* "glrotate/VERSION" */
};

/* Fails: ERR_POLICY when the URL or the CA file is not acceptable, with the reason. */
must_check bool http_site_new(
	const struct http_options *options, struct http_site **site, struct err *err);
void http_site_free(struct http_site *site);
const char *http_site_url(const struct http_site *site); /* without a final slash */

/* The same of a URL that is itself a secret, as a webhook's is: any path and query, and `suffix` behind the path. What stands behind the host
 * comes as `*path`, the caller's, for http_request.secret_path; errors and http_site_url() name scheme and host alone. options->url is not used.
 * Fails: ERR_POLICY. */
must_check bool http_site_of_secret(const struct secret *url, const char *suffix,
	const struct http_options *options, struct http_site **site, struct secret **path,
	struct err *err);

/* One connection; belongs to one thread at a time. The site outlives it. */
struct http;
struct http *http_new(struct http_site *site);
void http_free(struct http *http);

struct http_request {
	const char *method;                  /* "GET", "POST", "PUT", "DELETE" */
	const char *path;                    /* behind the site's URL, already percent-encoded; no secret */
	const struct secret *credential;     /* the PRIVATE-TOKEN header's; NULL: none */
	const struct secret *body;           /* JSON; NULL with a method that changes something: `{}` */
	const char *credential_head;         /* the header that carries the credential instead, up to its value:
	                                        "Authorization: Bearer "; NULL: "PRIVATE-TOKEN: " */
	const char *content_type;            /* of the body; NULL: application/json */
	const struct secret *secret_path;    /* sent in the place of `path`, which is what errors say; NULL: none */
};

struct http_answer {
	int status;
	struct secret *body;       /* never NULL after success; may be empty */
	char content_type[64];     /* lower case, without parameters */
	int64_t date;              /* the server's Date, seconds; 0 when absent */
	int64_t retry_after_sec;   /* -1 when absent; a date is turned into seconds */
	int64_t rate_remaining;    /* RateLimit-Remaining; -1 when absent */
	int64_t rate_reset;        /* RateLimit-Reset, unix seconds; 0 when absent */
	char next_page[16];        /* X-Next-Page, or page= of Link rel="next"; "" on the last page */
	char location[512];        /* of a redirect, never followed */
	int64_t took_msec;
};
void http_answer_done(struct http_answer *answer);

/* Sends the request once and waits for the whole answer; true whenever a complete one came, whatever
 * its status. A request whose method changes something goes out with a body from a read callback
 * without seek, never empty, without Expect:, so that libcurl cannot resend it.
 * Owns:  the answer is the caller's, for http_answer_done(); it is written on success only.
 * Fails: ERR_REFUSED nothing was sent: the credential is no word that a header can hold;
 *        ERR_REACH  nothing was sent: no connection, TLS refused, or the read callback never gave out
 *                   its last byte;
 *        ERR_LATER  a GET whose answer was lost or too large: asking again is harmless;
 *        ERR_DOUBT  a change was sent and its answer lost, cut or too large. */
must_check bool http_send(struct http *http, const struct http_request *request,
	struct http_answer *answer, struct err *err);

/* One path segment or query value, percent-encoded, `/` included; in `arena`. */
struct arena;
const char *http_escape(struct arena *arena, const char *segment);

#define auto_http_answer __attribute__((cleanup(http_answer_done)))
CLEANUP(http, struct http *, http_free)
#define auto_http __attribute__((cleanup(http_cleanup)))
CLEANUP(http_site, struct http_site *, http_site_free)
#define auto_http_site __attribute__((cleanup(http_site_cleanup)))

#endif
