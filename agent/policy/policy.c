#include "policy/policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/when.h"
#include "base/yaml.h"
#include "destination/destination.h"
#include "policy/brake.h"
#include "policy/keys.h"
#include "policy/rules.h"

#define FOLDER "policies.d"
#define REQUESTS_AT_ONCE 8
#define ROTATIONS_PER_RUN 20
#define FILE_MAX_BYTES (8 << 20)

/* What loading works on. */
struct loading {
	struct policies *policies;
	struct diags *diags;
	size_t capacity; /* of policies->tokens */
	uint64_t hash;   /* over names and bytes */
	int gitlab_from,
		gitlab_to; /* the lines of the gitlab section, the second one past it */
};

static void
add_to_hash(struct loading *loading, const char *bytes, size_t length)
{
	loading->hash = hash_value(hash_bytes(loading->hash, bytes, length), length);
}

/* The section's lines, in a file in block style: from `gitlab:` up to the next line that is not indented; of two
 * sections, which is an error, both and all between. */
static void
note_section(struct loading *loading, const char *line, int number)
{
	if (loading->gitlab_from && !loading->gitlab_to && !strchr(" \t#\r\n", *line))
		loading->gitlab_to = number;
	if (strncmp(line, "gitlab:", strlen("gitlab:")) != 0)
		return;
	if (loading->gitlab_from)
		loading->gitlab_to = INT_MAX;
	else
		loading->gitlab_from = number;
}

/* NULL for what is no file of ours to read, or longer than the decoder takes: a pipe would hold us up for ever. */
static FILE *
open_source(const char *file)
{
	auto_close int fd =
		open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	struct stat status;
	FILE *stream;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) ||
		status.st_size > FILE_MAX_BYTES)
		return NULL;
	stream = fdopen(fd, "r");
	if (stream)
		fd = -1;
	return stream;
}

/* A file that cannot be read is the decoder's to tell. */
static void
note_bytes(struct loading *loading, const char *file, bool is_main)
{
	auto_stdio FILE *stream = open_source(file);
	auto_free char *line = NULL;
	size_t room = 0;
	ssize_t length;

	add_to_hash(loading, file, strlen(file));
	for (int number = 1; stream && (length = getline(&line, &room, stream)) >= 0;
		number++) {
		add_to_hash(loading, line, (size_t)length);
		if (is_main)
			note_section(loading, line, number);
	}
}

static void
append_entries(struct loading *loading, const struct list *tokens)
{
	struct policies *policies = loading->policies;
	const struct token_entry *entries = tokens->items;
	struct token_entry *all;

	for (size_t i = 0; i < tokens->count; i++) {
		all = arena_grow(policies->arena, policies->tokens.items,
			policies->tokens.count, &loading->capacity, sizeof(*all));
		all[policies->tokens.count++] = entries[i];
		policies->tokens.items = all;
	}
}

static bool
load_main(struct loading *loading)
{
	struct policies *policies = loading->policies;
	struct policy_file main = { 0 };
	bool whole;

	note_bytes(loading, policies->file, true);
	whole = yaml_decode_file(
		policies->file, &policy_file_shape, policies->arena, &main, loading->diags);
	policies->gitlab = main.gitlab;
	policies->lifetimes = main.lifetimes;
	policies->limits = main.limits;
	policies->alerts = main.alerts;
	policies->heartbeat = main.heartbeat;
	append_entries(loading, &main.tokens);
	return whole;
}

/* --- policies.d --- */

static bool
ends_with(const char *name, const char *suffix)
{
	size_t length = strlen(name), wanted = strlen(suffix);

	return length > wanted && !strcmp(name + length - wanted, suffix);
}

static int
is_policy(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (ends_with(entry->d_name, ".yaml") || ends_with(entry->d_name, ".yml"));
}

/* By bytes: the order must not depend on the locale. */
static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
load_tokens(struct loading *loading, const char *file)
{
	struct tokens_file tokens = { 0 };

	if (ends_with(file, ".yml")) {
		diags_add(loading->diags, (struct place){ file, 1, 1 },
			"files of %s end in .yaml: rename it, or move it away", FOLDER);
		return;
	}
	note_bytes(loading, file, false);
	(void)yaml_decode_file(
		file, &tokens_file_shape, loading->policies->arena, &tokens, loading->diags);
	append_entries(loading, &tokens.tokens);
}

/* Who can write a folder can put another file into it, or in the place of one. One that is not there holds nothing. */
static bool
is_trusted(struct loading *loading, const char *folder)
{
	struct place place = { folder, 0, 0 };
	struct stat status;

	if (stat(folder, &status))
		return true;
	if (status.st_uid && status.st_uid != geteuid())
		return diags_add(loading->diags, place,
			"the folder belongs to the user %u: expected root or the user who runs "
			"this (chown root %s)",
			status.st_uid, folder);
	if (status.st_mode & (S_IWGRP | S_IWOTH))
		return diags_add(loading->diags, place,
			"others may write the folder (mode %04o): expected 0755 or less "
			"(chmod go-w %s)",
			status.st_mode & 07777, folder);
	return true;
}

/* Of the main file. */
static const char *
folder_of(struct arena *arena, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return ".";
	return slash == file ? "/" : arena_text_n(arena, file, (size_t)(slash - file));
}

static const char *
folder_beside(struct arena *arena, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return FOLDER;
	return arena_format(arena, "%.*s/%s", (int)(slash - file), file, FOLDER);
}

static void
load_folder(struct loading *loading)
{
	struct arena *arena = loading->policies->arena;
	const char *folder = folder_beside(arena, loading->policies->file);
	auto_free struct dirent **names = NULL;
	int count = scandir(folder, &names, is_policy, compare_names);

	(void)is_trusted(loading, folder);
	if (count < 0 && errno != ENOENT)
		diags_add(loading->diags, (struct place){ folder, 0, 0 },
			"cannot read the folder: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		load_tokens(loading, arena_format(arena, "%s/%s", folder, names[i]->d_name));
		free(names[i]);
	}
}

/* --- what nobody said, and what holds --- */

static void
fill_in(struct policies *policies)
{
	struct lifetime *lifetimes = policies->lifetimes.items;

	if (!policies->gitlab.credential_file && policies->gitlab.credential &&
		policies->gitlab.credential[0] == '/')
		policies->gitlab.credential_file = policies->gitlab.credential;
	if (!policies->gitlab.requests_at_once)
		policies->gitlab.requests_at_once = REQUESTS_AT_ONCE;
	if (!policies->limits.rotations_per_run)
		policies->limits.rotations_per_run = ROTATIONS_PER_RUN;
	if (!policies->limits.ramp_sec)
		policies->limits.ramp_sec = 30 * DAY_SEC;
	if (!policies->limits.settle_sec)
		policies->limits.settle_sec = 5 * MINUTE_SEC;
	if (!policies->limits.clock_skew_sec)
		policies->limits.clock_skew_sec = 5 * MINUTE_SEC;
	alerts_fill_in(&policies->alerts);
	for (size_t i = 0; i < policies->lifetimes.count; i++)
		if (!lifetimes[i].renew_before_sec)
			lifetimes[i].renew_before_sec = lifetimes[i].max_lifetime_sec / 3;
}

/* Whether the main file has an error within its gitlab section; anywhere, when one cannot tell where it is. */
static bool
section_has_errors(const struct loading *loading)
{
	int to = loading->gitlab_to ? loading->gitlab_to : INT_MAX;
	size_t all = diags_count(loading->diags) + diags_warnings(loading->diags);

	for (size_t i = 0; i < all; i++) {
		const struct diag *diag = diags_at(loading->diags, i);

		if (diag && !diag->is_warning && diag->place.file &&
			!strcmp(diag->place.file, loading->policies->file) &&
			(!loading->gitlab_from || (diag->place.line >= loading->gitlab_from &&
							  diag->place.line < to)))
			return true;
	}
	return false;
}

struct policies *
policies_load(const char *file, struct diags *diags)
{
	struct policies *policies = memory_or_abort(calloc(1, sizeof(*policies)));
	struct loading loading = { .policies = policies, .diags = diags, .hash = HASH_START };
	size_t before = diags_count(diags);
	bool whole, trusted;

	policies->arena = arena_new();
	policies->file = arena_text(policies->arena, file);
	trusted = is_trusted(&loading, folder_of(policies->arena, file));
	whole = load_main(&loading);
	load_folder(&loading);
	fill_in(policies);
	/* A key that was refused is told once, and not as one that is missing. */
	policies->gitlab_is_valid = trusted && !section_has_errors(&loading) &&
	                            rules_check_gitlab(&policies->gitlab, diags);
	rules_check(policies, whole, diags);
	policies->is_valid = diags_count(diags) == before;
	snprintf(policies->revision, sizeof(policies->revision), "%016" PRIx64, loading.hash);
	return policies;
}

void
policies_free(struct policies *policies)
{
	if (!policies)
		return;
	arena_free(policies->arena);
	free(policies);
}

/* --- questions --- */

const struct lifetime *
policies_lifetime(const struct policies *policies, const struct address *address)
{
	const struct lifetime *lifetimes = policies->lifetimes.items;

	for (size_t i = 0; i < policies->lifetimes.count; i++)
		if (lifetimes[i].holds_for.text &&
			address_matches(&lifetimes[i].holds_for, address))
			return &lifetimes[i];
	return NULL;
}

static bool
is_excepted(const struct token_entry *entry, const struct address *address)
{
	auto_arena struct arena *arena = arena_new();
	struct address except;
	struct err err;

	/* What cannot be read is taken for an exception: better not touched than wrongly touched. */
	for (size_t i = 0; i < entry->except.count; i++)
		if (!address_parse(arena, entry->except.items[i], true, &except, &err) ||
			address_matches(&except, address))
			return true;
	return false;
}

/* GitLab's paths do not tell capital letters from small ones: a pattern must not find again what an entry names. */
static bool
is_the_same(const struct address *a, const struct address *b)
{
	return a->type == b->type && !strcasecmp(a->owner, b->owner) &&
	       !strcmp(a->name, b->name);
}

const struct token_entry *
policies_entry(const struct policies *policies, const struct address *address)
{
	const struct token_entry *entries = policies->tokens.items;

	for (size_t i = 0; i < policies->tokens.count; i++)
		if (entries[i].token.text && is_the_same(&entries[i].token, address))
			return &entries[i];
	if (!strncmp(address->name, SELFTEST_TOKEN, strlen(SELFTEST_TOKEN)))
		return NULL;
	for (size_t i = 0; i < policies->tokens.count; i++)
		if (entries[i].token.text && address_is_pattern(&entries[i].token) &&
			address_matches(&entries[i].token, address) &&
			!is_excepted(&entries[i], address))
			return &entries[i];
	return NULL;
}

void
policies_add(struct policies *policies, const struct token_entry *entry)
{
	struct list *tokens = &policies->tokens;
	struct token_entry *all =
		arena_alloc(policies->arena, (tokens->count + 1) * sizeof(*all));

	if (tokens->count)
		memcpy(all, tokens->items, tokens->count * sizeof(*all));
	all[tokens->count++] = *entry;
	tokens->items = all;
}

bool
token_entry_delivers(const struct token_entry *entry, int kind)
{
	const struct choice *deliver = entry->deliver.items;

	for (size_t i = 0; i < entry->deliver.count; i++)
		if (deliver[i].kind == kind)
			return true;
	return false;
}

bool
policies_destinations(const struct policies *policies, const struct token_entry *entry,
	const struct address *address, struct arena *arena, struct list *list, struct err *err)
{
	const struct choice *deliver = entry->deliver.items;
	const struct destination *found;
	struct list draft = { 0 };

	for (size_t i = 0; i < entry->deliver.count; i++)
		if (!destination_expand(&deliver[i], address, address_is_pattern(&entry->token),
			    entry->outside_owner == STATED_YES, arena, &draft, err))
			return err_wrap(err, "%s:%d: '%s'", deliver[i].at.file,
				deliver[i].at.line, address->text);
	found = draft.items;
	for (size_t i = 0; i < draft.count; i++)
		if (!brake_allows(policies, entry, &found[i], err))
			return err_wrap(err, "%s:%d: '%s'", entry->at.file, entry->at.line,
				address->text);
	*list = draft;
	return true;
}
