#include "destination/kubernetes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/credential.h"
#include "base/diag.h"
#include "base/yaml.h"

#define ACCOUNT_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"
#define TOKEN_MAX_BYTES ((size_t)64 * 1024)

/* --- a kubeconfig --- */

struct cluster {
	struct place at;
	const char *server, *ca_file, *ca_data, *skip_verify, *server_name, *proxy;
};
struct program {
	struct place at;
};
struct user {
	struct place at;
	const char *token, *token_file, *certificate, *certificate_data, *password;
	struct program exec, provider;
};
struct context {
	struct place at;
	const char *cluster, *user;
};
struct named_cluster {
	struct place at;
	const char *name;
	struct cluster cluster;
};
struct named_user {
	struct place at;
	const char *name;
	struct user user;
};
struct named_context {
	struct place at;
	const char *name;
	struct context context;
};
struct kubeconfig {
	struct place at;
	const char *current;
	struct list clusters, users, contexts;
};

/* clang-format off */
#define SHAPE(variable, words, table, type) \
	static const struct shape variable = { .name = words, .fields = table, .bytes = sizeof(type), .tolerant = true }

static const struct field cluster_fields[] = {
	{ "server",                     FIELD_TEXT, offsetof(struct cluster, server) },
	{ "certificate-authority",      FIELD_TEXT, offsetof(struct cluster, ca_file) },
	{ "certificate-authority-data", FIELD_TEXT, offsetof(struct cluster, ca_data) },
	{ "insecure-skip-tls-verify",   FIELD_TEXT, offsetof(struct cluster, skip_verify) },
	{ "tls-server-name",            FIELD_TEXT, offsetof(struct cluster, server_name) },
	{ "proxy-url",                  FIELD_TEXT, offsetof(struct cluster, proxy) },
	{ NULL },
};
SHAPE(cluster_shape, "a cluster", cluster_fields, struct cluster);
static const struct field no_fields[] = { { NULL } };
SHAPE(program_shape, "a program", no_fields, struct program);
static const struct field user_fields[] = {
	{ "token",                   FIELD_TEXT,   offsetof(struct user, token) },
	{ "tokenFile",               FIELD_TEXT,   offsetof(struct user, token_file) },
	{ "client-certificate",      FIELD_TEXT,   offsetof(struct user, certificate) },
	{ "client-certificate-data", FIELD_TEXT,   offsetof(struct user, certificate_data) },
	{ "password",                FIELD_TEXT,   offsetof(struct user, password) },
	{ "exec",                    FIELD_STRUCT, offsetof(struct user, exec), .shape = &program_shape },
	{ "auth-provider",           FIELD_STRUCT, offsetof(struct user, provider), .shape = &program_shape },
	{ NULL },
};
SHAPE(user_shape, "a user", user_fields, struct user);
static const struct field context_fields[] = {
	{ "cluster", FIELD_TEXT, offsetof(struct context, cluster) },
	{ "user",    FIELD_TEXT, offsetof(struct context, user) },
	{ NULL },
};
SHAPE(context_shape, "a context", context_fields, struct context);
static const struct field named_cluster_fields[] = {
	{ "name",    FIELD_TEXT,   offsetof(struct named_cluster, name) },
	{ "cluster", FIELD_STRUCT, offsetof(struct named_cluster, cluster), .shape = &cluster_shape },
	{ NULL },
};
SHAPE(named_cluster_shape, "a cluster", named_cluster_fields, struct named_cluster);
static const struct field named_user_fields[] = {
	{ "name", FIELD_TEXT,   offsetof(struct named_user, name) },
	{ "user", FIELD_STRUCT, offsetof(struct named_user, user), .shape = &user_shape },
	{ NULL },
};
SHAPE(named_user_shape, "a user", named_user_fields, struct named_user);
static const struct field named_context_fields[] = {
	{ "name",    FIELD_TEXT,   offsetof(struct named_context, name) },
	{ "context", FIELD_STRUCT, offsetof(struct named_context, context), .shape = &context_shape },
	{ NULL },
};
SHAPE(named_context_shape, "a context", named_context_fields, struct named_context);
static const struct field kubeconfig_fields[] = {
	{ "current-context", FIELD_TEXT, offsetof(struct kubeconfig, current) },
	{ "clusters",        FIELD_LIST, offsetof(struct kubeconfig, clusters), .shape = &named_cluster_shape },
	{ "users",           FIELD_LIST, offsetof(struct kubeconfig, users),    .shape = &named_user_shape },
	{ "contexts",        FIELD_LIST, offsetof(struct kubeconfig, contexts), .shape = &named_context_shape },
	{ NULL },
};
SHAPE(kubeconfig_shape, "a kubeconfig", kubeconfig_fields, struct kubeconfig);
/* clang-format on */

static bool
is_named(const char *name, const char *wanted)
{
	return name && wanted && !strcmp(name, wanted);
}

static const struct context *
find_context(const struct kubeconfig *config, const char *name)
{
	const struct named_context *items = config->contexts.items;

	for (size_t i = 0; i < config->contexts.count; i++)
		if (is_named(items[i].name, name))
			return &items[i].context;
	return NULL;
}

static const struct cluster *
find_cluster(const struct kubeconfig *config, const char *name)
{
	const struct named_cluster *items = config->clusters.items;

	for (size_t i = 0; i < config->clusters.count; i++)
		if (is_named(items[i].name, name))
			return &items[i].cluster;
	return NULL;
}

static const struct user *
find_user(const struct kubeconfig *config, const char *name)
{
	const struct named_user *items = config->users.items;

	for (size_t i = 0; i < config->users.count; i++)
		if (is_named(items[i].name, name))
			return &items[i].user;
	return NULL;
}

/* Relative paths are meant from where the kubeconfig stands. */
static const char *
beside(const char *file, const char *path, struct arena *arena)
{
	const char *slash = strrchr(file, '/');

	if (!path || *path == '/' || !slash)
		return path;
	return arena_format(arena, "%.*s/%s", (int)(slash - file), file, path);
}

static const char *
why_no_cluster(const struct cluster *cluster)
{
	if (!cluster || !cluster->server)
		return "it has no server for that context";
	if (cluster->skip_verify && !strcmp(cluster->skip_verify, "true"))
		return "insecure-skip-tls-verify would show the secret to anybody";
	if (cluster->server_name || cluster->proxy)
		return "tls-server-name and proxy-url are not known to glrotate";
	return NULL;
}

static const char *
why_no_user(const struct user *user)
{
	if (!user)
		return "it has no user for that context";
	if (user->exec.at.line || user->provider.at.line)
		return "its user is another program's to name (exec, auth-provider): give glrotate a service account's token";
	if (user->certificate || user->certificate_data)
		return "its user is a client certificate: give glrotate a service account's token";
	if (user->token)
		return "its user's token stands in it, where it cannot be kept out of plain memory: put it into a file of "
		       "mode 0600 and say tokenFile";
	if (user->password || !user->token_file)
		return "its user has no tokenFile";
	return NULL;
}

static bool
parse(const char *file, struct arena *arena, struct kubeconfig *config, struct err *err)
{
	auto_diags struct diags *diags = diags_new();
	const struct diag *first;

	if (yaml_decode_file(file, &kubeconfig_shape, arena, config, diags))
		return true;
	first = diags_at(diags, 0);
	return err_set(err, ERR_REFUSED, 0, "line %d: %s", first->place.line, first->text);
}

bool
kubeconfig_read(const char *file, const char *context, struct arena *arena,
	struct kubeconfig_access *access, struct err *err)
{
	struct kubeconfig config = { 0 };
	const struct context *found;
	const struct cluster *cluster;
	const struct user *user;
	const char *why;

	if (!parse(file, arena, &config, err))
		return err_wrap(err, "kubeconfig '%s'", file);
	found = find_context(&config, context ? context : config.current);
	if (!found)
		return err_set(err, ERR_REFUSED, 0, "kubeconfig '%s' has no context '%s'", file,
			context          ? context
			: config.current ? config.current
					 : "");
	cluster = find_cluster(&config, found->cluster);
	user = find_user(&config, found->user);
	why = why_no_cluster(cluster);
	why = why ? why : why_no_user(user);
	if (why)
		return err_set(err, ERR_REFUSED, 0, "kubeconfig '%s': %s", file, why);
	*access = (struct kubeconfig_access){ .server = cluster->server,
		.ca_base64 = cluster->ca_data,
		.ca_file = cluster->ca_data ? NULL : beside(file, cluster->ca_file, arena),
		.token_file = beside(file, user->token_file, arena) };
	return true;
}

/* --- the cluster that we run in --- */

bool
kubernetes_account_token(const char *folder, struct secret **token, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	const char *path = arena_format(arena, "%s/token", folder);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_set(err, ERR_REFUSED, errno,
			"in_cluster: cannot open '%s', as a pod with a service account has it",
			path);
	if (secret_read(fd, TOKEN_MAX_BYTES, token, err))
		return true;
	err->kind = ERR_REFUSED;
	return err_wrap(err, "'%s'", path);
}

static bool
in_cluster(struct remote *remote, struct err *err)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	const bool is_six = host && strchr(host, ':');
	const struct http_options options = { .url = arena_format(remote->tools->arena,
						      "https://%s%s%s:%s", is_six ? "[" : "",
						      host ? host : "", is_six ? "]" : "",
						      port ? port : "443"),
		.ca_file = ACCOUNT_FOLDER "/ca.crt" };

	if (!host || !*host)
		return err_set(err, ERR_REFUSED, 0,
			"in_cluster: $KUBERNETES_SERVICE_HOST is not set: this is no pod");
	return kubernetes_account_token(ACCOUNT_FOLDER, &remote->credential, err) &&
	       remote_open(remote, &options, err);
}

/* --- any of the three --- */

bool
kubernetes_connect(struct remote *remote, const struct kubernetes_place *place, struct err *err)
{
	struct kubeconfig_access access = {
		.server = place->server, .ca_file = place->ca_file, .token_file = place->token
	};
	struct http_options options;

	if (!place->server && !place->kubeconfig)
		return in_cluster(remote, err);
	if (place->kubeconfig && !kubeconfig_read(place->kubeconfig, place->context,
					 remote->tools->arena, &access, err))
		return false;
	options = (struct http_options){
		.url = access.server, .ca_file = access.ca_file, .ca_base64 = access.ca_base64
	};
	return remote_open(remote, &options, err) &&
	       remote_credential(remote, access.token_file, err);
}
