/* http_site.h: what the connections to one server share; for http.c and http_site.c only.
 * Touches nothing. */
#ifndef BASE_HTTP_SITE_H
#define BASE_HTTP_SITE_H

#include "base/http.h"

struct http_site {
	char *url;
	char *user_agent;
	bool is_loopback, is_tls;
	void *roots; /* OpenSSL's store of CA certificates, parsed once; empty without TLS */
	int64_t connect_msec, answer_msec;
	size_t answer_max_bytes;
};

#endif
