#include "http.h"

#include "base64.h"
#include "door.h"
#include "params.h"
#include "serve.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

enum { BODY_MAX_BYTES = 1024 * 1024 };

/* One request on its way in. */
struct incoming {
	struct request request;
	char *body;
	size_t body_bytes;
};

/* The address as it was sent: what libmicrohttpd hands on later is split already. */
static void *
incoming_new(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct incoming *incoming = must_alloc(sizeof(*incoming));
	size_t length = strcspn(uri, "?");

	(void)context;
	(void)connection;
	incoming->request.path = strndup(uri, length);
	incoming->request.query = must_copy(uri[length] == '?' ? uri + length + 1 : "");
	return incoming;
}

static void
incoming_free(void *context, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct incoming *incoming = *state;

	(void)context;
	(void)connection;
	(void)code;
	if (!incoming)
		return;
	free(incoming->request.path);
	free(incoming->request.query);
	free(incoming->request.login);
	free(incoming->request.secret);
	free(incoming->request.host);
	json_decref(incoming->request.body);
	json_decref(incoming->request.params);
	free(incoming->body);
	free(incoming);
	*state = NULL;
}

static bool
incoming_append(struct incoming *incoming, const char *data, size_t bytes)
{
	if (incoming->body_bytes + bytes > BODY_MAX_BYTES)
		return false;
	incoming->body = realloc(incoming->body, incoming->body_bytes + bytes + 1);
	if (!incoming->body)
		abort();
	memcpy(incoming->body + incoming->body_bytes, data, bytes);
	incoming->body_bytes += bytes;
	incoming->body[incoming->body_bytes] = '\0';
	return true;
}

static const char *
header_of(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void
secret_read(struct MHD_Connection *connection, struct request *request)
{
	const char *token = header_of(connection, "PRIVATE-TOKEN");
	const char *bearer = header_of(connection, "Authorization");

	if (!token && bearer && strncasecmp(bearer, "Bearer ", 7) == 0)
		token = bearer + 7;
	if (token && *token)
		request->secret = must_copy(token);
}

/* name:secret. */
static void
basic_read(struct MHD_Connection *connection, struct request *request)
{
	const char *basic = header_of(connection, "Authorization");
	char *pair =
		basic && strncasecmp(basic, "Basic ", 6) == 0 ? base64_text(basic + 6) : NULL;
	char *colon = pair ? strchr(pair, ':') : NULL;

	if (pair)
		request->secret = must_copy(colon ? colon + 1 : "");
	if (colon)
		*colon = '\0';
	request->login = pair;
}

static void
address_read(struct MHD_Connection *connection, struct request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr,
			request->address, sizeof(request->address));
}

/* False: the body claims to be JSON and is none. */
static bool
body_read(struct MHD_Connection *connection, struct incoming *incoming)
{
	const char *type = header_of(connection, "Content-Type");

	if (!incoming->body_bytes)
		return true;
	if (type && strncasecmp(type, "application/json", 16) == 0) {
		incoming->request.body = json_loadb(incoming->body, incoming->body_bytes,
			JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		return incoming->request.body != NULL;
	}
	incoming->request.body = json_object();
	form_decode(incoming->body, incoming->request.body);
	return true;
}

static void
request_complete(struct MHD_Connection *connection, const char *method, struct request *request)
{
	const char *host = header_of(connection, "Host");
	const union MHD_ConnectionInfo *tls =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_PROTOCOL);
	const char *forwarded = header_of(connection, "X-Forwarded-Proto");

	request->method = strcmp(method, "HEAD") == 0 ? "GET" : method;
	request->host = must_copy(host ? host : "localhost");
	request->tls = forwarded ? strcmp(forwarded, "https") == 0 : tls != NULL;
	if (door_known(request->path))
		basic_read(connection, request);
	else
		secret_read(connection, request);
	address_read(connection, request);
}

/* Rails escapes these in JSON, so that it may stand in HTML. */
static char *
json_text(const json_t *json)
{
	char *plain = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	char *text, *out;

	if (!plain)
		return must_copy("null");
	if (!strpbrk(plain, "&<>"))
		return plain;
	out = text = must_alloc(strlen(plain) * 6 + 1);
	for (const char *in = plain; *in; in++) {
		if (*in == '&' || *in == '<' || *in == '>')
			out += sprintf(out, "\\u00%02x", (unsigned char)*in);
		else
			*out++ = *in;
	}
	free(plain);
	return text;
}

static int
connection_fd(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

/* Nothing that waits to be sent is sent any more, and the other side is told at once. */
static void
connection_reset(struct MHD_Connection *connection)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	connect(connection_fd(connection), &nobody, sizeof(nobody));
}

/* In the middle of an answer is in the middle of a record: its head, and less than it says. */
static void
tls_record_begin(struct MHD_Connection *connection)
{
	static const unsigned char begun[] = { 0x17, 3, 3, 0x01, 0x00, 0x5a, 0xa5, 0x3c, 0xc3 };

	if (MHD_get_connection_info(connection, MHD_CONNECTION_INFO_PROTOCOL))
		send(connection_fd(connection), begun, sizeof(begun), MSG_NOSIGNAL);
}

/* A body that ends before its length says so. */
struct cut {
	char *text;
	size_t bytes;
	struct MHD_Connection *reset; /* or NULL: it just ends */
};

static ssize_t
cut_read(void *state, uint64_t position, char *out, size_t room)
{
	struct cut *cut = state;
	size_t left = position < cut->bytes / 2 ? cut->bytes / 2 - (size_t)position : 0;

	if (!left && cut->reset) {
		tls_record_begin(cut->reset);
		connection_reset(cut->reset);
	}
	if (!left)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (left > room)
		left = room;
	memcpy(out, cut->text + position, left);
	return (ssize_t)left;
}

static void
cut_free(void *state)
{
	struct cut *cut = state;

	free(cut->text);
	free(cut);
}

static struct MHD_Response *
response_of(struct MHD_Connection *connection, const struct answer *answer,
	const struct fault *fault)
{
	char *text = answer->json ? json_text(answer->json) : must_copy("");
	size_t bytes = strlen(text);
	struct cut *cut;

	if (answer->text) {
		bytes = answer->text_bytes ? answer->text_bytes : strlen(answer->text);
		free(text);
		text = memcpy(must_alloc(bytes + 1), answer->text, bytes);
	}

	if (fault->kind != FAULT_CUT_BODY && fault->kind != FAULT_RESET_BODY)
		return MHD_create_response_from_buffer(bytes, text, MHD_RESPMEM_MUST_FREE);
	cut = must_alloc(sizeof(*cut));
	*cut = (struct cut){ text, bytes, fault_resets(fault) ? connection : NULL };
	return MHD_create_response_from_callback(bytes, 4096, cut_read, cut, cut_free);
}

static enum MHD_Result
answer_queue(struct sim *sim, struct MHD_Connection *connection, const struct answer *answer,
	const struct fault *fault)
{
	struct MHD_Response *response = response_of(connection, answer, fault);
	char date[MOMENT_SIZE];
	enum MHD_Result result;

	if (answer->content_type)
		MHD_add_response_header(response, "Content-Type", answer->content_type);
	/* libmicrohttpd refuses an empty value; a blank reads the same. */
	for (int i = 0; i < answer->header_count; i++)
		MHD_add_response_header(response, answer->headers[i].name,
			*answer->headers[i].value ? answer->headers[i].value : " ");
	MHD_add_response_header(
		response, "Date", moment_print_http(clock_told(&sim->clock), date));
	result = MHD_queue_response(connection, (unsigned)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
request_answer(struct sim *sim, struct MHD_Connection *connection, struct incoming *incoming)
{
	struct answer answer = { 0 };
	struct fault fault = { 0 };
	struct request *request = &incoming->request;
	bool readable = body_read(connection, incoming);
	enum MHD_Result result = MHD_NO;

	if (strncmp(request->path, "/api/v4/", 8) == 0 || door_known(request->path)) {
		serve(sim, request, readable, &answer, &fault);
	} else if (strncmp(request->path, "/sim/", 5) == 0) {
		pthread_mutex_lock(&sim->lock);
		serve_due(sim);
		later_run(sim);
		sim_handle(sim, request, &answer);
		pthread_mutex_unlock(&sim->lock);
	} else {
		answer.status = 404;
		answer.content_type = "text/html";
		answer.text = must_copy("<html><body>404</body></html>");
	}
	/* MHD_NO closes the connection without a byte. */
	if (fault_drops(&fault) && fault_resets(&fault))
		connection_reset(connection);
	if (!fault_drops(&fault))
		result = answer_queue(sim, connection, &answer, &fault);
	answer_done(&answer);
	fault_done(&fault);
	return result;
}

static enum MHD_Result
request_step(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *data, size_t *data_bytes,
	void **state)
{
	struct incoming *incoming = *state;

	(void)url;
	(void)version;
	if (!incoming->request.method) {
		request_complete(connection, method, &incoming->request);
		return MHD_YES;
	}
	if (*data_bytes) {
		if (!incoming_append(incoming, data, *data_bytes))
			return MHD_NO;
		*data_bytes = 0;
		return MHD_YES;
	}
	return request_answer(context, connection, incoming);
}

/* Paths keep their %2F: GitLab tells a slash in a name from one between names. */
static size_t
unescape_nothing(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

struct MHD_Daemon *
http_start(struct sim *sim, const struct http_options *options)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(options->port) };
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
	                 MHD_USE_POLL | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
	                 (options->certificate ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, options->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, options->key },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (inet_pton(AF_INET, options->address, &address.sin_addr) != 1)
		return NULL;
	return MHD_start_daemon(flags, options->port, NULL, NULL, request_step, sim,
		MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_URI_LOG_CALLBACK,
		incoming_new, NULL, MHD_OPTION_NOTIFY_COMPLETED, incoming_free, NULL,
		MHD_OPTION_UNESCAPE_CALLBACK, unescape_nothing, NULL,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u,
		MHD_OPTION_CONNECTION_LIMIT, 2000u, MHD_OPTION_ARRAY,
		options->certificate ? tls : tls + 2, MHD_OPTION_END);
}

unsigned short
http_port(struct MHD_Daemon *daemon)
{
	return MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

void
http_stop(struct sim *sim, struct MHD_Daemon *daemon)
{
	atomic_store(&sim->stopping, true);
	if (daemon)
		MHD_stop_daemon(daemon);
}
