#include "destination/vault.h"

#include <string.h>

#include "base/json.h"

/* A version that no secret reaches: a write under it is refused by check-and-set, which is asked only after all that says who may
 * write. So the right is proven, and no version of the secret pushes an older one out. */
#define NO_VERSION INT64_C(2147483647)
#define MERGE_PATCH "application/merge-patch+json"

/* --- as whom --- */

static const char *
api_path(struct arena *arena, const struct vault_place *place, const char *rest)
{
	return arena_format(arena, "/v1/%s%s%s",
		place->namespace ? remote_path(arena, place->namespace) : "",
		place->namespace ? "/" : "", rest);
}

static const char *
session_key(struct arena *arena, const struct vault_place *place)
{
	return arena_format(arena, "vault %s\n%s\n%s\n%s\n%s\n%s", place->url,
		place->ca_file ? place->ca_file : "", place->namespace ? place->namespace : "",
		place->role_mount, place->role_id, place->credential);
}

static bool
log_in(struct remote *remote, const struct vault_place *place, struct err *err)
{
	struct arena *arena = remote->tools->arena;
	auto_secret struct secret *secret_id = take(remote->credential);
	auto_secret struct secret *body = vault_login_body(place->role_id, secret_id);
	const struct http_request request = { .method = "POST",
		.path = api_path(arena, place,
			arena_format(
				arena, "auth/%s/login", remote_path(arena, place->role_mount))),
		.body = body };
	const struct secret *sent = remote->sent;
	auto_http_answer struct http_answer answer = { 0 };
	int64_t lease_sec = 0;
	bool ok;

	remote->sent = secret_id;
	ok = remote_send(remote, &request, &answer, err) &&
	     (answer.status == 200 ? vault_read_login(remote, &answer, &lease_sec, err)
				   : remote_refuse(remote, &answer, "errors", err));
	remote->sent = sent;
	if (!ok)
		return err_wrap(err, "the AppRole login");
	remotes_keep_session(remote, session_key(arena, place), lease_sec,
		api_path(arena, place, "auth/token/revoke-self"));
	return true;
}

static bool
connect_to(struct remote *remote, const struct vault_place *place, struct err *err)
{
	const struct http_options options = { .url = place->url, .ca_file = place->ca_file };

	if (!remote_open(remote, &options, err))
		return false;
	if (place->role_id)
		remote->credential = remotes_session(
			remote->tools->remotes, session_key(remote->tools->arena, place));
	if (remote->credential)
		return true;
	return remote_credential(remote, place->credential, err) &&
	       (!place->role_id || log_in(remote, place, err));
}

static struct remote
vault_at(const struct destination_tools *tools, const struct secret *sent)
{
	return (struct remote){ .tools = tools,
		.what = "Vault",
		.credential_head = "X-Vault-Token: ",
		.sent = sent };
}

/* --- what stands there --- */

/* What is read and written at one path, with the answer that the reading gave. */
struct visit {
	struct remote remote;
	const struct vault_place *place;
	const char *path;
	struct http_answer answer;
	struct vault_present present;
	bool is_behind; /* somebody wrote since it was read */
};

static void
visit_end(struct visit *visit)
{
	vault_present_done(&visit->present);
	http_answer_done(&visit->answer);
	remote_done(&visit->remote);
}

#define auto_visit __attribute__((cleanup(visit_end)))

static bool
refuse(const struct visit *visit, const struct http_answer *answer, struct err *err)
{
	remote_refuse(&visit->remote, answer, "errors", err);
	if (answer->status == 503)
		return err_wrap(err, "sealed, or not ready");
	if (answer->status == 472 || answer->status == 473)
		return err_wrap(err, "a standby, and not the active server");
	if (answer->status == 403)
		return err_wrap(err, "the right to read, create, update and patch %s/data/%s",
			visit->place->mount, visit->place->path);
	return false;
}

/* Before something is created: a mount of another kind would take it for something else. */
static bool
check_mount(struct visit *visit, struct err *err)
{
	struct arena *arena = visit->remote.tools->arena;
	const struct http_request request = { .method = "GET",
		.path = api_path(arena, visit->place,
			arena_format(arena, "sys/internal/ui/mounts/%s",
				remote_path(arena, visit->place->mount))) };
	auto_http_answer struct http_answer answer = { 0 };

	if (!remote_send(&visit->remote, &request, &answer, err))
		return false;
	if (answer.status != 200) {
		remote_refuse(&visit->remote, &answer, "errors", err);
		return err_wrap(
			err, "whether '%s' is a KV version 2 mount", visit->place->mount);
	}
	return vault_check_mount(&visit->remote, &answer, visit->place, err);
}

static bool
look(struct visit *visit, struct err *err)
{
	const struct http_request request = { .method = "GET", .path = visit->path };

	if (!remote_send(&visit->remote, &request, &visit->answer, err))
		return false;
	if (visit->answer.status != 200 && visit->answer.status != 404)
		return refuse(visit, &visit->answer, err);
	if (!vault_read_present(
		    &visit->remote, &visit->answer, visit->place, &visit->present, err))
		return false;
	/* A deleted version is told with its number, what was never there without. */
	return visit->present.version || check_mount(visit, err);
}

static bool
begin(struct visit *visit, const struct destination_tools *tools,
	const struct destination *destination, const struct secret *sent, struct err *err)
{
	struct arena *arena = tools->arena;

	visit->place = vault_place(destination);
	visit->remote = vault_at(tools, sent);
	visit->path = api_path(arena, visit->place,
		arena_format(arena, "%s/data/%s", remote_path(arena, visit->place->mount),
			remote_path(arena, visit->place->path)));
	return connect_to(&visit->remote, visit->place, err) && look(visit, err);
}

/* --- writing --- */

static bool
send_body(struct visit *visit, const char *method, const struct secret *body,
	struct http_answer *answer, struct err *err)
{
	const struct http_request request = { .method = method,
		.path = visit->path,
		.body = body,
		.content_type = !strcmp(method, "PATCH") ? MERGE_PATCH : NULL };

	return remote_send(&visit->remote, &request, answer, err);
}

/* Without the right to patch (releases before 1.9 do not know it) the whole is written, with the other keys as they were read. */
static bool
write_whole(struct visit *visit, const struct secret *body, struct http_answer *answer,
	struct err *err)
{
	auto_secret struct secret *whole =
		json_keep(body, "data", visit->answer.body, "data.data");

	if (!whole)
		return err_set(err, ERR_REFUSED, 0, "its other keys cannot be kept");
	return send_body(visit, "POST", whole, answer, err);
}

static bool
write_under(struct visit *visit, int64_t cas, const struct secret *value,
	const struct stamp *stamp, struct http_answer *answer, struct err *err)
{
	auto_secret struct secret *body = vault_body(visit->place, cas, value, stamp);

	if (!visit->present.is_there)
		return send_body(visit, "POST", body, answer, err);
	if (!send_body(visit, "PATCH", body, answer, err))
		return false;
	if (answer->status != 403 && answer->status != 405)
		return true;
	http_answer_done(answer);
	return write_whole(visit, body, answer, err);
}

static bool
probe(struct visit *visit, struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };

	if (!write_under(visit, NO_VERSION, NULL, NULL, &answer, err))
		return false;
	if (vault_is_conflict(&answer))
		return true;
	if (answer.status >= 200 && answer.status < 300)
		return err_set(err, ERR_REFUSED, 0,
			"it took a write under a version that the secret does not have: it keeps no "
			"check-and-set");
	return refuse(visit, &answer, err);
}

static bool
write_secret(struct visit *visit, const struct secret *secret, const struct stamp *stamp,
	struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };
	struct arena *arena = visit->remote.tools->arena;

	if (!write_under(visit, visit->present.version, secret, stamp, &answer, err))
		return false;
	if (answer.status == 200 && json_member(answer.body, "data.version", arena))
		return true;
	visit->is_behind =
		vault_is_conflict(&answer) || (visit->present.is_there && answer.status == 404);
	if (visit->is_behind)
		return err_set(err, ERR_LATER, 0,
			"somebody else wrote the secret since it was read (version %lld)",
			(long long)visit->present.version);
	return refuse(visit, &answer, err);
}

/* --- the kind --- */

static struct destination_uses
vault_uses(const struct destination *destination)
{
	return (struct destination_uses){ .credential = vault_place(destination)->credential };
}

static bool
vault_preflight(const struct destination_tools *tools, const struct destination *destination,
	const struct stamp *ours, struct err *err)
{
	auto_visit struct visit visit = { 0 };

	return begin(&visit, tools, destination, NULL, err) &&
	       stamp_allows(tools, &visit.present.stamp, ours, err) && probe(&visit, err);
}

static bool
is_done(const struct vault_present *present, const struct secret *secret,
	const struct stamp *stamp)
{
	return secret_equal(present->value, secret) && stamp_is_same(&present->stamp, stamp);
}

/* What an answer that was lost has written is found here, and not written again: every write pushes an old version out. */
static bool
vault_deliver(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, struct err *err)
{
	for (int try = 1;; try++) {
		auto_visit struct visit visit = { 0 };

		if (begin(&visit, tools, destination, secret, err) &&
			stamp_allows(tools, &visit.present.stamp, stamp, err) &&
			(is_done(&visit.present, secret, stamp) ||
				write_secret(&visit, secret, stamp, err)))
			return true;
		if (!visit.is_behind || try == REMOTE_TRIES)
			return false;
	}
}

static bool
vault_verify(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	auto_visit struct visit visit = { 0 };

	(void)stamp;
	if (!begin(&visit, tools, destination, secret, err))
		return false;
	if (!visit.present.value)
		return err_set(err, ERR_MOVED, 0, "is gone");
	if (!secret_equal(visit.present.value, secret))
		return err_set(err, ERR_MOVED, 0, "holds another value");
	*proof = PROOF_VALUE;
	return true;
}

static const char *
vault_inspect(const struct destination_tools *tools, const struct destination *destination)
{
	auto_visit struct visit visit = { 0 };
	struct err err;

	if (!begin(&visit, tools, destination, NULL, &err) ||
		!stamp_would_allow(tools, &visit.present.stamp, &err) || !probe(&visit, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (!visit.present.is_there)
		return visit.present.version ? "created anew (it was deleted)" : "created";
	return visit.present.value ? "new value" : "new key";
}

static bool
vault_read(const struct destination_tools *tools, const struct destination *destination,
	struct secret **secret, struct err *err)
{
	auto_visit struct visit visit = { 0 };

	if (!begin(&visit, tools, destination, NULL, err))
		return false;
	*secret = take(visit.present.value);
	return true;
}

const struct destination_row vault_row = {
	.expand = vault_expand,
	.uses = vault_uses,
	.preflight = vault_preflight,
	.deliver = vault_deliver,
	.verify = vault_verify,
	.inspect = vault_inspect,
	.read = vault_read,
};
