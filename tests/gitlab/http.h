/* http.h: the listening side; the only file that knows libmicrohttpd. */
#ifndef HTTP_H
#define HTTP_H

#include "sim.h"

struct MHD_Daemon;

struct http_options {
	const char *address;
	unsigned short port;     /* 0: any free one */
	char *certificate, *key; /* PEM texts, or NULL for plain HTTP */
};

/* NULL: nothing listens. One thread a connection, so a delayed answer delays nobody else. */
struct MHD_Daemon *http_start(struct sim *sim, const struct http_options *options);
unsigned short http_port(struct MHD_Daemon *daemon);
void http_stop(struct sim *sim, struct MHD_Daemon *daemon);

#endif
