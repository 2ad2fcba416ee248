#include "base/http_head.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

static const char *
header(CURL *curl, const char *name)
{
	struct curl_header *found = NULL;

	curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &found);
	return found ? found->value : NULL;
}

/* A whole number, or `otherwise`. */
static int64_t
number_in(const char *text, int64_t otherwise)
{
	char *end;
	long long number;

	if (!text || !isdigit((unsigned char)*text))
		return otherwise;
	errno = 0;
	number = strtoll(text, &end, 10);
	return errno || *end ? otherwise : (int64_t)number;
}

static int64_t
date_in(const char *text)
{
	time_t date = text ? curl_getdate(text, NULL) : -1;

	return date < 0 ? 0 : (int64_t)date;
}

/* Seconds; a date counts from the server's own, for our clock may be another. */
static int64_t
pause_in(const char *text, int64_t server_date)
{
	int64_t until;

	if (!text || isdigit((unsigned char)*text))
		return number_in(text, -1);
	until = date_in(text);
	if (!until || !server_date)
		return -1;
	return until > server_date ? until - server_date : 0;
}

static void
copy_digits(const char *from, char *to, size_t bytes)
{
	size_t length = strspn(from, "0123456789");

	if (!length || length >= bytes)
		return;
	memcpy(to, from, length);
	to[length] = '\0';
}

/* The page= of the link `<URL>; rel="next"`. */
static void
next_page_in_link(const char *link, char *page, size_t bytes)
{
	for (const char *url = strchr(link, '<'); url; url = strchr(url + 1, '<')) {
		const char *url_end = strchr(url, '>'), *next = strchr(url + 1, '<');
		const char *rel = url_end ? strstr(url_end, "rel=\"next\"") : NULL;

		if (!rel || (next && rel > next))
			continue;
		for (const char *at = url; (at = strstr(at, "page=")) && at < url_end; at++)
			if (at[-1] == '?' || at[-1] == '&')
				copy_digits(at + strlen("page="), page, bytes);
		return;
	}
}

static void
read_next_page(CURL *curl, struct http_answer *answer)
{
	const char *page = header(curl, "X-Next-Page"), *link = header(curl, "Link");

	if (page && *page)
		copy_digits(page, answer->next_page, sizeof(answer->next_page));
	else if (!page && link)
		next_page_in_link(link, answer->next_page, sizeof(answer->next_page));
}

static void
read_content_type(const char *text, char *type, size_t bytes)
{
	size_t length = text ? strcspn(text, "; \t") : 0;

	for (size_t i = 0; i < length && i + 1 < bytes; i++)
		type[i] = (char)tolower((unsigned char)text[i]);
}

void
http_head_read(void *handle, struct http_answer *answer)
{
	CURL *curl = handle;
	const char *location = header(curl, "Location");
	curl_off_t took_usec = 0;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &took_usec);
	answer->status = (int)status;
	answer->took_msec = took_usec / 1000;
	answer->date = date_in(header(curl, "Date"));
	answer->retry_after_sec = pause_in(header(curl, "Retry-After"), answer->date);
	answer->rate_remaining = number_in(header(curl, "RateLimit-Remaining"), -1);
	answer->rate_reset = number_in(header(curl, "RateLimit-Reset"), 0);
	read_content_type(header(curl, "Content-Type"), answer->content_type,
		sizeof(answer->content_type));
	read_next_page(curl, answer);
	if (location)
		snprintf(answer->location, sizeof(answer->location), "%s", location);
}
