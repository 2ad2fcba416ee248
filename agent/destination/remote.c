#include "destination/remote.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "base/blot.h"
#include "base/clock.h"
#include "base/credential.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/source.h"

#define ANSWER_MSEC 30000
#define ANSWER_MAX_BYTES                                                                       \
	((size_t)4 * 1024 *                                                                    \
		1024) /* a secret of a server's 1 MiB, in base64, and what stands around it */
#define MESSAGE_BYTES 200
/* A session that ends sooner is not begun with. */
#define LEASE_LEFT_MSEC INT64_C(60000)

struct kept_site {
	struct kept_site *next;
	char *url, *ca_file, *ca_base64;
	struct http_site *site;
};

struct session {
	struct session *next;
	char *key, *credential_head, *revoke_path;
	struct secret *token;
	struct http_site *site;
	int64_t until_msec; /* clock.h; 0: for good */
};

struct remotes {
	pthread_mutex_t
		lock; /* over both lists; what stands in them lives as long as they do */
	struct kept_site *sites;
	struct session *sessions;
	const struct texts *own;
};

struct remotes *
remotes_new(const struct texts *own)
{
	struct remotes *remotes = memory_or_abort(calloc(1, sizeof(*remotes)));

	remotes->own = own;
	pthread_mutex_init(&remotes->lock, NULL);
	return remotes;
}

/* --- sites --- */

static char *
copy_of(const char *text)
{
	return text ? memory_or_abort(strdup(text)) : NULL;
}

static bool
is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static struct http_site *
find_site(const struct remotes *remotes, const struct http_options *options)
{
	for (const struct kept_site *kept = remotes->sites; kept; kept = kept->next)
		if (is_same(kept->url, options->url) &&
			is_same(kept->ca_file, options->ca_file) &&
			is_same(kept->ca_base64, options->ca_base64))
			return kept->site;
	return NULL;
}

static struct http_site *
keep_site(struct remotes *remotes, const struct http_options *options, struct http_site *site)
{
	struct kept_site *kept = memory_or_abort(calloc(1, sizeof(*kept)));

	kept->url = copy_of(options->url);
	kept->ca_file = copy_of(options->ca_file);
	kept->ca_base64 = copy_of(options->ca_base64);
	kept->site = site;
	kept->next = remotes->sites;
	remotes->sites = kept;
	return site;
}

/* Parsing the CA store is no request, so the lock may be held over it: else every worker would do it at once. */
static bool
take_site(struct remotes *remotes, const struct http_options *options, struct http_site **site,
	struct err *err)
{
	struct http_site *made = NULL;

	pthread_mutex_lock(&remotes->lock);
	*site = find_site(remotes, options);
	if (!*site && http_site_new(options, &made, err))
		*site = keep_site(remotes, options, made);
	pthread_mutex_unlock(&remotes->lock);
	return *site != NULL;
}

/* --- one server in one worker's hands --- */

/* A file that is to be mended says nothing of GitLab, nor of the policy that is in force. */
static bool
refused(bool ok, struct err *err)
{
	if (!ok)
		err->kind = ERR_REFUSED;
	return ok;
}

bool
remote_open(struct remote *remote, const struct http_options *options, struct err *err)
{
	struct http_options full = *options;

	assert(remote->tools->remotes);
	full.answer_msec = ANSWER_MSEC;
	full.answer_max_bytes = ANSWER_MAX_BYTES;
	if (!refused(take_site(remote->tools->remotes, &full, &remote->site, err), err))
		return false;
	remote->http = http_new(remote->site);
	return true;
}

void
remote_done(struct remote *remote)
{
	http_free(take(remote->http));
	secret_free(take(remote->credential));
}

bool
remote_credential(struct remote *remote, const char *name, struct err *err)
{
	return refused(credential_read_apart(
			       name, remote->tools->remotes->own, &remote->credential, err),
		err);
}

bool
remote_send(struct remote *remote, const struct http_request *request,
	struct http_answer *answer, struct err *err)
{
	struct http_request full = *request;

	full.credential = remote->credential;
	full.credential_head = remote->credential_head;
	if (http_send(remote->http, &full, answer, err))
		return true;
	err->kind = ERR_LATER;
	return false;
}

/* --- what it said --- */

static bool
passes(int status)
{
	switch (status) {
	case 408:
	case 409:
	case 412:
	case 425:
	case 429:
	case 472:
	case 473:
		return true;
	default:
		return status >= 500;
	}
}

/* A piece of a secret is none to be told either. */
static void
hide_pieces(const struct remote *remote, char *text, bool was_cut)
{
	auto_secret struct secret *said = secret_copy(text, strlen(text));
	char clean[BLOT_TEXT_BYTES];

	blot(said, remote->sent, was_cut, clean);
	clean[MESSAGE_BYTES] = '\0';
	strcpy(text, clean);
	source_clean(NULL, text);
}

/* {"errors":["permission denied"]} is for programs. */
static const char *
for_people(const struct remote *remote, const char *message, char *text)
{
	const bool is_list = *message == '{' || *message == '[';
	size_t length = 0;

	for (; *message && length < MESSAGE_BYTES; message++)
		if (!is_list || !strchr("{}[]\"\\", *message))
			text[length++] = *message;
	text[length] = '\0';
	hide_pieces(remote, text, *message != '\0');
	return text;
}

/* What echoes a request may quote its secrets. */
static bool
repeats_a_secret(const struct remote *remote, const struct http_answer *answer)
{
	return secret_holds(answer->body, remote->credential) ||
	       secret_holds(answer->body, remote->sent) ||
	       secret_holds(answer->body, remote->coded);
}

bool
remote_refuse(const struct remote *remote, const struct http_answer *answer,
	const char *message, struct err *err)
{
	const enum err_kind kind = passes(answer->status) ? ERR_LATER : ERR_REFUSED;
	char text[MESSAGE_BYTES + 1];
	const char *said = repeats_a_secret(remote, answer)
	                           ? NULL
	                           : json_member(answer->body, message, remote->tools->arena);

	if (*answer->location)
		return err_set(err, kind, 0,
			"%s sends us elsewhere (%d), which is not followed: name the server itself",
			remote->what, answer->status);
	if (answer->status < 300)
		return err_set(err, kind, 0, "the answer %d is none of %s's", answer->status,
			remote->what);
	if (!said || !strcmp(said, "[]"))
		return err_set(err, kind, 0, "%s, or a proxy before it, said: %d", remote->what,
			answer->status);
	return err_set(err, kind, 0, "%s said: %d %s", remote->what, answer->status,
		for_people(remote, said, text));
}

bool
remote_decode(const struct remote *remote, const struct http_answer *answer,
	const struct shape *shape, void *target, struct err *err)
{
	if (json_decode(answer->body, shape, remote->tools->arena, target, err))
		return true;
	err->kind = ERR_REFUSED;
	return err_wrap(err, "the answer %d is none of %s's", answer->status, remote->what);
}

/* --- paths --- */

const char *
remote_path(struct arena *arena, const char *path)
{
	const char *whole = "";

	for (;;) {
		const size_t length = strcspn(path, "/");

		whole = arena_format(arena, "%s%s", whole,
			http_escape(arena, arena_text_n(arena, path, length)));
		path += length;
		if (!*path)
			return whole;
		whole = arena_format(arena, "%s/", whole);
		path++;
	}
}

const char *
remote_trimmed(struct arena *arena, const char *path)
{
	size_t length;

	while (*path == '/')
		path++;
	for (length = strlen(path); length && path[length - 1] == '/';)
		length--;
	return arena_text_n(arena, path, length);
}

/* --- sessions --- */

static struct secret *
copy_secret(const struct secret *secret)
{
	struct secret *copy = secret_new(secret_length(secret));

	(void)!secret_join(copy, secret);
	return copy;
}

struct secret *
remotes_session(struct remotes *remotes, const char *key)
{
	const int64_t least_msec = clock_msec() + LEASE_LEFT_MSEC;
	struct secret *token = NULL;

	pthread_mutex_lock(&remotes->lock);
	for (const struct session *at = remotes->sessions; at && !token; at = at->next)
		if (!strcmp(at->key, key) && (!at->until_msec || at->until_msec > least_msec))
			token = copy_secret(at->token);
	pthread_mutex_unlock(&remotes->lock);
	return token;
}

void
remotes_keep_session(const struct remote *remote, const char *key, int64_t lease_sec,
	const char *revoke_path)
{
	struct remotes *remotes = remote->tools->remotes;
	struct session *session = memory_or_abort(calloc(1, sizeof(*session)));

	session->key = copy_of(key);
	session->credential_head = copy_of(remote->credential_head);
	session->revoke_path = copy_of(revoke_path);
	session->token = copy_secret(remote->credential);
	session->site = remote->site;
	session->until_msec = lease_sec ? clock_msec() + lease_sec * 1000 : 0;
	pthread_mutex_lock(&remotes->lock);
	session->next = remotes->sessions;
	remotes->sessions = session;
	pthread_mutex_unlock(&remotes->lock);
}

/* One that cannot be ended ends with its lease. */
static void
end_at_server(const struct session *session)
{
	auto_http struct http *http = http_new(session->site);
	const struct http_request request = { .method = "POST",
		.path = session->revoke_path,
		.credential = session->token,
		.credential_head = session->credential_head };
	auto_http_answer struct http_answer answer = { 0 };
	struct err ignored;

	(void)!http_send(http, &request, &answer, &ignored);
}

static void
session_end(struct session *session)
{
	end_at_server(session);
	secret_free(session->token);
	free(session->revoke_path);
	free(session->credential_head);
	free(session->key);
	free(session);
}

static void
kept_site_free(struct kept_site *kept)
{
	http_site_free(kept->site);
	free(kept->ca_base64);
	free(kept->ca_file);
	free(kept->url);
	free(kept);
}

void
remotes_free(struct remotes *remotes)
{
	if (!remotes)
		return;
	for (struct session *at = remotes->sessions, *next; at; at = next) {
		next = at->next;
		session_end(at);
	}
	for (struct kept_site *at = remotes->sites, *next; at; at = next) {
		next = at->next;
		kept_site_free(at);
	}
	pthread_mutex_destroy(&remotes->lock);
	free(remotes);
}
