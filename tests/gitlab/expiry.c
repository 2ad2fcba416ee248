#include "expiry.h"

#include "access.h"

#include <stdio.h>

enum { ROTATE_DAYS = 7, YEAR_DAYS = 365, BUFFERED_YEAR_DAYS = 400 };

/* Before 17.3 the requirement was no setting but the law. */
static bool
expiry_required(const struct sim *sim, const struct user *owner)
{
	if (sim->version < V(17, 3))
		return true;
	if (owner->kind == USER_SERVICE)
		return setting_true(sim, "service_access_tokens_expiration_enforced");
	return setting_true(sim, "require_personal_access_token_expiry");
}

/* 0: no administrator has set one. */
static int
configured_days(const struct sim *sim)
{
	return (int)json_integer_value(
		json_object_get(sim->settings, "max_personal_access_token_lifetime"));
}

static int
limit_days(const struct sim *sim)
{
	int days = configured_days(sim);

	if (days)
		return days;
	return setting_true(sim, "buffered_token_expiration_limit") ? BUFFERED_YEAR_DAYS
	                                                            : YEAR_DAYS;
}

static int
default_days(const struct sim *sim, enum expiry_of operation)
{
	int configured = configured_days(sim);

	if (operation == EXPIRY_ROTATE)
		return configured && configured < ROTATE_DAYS ? configured : ROTATE_DAYS;
	if (operation == EXPIRY_CREATE_RESOURCE && !configured)
		return YEAR_DAYS;
	return limit_days(sim);
}

bool
expiry_choose(const struct sim *sim, const struct request *request, const struct user *owner,
	enum expiry_of operation, int *expires, char message[128])
{
	const char *asked = param_text(request, "expires_at");
	bool required = expiry_required(sim, owner);
	int today = clock_today(&sim->clock);
	int chosen = NEVER;
	char day[MOMENT_SIZE];

	if (asked)
		day_parse(asked, &chosen);
	else if (required)
		chosen = today + default_days(sim, operation);
	/* The sentence says "before", and the day it names is still accepted. */
	if (chosen != NEVER && (required || configured_days(sim)) &&
		chosen > today + limit_days(sim)) {
		snprintf(message, 128, "Expiration date must be before %s",
			day_print(today + limit_days(sim), day));
		return false;
	}
	*expires = chosen;
	return true;
}
