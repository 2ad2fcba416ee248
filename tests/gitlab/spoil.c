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

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 400, "Bad Request" },
		{ 401, "Authorization Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 408, "Request Time-out" },
		{ 413, "Request Entity Too Large" },
		{ 422, "Unprocessable Entity" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Temporarily Unavailable" },
		{ 504, "Gateway Time-out" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Error";
}

/* The shape of the page differs with who wrote it; none of them says whether anything was done. */
static char *
page(const char *by, int status)
{
	const char *why = reason(status);

	if (strcmp(by, "haproxy") == 0)
		return must_print("<html><body><h1>%d %s</h1>\nThe server returned an invalid "
				  "or incomplete response.\n</body></html>\n",
			status, why);
	if (strcmp(by, "gitlab") == 0)
		return must_print(
			"<!DOCTYPE html>\n<html>\n<head>\n  <title>GitLab (%d)</title>\n"
			"</head>\n<body>\n  <h1>\n    %d\n  </h1>\n  <div class=\"container\">\n"
			"    <h3>%s</h3>\n    <p>Please contact your GitLab administrator.</p>\n"
			"  </div>\n</body>\n</html>\n",
			status, status, why);
	return must_print("<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n"
			  "<center><h1>%d %s</h1></center>\r\n<hr><center>nginx</center>\r\n"
			  "</body>\r\n</html>\r\n",
		status, why, status, why);
}

void
answer_spoil(struct answer *answer, const struct fault *fault)
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
		answer_text(answer, fault->status, "text/html", page(fault->by, fault->status));
		break;
	case FAULT_TOO_MANY:
		answer_text(answer, 429, "text/plain", must_copy("Retry later\n"));
		if (fault->retry_after >= 0)
			answer_header(answer, "Retry-After", "%ld", fault->retry_after);
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
