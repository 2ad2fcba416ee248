#include "flow/drop_in.h"

#include <string.h>

#include "base/checks.h"
#include "destination/destination.h"

#define CREDSTORE "/etc/credstore.encrypted/"
#define RIGHTS "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER"

/* What the unit hides, and what shows it. */
static const struct {
	const char *folder, *setting;
	bool persons_shows; /* a person's unit does not hide it */
} hidden[] = {
	{ "/home", "ProtectHome=read-only", true },
	{ "/root", "ProtectHome=read-only", true },
	{ "/run/user", "ProtectHome=read-only", true },
	{ "/tmp", "PrivateTmp=no" },
	{ "/var/tmp", "PrivateTmp=no" },
};

struct needs {
	const struct policies *policies;
	const struct drop_in_service *service;
	struct arena *arena;
	const char **folders;
	size_t count, capacity;
	bool changes_owners;
	struct drop_in *drop_in;
};

/* With the slash; a template ends it. */
static const char *
folder_of(const char *path, struct arena *arena)
{
	size_t length = strcspn(path, "{");

	while (length && path[length - 1] != '/')
		length--;
	return arena_text_n(arena, path, length);
}

static bool
add_folder(struct needs *needs, const char *path, struct err *err)
{
	const char *folder = folder_of(path, needs->arena);

	if (strlen(folder) < 2)
		return err_set(err, ERR_POLICY, 0,
			"'%s' may lead anywhere: name a folder before its first template",
			path);
	if (!text_is_made_of(folder, "_./@:+,=-"))
		return err_set(err, ERR_POLICY, 0,
			"the folder '%s' has characters that do not stand in a unit as they are: "
			"write a drop-in by hand, see glrotate(8)",
			folder);
	needs->folders = arena_grow(needs->arena, needs->folders, needs->count,
		&needs->capacity, sizeof(*needs->folders));
	needs->folders[needs->count++] = folder;
	return true;
}

static bool
change_owners(struct needs *needs, const char *what, struct err *err)
{
	needs->changes_owners = true;
	return !needs->service->is_persons ||
	       err_set(err, ERR_POLICY, 0,
		       "%s is root's to write: a person's own service writes what is theirs",
		       what);
}

static bool
add_file(struct needs *needs, const char *path, const char *user, const char *group,
	struct err *err)
{
	const struct drop_in_service *service = needs->service;

	if (((user && strcmp(user, service->user)) ||
		    (group && strcmp(group, service->group))) &&
		!change_owners(needs, "a file of another user or group", err))
		return false;
	return add_folder(needs, path, err);
}

/* The key that encrypts them, and the files that are replaced, are root's. */
static bool
add_credential(struct needs *needs, const char *path, const char *unit, struct err *err)
{
	needs->drop_in->encrypts = true;
	if (unit)
		needs->drop_in->restarts = unit;
	return change_owners(needs, "a credential of systemd", err) &&
	       add_folder(needs, path ? path : CREDSTORE, err);
}

/* Of a pattern's tokens only what stands before a template is known. */
static bool
add_choice(struct needs *needs, const struct choice *choice, struct err *err)
{
	const struct file_entry *file = choice->value;
	const struct systemd_credential_entry *credential = choice->value;

	switch (choice->kind) {
	case DESTINATION_FILE:
		return add_file(needs, file->path, file->user, file->group, err);
	case DESTINATION_SYSTEMD_CREDENTIAL:
		return add_credential(needs, credential->path, credential->unit, err);
	case DESTINATION_EXEC:
		needs->drop_in->runs_programs = true;
		return true;
	default:
		return true;
	}
}

static bool
add_destination(struct needs *needs, const struct destination *destination, struct err *err)
{
	const struct file_place *file = destination->to.value;
	const struct systemd_credential_place *credential = destination->to.value;

	switch (destination->to.kind) {
	case DESTINATION_FILE:
		return add_file(needs, file->path, file->user, file->group, err);
	case DESTINATION_SYSTEMD_CREDENTIAL:
		return add_credential(needs, credential->path, credential->unit, err);
	default:
		return add_choice(needs, &destination->to, err);
	}
}

static bool
add_entry(struct needs *needs, const struct token_entry *entry, struct err *err)
{
	const struct choice *choices = entry->deliver.items;
	struct list list;
	const struct destination *destinations;

	if (address_is_pattern(&entry->token)) {
		for (size_t i = 0; i < entry->deliver.count; i++)
			if (!add_choice(needs, &choices[i], err))
				return err_wrap(
					err, "%s:%d", choices[i].at.file, choices[i].at.line);
		return true;
	}
	if (!policies_destinations(
		    needs->policies, entry, &entry->token, needs->arena, &list, err))
		return false;
	destinations = list.items;
	for (size_t i = 0; i < list.count; i++)
		if (!add_destination(needs, &destinations[i], err))
			return err_wrap(
				err, "%s:%d", destinations[i].at.file, destinations[i].at.line);
	return true;
}

/* --- as text --- */

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *
add_line(struct arena *arena, const char *text, const char *line)
{
	return strstr(text, line) ? text : arena_format(arena, "%s%s\n", text, line);
}

static const char *
shown(const struct needs *needs, const char *text, const char *folder)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		const size_t length = strlen(hidden[i].folder);

		if (!strncmp(folder, hidden[i].folder, length) && folder[length] == '/' &&
			!(needs->service->is_persons && hidden[i].persons_shows))
			text = add_line(needs->arena, text, hidden[i].setting);
	}
	return text;
}

/* A folder that is missing holds up its own destination, and not the service: hence the dash. */
static const char *
text_of(const struct needs *needs, const char *policy)
{
	struct arena *arena = needs->arena;
	const char *text = arena_format(arena,
		DROP_IN_HEAD " from %s, which writes it again when the policy has changed.\n"
			     "[Service]\n",
		policy);

	for (size_t i = 0; i < needs->count; i++) {
		const char *folder = needs->folders[i];

		if (i && !strcmp(folder, needs->folders[i - 1]))
			continue;
		text = arena_format(arena, "%sReadWritePaths=-%.*s\n", text,
			(int)strlen(folder) - 1, folder);
		text = shown(needs, text, folder);
	}
	if (needs->changes_owners)
		text = arena_format(arena,
			"%s# What is written belongs to another user.\n"
			"PrivateUsers=no\n"
			"CapabilityBoundingSet=" RIGHTS "\n"
			"AmbientCapabilities=" RIGHTS "\n"
			"SystemCallFilter=@chown\n",
			text);
	return text;
}

bool
drop_in_build(const struct policies *policies, const struct drop_in_service *service,
	struct arena *arena, struct drop_in *drop_in, struct err *err)
{
	const struct token_entry *entries = policies->tokens.items;
	const struct gitlab_section *gitlab = &policies->gitlab;
	struct drop_in draft = { 0 };
	struct needs needs = {
		.policies = policies, .service = service, .arena = arena, .drop_in = &draft
	};

	if (service->state &&
		!add_folder(&needs, arena_format(arena, "%s/", service->state), err))
		return false;

	for (size_t i = 0; i < policies->tokens.count; i++)
		if (!add_entry(&needs, &entries[i], err))
			return false;
	/* Our own credential is written back to its file, which is root's, or the person's. */
	if (gitlab->rotate == STATED_YES && gitlab->credential_file) {
		needs.changes_owners |= !service->is_persons;
		if (!add_folder(&needs, gitlab->credential_file, err))
			return false;
	}
	if (needs.count) {
		qsort(needs.folders, needs.count, sizeof(*needs.folders), compare);
		draft.text = text_of(&needs, policies->file);
	}
	*drop_in = draft;
	return true;
}
