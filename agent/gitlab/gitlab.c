#include "gitlab/gitlab.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "gitlab/answer.h"
#include "gitlab/pace.h"

#define TRIES 3
#define PAUSE_FIRST_MSEC INT64_C(500)
/* A self-managed GitLab bans an address after thirty failures in three minutes, as its administrators set it. */
#define FAILURES_MOST 10
#define FAILURES_MSEC INT64_C(180000)

struct gitlab_server {
	struct http_site *site;
	struct pace *pace;
	const volatile int *stop;
	pthread_mutex_t lock;    /* over what follows */
	int64_t date, date_msec; /* the last Date, and the clock when it came; 0: none yet */
	int64_t skew_sec;
	int64_t failed_msec
		[FAILURES_MOST]; /* when credentials were refused, a ring; 0: never */
	size_t failures;
	void (*tell_failure)(void *context); /* NULL: nobody */
	void *tell_context;
	size_t under_way;
	pthread_cond_t ended; /* one of those under way */
	unsigned sent;
	int major, minor;
};

struct gitlab {
	struct gitlab_server *server;
	struct http *http;
	const struct secret *credential;
	enum urgency urgency;
	bool (*may_go)(const void *context); /* NULL: any change may */
	const void *may_go_context;
	bool was_late;
	bool is_hasty;
};

static const volatile int never_stop;

struct gitlab_server *
gitlab_server_new(struct http_site *site, const volatile int *stop)
{
	struct gitlab_server *server = memory_or_abort(calloc(1, sizeof(*server)));

	server->site = site;
	server->stop = stop ? stop : &never_stop;
	server->pace = pace_new(stop);
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->ended, NULL);
	return server;
}

void
gitlab_server_free(struct gitlab_server *server)
{
	if (!server)
		return;
	pthread_cond_destroy(&server->ended);
	pthread_mutex_destroy(&server->lock);
	pace_free(server->pace);
	free(server);
}

/* Reading takes the lock, which is the one part of the object that reading changes. */
static struct gitlab_server *
lock(const struct gitlab_server *server)
{
	struct gitlab_server *locked = (struct gitlab_server *)server;

	pthread_mutex_lock(&locked->lock);
	return locked;
}

int64_t
gitlab_now(const struct gitlab_server *server)
{
	struct gitlab_server *locked = lock(server);
	const int64_t now = locked->date
	                            ? locked->date + (clock_msec() - locked->date_msec) / 1000
	                            : (int64_t)time(NULL);

	pthread_mutex_unlock(&locked->lock);
	return now;
}

int64_t
gitlab_clock_skew(const struct gitlab_server *server)
{
	struct gitlab_server *locked = lock(server);
	const int64_t skew_sec = locked->skew_sec;

	pthread_mutex_unlock(&locked->lock);
	return skew_sec;
}

unsigned
gitlab_requests_sent(const struct gitlab_server *server)
{
	struct gitlab_server *locked = lock(server);
	const unsigned sent = locked->sent;

	pthread_mutex_unlock(&locked->lock);
	return sent;
}

void
gitlab_server_set_failures(struct gitlab_server *server, const int64_t *ages_sec, size_t count,
	void (*tell)(void *context), void *context)
{
	pthread_mutex_lock(&server->lock);
	for (size_t i = 0; i < count; i++) {
		const int64_t msec = clock_msec() - ages_sec[i] * 1000;

		/* 0 is never. */
		server->failed_msec[server->failures++ % FAILURES_MOST] = msec ? msec : -1;
	}
	server->tell_failure = tell;
	server->tell_context = context;
	pthread_mutex_unlock(&server->lock);
}

void
gitlab_set_version(struct gitlab_server *server, int major, int minor)
{
	pthread_mutex_lock(&server->lock);
	server->major = major;
	server->minor = minor;
	pthread_mutex_unlock(&server->lock);
}

bool
gitlab_knows_version(const struct gitlab_server *server)
{
	struct gitlab_server *locked = lock(server);
	const bool knows = locked->major != 0;

	pthread_mutex_unlock(&locked->lock);
	return knows;
}

bool
gitlab_at_least(const struct gitlab_server *server, int major, int minor)
{
	struct gitlab_server *locked = lock(server);
	const bool is = !locked->major || locked->major > major ||
	                (locked->major == major && locked->minor >= minor);

	pthread_mutex_unlock(&locked->lock);
	return is;
}

struct gitlab *
gitlab_new(struct gitlab_server *server, const struct secret *credential)
{
	struct gitlab *gitlab = memory_or_abort(calloc(1, sizeof(*gitlab)));

	gitlab->server = server;
	gitlab->http = http_new(server->site);
	gitlab->credential = credential;
	gitlab->urgency = URGENCY_READ;
	return gitlab;
}

void
gitlab_free(struct gitlab *gitlab)
{
	if (!gitlab)
		return;
	http_free(gitlab->http);
	free(gitlab);
}

struct gitlab_server *
gitlab_server_of(struct gitlab *gitlab)
{
	return gitlab->server;
}

void
gitlab_set_urgency(struct gitlab *gitlab, enum urgency urgency)
{
	gitlab->urgency = urgency;
}

void
gitlab_set_guard(
	struct gitlab *gitlab, bool (*may_go)(const void *context), const void *context)
{
	gitlab->may_go = may_go;
	gitlab->may_go_context = context;
	gitlab->was_late = false;
}

bool
gitlab_was_late(const struct gitlab *gitlab)
{
	return gitlab->was_late;
}

void
gitlab_set_hasty(struct gitlab *gitlab)
{
	gitlab->is_hasty = true;
}

/* --- one call --- */

static void
learn(struct gitlab_server *server, const struct http_answer *answer)
{
	pace_learn(server->pace, answer);
	if (!answer->date)
		return;
	pthread_mutex_lock(&server->lock);
	/* A clock that seems to go back is one answer overtaking another, unless it is much. */
	if (answer->date > server->date || answer->date < server->date - 60 || !server->date) {
		server->date = answer->date;
		server->date_msec = clock_msec();
		server->skew_sec = (int64_t)time(NULL) - answer->date;
	}
	pthread_mutex_unlock(&server->lock);
}

/* Under the lock: whether so many more may fail without being too many. */
static bool
has_room(const struct gitlab_server *server, size_t more)
{
	const int64_t now_msec = clock_msec();

	for (size_t i = 0; i < FAILURES_MOST; i++)
		more += server->failed_msec[i] &&
		        now_msec - server->failed_msec[i] < FAILURES_MSEC;
	return more < FAILURES_MOST;
}

/* Whatever is under way may fail too: who could be one too many waits for those answers. */
static bool
begin_call(struct gitlab_server *server)
{
	bool may;

	pthread_mutex_lock(&server->lock);
	while (server->under_way && !has_room(server, server->under_way))
		pthread_cond_wait(&server->ended, &server->lock);
	may = has_room(server, 0);
	server->under_way += may;
	pthread_mutex_unlock(&server->lock);
	return may;
}

static void
end_call(struct gitlab_server *server)
{
	pthread_mutex_lock(&server->lock);
	server->under_way--;
	pthread_cond_broadcast(&server->ended);
	pthread_mutex_unlock(&server->lock);
}

/* A plain 401 elsewhere may only mean that this is not ours to see. */
static bool
is_failure(const struct http_request *request, const struct http_answer *answer,
	const struct err *err)
{
	if (err->kind == ERR_CREDENTIAL)
		return true;
	return answer->status == 401 &&
	       (request->credential_head ? request->credential != NULL
					 : strstr(request->path, "/self") != NULL);
}

static void
count_failure(struct gitlab_server *server)
{
	pthread_mutex_lock(&server->lock);
	server->failed_msec[server->failures++ % FAILURES_MOST] = clock_msec();
	pthread_mutex_unlock(&server->lock);
	if (server->tell_failure)
		server->tell_failure(server->tell_context);
}

/* What stands in between may tell us what we sent; that is no text for people. */
static void
hide_credential(const struct gitlab *gitlab, const struct http_answer *answer, struct err *err)
{
	if (secret_holds(answer->body, gitlab->credential))
		err_set(err, err->kind, 0,
			"GitLab said: %d, and repeated our credential: its words are not shown",
			answer->status);
}

/* What was proven for a change may be spent when its turn has come. */
static bool
is_late(struct gitlab *gitlab, const struct http_request *request)
{
	if (!gitlab->may_go || !strcmp(request->method, "GET"))
		return false;
	gitlab->was_late = !gitlab->may_go(gitlab->may_go_context);
	return gitlab->was_late;
}

static bool
send_once(struct gitlab *gitlab, const struct http_request *request, struct http_answer *answer,
	struct err *err)
{
	struct gitlab_server *server = gitlab->server;

	if (!pace_wait(server->pace, gitlab->urgency))
		return err_set(err, ERR_STOPPED, 0, "stopped while GitLab asked us to wait");
	if (is_late(gitlab, request))
		return err_set(err, ERR_LATER, 0, "GitLab asked us to wait for too long");
	pthread_mutex_lock(&server->lock);
	server->sent++;
	pthread_mutex_unlock(&server->lock);
	if (!http_send(gitlab->http, request, answer, err))
		return false;
	learn(server, answer);
	if (answer_check(request->method, answer, err))
		return true;
	if (is_failure(request, answer, err))
		count_failure(server);
	hide_credential(gitlab, answer, err);
	return false;
}

/* Only what passes by itself; an answer that cannot be read now cannot be read in a second either. */
static bool
may_ask_again(const struct http_request *request, const struct http_answer *answer,
	const struct err *err)
{
	if (strcmp(request->method, "GET") != 0)
		return false;
	switch (answer->status) {
	case 429:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return !answer->status && (err->kind == ERR_LATER || err->kind == ERR_REACH);
	}
}

static bool
send_patiently(struct gitlab *gitlab, const struct http_request *request,
	struct http_answer *answer, struct err *err)
{
	int64_t pause_msec = PAUSE_FIRST_MSEC;

	for (int try = 1;; try++, pause_msec *= 2) {
		if (send_once(gitlab, request, answer, err))
			return true;
		if (try == TRIES || gitlab->is_hasty || !may_ask_again(request, answer, err))
			return false;
		http_answer_done(answer);
		*answer = (struct http_answer){ 0 };
		if (!clock_pause(pause_msec, gitlab->server->stop)) {
			err->kind = ERR_STOPPED;
			return err_wrap(err, "stopped before it was asked again");
		}
	}
}

/* `*sent` is false where nothing may be sent now. */
static bool
call(struct gitlab *gitlab, const struct http_request *request, struct http_answer *answer,
	bool *sent, struct err *err)
{
	bool ok;

	*answer = (struct http_answer){ 0 };
	*sent = begin_call(gitlab->server);
	if (!*sent)
		return err_set(err, ERR_LATER, 0,
			"GitLab refused our credentials %d times within three minutes; we pause",
			FAILURES_MOST);
	ok = send_patiently(gitlab, request, answer, err);
	end_call(gitlab->server);
	return ok;
}

bool
gitlab_call(struct gitlab *gitlab, const char *method, const char *path,
	const struct secret *body, struct http_answer *answer, struct err *err)
{
	const struct http_request request = { method, path, gitlab->credential, body };
	bool sent;

	return call(gitlab, &request, answer, &sent, err);
}

bool
gitlab_knock(struct gitlab *gitlab, const char *path, const struct secret *login,
	struct http_answer *answer, struct err *err)
{
	const struct http_request request = { .method = "GET",
		.path = path,
		.credential = login,
		.credential_head = "Authorization: Basic " };
	bool sent;

	return call(gitlab, &request, answer, &sent, err) || (sent && err->kind != ERR_STOPPED);
}

static bool
read_object(const char *path, const struct http_answer *answer, const struct shape *shape,
	struct arena *arena, void *target, struct err *err)
{
	if (json_decode(answer->body, shape, arena, target, err))
		return true;
	err->kind = ERR_LATER;
	return err_wrap(err, "GitLab's answer to GET %s", path);
}

bool
gitlab_get(struct gitlab *gitlab, const char *path, const struct shape *shape,
	struct arena *arena, void *target, struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };

	return gitlab_call(gitlab, "GET", path, NULL, &answer, err) &&
	       read_object(path, &answer, shape, arena, target, err);
}

bool
gitlab_find(struct gitlab *gitlab, const char *path, const struct shape *shape,
	struct arena *arena, bool *found, void *target, struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };

	if (!gitlab_call(gitlab, "GET", path, NULL, &answer, err)) {
		if (!answer_is_absence(&answer))
			return false;
		*found = false;
		return true;
	}
	if (!read_object(path, &answer, shape, arena, target, err))
		return false;
	*found = true;
	return true;
}
