/* The first byte chooses the entry, the rest is the file. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "destination/format.h"
#include "target.h"

static const char *name[] = { "TOKEN" };
static const char *path[] = { "a.b" };
#define KEY(names)                                                                             \
	{                                                                                      \
		names, 1                                                                       \
	}
/* clang-format off */
static const struct {
	struct format_entry entry;
	const char *odd; /* with one of these, a value may stand there that is none, and is replaced */
} rows[] = {
	{ { .format = FORMAT_ENV, .key = KEY(name) },                    "\"'\\" },
	{ { .format = FORMAT_JSON, .key = KEY(path) },                   "\\n" },
	{ { .format = FORMAT_NETRC, .host = "h" },                       "\"" },
	{ { .format = FORMAT_NETRC, .host = "h", .username = "u" },      "\"" },
	{ { .format = FORMAT_DOCKER, .host = "h" },                      "tn\\" },
	{ { .format = FORMAT_NPMRC, .host = "h/p" },                     "" },
	{ { .format = FORMAT_PIP, .host = "h/p" },                       "@" },
};
/* clang-format on */

static struct secret *
merge(const struct format_entry *entry, const struct secret *present,
	const struct secret *value)
{
	struct secret *merged = NULL;
	struct err err;

	if (!format_merge(entry, NULL, present, value, &merged, &err))
		return NULL;
	return merged;
}

/* What was put in where nothing was taken out: the rest stands before it and behind it. */
static void
is_put_in(const struct secret *present, const struct secret *merged, const char *odd)
{
	const char *before = secret_reveal(present), *after = secret_reveal(merged);
	const size_t length = secret_length(present), grown = secret_length(merged);
	size_t same = 0, behind = 0;

	while (same < length && before[same] == after[same])
		same++;
	while (behind < length && before[length - 1 - behind] == after[grown - 1 - behind])
		behind++;
	assert(same + behind >= length || strpbrk(before, odd));
}

static void
check_merged(const struct format_entry *entry, const struct secret *present,
	const struct secret *merged, const struct secret *first, const char *odd)
{
	auto_secret struct secret *second = secret_copy("t-2", 3), *read = NULL, *old = NULL;
	auto_secret struct secret *again = merge(entry, merged, first);
	auto_secret struct secret *other = merge(entry, merged, second);
	auto_secret struct secret *back = other ? merge(entry, other, first) : NULL;
	struct err err;

	assert(format_read(entry, merged, &read, &err) && secret_equal(read, first));
	assert(secret_equal(again, merged));
	assert(secret_equal(back, merged));
	assert(format_read(entry, present, &old, &err));
	if (!old)
		is_put_in(present, merged, odd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_secret struct secret *present = NULL, *first = NULL, *merged = NULL;
	size_t row;

	if (!size)
		return 0;
	row = data[0] % ARRAY_SIZE(rows);
	present = secret_copy(data + 1, size - 1);
	first = secret_copy("token-1", 7);
	merged = merge(&rows[row].entry, present, first);
	if (merged)
		check_merged(&rows[row].entry, present, merged, first, rows[row].odd);
	return 0;
}
