#include "request.h"

#include <string.h>

static void
answer_text(struct answer *answer, int status, const char *content_type, char *text)
{
	answer_done(answer);
	answer->status = status;
	answer->content_type = content_type;
	answer->text = text;
}

/* clang-format off */
static const struct page {
	int status;
	const char *nginx, *haproxy, *gitlab;
} pages[] = {
	{ 400, "Bad Request", "Your browser sent an invalid request.", "Bad request" },
	{ 401, "Authorization Required", NULL, NULL },
	{ 403, "Forbidden", "Request forbidden by administrative rules.", NULL },
	{ 404, "Not Found", "The requested resource was not found.", "The page you're looking for could not be found" },
	{ 408, "Request Time-out", "Your browser didn't send a complete request in time.", NULL },
	{ 413, "Request Entity Too Large", NULL, NULL },
	{ 422, "Unprocessable Entity", NULL, "The change you requested was rejected" },
	{ 429, "Too Many Requests", "You have sent too many requests in a given amount of time.", NULL },
	{ 500, "Internal Server Error", "An internal server error occurred.", "Something went wrong" },
	{ 502, "Bad Gateway", "The server returned an invalid or incomplete response.", "GitLab is not responding" },
	{ 503, "Service Temporarily Unavailable", "No server is available to handle this request.", "GitLab is not responding" },
	{ 504, "Gateway Time-out", "The server didn't respond in time.", "GitLab is not responding" },
};
/* clang-format on */

static const struct page *
page_find(int status)
{
	static const struct page other = { 0, "Error", NULL, NULL };

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (pages[i].status == status)
			return &pages[i];
	}
	return &other;
}

static char *
page_nginx(int status)
{
	const char *why = page_find(status)->nginx;

	return must_print("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n"
			  "<center><h1>%d %s</h1></center>\r\n<hr><center>nginx</center>\r\n"
			  "</body>\r\n</html>\r\n",
		status, why, status, why);
}

static char *
page_haproxy(int status)
{
	const struct page *page = page_find(status);

	return must_print("<html><body><h1>%d %s</h1>\n%s\n</body></html>\n", status,
		status == 503 ? "Service Unavailable" : page->nginx,
		page->haproxy ? page->haproxy : "");
}

static char *
page_gitlab(int status)
{
	const struct page *page = page_find(status);
	const char *title = page->gitlab ? page->gitlab : page->nginx;

	return must_print("<!DOCTYPE html>\n<html>\n<head>\n  <title>%s (%d)</title>\n"
			  "</head>\n\n<body>\n  <h1>\n    %d\n  </h1>\n"
			  "  <div class=\"container\">\n    <h3>%s.</h3>\n    <hr />\n"
			  "    <p>Please contact your GitLab administrator if this problem "
			  "persists.</p>\n  </div>\n</body>\n</html>\n",
		title, status, status, title);
}

/* The shape of the page differs with who wrote it; none of them says whether anything was done. */
static const struct {
	const char *by;
	char *(*print)(int status);
} printers[] = {
	{ "nginx", page_nginx },
	{ "haproxy", page_haproxy },
	{ "gitlab", page_gitlab },
};

bool
page_known(const char *by)
{
	for (size_t i = 0; i < ARRAY_SIZE(printers); i++) {
		if (strcmp(printers[i].by, by) == 0)
			return true;
	}
	return false;
}

static char *
page_print(const char *by, int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(printers); i++) {
		if (strcmp(printers[i].by, by) == 0)
			return printers[i].print(status);
	}
	return must_copy("");
}

void
answer_spoil(struct answer *answer, const struct fault *fault, int64_t now)
{
	switch (fault->kind) {
	case FAULT_GARBAGE:
		answer_text(answer, 200, "application/json",
			must_copy("{\"id\":\x01 \xff\xfe not json"));
		break;
	case FAULT_WRONG_CONTENT_TYPE:
		answer_text(answer, 200, "text/html",
			must_copy("<!DOCTYPE html><html><body>Please sign in</body></html>"));
		break;
	case FAULT_STATUS:
		answer_text(answer, fault->status, fault->content_type, must_copy(fault->body));
		break;
	case FAULT_HTML:
		answer_text(answer, fault->status, "text/html",
			page_print(fault->by, fault->status));
		break;
	case FAULT_TOO_MANY:
		answer_text(answer, 429, "text/plain", must_copy("Retry later\n"));
		if (fault->retry_after >= 0)
			answer_header(answer, "Retry-After", "%ld", fault->retry_after);
		break;
	case FAULT_EXHAUSTED:
		answer_header(answer, "RateLimit-Remaining", "0");
		answer_header(answer, "RateLimit-Reset", "%ld",
			(long)(now / 1000) +
				(fault->retry_after < 0 ? 60 : fault->retry_after));
		break;
	case FAULT_REDIRECT:
		answer_text(
			answer, 301, "text/html", must_copy("<html><body>moved</body></html>"));
		answer_header(answer, "Location", "%s", fault->location);
		break;
	default:
		break;
	}
}
