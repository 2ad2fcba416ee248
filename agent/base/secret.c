#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <sodium.h>

#include "base/memory.h"

struct secret {
	size_t length, capacity;
	char *bytes; /* capacity + 1, always NUL-terminated */
};

bool
secret_start(struct err *err)
{
	const struct rlimit no_core = { 0, 0 };

	if (sodium_init() < 0)
		return err_set(err, ERR_STORE, 0, "libsodium cannot start");
	if (setrlimit(RLIMIT_CORE, &no_core) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_set(err, ERR_STORE, errno, "cannot forbid core files");
	return true;
}

bool
secret_is_lockable(void)
{
	static const size_t few_bytes = 32 * 1024;
	void *bytes = sodium_malloc(few_bytes);
	/* The allocator has tried, and does not say. */
	const bool is = bytes && !mlock(bytes, few_bytes);

	sodium_free(bytes);
	return is;
}

struct secret *
secret_new(size_t capacity)
{
	struct secret *secret = memory_or_abort(calloc(1, sizeof(*secret)));

	secret->bytes = memory_or_abort(sodium_malloc(capacity + 1));
	secret->bytes[0] = '\0';
	secret->capacity = capacity;
	return secret;
}

struct secret *
secret_copy(const void *bytes, size_t length)
{
	struct secret *secret = secret_new(length);

	memcpy(secret->bytes, bytes, length);
	secret->bytes[length] = '\0';
	secret->length = length;
	return secret;
}

bool
secret_append(struct secret *secret, const void *bytes, size_t length)
{
	if (length > secret->capacity - secret->length)
		return false;
	memcpy(secret->bytes + secret->length, bytes, length);
	secret->length += length;
	secret->bytes[secret->length] = '\0';
	return true;
}

bool
secret_join(struct secret *secret, const struct secret *more)
{
	return secret_append(secret, more->bytes, more->length);
}

bool
secret_is_word(const struct secret *secret)
{
	for (size_t i = 0; i < secret->length; i++)
		if (secret->bytes[i] <= ' ' || secret->bytes[i] > '~')
			return false;
	return secret->length;
}

struct secret *
secret_base64(const struct secret *secret)
{
	const int variant = sodium_base64_VARIANT_ORIGINAL;
	const size_t room = sodium_base64_encoded_len(secret->length, variant);
	struct secret *text = secret_new(room);

	sodium_bin2base64(text->bytes, room, (const unsigned char *)secret->bytes,
		secret->length, variant);
	text->length = room - 1;
	return text;
}

struct secret *
secret_from_base64(const char *text, size_t length)
{
	auto_secret struct secret *secret = secret_new(length);
	size_t got;

	if (sodium_base642bin((unsigned char *)secret->bytes, secret->capacity, text, length,
		    NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL))
		return NULL;
	secret->length = got;
	secret->bytes[got] = '\0';
	return take(secret);
}

struct secret *
secret_unbase64(const struct secret *text)
{
	return secret_from_base64(text->bytes, text->length);
}

static void
drop_line_end(struct secret *secret)
{
	if (secret->length && secret->bytes[secret->length - 1] == '\n')
		secret->length--;
	if (secret->length && secret->bytes[secret->length - 1] == '\r')
		secret->length--;
	secret->bytes[secret->length] = '\0';
}

/* Until the end, or until it is full. */
static bool
read_to_end(int fd, struct secret *secret)
{
	ssize_t got;

	do {
		got = read(
			fd, secret->bytes + secret->length, secret->capacity - secret->length);
		if (got > 0)
			secret->length += (size_t)got;
	} while ((got > 0 && secret->length < secret->capacity) || (got < 0 && errno == EINTR));
	secret->bytes[secret->length] = '\0';
	return got >= 0;
}

bool
secret_read_whole(int fd, size_t max_bytes, struct secret **secret, struct err *err)
{
	auto_secret struct secret *draft = secret_new(max_bytes + 1);

	if (!read_to_end(fd, draft))
		return err_set(err, ERR_LATER, errno, "cannot be read");
	if (draft->length > max_bytes)
		return err_set(err, ERR_REFUSED, 0, "holds more than %zu bytes", max_bytes);
	*secret = take(draft);
	return true;
}

bool
secret_read(int fd, size_t max_bytes, struct secret **secret, struct err *err)
{
	auto_secret struct secret *draft = secret_new(max_bytes + 1);

	if (!read_to_end(fd, draft))
		return err_set(err, ERR_POLICY, errno, "cannot read");
	if (draft->length > max_bytes)
		return err_set(err, ERR_POLICY, 0, "holds more than %zu bytes", max_bytes);
	drop_line_end(draft);
	if (!draft->length)
		return err_set(err, ERR_POLICY, 0, "is empty");
	if (memchr(draft->bytes, '\0', draft->length))
		return err_set(err, ERR_POLICY, 0, "holds a zero byte");
	*secret = take(draft);
	return true;
}

const char *
secret_reveal(const struct secret *secret)
{
	return secret->bytes;
}

size_t
secret_length(const struct secret *secret)
{
	return secret->length;
}

bool
secret_equal(const struct secret *a, const struct secret *b)
{
	if (!a || !b || a->length != b->length)
		return false;
	return !sodium_memcmp(a->bytes, b->bytes, a->length);
}

bool
secret_holds(const struct secret *text, const struct secret *secret)
{
	return text && secret && secret->length &&
	       memmem(text->bytes, text->length, secret->bytes, secret->length);
}

void
secret_wipe(void *bytes, size_t length)
{
	sodium_memzero(bytes, length);
}

void
random_bytes(void *bytes, size_t length)
{
	randombytes_buf(bytes, length);
}

void
secret_free(struct secret *secret)
{
	if (!secret)
		return;
	sodium_free(secret->bytes);
	free(secret);
}
