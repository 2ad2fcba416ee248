/* server.h: a server that answers as it is told, well or badly, and counts what it was asked.
 * Touches one listening socket on 127.0.0.1, and has one thread, which serves one connection at a time. */
#ifndef WIRE_SERVER_H
#define WIRE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum after {
	KEEP,    /* waits for the next request */
	CLOSE,   /* closes as a server does that has nothing more to say */
	RESET,   /* drops the connection */
	SILENCE, /* says nothing more until the client leaves */
	ENDLESS, /* chunks without end until the client leaves */
};

/* What is said when a request has been read whole. */
struct reply {
	const char *text;
	enum after after;
	bool head_only; /* the body of the request is not read */
};

struct server;

/* The n-th whole request gets the n-th reply, those after the last an empty 200 and KEEP. With
 * `certificate` it speaks TLS and writes the certificate for 127.0.0.1, its own CA, to that file. */
struct server *server_start(
	const struct reply *replies, size_t reply_count, const char *certificate);
int server_port(const struct server *server);

/* Waits until so many connections have been closed on this side. */
void server_await_closed(struct server *server, int connections);

struct seen {
	int connections, requests; /* requests are those that came whole */
	char last[4096];           /* the last of them, cut to fit */
};
/* After every client has left. */
void server_stop(struct server *server, struct seen *seen);

#endif
