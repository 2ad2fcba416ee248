#include "base/checks.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

bool
text_is_made_of(const char *text, const char *more)
{
	const char *at = text;

	while (*at && ((isascii(*at) && isalnum((unsigned char)*at)) || strchr(more, *at)))
		at++;
	return at > text && !*at;
}

bool
path_is_clean(const char *path)
{
	for (const char *at = path; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return false;
	for (const char *part = path;; part++) {
		const size_t length = strcspn(part, "/");

		if (!length || (length == 1 && *part == '.') ||
			(length == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		part += length;
		if (!*part)
			return true;
	}
}

bool
check_url(const char *text, char *why, size_t why_bytes)
{
	static const char *const loopback[] = { "http://localhost", "http://127.0.0.1",
		"http://[::1]" };
	const char *host = NULL;

	if (!strncmp(text, "https://", strlen("https://")))
		host = text + strlen("https://");
	for (size_t i = 0; i < ARRAY_SIZE(loopback); i++)
		if (!strncmp(text, loopback[i], strlen(loopback[i])) &&
			strchr(":/", text[strlen(loopback[i])]))
			host = text + strlen("http://");
	if (host && *host && *host != '/' && *host != ':' && !strpbrk(host, "@?# \t\\"))
		return true;
	snprintf(why, why_bytes,
		"expected https://HOST, without user, query or fragment, not '%s'", text);
	return false;
}

bool
check_absolute(const char *text, char *why, size_t why_bytes)
{
	if (text[0] == '/' && strlen(text) < PATH_MAX && path_is_clean(text + 1))
		return true;
	snprintf(why, why_bytes,
		"expected an absolute path without '..', '.' and empty parts, not '%s'", text);
	return false;
}

bool
check_credential(const char *text, char *why, size_t why_bytes)
{
	if (text[0] == '/')
		return check_absolute(text, why, why_bytes);
	if (text[0] && text[0] != '.' && !strpbrk(text, "/ "))
		return true;
	snprintf(why, why_bytes,
		"expected a credential's name or the absolute path of its file, not '%s'",
		text);
	return false;
}
