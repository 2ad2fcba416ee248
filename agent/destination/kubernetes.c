#include "destination/kubernetes.h"

#include <string.h>

#define MERGE_PATCH "application/merge-patch+json"
/* What a write that runs dry holds where there is nothing to repeat. */
#define PLACEHOLDER_VALUE "glrotate-placeholder"

/* One Secret, as it was read. */
struct visit {
	struct remote remote;
	const struct kubernetes_place *place;
	struct kubernetes_present present;
	bool is_behind; /* somebody wrote since it was read */
};

static void
visit_end(struct visit *visit)
{
	kubernetes_present_done(&visit->present);
	remote_done(&visit->remote);
}

#define auto_visit __attribute__((cleanup(visit_end)))

static bool
refuse(const struct visit *visit, const struct http_answer *answer, struct err *err)
{
	remote_refuse(&visit->remote, answer, "message", err);
	if (answer->status == 401)
		return err_wrap(err, "the API server does not know its token");
	if (answer->status == 403)
		return err_wrap(err, "the right to get, patch and create secrets in %s",
			visit->place->namespace);
	return false;
}

/* --- reading --- */

static const char *
secrets_path(const struct visit *visit)
{
	return arena_format(visit->remote.tools->arena, "/api/v1/namespaces/%s/secrets",
		remote_path(visit->remote.tools->arena, visit->place->namespace));
}

static const char *
secret_path(const struct visit *visit)
{
	return arena_format(visit->remote.tools->arena, "%s/%s", secrets_path(visit),
		remote_path(visit->remote.tools->arena, visit->place->secret));
}

static bool
look(struct visit *visit, struct err *err)
{
	const struct http_request request = { .method = "GET", .path = secret_path(visit) };
	auto_http_answer struct http_answer answer = { 0 };

	if (!remote_send(&visit->remote, &request, &answer, err))
		return false;
	if (answer.status == 404)
		return true;
	if (answer.status != 200)
		return refuse(visit, &answer, err);
	return kubernetes_read_present(
		&visit->remote, &answer, visit->place, &visit->present, err);
}

static bool
begin(struct visit *visit, const struct destination_tools *tools,
	const struct destination *destination, const struct secret *sent, struct err *err)
{
	visit->place = kubernetes_place(destination);
	visit->remote = (struct remote){ .tools = tools,
		.what = "the API server",
		.credential_head = "Authorization: Bearer ",
		.sent = sent };
	return kubernetes_connect(&visit->remote, visit->place, err) && look(visit, err);
}

/* --- what may be written there --- */

static bool
check_present(const struct visit *visit, const struct stamp *ours, struct err *err)
{
	const struct kubernetes_present *present = &visit->present;
	const char *type = visit->place->type;

	if (present->immutable)
		return err_set(err, ERR_REFUSED, 0,
			"the Secret is immutable: delete it, and it is created anew");
	if (present->is_there && type && present->type && strcmp(type, present->type))
		return err_set(err, ERR_REFUSED, 0,
			"the Secret is of type %s, and %s is wanted: Kubernetes changes no type, delete it",
			present->type, type);
	return !ours || stamp_allows(visit->remote.tools, &present->stamp, ours, err);
}

/* --- writing --- */

static bool
value_for(const struct visit *visit, const struct secret *secret, struct secret **value,
	struct err *err)
{
	return kubernetes_value(visit->place, visit->remote.tools->delivered,
		visit->present.value, secret, value, err);
}

static bool
send_body(struct visit *visit, bool dry, const struct secret *body, struct http_answer *answer,
	struct err *err)
{
	const bool patches = visit->present.is_there;
	const struct http_request request = { .method = patches ? "PATCH" : "POST",
		.path = arena_format(visit->remote.tools->arena, "%s?fieldManager=glrotate%s",
			patches ? secret_path(visit) : secrets_path(visit),
			dry ? "&dryRun=All" : ""),
		.body = body,
		.content_type = patches ? MERGE_PATCH : NULL };

	if (!remote_send(&visit->remote, &request, answer, err))
		return false;
	visit->is_behind = answer->status == 409 || (patches && answer->status == 404);
	if (visit->is_behind)
		return err_set(
			err, ERR_LATER, 0, "somebody else wrote the Secret since it was read");
	return answer->status == 200 || answer->status == 201 || refuse(visit, answer, err);
}

/* Whatever decides about a write decides about this one; nothing is kept of it, so it may be about any version. */
static bool
run_dry(struct visit *visit, struct err *err)
{
	auto_secret struct secret *placeholder =
		secret_copy(PLACEHOLDER_VALUE, strlen(PLACEHOLDER_VALUE));
	auto_secret struct secret *value = NULL, *body = NULL;
	struct kubernetes_present any = visit->present;
	auto_http_answer struct http_answer answer = { 0 };

	if (!value_for(visit, placeholder, &value, err))
		return false;
	any.version = NULL;
	body = kubernetes_body(visit->place, &any, any.value ? any.value : value, NULL);
	return send_body(visit, true, body, &answer, err);
}

static bool
is_done(const struct kubernetes_present *present, const struct secret *value,
	const struct stamp *stamp)
{
	return secret_equal(present->value, value) && stamp_is_same(&present->stamp, stamp);
}

/* What stands between the API server and its store may change what is written. */
static bool
write_value(struct visit *visit, const struct secret *value, const struct stamp *stamp,
	struct err *err)
{
	auto_secret struct secret *body =
		kubernetes_body(visit->place, &visit->present, value, stamp);
	auto_http_answer struct http_answer answer = { 0 };
	auto_kubernetes_present struct kubernetes_present kept = { 0 };
	bool ok;

	visit->remote.coded = value;
	ok = send_body(visit, false, body, &answer, err) &&
	     kubernetes_read_present(&visit->remote, &answer, visit->place, &kept, err);
	visit->remote.coded = NULL;
	if (!ok)
		return false;
	return is_done(&kept, value, stamp) ||
	       err_set(err, ERR_REFUSED, 0,
		       "the API server keeps another value or stamp than was sent");
}

/* --- the kind --- */

/* A kubeconfig names a file that is sent, and the server that it is sent to. */
static struct destination_uses
kubernetes_uses(const struct destination *destination)
{
	const struct kubernetes_place *place = kubernetes_place(destination);
	const char *named = place->kubeconfig ? place->kubeconfig : DESTINATION_IN_CLUSTER;

	return (struct destination_uses){ .credential = place->token ? place->token : named };
}

static bool
kubernetes_preflight(const struct destination_tools *tools,
	const struct destination *destination, const struct stamp *ours, struct err *err)
{
	/* Other workers write other keys of the same Secret meanwhile. */
	for (int try = 1;; try++) {
		auto_visit struct visit visit = { 0 };

		if (begin(&visit, tools, destination, NULL, err) &&
			check_present(&visit, ours, err) && run_dry(&visit, err))
			return true;
		if (!visit.is_behind || try == REMOTE_TRIES)
			return false;
	}
}

static bool
kubernetes_deliver(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, struct err *err)
{
	for (int try = 1;; try++) {
		auto_visit struct visit visit = { 0 };
		auto_secret struct secret *value = NULL;

		if (begin(&visit, tools, destination, secret, err) &&
			check_present(&visit, stamp, err) &&
			value_for(&visit, secret, &value, err) &&
			(is_done(&visit.present, value, stamp) ||
				write_value(&visit, value, stamp, err)))
			return true;
		if (!visit.is_behind || try == REMOTE_TRIES)
			return false;
	}
}

static bool
kubernetes_verify(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	auto_visit struct visit visit = { 0 };
	auto_secret struct secret *found = NULL;

	(void)stamp;
	if (!begin(&visit, tools, destination, secret, err))
		return false;
	if (!visit.present.value)
		return err_set(err, ERR_MOVED, 0, "is gone");
	found = kubernetes_secret_in(visit.place, visit.present.value);
	if (!secret_equal(found, secret))
		return err_set(err, ERR_MOVED, 0, "holds another value");
	*proof = PROOF_VALUE;
	return true;
}

static const char *
kubernetes_inspect(const struct destination_tools *tools, const struct destination *destination)
{
	auto_visit struct visit visit = { 0 };
	struct err err;

	if (!begin(&visit, tools, destination, NULL, &err) ||
		!check_present(&visit, NULL, &err) ||
		!stamp_would_allow(tools, &visit.present.stamp, &err) || !run_dry(&visit, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (!visit.present.is_there)
		return arena_format(tools->arena, "created (%s)",
			visit.place->type ? visit.place->type : "Opaque");
	return visit.present.value ? "new value" : "new key";
}

static bool
kubernetes_read(const struct destination_tools *tools, const struct destination *destination,
	struct secret **secret, struct err *err)
{
	auto_visit struct visit visit = { 0 };

	if (!begin(&visit, tools, destination, NULL, err))
		return false;
	*secret = visit.present.value ? kubernetes_secret_in(visit.place, visit.present.value)
	                              : NULL;
	return true;
}

const struct destination_row kubernetes_row = {
	.expand = kubernetes_expand,
	.uses = kubernetes_uses,
	.preflight = kubernetes_preflight,
	.deliver = kubernetes_deliver,
	.verify = kubernetes_verify,
	.inspect = kubernetes_inspect,
	.read = kubernetes_read,
};
