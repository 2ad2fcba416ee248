/* answer.h: status and body → what it means, by body and not by status alone.
 * Touches nothing: a pure function of the answer.
 *
 *   2xx with JSON, or with nothing                         true
 *   401 {"error":"invalid_token"|"dpop_error"}              ERR_CREDENTIAL: about the presented credential
 *   401 otherwise                                          ERR_REFUSED: no right, or no such id (GitLab says
 *                                                          401 for both; the caller probes /self to tell)
 *   403 insufficient_scope, blocked, forbidden             ERR_REFUSED
 *   400 "… Token already revoked" (any case)               ERR_MOVED
 *   400, 405, 412, 422 otherwise                           ERR_REFUSED
 *   404                                                    ERR_MOVED: what the path names is not there (or not
 *                                                          for us to see)
 *   301, 302, 307, 308                                     ERR_MOVED: the path leads elsewhere, not followed
 *   409 Resource lock, 429, 503 (maintenance, or JSON)     ERR_LATER: refused before any work
 *   409 otherwise (several variables of that key)          ERR_REFUSED
 *   500, 502, 504, any other status; a 503 that is not GitLab's JSON, a 2xx of HTML or plain text
 *                                                          ERR_DOUBT to a change, ERR_LATER to a GET
 * An HTML or plain-text 4xx is a proxy's word, not GitLab's, and treated as the last row, except the 429. */
#ifndef GITLAB_ANSWER_H
#define GITLAB_ANSWER_H

#include <stdbool.h>

#include "base/err.h"
#include "base/http.h"

must_check bool answer_check(const char *method, const struct http_answer *answer, struct err *err);

/* Whether it is GitLab's word that the thing itself is not there. A 404 also comes for the project, group or
 * user that it is in, when we may not see them, and for a route that a release does not know: they say nothing
 * about the thing. */
bool answer_is_absence(const struct http_answer *answer);

/* Whether an error, with whatever context before it, is GitLab's 403: it knows us, and this is not for us, or switched off. */
bool answer_was_forbidden(const struct err *err);

/* For ERR_CREDENTIAL: what GitLab said of the credential. */
enum credential_state { CREDENTIAL_UNKNOWN, CREDENTIAL_ALIVE, CREDENTIAL_EXPIRED, CREDENTIAL_REVOKED };
enum credential_state answer_credential_state(const struct http_answer *answer);

#endif
