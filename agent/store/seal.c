#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "base/advice.h"
#include "base/credential.h"
#include "base/memory.h"

#define FILE_DRAFT "key.new"

#define KEY_BYTES ((size_t)crypto_aead_xchacha20poly1305_ietf_KEYBYTES)
#define NONCE_BYTES ((size_t)crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
#define TAG_BYTES ((size_t)crypto_aead_xchacha20poly1305_ietf_ABYTES)
#define PADDED_BYTES ((size_t)1024)

_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES + 1024 +
			       crypto_aead_xchacha20poly1305_ietf_ABYTES ==
		       SEALED_BYTES,
	"a sealed secret is nonce, padded secret and tag");
_Static_assert(SEAL_SECRET_MAX < 1024, "the padding takes one byte at the least");

struct seal {
	struct secret *key; /* KEY_BYTES, raw */
};

/* Guarded memory for what is being padded or unpadded; sodium_free() wipes it. */
static void
guarded_cleanup(unsigned char **bytes)
{
	sodium_free(*bytes);
}
#define auto_guarded __attribute__((cleanup(guarded_cleanup)))

static bool
refuse(struct err *err)
{
	err->kind = ERR_PERSON;
	return err_advise(err, GLR_KEY_MISSING);
}

/* --- the key --- */

static bool
decode_key(const struct secret *text, const char *where, struct secret **key, struct err *err)
{
	auto_guarded unsigned char *bytes = memory_or_abort(sodium_malloc(KEY_BYTES));
	size_t length = 0;
	const char *end = NULL;

	if (secret_length(text) != 2 * KEY_BYTES ||
		sodium_hex2bin(bytes, KEY_BYTES, secret_reveal(text), secret_length(text), NULL,
			&length, &end) ||
		length != KEY_BYTES) {
		err_set(err, ERR_PERSON, 0, "the sealing key in %s is not %zu hex digits",
			where, 2 * KEY_BYTES);
		return refuse(err);
	}
	*key = secret_copy(bytes, KEY_BYTES);
	return true;
}

static bool
file_is_private(int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_set(err, ERR_PERSON, errno, "cannot be examined");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_PERSON, 0, "is not a regular file");
	if (st.st_uid != geteuid())
		return err_set(err, ERR_PERSON, 0, "belongs to user %u", (unsigned)st.st_uid);
	if (st.st_mode & 0077)
		return err_set(err, ERR_PERSON, 0, "is readable by others (mode %04o)",
			(unsigned)st.st_mode & 07777);
	return true;
}

static bool
read_file(struct state *state, int fd, struct secret **key, struct err *err)
{
	auto_secret struct secret *text = NULL;

	if (!file_is_private(fd, err) || !secret_read(fd, 2 * KEY_BYTES + 2, &text, err)) {
		err_wrap(err, "the sealing key '%s/" SEAL_FILE "'", state_path(state));
		return refuse(err);
	}
	return decode_key(text, "the file '" SEAL_FILE "'", key, err);
}

static bool
write_draft(int dirfd, const struct secret *key, struct err *err)
{
	auto_close int fd = openat(
		dirfd, FILE_DRAFT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	auto_guarded unsigned char *hex = memory_or_abort(sodium_malloc(2 * KEY_BYTES + 1));

	if (fd < 0)
		return err_set(err, ERR_STORE, errno, "cannot make the sealing key");
	sodium_bin2hex((char *)hex, 2 * KEY_BYTES + 1,
		(const unsigned char *)secret_reveal(key), KEY_BYTES);
	hex[2 * KEY_BYTES] = '\n';
	if (write(fd, hex, 2 * KEY_BYTES + 1) != (ssize_t)(2 * KEY_BYTES + 1) || fsync(fd))
		return err_set(err, ERR_STORE, errno, "cannot write the sealing key");
	return true;
}

/* The name `key` never stands for half a key: it is given to a draft that is whole and on the disk. The lock keeps other
 * writers away, and nothing stood under that name when we looked. */
static bool
make_file(struct state *state, struct secret **key, struct err *err)
{
	auto_guarded unsigned char *bytes = memory_or_abort(sodium_malloc(KEY_BYTES));
	auto_secret struct secret *draft = NULL;
	int dirfd = state_dirfd(state);

	randombytes_buf(bytes, KEY_BYTES);
	draft = secret_copy(bytes, KEY_BYTES);
	if (unlinkat(dirfd, FILE_DRAFT, 0) && errno != ENOENT)
		return err_set(err, ERR_STORE, errno, "cannot remove '" FILE_DRAFT "'");
	if (!write_draft(dirfd, draft, err))
		return false;
	if (renameat(dirfd, FILE_DRAFT, dirfd, SEAL_FILE) || fsync(dirfd))
		return err_set(err, ERR_STORE, errno, "cannot keep the sealing key");
	*key = take(draft);
	return true;
}

static bool
open_file(struct state *state, bool create, struct secret **key, struct err *err)
{
	auto_close int fd = openat(
		state_dirfd(state), SEAL_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0)
		return read_file(state, fd, key, err);
	if (errno == ENOENT && create)
		return make_file(state, key, err);
	err_set(err, ERR_PERSON, errno,
		"the sealing key is missing: no credential '" SEAL_CREDENTIAL
		"', and '%s/" SEAL_FILE "'",
		state_path(state));
	return refuse(err);
}

static bool
open_credential(struct secret **key, struct err *err)
{
	auto_secret struct secret *text = NULL;

	if (!credential_read(SEAL_CREDENTIAL, &text, err))
		return refuse(err);
	return decode_key(text, "the credential '" SEAL_CREDENTIAL "'", key, err);
}

bool
seal_open(struct state *state, bool create, struct seal **seal, struct err *err)
{
	auto_secret struct secret *key = NULL;

	if (credential_exists(SEAL_CREDENTIAL)) {
		if (!open_credential(&key, err))
			return false;
	} else if (!open_file(state, create, &key, err)) {
		return false;
	}
	*seal = memory_or_abort(calloc(1, sizeof(**seal)));
	(*seal)->key = take(key);
	return true;
}

void
seal_close(struct seal *seal)
{
	if (!seal)
		return;
	secret_free(seal->key);
	free(seal);
}

static const unsigned char *
key_of(const struct seal *seal)
{
	return (const unsigned char *)secret_reveal(seal->key);
}

void
seal_fingerprint(const struct seal *seal, char text[SEAL_FINGERPRINT_TEXT])
{
	static const unsigned char purpose[] = "glrotate: fingerprint of the sealing key";
	unsigned char hash[(SEAL_FINGERPRINT_TEXT - 1) / 2];

	crypto_generichash(
		hash, sizeof(hash), purpose, sizeof(purpose) - 1, key_of(seal), KEY_BYTES);
	sodium_bin2hex(text, SEAL_FINGERPRINT_TEXT, hash, sizeof(hash));
}

void
seal_mark(const struct seal *seal, const struct secret *secret, char text[SEAL_MARK_TEXT])
{
	unsigned char hash[(SEAL_MARK_TEXT - 1) / 2];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)secret_reveal(secret),
		secret_length(secret), key_of(seal), KEY_BYTES);
	sodium_bin2hex(text, SEAL_MARK_TEXT, hash, sizeof(hash));
}

/* --- sealing --- */

#define BOUND_BYTES ((size_t)24)

static void
put_number(unsigned char *bytes, uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
}

/* What a sealed secret is bound to: it opens in its own row, for its own token, and nowhere else. */
static void
bind_to(unsigned char bound[BOUND_BYTES], int64_t row, int64_t token)
{
	memcpy(bound, "glrot-01", 8);
	put_number(bound + 8, (uint64_t)row);
	put_number(bound + 16, (uint64_t)token);
}

bool
seal_shut(const struct seal *seal, const struct secret *secret, int64_t row, int64_t token,
	unsigned char sealed[SEALED_BYTES], struct err *err)
{
	auto_guarded unsigned char *padded = memory_or_abort(sodium_malloc(PADDED_BYTES));
	size_t length = secret_length(secret);
	unsigned char bound[BOUND_BYTES];

	if (length > SEAL_SECRET_MAX)
		return err_set(err, ERR_STORE, 0, "a secret of %zu bytes is longer than %d",
			length, SEAL_SECRET_MAX);
	memcpy(padded, secret_reveal(secret), length);
	sodium_pad(&length, padded, length, PADDED_BYTES, PADDED_BYTES);
	bind_to(bound, row, token);
	randombytes_buf(sealed, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_BYTES, NULL, padded,
		PADDED_BYTES, bound, sizeof(bound), NULL, sealed, key_of(seal));
	return true;
}

bool
seal_reopen(const struct seal *seal, const unsigned char *sealed, size_t length, int64_t row,
	int64_t token, struct secret **secret, struct err *err)
{
	auto_guarded unsigned char *padded = memory_or_abort(sodium_malloc(PADDED_BYTES));
	unsigned char bound[BOUND_BYTES];
	size_t used = 0;

	bind_to(bound, row, token);
	if (length != SEALED_BYTES ||
		crypto_aead_xchacha20poly1305_ietf_decrypt(padded, NULL, NULL,
			sealed + NONCE_BYTES, PADDED_BYTES + TAG_BYTES, bound, sizeof(bound),
			sealed, key_of(seal)) ||
		sodium_unpad(&used, padded, PADDED_BYTES, PADDED_BYTES)) {
		err_set(err, ERR_PERSON, 0,
			"the secret held in row %lld was not sealed by this key for this row",
			(long long)row);
		return err_advise(err, GLR_SEAL_BROKEN);
	}
	*secret = secret_copy(padded, used);
	return true;
}

/* --- the chain of events --- */

void
chain_hash(const unsigned char before[CHAIN_HASH_BYTES], const struct hash_part *parts,
	size_t count, unsigned char hash[CHAIN_HASH_BYTES])
{
	crypto_generichash_state state;
	unsigned char length[8];

	crypto_generichash_init(&state, NULL, 0, CHAIN_HASH_BYTES);
	crypto_generichash_update(&state, before, CHAIN_HASH_BYTES);
	for (size_t i = 0; i < count; i++) {
		put_number(length, parts[i].length);
		crypto_generichash_update(&state, length, sizeof(length));
		crypto_generichash_update(&state, parts[i].bytes, parts[i].length);
	}
	crypto_generichash_final(&state, hash, CHAIN_HASH_BYTES);
}
