/* fuzz_policy.c: whatever a policy file holds, loading it ends, and what is called valid holds together. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/yaml.h"
#include "policy/keys.h"
#include "policy/rules.h"
#include "target.h"

static void
check_entries(const struct policies *policies)
{
	const struct token_entry *entries = policies->tokens.items;

	for (size_t i = 0; i < policies->tokens.count; i++)
		if (!entries[i].token.text || !entries[i].deliver.count ||
			!policies_entry(policies, &entries[i].token) ||
			!policies_lifetime(policies, &entries[i].token))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	auto_arena struct arena *arena = arena_new();
	auto_diags struct diags *diags = diags_new();
	auto_stdio FILE *nowhere = fopen("/dev/null", "we");
	struct policy_file main = { 0 };
	struct policies policies = { .arena = arena, .file = "x.yaml" };
	bool whole = yaml_decode(
		"x.yaml", (const char *)data, bytes, &policy_file_shape, arena, &main, diags);

	policies.gitlab = main.gitlab;
	policies.lifetimes = main.lifetimes;
	policies.limits = main.limits;
	policies.tokens = main.tokens;
	if (whole != (diags_count(diags) == 0))
		abort();
	if (rules_check_gitlab(&policies.gitlab, diags) && !policies.gitlab.url)
		abort();
	rules_check(&policies, whole, diags);
	if (!diags_count(diags))
		check_entries(&policies);
	if (nowhere)
		diags_print(diags, nowhere);
	return 0;
}
