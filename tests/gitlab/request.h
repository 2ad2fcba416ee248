/* request.h: what was asked, and what is answered. */
#ifndef REQUEST_H
#define REQUEST_H

#include "sim.h"

struct param;

enum credential {
	CREDENTIAL_NONE,
	CREDENTIAL_UNKNOWN,
	CREDENTIAL_EXPIRED,
	CREDENTIAL_REVOKED,
	CREDENTIAL_ACTIVE,
};

struct request {
	const char *method;
	char *path;   /* as sent, still percent-encoded */
	char *query;  /* as sent, never NULL */
	char *login;  /* of HTTP Basic, at the doors beside the API; else NULL */
	char *secret; /* what was presented, or NULL */
	char *host;
	bool tls;
	char address[48];
	json_t *body;   /* decoded JSON or form, or NULL */
	json_t *params; /* query, body and path captures, coerced to what the route declares */
	enum credential credential;
	struct token *token;
	struct deploy_token *deploy_token;
	struct user *user;
};

enum { HEADERS_MAX = 12 };

struct answer {
	int status;
	json_t *json; /* NULL: no body, or `text` */
	char *text;
	size_t text_bytes; /* 0: up to its zero byte */
	const char *content_type;
	struct {
		const char *name;
		char *value;
	} headers[HEADERS_MAX];
	int header_count;
};

void answer_json(struct answer *answer, int status, json_t *json);
void answer_header(struct answer *answer, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void answer_done(struct answer *answer);

/* The vocabulary of GitLab's errors: one function a helper of GitLab's. */
void error_message(struct answer *answer, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void error_error(struct answer *answer, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void error_unauthorized(struct answer *answer);
void error_forbidden(struct answer *answer);
void error_bad_request(struct answer *answer, const char *reason);
void error_not_found(struct answer *answer, const char *what);
void error_record_not_found(struct answer *answer);
void error_invalid_token(struct answer *answer, const char *description);
void error_scope(struct answer *answer, const char *scopes);
/* {"message":{"attribute":["text"]}}; more than one call adds up. */
void error_validation(struct answer *answer, const char *attribute, const char *text);
void answer_no_content(struct answer *answer);

/* Declared parameters of the request; NULL, 0 or false when they are absent or null. */
const char *param_text(const struct request *request, const char *name);
long param_number(const struct request *request, const char *name);
bool param_true(const struct request *request, const char *name);
bool param_given(const struct request *request, const char *name);

/* Everything that GitLab answers. Takes the world as it is and changes it; the lock is held. */
void gitlab_handle(struct sim *sim, struct request *request, struct answer *answer);
/* Everything under /api/v4 of it. */
void api_handle(struct sim *sim, struct request *request, struct answer *answer);
/* Everything under /sim. The lock is held. */
void sim_handle(struct sim *sim, struct request *request, struct answer *answer);

#endif
