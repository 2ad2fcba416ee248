#include "destination/kubernetes.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/checks.h"

/* An annotation's name has 63 characters at the most, of which the stamp's takes three. */
#define KEY_MAX 60
#define SUBDOMAIN_MAX 253

/* clang-format off */
#define FILLS(member) offsetof(struct kubernetes_entry, member)
static const struct field entry_fields[] = {
	{ "namespace",  FIELD_TEXT, FILLS(namespace), .required = true, .max = SUBDOMAIN_MAX,
	  .help = "the Secret's namespace; may hold templates" },
	{ "secret",     FIELD_TEXT, FILLS(secret), .required = true, .max = SUBDOMAIN_MAX,
	  .help = "the Secret's name; may hold templates" },
	{ "key",        FIELD_TEXT, FILLS(key), .max = SUBDOMAIN_MAX,
	  .help = "within its data, whose other keys are kept; required, but for kubernetes.io/dockerconfigjson; may hold templates" },
	{ "type",       FIELD_TEXT, FILLS(type), .min = 1, .max = SUBDOMAIN_MAX,
	  .help = "of the Secret; unstated: that of the present one, Opaque when created" },
	{ "registry",   FIELD_TEXT, FILLS(registry), .min = 1,
	  .help = "the host of a registry: the value is a Docker configuration for it, and the type kubernetes.io/dockerconfigjson" },
	{ "username",   FIELD_TEXT, FILLS(username), .min = 1,
	  .help = "with registry: who logs in; unstated: a deploy token's own user name" },
	{ "server",     FIELD_TEXT, FILLS(server), .check = check_url,
	  .help = "the API server: https://HOST[:PORT], with token" },
	{ "token",      FIELD_TEXT, FILLS(token), .check = check_credential,
	  .help = "with server: a service account's token; a systemd credential's name, or the absolute path of a file of mode 0600" },
	{ "ca_file",    FIELD_TEXT, FILLS(ca_file), .check = check_absolute,
	  .help = "with server: certificates to trust instead of the system's: an absolute path" },
	{ "kubeconfig", FIELD_TEXT, FILLS(kubeconfig), .check = check_absolute,
	  .help = "instead of server: the absolute path of a kubeconfig whose user has a tokenFile" },
	{ "context",    FIELD_TEXT, FILLS(context), .min = 1,
	  .help = "with kubeconfig: unstated: its current-context" },
	{ "in_cluster", FIELD_BOOL, FILLS(in_cluster),
	  .help = "instead of server: yes: as the service account of the pod that glrotate runs in" },
	{ NULL },
};
const struct shape kubernetes_entry_shape = {
	.name = "a kubernetes", .fields = entry_fields, .bytes = sizeof(struct kubernetes_entry),
};

#undef FILLS
#define FILLS(member) offsetof(struct kubernetes_place, member)
static const struct field place_fields[] = {
	{ "server",     FIELD_TEXT, FILLS(server) },
	{ "ca_file",    FIELD_TEXT, FILLS(ca_file) },
	{ "token",      FIELD_TEXT, FILLS(token) },
	{ "kubeconfig", FIELD_TEXT, FILLS(kubeconfig) },
	{ "context",    FIELD_TEXT, FILLS(context) },
	{ "namespace",  FIELD_TEXT, FILLS(namespace), .required = true },
	{ "secret",     FIELD_TEXT, FILLS(secret),    .required = true },
	{ "key",        FIELD_TEXT, FILLS(key),       .required = true },
	{ "type",       FIELD_TEXT, FILLS(type) },
	{ "registry",   FIELD_TEXT, FILLS(registry) },
	{ "username",   FIELD_TEXT, FILLS(username) },
	{ NULL },
};
const struct shape kubernetes_place_shape = {
	.name = "a place in Kubernetes", .fields = place_fields, .bytes = sizeof(struct kubernetes_place),
};
/* clang-format on */

const struct kubernetes_place *
kubernetes_place(const struct destination *destination)
{
	assert(destination->to.kind == DESTINATION_KUBERNETES);
	return destination->to.value;
}

static bool
check_access(const struct kubernetes_entry *entry, struct err *err)
{
	const int ways = (entry->server != NULL) + (entry->kubeconfig != NULL) +
	                 (entry->in_cluster == STATED_YES);

	if (ways != 1)
		return err_set(err, ERR_POLICY, 0,
			"expected one of 'server', 'kubeconfig' and 'in_cluster: yes'");
	if (!entry->server != !entry->token)
		return err_set(
			err, ERR_POLICY, 0, "'server' and 'token' go together, and alone");
	if (entry->ca_file && !entry->server)
		return err_set(err, ERR_POLICY, 0, "'ca_file' goes with 'server'");
	if (entry->context && !entry->kubeconfig)
		return err_set(err, ERR_POLICY, 0, "'context' goes with 'kubeconfig'");
	return true;
}

/* A registry's login has its type and its key; only they make kubelets use it. */
static bool
check_docker(const struct kubernetes_entry *entry, const struct address *token,
	struct kubernetes_place *place, struct err *err)
{
	if (!entry->registry) {
		if (entry->username)
			return err_set(err, ERR_POLICY, 0, "'username' goes with 'registry'");
		if (place->type && !strcmp(place->type, DOCKER_TYPE))
			return err_set(err, ERR_POLICY, 0,
				"the type " DOCKER_TYPE " needs 'registry'");
		return place->key || err_set(err, ERR_POLICY, 0, "a kubernetes without 'key'");
	}
	if ((place->type && strcmp(place->type, DOCKER_TYPE)) ||
		(place->key && strcmp(place->key, DOCKER_KEY)))
		return err_set(err, ERR_POLICY, 0,
			"with 'registry' the type is " DOCKER_TYPE " and the key " DOCKER_KEY);
	if (!entry->username && token->type != TYPE_PROJECT_DEPLOY &&
		token->type != TYPE_GROUP_DEPLOY)
		return err_set(err, ERR_POLICY, 0,
			"with 'registry' only a deploy token has a user name of its own: add 'username:'");
	place->type = DOCKER_TYPE;
	place->key = DOCKER_KEY;
	return true;
}

/* A DNS subdomain, or with `points` false a label, which is shorter too. */
static bool
is_name(const char *text, bool points)
{
	const size_t length = strlen(text);

	if (!length || length > (points ? SUBDOMAIN_MAX : 63))
		return false;
	for (size_t i = 0; i < length; i++) {
		const bool edge = !i || i + 1 == length || text[i - 1] == '.';

		if (islower((unsigned char)text[i]) || isdigit((unsigned char)text[i]))
			continue;
		if (edge || !(text[i] == '-' || (points && text[i] == '.')))
			return false;
		if (text[i] == '.' && text[i - 1] == '-')
			return false;
	}
	return true;
}

static bool
is_key(const char *text)
{
	const size_t length = strlen(text);

	if (!length || length > KEY_MAX || !isalnum((unsigned char)text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			return false;
	return strcmp(text, "..") != 0;
}

static bool
check_names(const struct kubernetes_place *place, struct err *err)
{
	if (!is_name(place->namespace, false))
		return err_set(err, ERR_POLICY, 0,
			"'%s' is no namespace: 1 to 63 small letters, digits and '-'",
			place->namespace);
	if (!is_name(place->secret, true))
		return err_set(err, ERR_POLICY, 0,
			"'%s' is no Secret's name: small letters, digits, '-' and '.'",
			place->secret);
	if (!is_key(place->key))
		return err_set(err, ERR_POLICY, 0,
			"'%s' is no key that can carry a stamp: 1 to %d letters, digits, '-', '_' and "
			"'.', the last a letter or digit",
			place->key, KEY_MAX);
	return true;
}

static const char *
reached_by(const struct kubernetes_place *place, struct arena *arena)
{
	if (place->server)
		return place->server;
	if (!place->kubeconfig)
		return "in-cluster";
	return arena_format(arena, "%s%s%s", place->kubeconfig, place->context ? "#" : "",
		place->context ? place->context : "");
}

bool
kubernetes_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct kubernetes_entry *entry = value;
	struct arena *arena = expansion->arena;
	struct kubernetes_place place = { .at = entry->at,
		.server = entry->server ? remote_trimmed(arena, entry->server) : NULL,
		.ca_file = entry->ca_file,
		.token = entry->token,
		.kubeconfig = entry->kubeconfig,
		.context = entry->context,
		.type = entry->type,
		.registry = entry->registry,
		.username = entry->username };

	if (!check_access(entry, err) ||
		!template_fill(
			entry->namespace, expansion->token, arena, &place.namespace, err) ||
		!template_fill(entry->secret, expansion->token, arena, &place.secret, err) ||
		!template_fill(entry->key, expansion->token, arena, &place.key, err) ||
		!check_docker(entry, expansion->token, &place, err) ||
		!check_names(&place, err))
		return false;
	expansion_add(expansion, DESTINATION_KUBERNETES,
		arena_format(arena, "kubernetes %s %s/%s %s", reached_by(&place, arena),
			place.namespace, place.secret, place.key),
		&place, sizeof(place));
	return true;
}
