#include "base64.h"

#include "base.h"

#include <stdlib.h>
#include <string.h>

#define SAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

void
base64_url(const unsigned char *bytes, size_t count, char *out)
{
	unsigned buffer = 0;
	int bits = 0;

	for (size_t i = 0; i < count; i++) {
		buffer = (buffer << 8 | bytes[i]) & 0xffff;
		for (bits += 8; bits >= 6; bits -= 6)
			*out++ = (SAME "-_")[buffer >> (bits - 6) & 63];
	}
	if (bits)
		*out++ = (SAME "-_")[buffer << (6 - bits) & 63];
	*out = '\0';
}

char *
base64_text(const char *text)
{
	static const char letters[] = SAME "+/";
	char *out = must_alloc(strlen(text) + 1);
	size_t used = 0;
	unsigned buffer = 0;
	int bits = 0;

	for (; *text && *text != '='; text++) {
		const char *letter = strchr(letters, *text);

		if (!letter)
			break;
		buffer = (buffer << 6 | (unsigned)(letter - letters)) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		out[used++] = (char)(buffer >> bits & 0xff);
	}
	if (text[strspn(text, "=")] == '\0' && strlen(out) == used)
		return out;
	free(out);
	return NULL;
}
