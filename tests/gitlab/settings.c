/* settings.c: which values of /application/settings are refused. */
#include "settings.h"

#include <stdio.h>
#include <string.h>

#define PREFIX_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=/@:.-"

enum { PREFIX_MAX = 20 };

static const struct bounds {
	const char *name;
	long from, to; /* to 0: no end */
} bounds[] = {
	{ "max_personal_access_token_lifetime", 1, 365 },
	{ "inactive_resource_access_tokens_delete_after_days", 1 },
	{ "throttle_authenticated_api_requests_per_period", 1 },
	{ "throttle_authenticated_api_period_in_seconds", 1 },
};

static void
bounds_check(const struct sim *sim, const struct request *request, const struct bounds *row,
	struct answer *answer)
{
	const json_t *value = json_object_get(request->params, row->name);
	const bool wide =
		json_is_true(json_object_get(sim->settings, "buffered_token_expiration_limit"));
	const long to = row->to == 365 && wide ? 400 : row->to;
	char text[64];

	if (!json_is_integer(value))
		return;
	if (json_integer_value(value) < row->from) {
		snprintf(text, sizeof(text), "must be greater than %ld", row->from - 1);
		error_validation(answer, row->name, text);
	} else if (to && json_integer_value(value) > to) {
		snprintf(text, sizeof(text), "must be less than or equal to %ld", to);
		error_validation(answer, row->name, text);
	}
}

static void
prefix_check(const struct request *request, struct answer *answer)
{
	const char *name = "personal_access_token_prefix";
	const char *prefix = param_text(request, name);

	if (!prefix)
		return;
	if (prefix[strspn(prefix, PREFIX_LETTERS)])
		error_validation(answer, name,
			"can contain only letters of the Base64 alphabet (RFC4648) with the "
			"addition of '@', ':' and '.'");
	if (strlen(prefix) > PREFIX_MAX)
		error_validation(answer, name, "is too long (maximum is 20 characters)");
}

bool
settings_check(const struct sim *sim, const struct request *request, struct answer *answer)
{
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++)
		bounds_check(sim, request, &bounds[i], answer);
	prefix_check(request, answer);
	return answer->status == 0;
}
