#include "policy/programs.h"

#include <fnmatch.h>
#include <string.h>

static bool
is_allowed(const struct texts *allowed, const char *program)
{
	for (size_t i = 0; i < allowed->count; i++)
		if (!fnmatch(allowed->items[i], program, FNM_PATHNAME | FNM_PERIOD))
			return true;
	return false;
}

void
programs_check(const struct policies *policies, const struct token_entry *entry,
	const struct destination *destination, struct place at, struct diags *diags)
{
	const char *program = destination_program(destination);

	/* The main file is root's, as the programs are. */
	if (!program || !strcmp(entry->at.file, policies->file) ||
		is_allowed(&policies->limits.programs, program))
		return;
	diags_add(diags, at,
		"'%s' may not be run from a file of policies.d: expected one that 'programs' in the "
		"main file's limits names",
		program);
}
