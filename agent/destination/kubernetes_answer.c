#include "destination/kubernetes.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "destination/format.h"

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

static struct format_entry
login_of(const struct kubernetes_place *place)
{
	return (struct format_entry){
		.format = FORMAT_DOCKER, .host = place->registry, .username = place->username
	};
}

/* Some readers go by these, and what kubectl makes has them beside `auth`. */
static bool
put_beside(const struct kubernetes_place *place, const char *name, const struct secret *value,
	struct secret **text, struct err *err)
{
	const char *const path[] = { "auths", place->registry, name };
	const struct format_entry member = { .format = FORMAT_JSON,
		.key = { (const char **)path, ARRAY_SIZE(path) } };
	auto_secret struct secret *before = take(*text);

	return format_merge(&member, NULL, before, value, text, err);
}

static bool
docker_text(const struct kubernetes_place *place, const char *username,
	const struct secret *present, const struct secret *secret, struct secret **text,
	struct err *err)
{
	const struct format_entry login = login_of(place);
	auto_secret struct secret *name = secret_copy(username, strlen(username));
	auto_secret struct secret *draft = NULL;

	if (!format_merge(&login, username, present, secret, &draft, err) ||
		!put_beside(place, "username", name, &draft, err) ||
		!put_beside(place, "password", secret, &draft, err))
		return false;
	*text = take(draft);
	return true;
}

bool
kubernetes_value(const struct kubernetes_place *place, const struct delivered *delivered,
	const struct secret *present, const struct secret *secret, struct secret **value,
	struct err *err)
{
	const char *username = place->username;
	auto_secret struct secret *text = NULL, *plain = NULL;

	if (!place->registry) {
		*value = secret_base64(secret);
		return true;
	}
	if (!username && delivered)
		username = delivered->username;
	if (!username && delivered)
		return err_set(
			err, ERR_REFUSED, 0, "it is not known who logs in: add 'username:'");
	plain = present ? secret_unbase64(present) : NULL;
	if (present && !plain)
		return err_set(
			err, ERR_REFUSED, 0, "what stands under %s is no base64", place->key);
	if (!docker_text(
		    place, username ? username : FORMAT_USERNAME, plain, secret, &text, err))
		return err_wrap(err, "what stands under %s", place->key);
	*value = secret_base64(text);
	return true;
}

struct secret *
kubernetes_secret_in(const struct kubernetes_place *place, const struct secret *value)
{
	const struct format_entry login = login_of(place);
	auto_secret struct secret *plain = secret_unbase64(value);
	struct secret *secret = NULL;
	struct err ignored;

	if (!place->registry || !plain)
		return take(plain);
	return format_read(&login, plain, &secret, &ignored) ? secret : NULL;
}
