#include "target.h"

#include <assert.h>

#include "base/json.h"
#include "base/secret.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err;
	const bool ok = secret_start(&err);

	(void)argc;
	(void)argv;
	assert(ok);
	json_start();
	return 0;
}
