/* kubernetes.h: the parts of the destination of that name, each its file; for these files, and their test, only.
 * kubernetes_entry.c   the policy's words → one key of one Secret
 * kubernetes_access.c  where the API server is, and as whom: stated, a kubeconfig's, or the cluster's that we run in
 * kubernetes_answer.c  a Secret as it is read and written: bodies, and nothing asked
 * kubernetes.c         preflight, deliver, verify: what is asked of the API server
 *
 * The stamp is an annotation of the Secret, one for each key: value and stamp go in one merge patch, under the resourceVersion
 * that was read, so that both are written or neither. */
#ifndef DESTINATION_KUBERNETES_H
#define DESTINATION_KUBERNETES_H

#include "destination/kind.h"
#include "destination/remote.h"

#define DOCKER_TYPE "kubernetes.io/dockerconfigjson"
#define DOCKER_KEY ".dockerconfigjson"

const struct kubernetes_place *kubernetes_place(const struct destination *destination);
bool kubernetes_expand(const void *entry, const struct expansion *expansion, struct err *err);

/* --- kubernetes_access.c --- */
/* Opens the connection, with its credential. Fails: ERR_REFUSED with the reason. */
must_check bool kubernetes_connect(
	struct remote *remote, const struct kubernetes_place *place, struct err *err);

/* What a kubeconfig says, as far as it can be used here; texts in `arena`. */
struct kubeconfig_access {
	const char *server, *ca_file, *ca_base64, *token_file;
};
must_check bool kubeconfig_read(const char *file, const char *context, struct arena *arena,
	struct kubeconfig_access *access, struct err *err);

/* The service account's token in `folder`, which is a link that the kubelet replaces. The caller's. */
must_check bool kubernetes_account_token(
	const char *folder, struct secret **token, struct err *err);

/* --- kubernetes_answer.c --- */
struct kubernetes_present {
	bool is_there;
	const char *version; /* resourceVersion */
	const char *type;
	bool immutable;
	struct secret *value; /* of the key, in base64 as it stands there; NULL: it has none */
	struct stamp stamp;
};
void kubernetes_present_done(struct kubernetes_present *present);
#define auto_kubernetes_present __attribute__((cleanup(kubernetes_present_done)))

/* Fails: ERR_REFUSED. */
must_check bool kubernetes_read_present(const struct remote *remote,
	const struct http_answer *answer, const struct kubernetes_place *place,
	struct kubernetes_present *present, struct err *err);

/* The key's value for that secret, in base64; a registry's with all else that `present` (may be NULL) has.
 * Owns:  *value is the caller's.
 * Fails: ERR_REFUSED when `present` cannot be understood; then it must not be touched. */
must_check bool kubernetes_value(const struct kubernetes_place *place,
	const struct delivered *delivered, const struct secret *present,
	const struct secret *secret, struct secret **value, struct err *err);
/* The secret in such a value, or NULL when it is none of ours. The caller's. */
struct secret *kubernetes_secret_in(
	const struct kubernetes_place *place, const struct secret *value);

/* A merge patch under the version that was read, or, when it is not there, a whole Secret. `stamp` may be NULL. The caller's. */
struct secret *kubernetes_body(const struct kubernetes_place *place,
	const struct kubernetes_present *present, const struct secret *value,
	const struct stamp *stamp);

/* The annotation's name. */
const char *kubernetes_stamp_key(const struct kubernetes_place *place, char name[80]);

#endif
