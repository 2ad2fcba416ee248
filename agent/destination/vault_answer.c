#include "destination/vault.h"

#include <string.h>

#include "base/json.h"
#include "base/when.h"

/* No run lasts longer, and milliseconds of it can be added to any clock. */
#define LEASE_MOST_SEC (365 * DAY_SEC)

/* --- what a reading answers --- */

struct contents {
	struct place at;
	struct secret *value;
	const char *stamp;
};
struct version {
	struct place at;
	int64_t number;
};
struct reading {
	struct place at;
	struct contents contents;
	struct version version;
};
struct answer {
	struct place at;
	struct reading reading;
};

/* The keys are the policy's, so the tables are made for each. */
static const char *
stamp_key(const struct vault_place *place, char *key, size_t bytes)
{
	snprintf(key, bytes, "%s" VAULT_STAMP_SUFFIX, place->key);
	return key;
}

static bool
decode_reading(const struct remote *remote, const struct http_answer *answer,
	const struct vault_place *place, struct answer *found, struct err *err)
{
	char key[300];
	const struct field contents_fields[] = {
		{ place->key, FIELD_SECRET, offsetof(struct contents, value) },
		{ stamp_key(place, key, sizeof(key)), FIELD_TEXT,
			offsetof(struct contents, stamp) },
		{ NULL },
	};
	static const struct field version_fields[] = {
		{ "version", FIELD_INT, offsetof(struct version, number), .min = 1 },
		{ NULL },
	};
	static const struct shape version_shape = { "a version", version_fields,
		sizeof(struct version) };
	const struct shape contents_shape = { "a secret's data", contents_fields,
		sizeof(struct contents) };
	const struct field reading_fields[] = {
		{ "data", FIELD_STRUCT, offsetof(struct reading, contents),
			.shape = &contents_shape },
		{ "metadata", FIELD_STRUCT, offsetof(struct reading, version),
			.shape = &version_shape },
		{ NULL },
	};
	const struct shape reading_shape = { "a secret", reading_fields,
		sizeof(struct reading) };
	const struct field answer_fields[] = {
		{ "data", FIELD_STRUCT, offsetof(struct answer, reading),
			.shape = &reading_shape },
		{ NULL },
	};
	const struct shape answer_shape = { "an answer", answer_fields, sizeof(struct answer) };

	return remote_decode(remote, answer, &answer_shape, found, err);
}

bool
vault_read_present(const struct remote *remote, const struct http_answer *answer,
	const struct vault_place *place, struct vault_present *present, struct err *err)
{
	struct answer found = { 0 };

	if (!decode_reading(remote, answer, place, &found, err))
		return false;
	*present = (struct vault_present){ .version = found.reading.version.number,
		.is_there = answer->status == 200,
		.value = found.reading.contents.value };
	stamp_parse(found.reading.contents.stamp, NULL, &present->stamp, NULL);
	if (!present->is_there || present->version)
		return true;
	return err_set(err, ERR_REFUSED, 0,
		"the answer has no version: '%s' is no KV version 2 mount", place->mount);
}

void
vault_present_done(struct vault_present *present)
{
	secret_free(take(present->value));
}

/* Looked for where it is, for a body that quotes the request holds secrets. */
bool
vault_is_conflict(const struct http_answer *answer)
{
	static const char words[] = "check-and-set parameter did not match";
	auto_secret struct secret *wanted = secret_copy(words, strlen(words));

	return answer->status == 400 && secret_holds(answer->body, wanted);
}

/* --- what is sent --- */

struct options {
	struct place at;
	int64_t cas;
};
struct writing {
	struct place at;
	struct options options;
	struct contents contents;
};

struct secret *
vault_body(const struct vault_place *place, int64_t cas, const struct secret *value,
	const struct stamp *stamp)
{
	char key[300], text[STAMP_TEXT_BYTES];
	static const struct field options_fields[] = {
		{ "cas", FIELD_INT, offsetof(struct options, cas), .required = true },
		{ NULL },
	};
	static const struct shape options_shape = { "options", options_fields,
		sizeof(struct options) };
	const struct field contents_fields[] = {
		{ place->key, FIELD_SECRET, offsetof(struct contents, value) },
		{ stamp_key(place, key, sizeof(key)), FIELD_TEXT,
			offsetof(struct contents, stamp) },
		{ NULL },
	};
	const struct shape contents_shape = { "a secret's data", contents_fields,
		sizeof(struct contents) };
	const struct field fields[] = {
		{ "options", FIELD_STRUCT, offsetof(struct writing, options), .required = true,
			.shape = &options_shape },
		{ "data", FIELD_STRUCT, offsetof(struct writing, contents), .required = true,
			.shape = &contents_shape },
		{ NULL },
	};
	const struct shape shape = { "a write", fields, sizeof(struct writing) };
	const struct writing writing = { .options = { .cas = cas },
		.contents = { .value = (struct secret *)value,
			.stamp = value ? stamp_text(stamp, text) : NULL } };

	return json_encode(&shape, &writing);
}

/* --- a login --- */

struct grant {
	struct place at;
	struct secret *token;
	int64_t lease_sec;
};
struct login {
	struct place at;
	struct grant grant;
};
struct proof_of_role {
	struct place at;
	const char *role_id;
	struct secret *secret_id;
};

struct secret *
vault_login_body(const char *role_id, struct secret *secret_id)
{
	static const struct field fields[] = {
		{ "role_id", FIELD_TEXT, offsetof(struct proof_of_role, role_id) },
		{ "secret_id", FIELD_SECRET, offsetof(struct proof_of_role, secret_id) },
		{ NULL },
	};
	static const struct shape shape = { "a login", fields, sizeof(struct proof_of_role) };
	const struct proof_of_role proof = { .role_id = role_id, .secret_id = secret_id };

	return json_encode(&shape, &proof);
}

bool
vault_read_login(struct remote *remote, const struct http_answer *answer, int64_t *lease_sec,
	struct err *err)
{
	static const struct field grant_fields[] = {
		{ "client_token", FIELD_SECRET, offsetof(struct grant, token),
			.required = true },
		{ "lease_duration", FIELD_INT, offsetof(struct grant, lease_sec), .min = 0,
			.max = INT64_MAX },
		{ NULL },
	};
	static const struct shape grant_shape = { "a grant", grant_fields,
		sizeof(struct grant) };
	static const struct field fields[] = {
		{ "auth", FIELD_STRUCT, offsetof(struct login, grant), .required = true,
			.shape = &grant_shape },
		{ NULL },
	};
	static const struct shape shape = { "a login's answer", fields, sizeof(struct login) };
	struct login login = { 0 };

	if (!remote_decode(remote, answer, &shape, &login, err))
		return false;
	remote->credential = login.grant.token;
	*lease_sec =
		login.grant.lease_sec < LEASE_MOST_SEC ? login.grant.lease_sec : LEASE_MOST_SEC;
	return true;
}

/* --- a mount --- */

/* KV version 1 would take a write to MOUNT/data/PATH for a secret of that name, and keep it. */
bool
vault_check_mount(const struct remote *remote, const struct http_answer *answer,
	const struct vault_place *place, struct err *err)
{
	struct arena *arena = remote->tools->arena;
	const char *type = json_member(answer->body, "data.type", arena);
	const char *version = json_member(answer->body, "data.options.version", arena);

	if (type && (!strcmp(type, "kv") || !strcmp(type, "generic")) && version &&
		!strcmp(version, "2"))
		return true;
	if (type && !strcmp(type, "kv"))
		return err_set(err, ERR_REFUSED, 0,
			"the mount '%s' is KV version 1, which has neither versions nor check-and-set: "
			"vault kv enable-versioning",
			place->mount);
	return err_set(err, ERR_REFUSED, 0, "the mount '%s' is of type '%.40s', and not kv",
		place->mount, type ? type : "unknown");
}
