#include "base/http_site.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/arena.h"
#include "base/memory.h"

#define CONNECT_MSEC 10000
#define ANSWER_MSEC 60000
#define CA_MAX_BYTES (4 * 1024 * 1024)
#define ANSWER_MAX_BYTES ((size_t)16 * 1024 * 1024)

static bool
host_is_loopback(const char *host)
{
	struct in_addr four;

	if (!strcmp(host, "localhost") || !strcmp(host, "[::1]"))
		return true;
	return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

static void
curl_url_end(CURLU **parts)
{
	curl_url_cleanup(*parts);
}

static void
curl_text_end(char **text)
{
	curl_free(*text);
}

#define auto_parts __attribute__((cleanup(curl_url_end)))
#define auto_curl_text __attribute__((cleanup(curl_text_end)))

static bool
has_part(CURLU *parts, CURLUPart which)
{
	auto_curl_text char *text = NULL;

	return !curl_url_get(parts, which, &text, 0);
}

static void
drop_final_slashes(char *text)
{
	size_t length = strlen(text);

	while (length && text[length - 1] == '/')
		text[--length] = '\0';
}

static bool
site_take_url(struct http_site *site, const char *url, struct err *err)
{
	auto_parts CURLU *parts = memory_or_abort(curl_url());
	auto_curl_text char *scheme = NULL, *host = NULL, *whole = NULL;
	CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);

	if (code == CURLUE_OK && (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) ||
					 curl_url_get(parts, CURLUPART_HOST, &host, 0)))
		code = CURLUE_MALFORMED_INPUT;
	if (code)
		return err_set(err, ERR_POLICY, 0,
			"'%s' is not a URL: expected https://HOST (%s)", url,
			curl_url_strerror(code));
	if (has_part(parts, CURLUPART_USER) || has_part(parts, CURLUPART_PASSWORD))
		return err_set(
			err, ERR_POLICY, 0, "the URL of '%s' must not name a user", host);
	if (has_part(parts, CURLUPART_QUERY) || has_part(parts, CURLUPART_FRAGMENT))
		return err_set(err, ERR_POLICY, 0, "the URL '%s' must end with its path", url);
	site->is_loopback = host_is_loopback(host);
	site->is_tls = !strcmp(scheme, "https");
	if (!site->is_tls && (strcmp(scheme, "http") || !site->is_loopback))
		return err_set(err, ERR_POLICY, 0,
			"'%s' would carry tokens in the clear: expected https://", url);
	if (curl_url_get(parts, CURLUPART_URL, &whole, 0))
		return err_set(err, ERR_POLICY, 0, "'%s' is not a URL", url);
	drop_final_slashes(whole);
	site->url = memory_or_abort(strdup(whole));
	return true;
}

/* All certificates of a PEM text; false when there is none, or one that cannot be read. */
static bool
add_certificates(X509_STORE *roots, const void *pem, int length)
{
	BIO *bytes = memory_or_abort(BIO_new_mem_buf(pem, length));
	int count = 0;
	bool is_whole;
	X509 *certificate;

	ERR_clear_error();
	while ((certificate = PEM_read_bio_X509_AUX(bytes, NULL, NULL, NULL))) {
		count += X509_STORE_add_cert(roots, certificate);
		X509_free(certificate);
	}
	BIO_free(bytes);
	/* The end of the text is an error to OpenSSL. */
	is_whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return is_whole && count > 0;
}

static bool
take_given_roots(X509_STORE *roots, const char *base64, struct err *err)
{
	const size_t length = strlen(base64);
	auto_free unsigned char *pem = memory_or_abort(malloc(length + 1));
	int bytes = length < INT_MAX
	                    ? EVP_DecodeBlock(pem, (const unsigned char *)base64, (int)length)
	                    : -1;

	return (bytes > 0 && add_certificates(roots, pem, bytes)) ||
	       err_set(err, ERR_POLICY, 0,
		       "the certificates given are none in PEM form, in base64");
}

/* Somebody may have put a named pipe there, which would hold us until another writes to it. */
static bool
open_ca_file(const char *path, int *opened, off_t *length, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat facts;

	if (fd < 0 || fstat(fd, &facts))
		return err_set(err, ERR_POLICY, errno, "cannot read ca_file '%s'", path);
	if (!S_ISREG(facts.st_mode))
		return err_set(err, ERR_POLICY, 0, "ca_file '%s' is not a regular file", path);
	if (facts.st_size > CA_MAX_BYTES)
		return err_set(err, ERR_POLICY, 0, "ca_file '%s' holds more than %d bytes",
			path, CA_MAX_BYTES);
	*length = facts.st_size;
	*opened = fd;
	fd = -1;
	return true;
}

static bool
take_roots_of(X509_STORE *roots, const char *path, struct err *err)
{
	auto_close int fd = -1;
	off_t length = 0, done = 0;
	ssize_t got = 1;

	if (!open_ca_file(path, &fd, &length, err))
		return false;
	auto_free char *pem = memory_or_abort(malloc((size_t)length + 1));
	while (got > 0 && done < length) {
		got = read(fd, pem + done, (size_t)(length - done));
		done += got > 0 ? got : 0;
	}
	if (got < 0)
		return err_set(err, ERR_POLICY, errno, "cannot read ca_file '%s'", path);
	return add_certificates(roots, pem, (int)done) ||
	       err_set(err, ERR_POLICY, 0,
		       "ca_file '%s' holds no usable certificate in PEM form", path);
}

/* Parsed once and shared by all connections; the system's, which take longer than a quiet run, only where there
 * is TLS: elsewhere nothing is trusted. The flags are those that libcurl gives its own. */
static bool
site_take_roots(
	struct http_site *site, const char *ca_file, const char *ca_base64, struct err *err)
{
	site->roots = memory_or_abort(X509_STORE_new());
	X509_STORE_set_flags(
		site->roots, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	if (!ca_file && !site->is_tls)
		return true;
	if (ca_base64)
		return take_given_roots(site->roots, ca_base64, err);
	if (ca_file)
		return take_roots_of(site->roots, ca_file, err);
	ERR_clear_error();
	if (X509_STORE_set_default_paths(site->roots))
		return true;
	ERR_clear_error();
	return err_set(err, ERR_POLICY, 0,
		"the system's CA store holds no usable certificate in PEM form");
}

bool
http_site_new(const struct http_options *options, struct http_site **site, struct err *err)
{
	auto_http_site struct http_site *draft = memory_or_abort(calloc(1, sizeof(*draft)));

	if (!site_take_url(draft, options->url, err) ||
		!site_take_roots(draft, options->ca_file, options->ca_base64, err))
		return false;
	draft->user_agent = memory_or_abort(strdup(
		options->user_agent ? options->user_agent : "glrotate/" GLROTATE_VERSION));
	draft->connect_msec = options->connect_msec ? options->connect_msec : CONNECT_MSEC;
	draft->answer_msec = options->answer_msec ? options->answer_msec : ANSWER_MSEC;
	draft->answer_max_bytes =
		options->answer_max_bytes ? options->answer_max_bytes : ANSWER_MAX_BYTES;
	*site = take(draft);
	return true;
}

void
http_site_free(struct http_site *site)
{
	if (!site)
		return;
	X509_STORE_free(site->roots);
	free(site->user_agent);
	free(site->url);
	free(site);
}

const char *
http_site_url(const struct http_site *site)
{
	return site->url;
}

/* Where the host ends; 0 when there is none. */
static size_t
origin_length(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/?#") : 0;
}

bool
http_site_of_secret(const struct secret *url, const char *suffix,
	const struct http_options *options, struct http_site **site, struct secret **path,
	struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	const char *text = secret_reveal(url), *rest = text + origin_length(text);
	const size_t path_bytes = strcspn(rest, "?");
	struct http_options draft = *options;
	auto_secret struct secret *whole =
		secret_new(strlen(rest) + strlen(suffix) + sizeof("/"));

	if (rest == text || strpbrk(rest, "# \t\r\n") ||
		memchr(text, '@', (size_t)(rest - text)))
		return err_set(err, ERR_POLICY, 0,
			"what it holds is not a URL: expected https://HOST/…");
	draft.url = arena_text_n(arena, text, (size_t)(rest - text));
	if (!http_site_new(&draft, site, err))
		return false;
	/* There is room for all of it. */
	if ((!path_bytes && !secret_append(whole, "/", 1)) ||
		!secret_append(whole, rest, path_bytes) ||
		!secret_append(whole, suffix, strlen(suffix)) ||
		!secret_append(whole, rest + path_bytes, strlen(rest + path_bytes)))
		assert(false);
	*path = take(whole);
	return true;
}
