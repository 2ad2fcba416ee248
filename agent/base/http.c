#include "base/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/http_head.h"
#include "base/http_site.h"
#include "base/memory.h"
#include "base/notify.h"
#include "base/wiping.h"

#define ANSWER_FIRST_BYTES ((size_t)16 * 1024)
/* Shorter than the idle time after which servers close (nginx: 75 s, GitLab's: 65 s): a change that meets
 * a connection closed under it is in doubt, a fresh connection is not. */
#define IDLE_MAX_SEC 30L

struct http {
	const struct http_site *site;
	CURL *curl;
	char error[CURL_ERROR_SIZE];
};

/* One request on its way: what libcurl's callbacks work on. */
struct exchange {
	const struct http_request *request;
	const char *body;
	size_t body_length, body_given;
	struct secret *answer;
	size_t answer_length, answer_capacity, answer_max_bytes;
	bool too_large, head_is_whole;
};

bool
http_start(struct err *err)
{
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiping_malloc, wiping_free,
		    wiping_realloc, wiping_strdup, wiping_calloc))
		return err_set(err, ERR_STORE, 0, "libcurl cannot start");
	return true;
}

/* --- libcurl's callbacks --- */

/* No seek beside this: libcurl, which resends a change when a connection dies, cannot rewind, and gives up instead. */
static size_t
give_body(char *buffer, size_t size, size_t count, void *data)
{
	struct exchange *exchange = data;
	size_t left = exchange->body_length - exchange->body_given;
	size_t length = size * count < left ? size * count : left;

	memcpy(buffer, exchange->body + exchange->body_given, length);
	exchange->body_given += length;
	return length;
}

static void
answer_grow(struct exchange *exchange, size_t wanted)
{
	size_t capacity = exchange->answer_capacity * 4;
	struct secret *grown;

	if (capacity < ANSWER_FIRST_BYTES)
		capacity = ANSWER_FIRST_BYTES;
	if (capacity < wanted)
		capacity = wanted;
	grown = secret_new(capacity);
	if (exchange->answer)
		(void)!secret_join(grown, exchange->answer);
	secret_free(exchange->answer);
	exchange->answer = grown;
	exchange->answer_capacity = capacity;
}

static size_t
take_answer(char *bytes, size_t size, size_t count, void *data)
{
	struct exchange *exchange = data;
	size_t length = size * count;

	if (length > exchange->answer_max_bytes - exchange->answer_length) {
		exchange->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (!exchange->answer || !secret_append(exchange->answer, bytes, length)) {
		answer_grow(exchange, exchange->answer_length + length);
		if (!secret_append(exchange->answer, bytes, length))
			return CURL_WRITEFUNC_ERROR;
	}
	exchange->answer_length += length;
	return length;
}

/* libcurl takes a head that was cut for a whole one: only the empty line tells. It also takes the line of
 * an HTTP version that nobody agreed on. */
static size_t
take_header(char *bytes, size_t size, size_t count, void *data)
{
	struct exchange *exchange = data;
	const bool begins = size * count > 7 && !memcmp(bytes, "HTTP/", 5);

	if (begins && memcmp(bytes, "HTTP/1.", 7) != 0)
		return 0;
	if (begins)
		exchange->head_is_whole = false;
	if (*bytes == '\r' || *bytes == '\n')
		exchange->head_is_whole = true;
	return size * count;
}

static curl_socket_t
open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)data;
	(void)purpose;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static CURLcode
prepare_tls(CURL *curl, void *context, void *data)
{
	const struct http_site *site = data;

	(void)curl;
	SSL_CTX_set1_cert_store(context, site->roots);
#ifdef SSL_OP_CLEANSE_PLAINTEXT
	SSL_CTX_set_options(context, SSL_OP_CLEANSE_PLAINTEXT);
#endif
	return CURLE_OK;
}

/* --- the connection --- */

#define SET(http, option, value)                                                               \
	do {                                                                                   \
		CURLcode set_code = curl_easy_setopt((http)->curl, CURLOPT_##option, (value)); \
		assert(set_code == CURLE_OK);                                                  \
		(void)set_code;                                                                \
	} while (0)

static void
set_transport(struct http *http)
{
	const struct http_site *site = http->site;

	SET(http, HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(http, PROTOCOLS_STR, site->is_loopback ? "http,https" : "https");
	SET(http, FOLLOWLOCATION, 0L);
	SET(http, PATH_AS_IS, 1L);
	SET(http, NOSIGNAL, 1L);
	SET(http, CONNECTTIMEOUT_MS, (long)site->connect_msec);
	SET(http, TIMEOUT_MS, (long)site->answer_msec);
	SET(http, MAXCONNECTS, 1L);
	SET(http, MAXAGE_CONN, IDLE_MAX_SEC);
	SET(http, TCP_KEEPALIVE, 1L);
	SET(http, OPENSOCKETFUNCTION, open_socket);
	/* Whatever https_proxy says: a connection leads where the policy says, or fails. */
	SET(http, PROXY, "");
}

static void
set_tls(struct http *http)
{
	SET(http, SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(http, SSL_VERIFYPEER, 1L);
	SET(http, SSL_VERIFYHOST, 2L);
	/* Without these libcurl parses its default CA file for every connection, to no end. */
	SET(http, CAINFO, NULL);
	SET(http, CAPATH, NULL);
	SET(http, SSL_CTX_FUNCTION, prepare_tls);
	SET(http, SSL_CTX_DATA, (void *)http->site);
}

/* Also in place of one whose request failed: from 8.7 to 8.15 libcurl fails everything that follows a rewind that was refused. */
static void
open_handle(struct http *http)
{
	curl_easy_cleanup(http->curl);
	http->curl = memory_or_abort(curl_easy_init());
	set_transport(http);
	set_tls(http);
	SET(http, USERAGENT, http->site->user_agent);
	SET(http, ERRORBUFFER, http->error);
	SET(http, READFUNCTION, give_body);
	SET(http, WRITEFUNCTION, take_answer);
	SET(http, HEADERFUNCTION, take_header);
}

struct http *
http_new(struct http_site *site)
{
	struct http *http = memory_or_abort(calloc(1, sizeof(*http)));

	http->site = site;
	open_handle(http);
	return http;
}

void
http_free(struct http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->curl);
	free(http);
}

/* --- one request --- */

static bool
changes_something(const struct http_request *request)
{
	return strcmp(request->method, "GET") != 0;
}

static void
headers_end(struct curl_slist **headers)
{
	curl_slist_free_all(*headers);
}

#define auto_headers __attribute__((cleanup(headers_end)))

static void
add_header(struct curl_slist **headers, const char *line)
{
	*headers = memory_or_abort(curl_slist_append(*headers, line));
}

/* libcurl's copy of the line is wiped when the list is freed; ours is a secret as well. */
static void
add_credential(struct curl_slist **headers, const char *head, const struct secret *credential)
{
	auto_secret struct secret *line = secret_new(strlen(head) + secret_length(credential));
	bool fits = secret_append(line, head, strlen(head)) && secret_join(line, credential);

	assert(fits);
	(void)fits;
	add_header(headers, secret_reveal(line));
}

static struct curl_slist *
request_headers(const struct http_request *request, struct arena *arena)
{
	struct curl_slist *headers = NULL;

	add_header(&headers, "Accept: application/json");
	add_header(&headers, "Expect:");
	if (changes_something(request))
		add_header(&headers, arena_format(arena, "Content-Type: %s",
					     request->content_type ? request->content_type
								   : "application/json"));
	if (request->credential)
		add_credential(&headers,
			request->credential_head ? request->credential_head : "PRIVATE-TOKEN: ",
			request->credential);
	return headers;
}

/* libcurl's copy of a secret one is wiped when it is freed: with the handle, or by the next one. */
static void
set_url(struct http *http, const struct http_request *request, struct arena *arena)
{
	const char *url = http->site->url;
	auto_secret struct secret *whole = NULL;

	if (!request->secret_path) {
		SET(http, URL, arena_format(arena, "%s%s", url, request->path));
		return;
	}
	whole = secret_new(strlen(url) + secret_length(request->secret_path));
	if (secret_append(whole, url, strlen(url)) && secret_join(whole, request->secret_path))
		SET(http, URL, secret_reveal(whole));
}

/* A body is never empty, for libcurl resends an empty one although it cannot rewind it. */
static void
set_request(struct http *http, struct exchange *exchange, struct curl_slist *headers)
{
	const struct http_request *request = exchange->request;
	const struct secret *body = request->body;

	SET(http, HTTPGET, 1L);
	SET(http, CUSTOMREQUEST, NULL);
	if (changes_something(request)) {
		bool given = body && secret_length(body);

		exchange->body = given ? secret_reveal(body) : "{}";
		exchange->body_length = given ? secret_length(body) : strlen("{}");
		SET(http, POST, 1L);
		SET(http, CUSTOMREQUEST, request->method);
		SET(http, POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body_length);
		SET(http, READDATA, exchange);
	}
	SET(http, WRITEDATA, exchange);
	SET(http, HEADERDATA, exchange);
	SET(http, HTTPHEADER, headers);
}

/* Whether the server may have seen the whole request. Of a change it may once the last byte of its body
 * was given out; a rewind that was asked for means that bytes left, whatever their number. */
static bool
may_have_arrived(struct http *http, const struct exchange *exchange, CURLcode code)
{
	curl_off_t begun_usec = 0;

	if (changes_something(exchange->request))
		return code == CURLE_SEND_FAIL_REWIND ||
		       exchange->body_given == exchange->body_length;
	curl_easy_getinfo(http->curl, CURLINFO_PRETRANSFER_TIME_T, &begun_usec);
	return begun_usec > 0;
}

static bool
explain(struct http *http, const struct exchange *exchange, CURLcode code, struct err *err)
{
	const struct http_request *request = exchange->request;
	const char *why = *http->error ? http->error : curl_easy_strerror(code);

	if (!may_have_arrived(http, exchange, code))
		return err_set(err, ERR_REACH, 0, "cannot reach %s: %s", http->site->url, why);
	if (exchange->too_large)
		why = "it is larger than we take";
	/* libcurl would have liked to resend it, and could not. */
	if (code == CURLE_SEND_FAIL_REWIND)
		why = "the connection was closed";
	return err_set(err, changes_something(request) ? ERR_DOUBT : ERR_LATER, 0,
		"the answer to %s %s is lost: %s", request->method, request->path, why);
}

/* After CURLE_OK the answer is a final one (no 100 Continue), and whole. */
static CURLcode
perform(struct http *http, const struct exchange *exchange)
{
	CURLcode code = curl_easy_perform(http->curl);
	long status = 0;

	curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && (!exchange->head_is_whole || status < 200))
		return CURLE_PARTIAL_FILE;
	return code;
}

bool
http_send(struct http *http, const struct http_request *request, struct http_answer *answer,
	struct err *err)
{
	struct exchange exchange = { .request = request,
		.answer_max_bytes = http->site->answer_max_bytes };
	auto_arena struct arena *arena = arena_new();
	auto_headers struct curl_slist *headers = NULL;
	CURLcode code;

	assert(request->path[0] == '/');
	/* It may come from a place that others write: a line end in it would begin a header, or a request, of theirs. */
	if (request->credential && !secret_is_word(request->credential))
		return err_set(err, ERR_REFUSED, 0,
			"nothing was sent: a credential is one word, and this one holds blanks, line ends or "
			"signs beyond ASCII");
	headers = request_headers(request, arena);
	http->error[0] = '\0';
	set_url(http, request, arena);
	set_request(http, &exchange, headers);
	code = perform(http, &exchange);
	SET(http, HTTPHEADER, NULL);
	notify_alive();
	if (code) {
		secret_free(exchange.answer);
		explain(http, &exchange, code, err);
		open_handle(http);
		return false;
	}
	*answer = (struct http_answer){ .body = exchange.answer ? exchange.answer
		                                                : secret_new(0) };
	http_head_read(http->curl, answer);
	return true;
}

void
http_answer_done(struct http_answer *answer)
{
	secret_free(answer->body);
	answer->body = NULL;
}
