#include "destination/file.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/checks.h"
#include "base/child.h"
#include "base/notify.h"
#include "base/when.h"
#include "destination/program.h"

#define TIMEOUT_SEC 60
#define TIMEOUT_MOST_SEC (10 * MINUTE_SEC)

/* clang-format off */
#define FILLS(member) offsetof(struct file_entry, member)
static const struct field entry_fields[] = {
	{ "path",     FIELD_TEXT,  FILLS(path), .required = true, .max = PATH_MAX - 1,
	  .help = "absolute; may hold templates; what a reader sees is the old content or the new, whole" },
	{ "format",   FIELD_WORD,  FILLS(entry.format), .words = format_words,
	  .help = "what kind of file it is; unstated: raw, the secret and nothing else; of all others only our entry is changed" },
	{ "key",      FIELD_TEXTS, FILLS(entry.key), .min = 1, .max = 200,
	  .help = "env: the variable's name; json: the member, as a path with dots, or a list of names" },
	{ "host",     FIELD_TEXT,  FILLS(entry.host), .min = 1, .max = 255,
	  .help = "netrc: the machine; docker: the registry; npmrc, pip: HOST/PATH of the registry, without https://" },
	{ "username", FIELD_TEXT,  FILLS(entry.username), .min = 1, .max = 255,
	  .help = "netrc, docker, pip: who logs in; unstated: a deploy token's own name, else the one that is there, else oauth2" },
	{ "user",     FIELD_TEXT,  FILLS(user), .help = "the file's user; unstated: that of the present file" },
	{ "group",    FIELD_TEXT,  FILLS(group), .help = "the file's group; unstated: that of the present file" },
	{ "mode",     FIELD_MODE,  FILLS(mode), .help = "octal; unstated: that of the present file, else 0600" },
	{ "exec",     FIELD_TEXTS, FILLS(exec), .min = 1, .max = WORD_MOST_BYTES,
	  .help = "run after a change: a program's absolute path, and its arguments, which may hold templates" },
	{ "timeout",  FIELD_DELAY, FILLS(timeout_sec), .min = 1, .max = TIMEOUT_MOST_SEC,
	  .help = "how long that may take; unstated: 60s" },
	{ NULL },
};

#undef FILLS
#define FILLS(member) offsetof(struct file_place, member)
static const struct field place_fields[] = {
	{ "path",        FIELD_TEXT,  FILLS(path), .required = true },
	{ "format",      FIELD_WORD,  FILLS(entry.format), .words = format_words },
	{ "key",         FIELD_TEXTS, FILLS(entry.key) },
	{ "host",        FIELD_TEXT,  FILLS(entry.host) },
	{ "username",    FIELD_TEXT,  FILLS(entry.username) },
	{ "user",        FIELD_TEXT,  FILLS(user) },
	{ "group",       FIELD_TEXT,  FILLS(group) },
	{ "mode",        FIELD_INT,   FILLS(mode) },
	{ "exec",        FIELD_TEXTS, FILLS(exec) },
	{ "timeout_sec", FIELD_INT,   FILLS(timeout_sec) },
	{ NULL },
};
/* clang-format on */

const struct shape file_entry_shape = {
	.name = "a file",
	.fields = entry_fields,
	.bytes = sizeof(struct file_entry),
	.scalar = "path",
};
const struct shape file_place_shape = {
	.name = "a file's place",
	.fields = place_fields,
	.bytes = sizeof(struct file_place),
};

static const struct file_place *
place_of(const struct destination *destination)
{
	assert(destination->to.kind == DESTINATION_FILE);
	return destination->to.value;
}

/* --- what a policy says --- */

static bool
expand_path(const struct file_entry *entry, const struct expansion *expansion,
	struct file_place *file, struct err *err)
{
	char why[sizeof(err->text)];

	if (!template_fill(entry->path, expansion->token, expansion->arena, &file->path, err))
		return false;
	if (!check_absolute(file->path, why, sizeof(why)))
		return err_set(err, ERR_POLICY, 0, "%s", why);
	if (file->mode & ~INT64_C(0770))
		return err_set(err, ERR_POLICY, 0,
			"mode %04" PRIo64 " lets more than user and group use '%s'",
			(uint64_t)file->mode, file->path);
	return true;
}

/* The policy's own dots part the names of a path; what a template brings is within one name. */
static bool
fill_key(const struct format_entry *entry, size_t i, const struct expansion *expansion,
	const char **filled, struct err *err)
{
	if (entry->format == FORMAT_JSON && entry->key.count == 1)
		return template_fill_dotted(
			entry->key.items[i], expansion->token, expansion->arena, filled, err);
	return template_fill(
		entry->key.items[i], expansion->token, expansion->arena, filled, err);
}

static bool
expand_format(const struct format_entry *entry, const struct expansion *expansion,
	struct format_entry *filled, struct err *err)
{
	struct format_entry draft = {
		.format = format_is_raw(entry) ? 0 : entry->format,
		.key = { arena_alloc(expansion->arena,
				 (entry->key.count + 1) * sizeof(*draft.key.items)),
			entry->key.count },
	};

	for (size_t i = 0; i < entry->key.count; i++)
		if (!fill_key(entry, i, expansion, &draft.key.items[i], err))
			return false;
	if (!template_fill(entry->host, expansion->token, expansion->arena, &draft.host, err) ||
		!template_fill(entry->username, expansion->token, expansion->arena,
			&draft.username, err) ||
		!format_check(&draft, err))
		return false;
	*filled = draft;
	return true;
}

static bool
expand_exec(const struct file_entry *entry, const struct expansion *expansion,
	struct file_place *file, struct err *err)
{
	if (!entry->exec.count)
		return !entry->timeout_sec ||
		       err_set(err, ERR_POLICY, 0,
			       "'timeout' is about 'exec', which is not there");
	file->timeout_sec = entry->timeout_sec ? entry->timeout_sec : TIMEOUT_SEC;
	return program_fill(&entry->exec, expansion, &file->exec, err);
}

static bool
file_expand(const void *value, const struct expansion *expansion, struct err *err)
{
	const struct file_entry *entry = value;
	struct file_place file = {
		.at = entry->at, .user = entry->user, .group = entry->group, .mode = entry->mode
	};
	const char *name;

	if (!expand_path(entry, expansion, &file, err) ||
		!expand_format(&entry->entry, expansion, &file.entry, err) ||
		!expand_exec(entry, expansion, &file, err))
		return false;
	name = format_entry_text(&file.entry, expansion->arena);
	expansion_add(expansion, DESTINATION_FILE,
		arena_format(
			expansion->arena, "file %s%s%s", file.path, *name ? " " : "", name),
		&file, sizeof(file));
	return true;
}

static const char *
file_root(const struct destination *destination)
{
	return place_of(destination)->path;
}

static bool
file_overlaps(const struct destination *a, const struct destination *b)
{
	return !strcmp(place_of(a)->path, place_of(b)->path) &&
	       format_overlaps(&place_of(a)->entry, &place_of(b)->entry);
}

static struct destination_uses
file_uses(const struct destination *destination)
{
	const struct file_place *place = place_of(destination);

	return (struct destination_uses){
		.program = place->exec.count ? place->exec.items[0] : NULL, .file = place->path
	};
}

/* --- the program afterwards --- */

/* It is owed until it succeeded: this is called as long as the journal does not say that the secret is delivered. */
static bool
run_program(const struct destination_tools *tools, const struct file_place *place,
	const struct stamp *stamp, const struct secret *secret, bool changed, struct err *err)
{
	auto_child_end struct child_end end = { 0 };
	const char **argv;
	const char *const facts[] = {
		arena_format(tools->arena, "GLROTATE_PATH=%s", place->path),
		changed ? "GLROTATE_CHANGED=yes" : "GLROTATE_CHANGED=no",
		NULL,
	};

	if (!place->exec.count)
		return true;
	argv = arena_alloc(tools->arena, (place->exec.count + 1) * sizeof(*argv));
	memcpy(argv, place->exec.items, place->exec.count * sizeof(*argv));
	notify_extend(place->timeout_sec + MINUTE_SEC);
	return program_run(tools,
		       &(struct program){ .argv = argv,
			       .stamp = stamp,
			       .facts = facts,
			       .secret = secret,
			       .timeout_msec = place->timeout_sec * 1000 },
		       &end, err) ||
	       err_wrap(err, "it is written, but");
}

/* --- the row --- */

static bool
file_preflight(const struct destination_tools *tools, const struct destination *destination,
	const struct stamp *ours, struct err *err)
{
	const struct file_place *place = place_of(destination);
	struct file_target target;

	return (!place->exec.count || child_is_safe(place->exec.items[0], err)) &&
	       file_aim(place, ours, &target, err) && file_prove(tools, ours, &target, err);
}

static bool
file_deliver(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, struct err *err)
{
	const struct file_place *place = place_of(destination);
	struct file_target target;
	bool changed;

	return file_aim(place, stamp, &target, err) &&
	       file_write(tools, stamp, &target, secret, &changed, err) &&
	       run_program(tools, place, stamp, secret, changed, err);
}

static bool
file_verify(const struct destination_tools *tools, const struct destination *destination,
	const struct secret *secret, const struct stamp *stamp, enum proof *proof,
	struct err *err)
{
	(void)stamp;
	if (!file_holds(tools, place_of(destination), secret, err))
		return false;
	*proof = PROOF_VALUE;
	return true;
}

static bool
file_read(const struct destination_tools *tools, const struct destination *destination,
	struct secret **secret, struct err *err)
{
	struct secret *present = NULL;

	(void)tools;
	if (!file_present(place_of(destination), &present, err)) {
		if (err->kind == ERR_LATER)
			return false;
		present = NULL;
	}
	*secret = present;
	return true;
}

static const char *
file_inspect(const struct destination_tools *tools, const struct destination *destination)
{
	const struct file_place *place = place_of(destination);
	const char *outlook = file_outlook(tools, place);
	struct err err;

	if (!strncmp(outlook, "cannot: ", 8))
		return outlook;
	if (!file_would_allow(tools, place, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (!place->exec.count)
		return outlook;
	if (!child_is_safe(place->exec.items[0], &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	return arena_format(tools->arena, "%s, then runs %s", outlook,
		program_text(&place->exec, tools->arena));
}

const struct destination_row file_row = {
	.expand = file_expand,
	.root = file_root,
	.overlaps = file_overlaps,
	.uses = file_uses,
	.preflight = file_preflight,
	.deliver = file_deliver,
	.verify = file_verify,
	.inspect = file_inspect,
	.read = file_read,
};
