#include "policy/brake.h"

#include <fnmatch.h>
#include <string.h>

/* systemd's copies stand here, so a path can mean one as well. */
#define COPIES "/run/credentials/"
#define SEALING_KEY "glrotate-key"

static bool
is_named(const struct texts *allowed, const char *used)
{
	for (size_t i = 0; i < allowed->count; i++)
		if (!strcmp(allowed->items[i], used) ||
			!fnmatch(allowed->items[i], used, FNM_PATHNAME | FNM_PERIOD))
			return true;
	return false;
}

static bool
is_own(const struct gitlab_section *gitlab, const char *credential)
{
	const char *const own[] = { gitlab->credential, gitlab->rescue_credential,
		gitlab->credential_file, SEALING_KEY };
	const bool is_copy = !strncmp(credential, COPIES, strlen(COPIES));
	const char *name = is_copy ? strrchr(credential, '/') + 1 : credential;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (own[i] && (!strcmp(own[i], credential) || !strcmp(own[i], name)))
			return true;
	return false;
}

/* The main file is root's, as programs, files and credentials are. */
static bool
may_use(const struct policies *policies, const struct token_entry *entry, const char *used,
	const struct texts *allowed, const char *how, const char *key, struct err *err)
{
	return !used || !strcmp(entry->at.file, policies->file) || is_named(allowed, used) ||
	       err_set(err, ERR_POLICY, 0,
		       "'%s' may not be %s from a file of policies.d: expected one that '%s' in the "
		       "main file's limits names",
		       used, how, key);
}

bool
brake_allows(const struct policies *policies, const struct token_entry *entry,
	const struct destination *destination, struct err *err)
{
	const struct destination_uses uses = destination_uses(destination);
	const struct limits *limits = &policies->limits;

	if (uses.credential && is_own(&policies->gitlab, uses.credential))
		return err_set(err, ERR_POLICY, 0,
			"'%s' is glrotate's own credential, which no destination is sent",
			uses.credential);
	return may_use(policies, entry, uses.program, &limits->programs, "run", "programs",
		       err) &&
	       may_use(policies, entry, uses.unit, &limits->units, "restarted", "units", err) &&
	       may_use(policies, entry, uses.credential, &limits->credentials, "used",
		       "credentials", err) &&
	       may_use(policies, entry, uses.file, &limits->files, "written", "files", err);
}

bool
brake_allows_secret(
	const struct policies *policies, const struct token_entry *entry, struct err *err)
{
	if (entry->secret && is_own(&policies->gitlab, entry->secret))
		return err_set(err, ERR_POLICY, 0,
			"'secret' is a credential of the gitlab section, or glrotate's key; our own "
			"is rotated by 'rotate: yes' there");
	return may_use(policies, entry, entry->secret, &policies->limits.credentials, "used",
		"credentials", err);
}
