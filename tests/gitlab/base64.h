/* base64.h: bytes as text, and back. */
#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>

/* For URLs, without padding. `out` has room for 4 letters for 3 bytes, and a zero byte. */
void base64_url(const unsigned char *bytes, size_t count, char *out);
/* The ordinary letters; padding may be missing. NULL: it is none, or has a zero byte in it. */
char *base64_text(const char *text);

#endif
