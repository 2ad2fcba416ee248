/* connect URL CA_FILE COUNT: fresh TLS connections, once over one CA store for all, once with a store for each.
 * Prints both in milliseconds a connection, and their ratio. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/http.h"

static bool
connect_once(struct http_site *site, struct err *err)
{
	const struct http_request request = { "GET", "/api/v4/metadata", NULL, NULL };
	auto_http struct http *http = http_new(site);
	auto_http_answer struct http_answer answer = { 0 };

	return http_send(http, &request, &answer, err);
}

/* Milliseconds for all, or -1. */
static int64_t
measure(const struct http_options *options, int count, bool shared, struct err *err)
{
	auto_http_site struct http_site *one = NULL;
	const int64_t begun = clock_msec();

	if (!http_site_new(options, &one, err))
		return -1;
	for (int i = 0; i < count; i++) {
		auto_http_site struct http_site *own = NULL;

		if ((!shared && !http_site_new(options, &own, err)) ||
			!connect_once(shared ? one : own, err))
			return -1;
	}
	return clock_msec() - begun;
}

int
main(int argc, char **argv)
{
	const int count = argc == 4 ? atoi(argv[3]) : 0;
	struct http_options options;
	int64_t shared, own;
	struct err err;

	if (count < 1)
		return fprintf(stderr, "usage: connect URL CA_FILE COUNT\n"), 2;
	options = (struct http_options){ .url = argv[1], .ca_file = argv[2] };
	if (!secret_start(&err) || !http_start(&err) ||
		(shared = measure(&options, count, true, &err)) < 0 ||
		(own = measure(&options, count, false, &err)) < 0)
		return fprintf(stderr, "%s\n", err.text), 1;
	printf("one CA store: %.2f ms, one for each: %.2f ms a connection; ratio %.1f\n",
		(double)shared / count, (double)own / count,
		(double)own / (double)(shared ? shared : 1));
	return 0;
}
