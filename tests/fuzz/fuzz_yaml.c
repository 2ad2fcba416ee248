#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "policy/keys.h"
#include "target.h"

/* Whatever the bytes are: they are decoded, or told with a place in the file, and the telling is
 * printable too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *arena = arena_new();
	auto_diags struct diags *diags = diags_new();
	auto_free char *shown = NULL;
	size_t shown_bytes;
	FILE *stream = open_memstream(&shown, &shown_bytes);
	const struct diag *diag;
	struct policy_file policy;
	bool good = yaml_decode("policy.yaml", (const char *)data, size, &policy_file_shape,
		arena, &policy, diags);

	assert(good == !diags_count(diags));
	for (size_t i = 0; (diag = diags_at(diags, i)); i++) {
		assert(diag->place.line > 0 && diag->place.column > 0);
		assert(!strpbrk(diag->text, "\x1b\n\r\t"));
	}
	diags_print(diags, stream);
	fclose(stream);
	assert(!good == !!shown_bytes && !strchr(shown, '\x1b'));
	return 0;
}
