/* vault.h: the parts of the destination of that name, each its file; for these files only.
 * vault_entry.c   the policy's words → one key of one secret
 * vault_answer.c  what stands there, and what is sent: the bodies, and nothing asked
 * vault.c         preflight, deliver, verify: what is asked of Vault or OpenBao
 *
 * The stamp is a key beside the secret's own, in the same version: one request writes both or neither, under the check-and-set of
 * that version, so that no reader and no second agent ever sees one without the other. The custom metadata of a secret would be a
 * request of its own, which nothing guards. */
#ifndef DESTINATION_VAULT_H
#define DESTINATION_VAULT_H

#include "destination/kind.h"
#include "destination/remote.h"

/* Of the stamp's key, behind the secret's. */
#define VAULT_STAMP_SUFFIX "_glrotate"

const struct vault_place *vault_place(const struct destination *destination);
bool vault_expand(const void *entry, const struct expansion *expansion, struct err *err);

/* What stands at the path. */
struct vault_present {
	int64_t version;      /* of the secret as a whole; 0: there never was one, or it is not known */
	bool is_there;        /* that version is neither deleted nor destroyed */
	struct secret *value; /* of the key; NULL: it has none */
	struct stamp stamp;
};
void vault_present_done(struct vault_present *present);

/* Fails: ERR_REFUSED when it is no answer of a KV version 2. */
must_check bool vault_read_present(const struct remote *remote,
	const struct http_answer *answer, const struct vault_place *place,
	struct vault_present *present, struct err *err);

/* A body that writes under the version `cas`. `value` NULL: nothing. */
struct secret *vault_body(const struct vault_place *place, int64_t cas,
	const struct secret *value, const struct stamp *stamp);

/* Whether it refused because that is not the present version. */
bool vault_is_conflict(const struct http_answer *answer);

/* Puts the token that a login answered into remote->credential. */
must_check bool vault_read_login(struct remote *remote, const struct http_answer *answer,
	int64_t *lease_sec, struct err *err);
struct secret *vault_login_body(const char *role_id, struct secret *secret_id);

/* Whether the answer of sys/internal/ui/mounts says KV version 2. Fails: ERR_REFUSED saying what it is. */
must_check bool vault_check_mount(const struct remote *remote, const struct http_answer *answer,
	const struct vault_place *place, struct err *err);

#endif
