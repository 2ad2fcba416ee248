#include "destination/destination.h"

#include <assert.h>
#include <string.h>

#include "destination/kind.h"

static const struct destination_row *const rows[] = {
	[DESTINATION_CI_VARIABLE] = &ci_variable_row,
	[DESTINATION_FILE] = &file_row,
	[DESTINATION_EXEC] = &exec_row,
	[DESTINATION_SYSTEMD_CREDENTIAL] = &systemd_credential_row,
	[DESTINATION_VAULT] = &vault_row,
	[DESTINATION_KUBERNETES] = &kubernetes_row,
	[DESTINATION_SLOT] = &slot_row,
	[DESTINATION_CI_DEPLOY_PAIR] = &ci_deploy_pair_row,
};

/* clang-format off */
const struct arm destination_arms[] = {
	{ "ci_variable", &ci_variable_entry_shape, DESTINATION_CI_VARIABLE,
	  "a CI/CD variable of a project or group" },
	{ "file",        &file_entry_shape,        DESTINATION_FILE,
	  "a file on this machine" },
	{ "exec",        &exec_entry_shape,        DESTINATION_EXEC,
	  "a program that puts it somewhere" },
	{ "systemd_credential", &systemd_credential_entry_shape, DESTINATION_SYSTEMD_CREDENTIAL,
	  "a credential that systemd decrypts for a unit" },
	{ "vault",       &vault_entry_shape,       DESTINATION_VAULT,
	  "a key of a secret in HashiCorp Vault or OpenBao (KV version 2)" },
	{ "kubernetes",  &kubernetes_entry_shape,  DESTINATION_KUBERNETES,
	  "a key of a Secret in Kubernetes" },
	{ "slot",        NULL,                     DESTINATION_SLOT,
	  "a deploy token called gitlab-deploy-token: GitLab itself hands it to jobs as CI_DEPLOY_USER and CI_DEPLOY_PASSWORD" },
	{ "ci_deploy_pair", &ci_deploy_pair_entry_shape, DESTINATION_CI_DEPLOY_PAIR,
	  "the variables CI_DEPLOY_USER and CI_DEPLOY_PASSWORD of a project or group that the slot does not reach" },
	{ NULL },
};

static const struct arm places[] = {
	{ "ci_variable", &variable_place_shape, DESTINATION_CI_VARIABLE, NULL },
	{ "file",        &file_place_shape,     DESTINATION_FILE,        NULL },
	{ "exec",        &exec_place_shape,     DESTINATION_EXEC,        NULL },
	{ "systemd_credential", &systemd_credential_place_shape, DESTINATION_SYSTEMD_CREDENTIAL, NULL },
	{ "vault",       &vault_place_shape,    DESTINATION_VAULT,       NULL },
	{ "kubernetes",  &kubernetes_place_shape, DESTINATION_KUBERNETES, NULL },
	{ "slot",        &slot_place_shape,     DESTINATION_SLOT,        NULL },
	{ "ci_deploy_pair", &variable_place_shape, DESTINATION_CI_DEPLOY_PAIR, NULL },
	{ NULL },
};

#define FILLS(member) offsetof(struct destination, member)
static const struct field destination_fields[] = {
	{ "text",     FIELD_TEXT, FILLS(text), .required = true },
	{ "owner_id", FIELD_INT,  FILLS(owner_id) },
	{ "to",       FIELD_ARMS, FILLS(to), .required = true, .arms = places },
	{ NULL },
};
/* clang-format on */

const struct shape destination_shape = {
	.name = "a destination",
	.fields = destination_fields,
	.bytes = sizeof(struct destination),
};

static const struct destination_row *
row_of(int kind)
{
	assert(kind > 0 && (size_t)kind < ARRAY_SIZE(rows) && rows[kind]);
	return rows[kind];
}

/* Every failure names the place that it is about. */
static bool
named(bool ok, const struct destination *destination, struct err *err)
{
	return ok || err_wrap(err, "%s", destination->text);
}

/* What arena_grow() has given to a list of that many, which only expansion_add() has filled. */
static size_t
capacity_of(size_t count)
{
	size_t capacity = count ? ARENA_GROW_LEAST : 0;

	while (capacity < count)
		capacity *= 2;
	return capacity;
}

void
expansion_add(const struct expansion *expansion, int kind, const char *text, const void *place,
	size_t bytes)
{
	struct list *list = expansion->list;
	size_t capacity = capacity_of(list->count);
	struct destination *items = arena_grow(
		expansion->arena, list->items, list->count, &capacity, sizeof(*items));
	void *copy = memcpy(arena_alloc(expansion->arena, bytes), place, bytes);

	items[list->count++] =
		(struct destination){ .text = text, .to = { .kind = kind, .value = copy } };
	list->items = items;
}

bool
destination_expand(const struct choice *entry, const struct address *token, bool from_pattern,
	bool outside_owner, struct arena *arena, struct list *list, struct err *err)
{
	struct list draft = *list;
	const struct expansion expansion = { .token = token,
		.inside_only = from_pattern && !outside_owner,
		.arena = arena,
		.list = &draft };

	if (!row_of(entry->kind)->expand(entry->value, &expansion, err))
		return false;
	*list = draft;
	return true;
}

bool
destination_kind_has_home(int kind)
{
	return kind && row_of(kind)->home;
}

struct destination_home
destination_home(const struct destination *destination)
{
	const struct destination_row *row = row_of(destination->to.kind);

	return row->home ? row->home(destination) : (struct destination_home){ 0, NULL };
}

const char *
destination_root(const struct destination *destination)
{
	const struct destination_row *row = row_of(destination->to.kind);

	return row->root ? row->root(destination) : destination->text;
}

bool
destination_overlaps(const struct destination *a, const struct destination *b)
{
	const struct destination_row *row = row_of(a->to.kind);

	return !strcmp(a->text, b->text) ||
	       (row == row_of(b->to.kind) && row->overlaps && row->overlaps(a, b));
}

struct destination_uses
destination_uses(const struct destination *destination)
{
	const struct destination_row *row = row_of(destination->to.kind);

	return row->uses ? row->uses(destination) : (struct destination_uses){ 0 };
}

bool
destination_pin(
	const struct destination_tools *tools, struct destination *destination, struct err *err)
{
	const struct destination_row *row = row_of(destination->to.kind);

	return !row->pin || named(row->pin(tools, destination, err), destination, err);
}

bool
destination_preflight(const struct destination_tools *tools,
	const struct destination *destination, const struct stamp *ours, struct err *err)
{
	return named(row_of(destination->to.kind)->preflight(tools, destination, ours, err),
		destination, err);
}

bool
destination_deliver(const struct destination_tools *tools,
	const struct destination *destination, const struct secret *secret,
	const struct stamp *stamp, struct err *err)
{
	return named(
		row_of(destination->to.kind)->deliver(tools, destination, secret, stamp, err),
		destination, err);
}

bool
destination_verify(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	return named(row_of(destination->to.kind)
			     ->verify(tools, destination, secret, stamp, proof, err),
		destination, err);
}

const char *
destination_inspect(
	const struct destination_tools *tools, const struct destination *destination)
{
	return row_of(destination->to.kind)->inspect(tools, destination);
}

bool
destination_read(const struct destination_tools *tools, const struct destination *destination,
	struct secret **secret, struct err *err)
{
	return named(row_of(destination->to.kind)->read(tools, destination, secret, err),
		destination, err);
}
