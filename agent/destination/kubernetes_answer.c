#include "destination/kubernetes.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

struct metadata {
	struct place at;
	const char *name, *version;
	struct annotations {
		struct place at;
		const char *stamp;
	} annotations;
};
struct data {
	struct place at;
	struct secret *value;
};
/* A Secret as far as it is ours to know. */
struct object {
	struct place at;
	const char *api, *kind, *type;
	enum stated immutable;
	struct metadata metadata;
	struct data data;
};

/* The keys are the policy's, so the tables are made for each. */
struct tables {
	char stamp_key[80];
	struct field annotations_fields[2], metadata_fields[4], data_fields[2], fields[7];
	struct shape annotations, metadata, data, object;
};

const char *
kubernetes_stamp_key(const struct kubernetes_place *place, char name[80])
{
	snprintf(name, 80, "glrotate/of-%.60s", place->key);
	return name;
}

/* clang-format off */
static const struct shape *
tables_of(const struct kubernetes_place *place, struct tables *tables)
{
	*tables = (struct tables){
		.annotations_fields = {
			{ kubernetes_stamp_key(place, tables->stamp_key), FIELD_TEXT, offsetof(struct annotations, stamp) },
		},
		.metadata_fields = {
			{ "name",            FIELD_TEXT,   offsetof(struct metadata, name) },
			{ "resourceVersion", FIELD_TEXT,   offsetof(struct metadata, version) },
			{ "annotations",     FIELD_STRUCT, offsetof(struct metadata, annotations), .shape = &tables->annotations },
		},
		.data_fields = {
			{ place->key, FIELD_SECRET, offsetof(struct data, value) },
		},
		.fields = {
			{ "apiVersion", FIELD_TEXT,   offsetof(struct object, api) },
			{ "kind",       FIELD_TEXT,   offsetof(struct object, kind) },
			{ "type",       FIELD_TEXT,   offsetof(struct object, type) },
			{ "immutable",  FIELD_BOOL,   offsetof(struct object, immutable) },
			{ "metadata",   FIELD_STRUCT, offsetof(struct object, metadata), .shape = &tables->metadata },
			{ "data",       FIELD_STRUCT, offsetof(struct object, data),     .shape = &tables->data },
		},
		.annotations = { "annotations", tables->annotations_fields, sizeof(struct annotations) },
		.metadata = { "metadata", tables->metadata_fields, sizeof(struct metadata) },
		.data = { "data", tables->data_fields, sizeof(struct data) },
		.object = { "a Secret", tables->fields, sizeof(struct object) },
	};
	kubernetes_stamp_key(place, tables->stamp_key);
	return &tables->object;
}
/* clang-format on */

bool
kubernetes_read_present(const struct remote *remote, const struct http_answer *answer,
	const struct kubernetes_place *place, struct kubernetes_present *present,
	struct err *err)
{
	struct tables tables;
	struct object object = { 0 };

	if (!remote_decode(remote, answer, tables_of(place, &tables), &object, err))
		return false;
	*present = (struct kubernetes_present){ .is_there = true,
		.version = object.metadata.version,
		.type = object.type,
		.immutable = object.immutable == STATED_YES,
		.value = object.data.value };
	stamp_parse(object.metadata.annotations.stamp, NULL, &present->stamp, NULL);
	if (object.kind && !strcmp(object.kind, "Secret") && present->version &&
		*present->version)
		return true;
	kubernetes_present_done(present);
	return err_set(err, ERR_REFUSED, 0, "the answer %d is no Secret with a resourceVersion",
		answer->status);
}

void
kubernetes_present_done(struct kubernetes_present *present)
{
	secret_free(take(present->value));
}

struct secret *
kubernetes_body(const struct kubernetes_place *place, const struct kubernetes_present *present,
	const struct secret *value, const struct stamp *stamp)
{
	char text[STAMP_TEXT_BYTES];
	struct tables tables;
	struct object object = {
		.metadata = { .version = present->version,
			.annotations = { .stamp = stamp ? stamp_text(stamp, text) : NULL } },
		.data = { .value = (struct secret *)value },
	};

	if (!present->is_there) {
		object.api = "v1";
		object.kind = "Secret";
		object.type = place->type ? place->type : "Opaque";
		object.metadata.name = place->secret;
	}
	return json_encode(tables_of(place, &tables), &object);
}

/* --- a registry's login, as docker and kubelets read it --- */

struct login {
	struct place at;
	const char *username;
	struct secret *password, *both;
};
struct logins {
	struct place at;
	struct login login;
};
struct docker {
	struct place at;
	struct logins logins;
};
struct docker_tables {
	struct field login_fields[2], fields[2];
	struct shape logins, docker;
};

/* clang-format off */
static const struct field login_fields[] = {
	{ "username", FIELD_TEXT,   offsetof(struct login, username) },
	{ "password", FIELD_SECRET, offsetof(struct login, password) },
	{ "auth",     FIELD_SECRET, offsetof(struct login, both) },
	{ NULL },
};
static const struct shape login_shape = { "a login", login_fields, sizeof(struct login) };

static const struct shape *
docker_of(const struct kubernetes_place *place, struct docker_tables *tables)
{
	*tables = (struct docker_tables){
		.login_fields = { { place->registry, FIELD_STRUCT, offsetof(struct logins, login), .shape = &login_shape } },
		.fields = { { "auths", FIELD_STRUCT, offsetof(struct docker, logins), .shape = &tables->logins } },
		.logins = { "logins", tables->login_fields, sizeof(struct logins) },
		.docker = { "a Docker configuration", tables->fields, sizeof(struct docker) },
	};
	return &tables->docker;
}
/* clang-format on */

static struct secret *
docker_text(
	const struct kubernetes_place *place, const char *username, const struct secret *secret)
{
	const size_t length = strlen(username);
	auto_secret struct secret *both = secret_new(length + 1 + secret_length(secret));
	auto_secret struct secret *coded = NULL;
	struct docker_tables tables;
	struct docker docker = { .logins = { .login = { .username = username,
						     .password = (struct secret *)secret } } };

	(void)!(secret_append(both, username, length) && secret_append(both, ":", 1) &&
		secret_join(both, secret));
	coded = secret_base64(both);
	docker.logins.login.both = coded;
	return json_encode(docker_of(place, &tables), &docker);
}

/* NULL when what stands there is no Docker configuration. */
static struct secret *
with_others(const struct secret *text, const struct secret *present)
{
	auto_secret struct secret *plain = secret_unbase64(present);

	return plain ? json_keep(text, "auths", plain, "auths") : NULL;
}

bool
kubernetes_value(const struct kubernetes_place *place, const struct delivered *delivered,
	const struct secret *present, const struct secret *secret, struct secret **value,
	struct err *err)
{
	const char *username = place->username;
	auto_secret struct secret *text = NULL, *kept = NULL;

	if (!place->registry) {
		*value = secret_base64(secret);
		return true;
	}
	if (!username && delivered)
		username = delivered->username;
	if (!username && delivered)
		return err_set(
			err, ERR_REFUSED, 0, "it is not known who logs in: add 'username:'");
	text = docker_text(place, username ? username : "", secret);
	kept = present ? with_others(text, present) : NULL;
	*value = secret_base64(kept ? kept : text);
	return true;
}

struct secret *
kubernetes_secret_in(
	const struct kubernetes_place *place, const struct secret *value, struct arena *arena)
{
	auto_secret struct secret *plain = secret_unbase64(value);
	struct docker_tables tables;
	struct docker docker = { 0 };
	struct err ignored;

	if (!place->registry || !plain)
		return take(plain);
	if (!json_decode(plain, docker_of(place, &tables), arena, &docker, &ignored))
		return NULL;
	secret_free(docker.logins.login.both);
	return docker.logins.login.password;
}
