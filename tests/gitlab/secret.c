#include "secret.h"

#include "base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define URL_SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#define BASE36 "0123456789abcdefghijklmnopqrstuvwxyz"

static void
base36(unsigned long number, size_t width, char *out)
{
	char digits[16];
	size_t count = 0;

	do {
		digits[count++] = BASE36[number % 36];
	} while (number /= 36);
	while (count < width)
		digits[count++] = '0';
	for (size_t i = 0; i < count; i++)
		out[i] = digits[count - 1 - i];
	out[count] = '\0';
}

static unsigned long
crc32_of(const char *text)
{
	unsigned long crc = 0xffffffff;

	for (; *text; text++) {
		crc ^= (unsigned char)*text;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return crc ^ 0xffffffff;
}

/* <prefix><base64 of random, payload, payload length>.01.<length><crc> */
static char *
routable(const char *prefix, const struct user *user)
{
	unsigned char bytes[128];
	char id[16], payload[64], body[200], length[8], crc[16];
	int payload_bytes;
	char *front, *secret;

	base36((unsigned long)user->id, 1, id);
	payload_bytes = snprintf(payload, sizeof(payload), "o:1\nu:%s", id);
	if (getrandom(bytes, 16, 0) != 16)
		abort();
	memcpy(bytes + 16, payload, (size_t)payload_bytes);
	bytes[16 + payload_bytes] = (unsigned char)payload_bytes;
	base64_url(bytes, (size_t)payload_bytes + 17, body);
	base36(strlen(body), 2, length);
	front = must_print("%s%s.01.%s", prefix, body, length);
	base36(crc32_of(front), 7, crc);
	secret = must_print("%s%s", front, crc);
	free(front);
	return secret;
}

char *
secret_new(const struct sim *sim, const struct user *user)
{
	const char *prefix = json_string_value(
		json_object_get(sim->settings, "personal_access_token_prefix"));
	char body[21];

	if (!prefix)
		prefix = "glpat-";
	if (sim->version >= V(18, 0))
		return routable(prefix, user);
	random_text(body, sizeof(body) - 1, URL_SAFE);
	return must_print("%s%s", prefix, body);
}
