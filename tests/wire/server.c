#include "server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct server {
	int listener, port, closed;
	const struct reply *replies;
	size_t reply_count;
	SSL_CTX *tls;
	struct seen seen;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

struct channel {
	int fd;
	SSL *tls; /* NULL: in the clear */
};

static int
channel_read(struct channel *channel, char *bytes, size_t length)
{
	if (channel->tls)
		return SSL_read(channel->tls, bytes, (int)length);
	return (int)recv(channel->fd, bytes, length, 0);
}

static bool
channel_write(struct channel *channel, const char *bytes, size_t length)
{
	while (length) {
		int sent = channel->tls ? SSL_write(channel->tls, bytes, (int)length)
		                        : (int)send(channel->fd, bytes, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		length -= (size_t)sent;
	}
	return true;
}

static const struct reply *
reply_to(const struct server *server, int request)
{
	static const struct reply plain = { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		KEEP };

	return (size_t)request < server->reply_count ? &server->replies[request] : &plain;
}

/* Up to the empty line; the length of what was read, 0 when the client leaves before. */
static size_t
read_head(struct channel *channel, char *text, size_t bytes)
{
	size_t length = 0;

	text[0] = '\0';
	while (!strstr(text, "\r\n\r\n")) {
		int count = length + 1 < bytes
		                    ? channel_read(channel, text + length, bytes - length - 1)
		                    : 0;

		if (count <= 0)
			return 0;
		length += (size_t)count;
		text[length] = '\0';
	}
	return length;
}

static bool
read_body(struct channel *channel, char *text, size_t bytes, size_t length)
{
	const char *field = strcasestr(text, "\r\nContent-Length:");
	size_t head = (size_t)(strstr(text, "\r\n\r\n") + 4 - text);
	size_t wanted = head + (field ? strtoul(field + 17, NULL, 10) : 0);
	char scratch[4096];

	while (length < wanted) {
		int count = channel_read(channel, scratch, sizeof(scratch));

		if (count <= 0)
			return false;
		for (int i = 0; i < count; i++, length++)
			if (length + 1 < bytes)
				text[length] = scratch[i];
	}
	text[length < bytes ? length : bytes - 1] = '\0';
	return true;
}

static const struct reply *
read_request(struct server *server, struct channel *channel)
{
	char text[sizeof(server->seen.last)];
	size_t length = read_head(channel, text, sizeof(text));
	const struct reply *reply = reply_to(server, server->seen.requests);

	if (!length)
		return NULL;
	if (reply->head_only)
		return reply;
	if (!read_body(channel, text, sizeof(text), length))
		return NULL;
	pthread_mutex_lock(&server->lock);
	server->seen.requests++;
	memcpy(server->seen.last, text, sizeof(text));
	pthread_mutex_unlock(&server->lock);
	return reply;
}

static void
say_without_end(struct channel *channel)
{
	char chunk[4096 + 16];
	int head = snprintf(chunk, sizeof(chunk), "1000\r\n");

	memset(chunk + head, 'x', 4096);
	memcpy(chunk + head + 4096, "\r\n", 2);
	while (channel_write(channel, chunk, (size_t)head + 4096 + 2))
		;
}

static void
serve(struct server *server, struct channel *channel)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	const struct reply *reply;
	char scratch[256];

	do {
		reply = read_request(server, channel);
		if (!reply || !channel_write(channel, reply->text, strlen(reply->text)))
			return;
	} while (reply->after == KEEP);
	if (reply->after == RESET)
		setsockopt(channel->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	if (reply->after == ENDLESS)
		say_without_end(channel);
	if (reply->after == SILENCE)
		while (channel_read(channel, scratch, sizeof(scratch)) > 0)
			;
}

static void
serve_connection(struct server *server, int fd)
{
	static const struct timeval patience = { .tv_sec = 20 };
	struct channel channel = { .fd = fd };
	bool greeted = true;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (server->tls) {
		channel.tls = SSL_new(server->tls);
		SSL_set_fd(channel.tls, fd);
		greeted = SSL_accept(channel.tls) == 1;
	}
	if (greeted)
		serve(server, &channel);
	SSL_free(channel.tls);
	close(fd);
	pthread_mutex_lock(&server->lock);
	server->closed++;
	pthread_cond_broadcast(&server->changed);
	pthread_mutex_unlock(&server->lock);
}

static void *
serve_connections(void *data)
{
	struct server *server = data;
	int fd;

	while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		pthread_mutex_lock(&server->lock);
		server->seen.connections++;
		pthread_mutex_unlock(&server->lock);
		serve_connection(server, fd);
	}
	return NULL;
}

/* Whether each call worked shows when somebody connects. */
static SSL_CTX *
tls_with_certificate(const char *path)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_EXTENSION *names =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
	FILE *file = fopen(path, "we");

	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)"wire", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_set_pubkey(certificate, key);
	X509_add_ext(certificate, names, -1);
	X509_sign(certificate, key, EVP_sha256());
	SSL_CTX_use_certificate(tls, certificate);
	SSL_CTX_use_PrivateKey(tls, key);
	PEM_write_X509(file, certificate);
	fclose(file);
	X509_EXTENSION_free(names);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return tls;
}

static int
listen_on_loopback(int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good = fd >= 0 && !bind(fd, (struct sockaddr *)&address, length) &&
	            !listen(fd, 16) && !getsockname(fd, (struct sockaddr *)&address, &length);

	if (!good) {
		perror("no server on the loopback address");
		abort();
	}
	*port = ntohs(address.sin_port);
	return fd;
}

struct server *
server_start(const struct reply *replies, size_t reply_count, const char *certificate)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		abort();
	server->replies = replies;
	server->reply_count = reply_count;
	server->listener = listen_on_loopback(&server->port);
	if (certificate)
		server->tls = tls_with_certificate(certificate);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->changed, NULL);
	if (pthread_create(&server->thread, NULL, serve_connections, server))
		abort();
	return server;
}

int
server_port(const struct server *server)
{
	return server->port;
}

void
server_await_closed(struct server *server, int connections)
{
	pthread_mutex_lock(&server->lock);
	while (server->closed < connections)
		pthread_cond_wait(&server->changed, &server->lock);
	pthread_mutex_unlock(&server->lock);
}

void
server_stop(struct server *server, struct seen *seen)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	SSL_CTX_free(server->tls);
	pthread_cond_destroy(&server->changed);
	pthread_mutex_destroy(&server->lock);
	*seen = server->seen;
	free(server);
}
