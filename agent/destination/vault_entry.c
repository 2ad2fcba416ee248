#include "destination/vault.h"

#include <assert.h>
#include <string.h>

#include "base/checks.h"

#define PATH_MOST 1000
#define KEY_MOST 255

enum vault_auth { AUTH_TOKEN = 1, AUTH_APPROLE };

struct vault_token {
	struct place at;
	const char *credential;
};
struct vault_approle {
	struct place at;
	const char *role_id, *secret_id, *mount;
};

/* clang-format off */
#define FILLS(member) offsetof(struct vault_token, member)
static const struct field token_fields[] = {
	{ "credential", FIELD_TEXT, FILLS(credential), .required = true, .check = check_credential,
	  .help = "Vault's token: a systemd credential's name, or the absolute path of a file of mode 0600" },
	{ NULL },
};
static const struct shape token_shape = {
	.name = "a Vault token", .fields = token_fields, .bytes = sizeof(struct vault_token),
	.scalar = "credential",
};

#undef FILLS
#define FILLS(member) offsetof(struct vault_approle, member)
static const struct field approle_fields[] = {
	{ "role_id",   FIELD_TEXT, FILLS(role_id), .required = true, .min = 1,
	  .help = "the role's id, which is no secret" },
	{ "secret_id", FIELD_TEXT, FILLS(secret_id), .required = true, .check = check_credential,
	  .help = "the role's secret id: a systemd credential's name, or the absolute path of a file of mode 0600" },
	{ "mount",     FIELD_TEXT, FILLS(mount), .min = 1,
	  .help = "where AppRole is mounted; unstated: approle" },
	{ NULL },
};
static const struct shape approle_shape = {
	.name = "an AppRole", .fields = approle_fields, .bytes = sizeof(struct vault_approle),
};

static const struct arm auths[] = {
	{ "token",   &token_shape,   AUTH_TOKEN,   "a token of Vault's that somebody keeps alive" },
	{ "approle", &approle_shape, AUTH_APPROLE, "one login a run; its token is revoked at the end" },
	{ NULL },
};

#undef FILLS
#define FILLS(member) offsetof(struct vault_entry, member)
static const struct field entry_fields[] = {
	{ "url",       FIELD_TEXT, FILLS(url), .required = true, .check = check_url,
	  .help = "the server: https://HOST[:PORT]; http:// only for this machine itself" },
	{ "path",      FIELD_TEXT, FILLS(path), .required = true, .max = PATH_MOST,
	  .help = "of the secret, as vault kv get takes it: MOUNT/PATH, or PATH with mount; may hold templates" },
	{ "mount",     FIELD_TEXT, FILLS(mount), .max = PATH_MOST,
	  .help = "where the KV version 2 is mounted; unstated: the first part of path" },
	{ "key",       FIELD_TEXT, FILLS(key), .required = true, .max = KEY_MOST,
	  .help = "within the secret, whose other keys are kept; the stamp is KEY_glrotate beside it; may hold templates" },
	{ "auth",      FIELD_ARMS, FILLS(auth), .required = true, .arms = auths,
	  .help = "as whom" },
	{ "namespace", FIELD_TEXT, FILLS(namespace), .max = PATH_MOST,
	  .help = "of Vault Enterprise or OpenBao; unstated: none" },
	{ "ca_file",   FIELD_TEXT, FILLS(ca_file), .check = check_absolute,
	  .help = "certificates to trust instead of the system's: an absolute path" },
	{ NULL },
};
const struct shape vault_entry_shape = {
	.name = "a vault", .fields = entry_fields, .bytes = sizeof(struct vault_entry),
};

#undef FILLS
#define FILLS(member) offsetof(struct vault_place, member)
static const struct field place_fields[] = {
	{ "url",        FIELD_TEXT, FILLS(url),        .required = true },
	{ "ca_file",    FIELD_TEXT, FILLS(ca_file) },
	{ "namespace",  FIELD_TEXT, FILLS(namespace) },
	{ "mount",      FIELD_TEXT, FILLS(mount),      .required = true },
	{ "path",       FIELD_TEXT, FILLS(path),       .required = true },
	{ "key",        FIELD_TEXT, FILLS(key),        .required = true },
	{ "credential", FIELD_TEXT, FILLS(credential), .required = true },
	{ "role_id",    FIELD_TEXT, FILLS(role_id) },
	{ "role_mount", FIELD_TEXT, FILLS(role_mount) },
	{ NULL },
};
const struct shape vault_place_shape = {
	.name = "a place in Vault", .fields = place_fields, .bytes = sizeof(struct vault_place),
};
/* clang-format on */

const struct vault_place *
vault_place(const struct destination *destination)
{
	assert(destination->to.kind == DESTINATION_VAULT);
	return destination->to.value;
}

/* `secret/data/ci`, as the API has it, would be written to beside the secret that is meant. */
static bool
split_mount(struct vault_place *place, struct arena *arena, struct err *err)
{
	const char *slash = strchr(place->path, '/');

	if (!slash)
		return err_set(err, ERR_POLICY, 0,
			"path '%s' is a mount alone: expected MOUNT/PATH, or 'mount:' beside it",
			place->path);
	place->mount = arena_text_n(arena, place->path, (size_t)(slash - place->path));
	place->path = slash + 1;
	if (!strncmp(place->path, "data/", 5) || !strncmp(place->path, "metadata/", 9))
		return err_set(err, ERR_POLICY, 0,
			"path '%s/%s': write it as 'vault kv get' takes it, without data/; where a "
			"secret is called so, say 'mount: %s'",
			place->mount, place->path, place->mount);
	return true;
}

static bool
check_place(const struct vault_place *place, struct err *err)
{
	const char *paths[] = { place->mount, place->path,
		place->namespace ? place->namespace : "none",
		place->role_mount ? place->role_mount : "none" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!path_is_clean(paths[i]))
			return err_set(err, ERR_POLICY, 0,
				"'%s' is no path in Vault: parts between single slashes, none '.' or '..'",
				paths[i]);
	if (!*place->key || strlen(place->key) > KEY_MOST)
		return err_set(
			err, ERR_POLICY, 0, "'%s' is no key: 1 to 255 bytes", place->key);
	if (strstr(place->key, VAULT_STAMP_SUFFIX))
		return err_set(err, ERR_POLICY, 0,
			"'%s' is the key of a stamp, which glrotate writes itself", place->key);
	return true;
}

static void
take_auth(const struct choice *auth, struct vault_place *place)
{
	if (auth->kind == AUTH_TOKEN) {
		const struct vault_token *token = auth->value;

		place->credential = token->credential;
	} else {
		const struct vault_approle *role = auth->value;

		place->credential = role->secret_id;
		place->role_id = role->role_id;
		place->role_mount = role->mount ? role->mount : "approle";
	}
}

bool
vault_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct vault_entry *entry = value;
	struct arena *arena = expansion->arena;
	struct vault_place place = { .at = entry->at,
		.url = remote_trimmed(arena, entry->url),
		.ca_file = entry->ca_file };
	const char *path, *mount, *namespace;

	if (!template_fill(entry->path, expansion->token, arena, &path, err) ||
		!template_fill(entry->mount, expansion->token, arena, &mount, err) ||
		!template_fill(entry->namespace, expansion->token, arena, &namespace, err) ||
		!template_fill(entry->key, expansion->token, arena, &place.key, err))
		return false;
	place.path = remote_trimmed(arena, path);
	place.mount = mount ? remote_trimmed(arena, mount) : NULL;
	place.namespace = namespace ? remote_trimmed(arena, namespace) : NULL;
	take_auth(&entry->auth, &place);
	if ((!place.mount && !split_mount(&place, arena, err)) || !check_place(&place, err))
		return false;
	expansion_add(expansion, DESTINATION_VAULT,
		arena_format(arena, "vault %s %s%s%s/%s %s", place.url,
			place.namespace ? place.namespace : "", place.namespace ? "/" : "",
			place.mount, place.path, place.key),
		&place, sizeof(place));
	return true;
}
