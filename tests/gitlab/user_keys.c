/* user_keys.c: the keys of users: GitLab's UserBasic, User, UserPublic, UserWithAdmin and UserDetailsWithAdmin.
 * What differs between 17.11 and 18.11 is taken to have changed with 18.0. */
#include "keys.h"

#include <stdio.h>

static json_t *
user_id(const struct look *look)
{
	return json_integer(look->user->id);
}

static json_t *
user_username(const struct look *look)
{
	return json_string(look->user->username);
}

static json_t *
user_name(const struct look *look)
{
	return json_string(look->user->name);
}

static json_t *
user_state(const struct look *look)
{
	return json_string(look->user->state);
}

/* GitLab's default: a picture named by the hash of the address; any hash will do here. */
static json_t *
user_avatar(const struct look *look)
{
	const struct user *user = look->user;
	char hash[65];

	for (size_t i = 0; i < 64; i += 8) {
		uint32_t part = UINT32_C(2166136261) ^ (uint32_t)i;

		for (const char *at = user->username; *at; at++)
			part = (part ^ (unsigned char)*at) * UINT32_C(16777619);
		snprintf(hash + i, 9, "%08x", part);
	}
	return json_sprintf("https://www.gravatar.com/avatar/%s?s=80&d=identicon", hash);
}

static json_t *
user_url(const struct look *look)
{
	return url_json(look->request, "http", "%s", look->user->username);
}

static json_t *
user_created(const struct look *look)
{
	return moment_json(look->user->created_at);
}

static json_t *
user_bot(const struct look *look)
{
	return json_boolean(look->user->kind != USER_HUMAN);
}

/* The day of the last request that GitLab has noted. */
static json_t *
user_active_on(const struct look *look)
{
	const struct user *user = look->user;
	char text[MOMENT_SIZE];
	int64_t last = 0;

	for (size_t i = 0; i < user->tokens.count; i++) {
		const struct token *token = user->tokens.items[i];

		if (token->last_used_at > last)
			last = token->last_used_at;
	}
	return last ? json_stringn(moment_print(last, text), 10) : json_null();
}

static json_t *
user_email(const struct look *look)
{
	const struct user *user = look->user;

	if (user->email)
		return json_string(user->email);
	return json_sprintf("%s@%s", user->username,
		user->kind == USER_HUMAN ? "localhost" : "noreply.localhost");
}

/* The first administrator may make everything; nobody else was given a right to. */
static bool
user_is_first(const struct user *user)
{
	return user->id == 1;
}

static json_t *
user_projects_limit(const struct look *look)
{
	return json_integer(user_is_first(look->user) ? 100000 : 0);
}

static json_t *
user_can_create(const struct look *look)
{
	return json_boolean(user_is_first(look->user));
}

static json_t *
user_external(const struct look *look)
{
	return json_boolean(look->user->kind == USER_SERVICE);
}

static json_t *
user_is_admin(const struct look *look)
{
	return json_boolean(look->user->admin);
}

/* The form that makes people leaves an empty note; the first one and bots never saw it. */
static json_t *
user_note(const struct look *look)
{
	const struct user *user = look->user;

	return user->kind == USER_HUMAN && !user_is_first(user) ? json_string("") : json_null();
}

/* People of the world file were made by the first administrator. */
static json_t *
user_created_by(const struct look *look)
{
	const struct user *user = look->user, *creator = user->creator;

	if (!creator && user->kind == USER_HUMAN && !user_is_first(user))
		creator = list_at(&look->sim->world.users, 1);
	return creator ? user_view(look->sim, look->request, creator, 0) : json_null();
}

/* clang-format off */
static const struct key user_keys[] = {
	{ 0,           "id",                                  .make = user_id },
	{ 0,           "username",                            .make = user_username },
	{ 0,           "public_email",                        "null", .from = V(18, 0) },
	{ 0,           "name",                                .make = user_name },
	{ 0,           "state",                               .make = user_state },
	{ 0,           "locked",                              "false" },
	{ 0,           "avatar_url",                          .make = user_avatar },
	{ 0,           "web_url",                             .make = user_url },

	{ USER_PROFILE, "created_at",                         .make = user_created },
	{ USER_PROFILE, "bio",                                TEXT("") },
	{ USER_PROFILE, "location",                           TEXT("") },
	{ USER_PROFILE, "public_email",                       "null",   .before = V(18, 0) },
	{ USER_PROFILE, "skype",                              TEXT(""), .before = V(18, 0) },
	{ USER_PROFILE, "linkedin",                           TEXT("") },
	{ USER_PROFILE, "twitter",                            TEXT("") },
	{ USER_PROFILE, "discord",                            TEXT("") },
	{ USER_PROFILE, "website_url",                        TEXT("") },
	{ USER_PROFILE, "github",                             TEXT(""), .from = V(18, 0) },
	{ USER_PROFILE, "organization",                       TEXT(""), .before = V(18, 0) },
	{ USER_PROFILE, "job_title",                          TEXT("") },
	{ USER_PROFILE, "pronouns",                           "null" },
	{ USER_PROFILE, "organization",                       TEXT(""), .from = V(18, 0) },
	{ USER_PROFILE, "bot",                                .make = user_bot },
	{ USER_PROFILE, "work_information",                   "null" },
	{ USER_PROFILE | USER_OTHER, "followers",             "0" },
	{ USER_PROFILE | USER_OTHER, "following",             "0" },
	{ USER_PROFILE | USER_OTHER, "is_followed",           "false" },
	{ USER_PROFILE, "local_time",                         "null" },

	{ USER_OWN,    "last_sign_in_at",                     "null" },
	{ USER_OWN,    "confirmed_at",                        .make = user_created },
	{ USER_OWN,    "last_activity_on",                    .make = user_active_on },
	{ USER_OWN,    "email",                               .make = user_email },
	{ USER_OWN,    "theme_id",                            "3" },
	{ USER_OWN,    "color_scheme_id",                     "1" },
	{ USER_OWN,    "projects_limit",                      .make = user_projects_limit },
	{ USER_OWN,    "current_sign_in_at",                  "null" },
	{ USER_OWN,    "identities",                          "[]" },
	{ USER_OWN,    "can_create_group",                    .make = user_can_create },
	{ USER_OWN,    "can_create_project",                  .make = user_can_create },
	{ USER_OWN,    "two_factor_enabled",                  "false" },
	{ USER_OWN,    "external",                            .make = user_external },
	{ USER_OWN,    "private_profile",                     "false" },
	{ USER_OWN,    "commit_email",                        .make = user_email },
	{ USER_OWN,    "preferred_language",                  TEXT("en"), .from = V(18, 0) },
	{ USER_OWN,    "shared_runners_minutes_limit",        "null" },
	{ USER_OWN,    "extra_shared_runners_minutes_limit",  "null" },
	{ USER_OWN,    "scim_identities",                     "[]" },

	{ USER_ADMIN,  "is_admin",                            .make = user_is_admin },
	{ USER_ADMIN,  "note",                                .make = user_note },
	{ USER_ADMIN,  "namespace_id",                        .make = user_id },
	{ USER_ADMIN,  "created_by",                          .make = user_created_by },
	{ USER_ADMIN,  "email_reset_offered_at",              "null", .before = V(18, 0) },
	{ USER_ADMIN,  "using_license_seat",                  "false" },

	{ USER_DETAILS, "highest_role",                       "0" },
	{ USER_DETAILS, "current_sign_in_ip",                 "null" },
	{ USER_DETAILS, "last_sign_in_ip",                    "null" },
	{ USER_DETAILS, "sign_in_count",                      "0" },
	{ USER_DETAILS, "plan",                               "null" },
	{ USER_DETAILS, "trial",                              "false" },
	{ 0 }
};
/* clang-format on */

json_t *
user_view(
	struct sim *sim, const struct request *request, const struct user *user, unsigned seen)
{
	const struct look look = { sim, request, user, NULL,
		seen | (request->user == user ? 0 : USER_OTHER) };

	return keys_show(user_keys, &look);
}
