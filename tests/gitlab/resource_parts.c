/* resource_parts.c: what projects and groups show alike. */
#include "keys.h"

#include <stdlib.h>

json_t *
resource_id(const struct look *look)
{
	return json_integer(look->resource->id);
}

json_t *
resource_description(const struct look *look)
{
	return text_json(look->resource->description);
}

json_t *
resource_name(const struct look *look)
{
	return json_string(look->resource->name);
}

/* "a / b / c" */
static char *
full_name(const struct resource *resource)
{
	char *above, *name;

	if (!resource->parent)
		return must_copy(resource->name);
	above = full_name(resource->parent);
	name = must_print("%s / %s", above, resource->name);
	free(above);
	return name;
}

json_t *
resource_full_name(const struct look *look)
{
	char *name = full_name(look->resource);
	json_t *json = json_string(name);

	free(name);
	return json;
}

json_t *
resource_own_path(const struct look *look)
{
	return json_string(resource_slug(look->resource));
}

json_t *
resource_full_path(const struct look *look)
{
	return json_string(look->resource->path);
}

json_t *
resource_created(const struct look *look)
{
	return moment_json(look->resource->created_at);
}

json_t *
resource_visibility(const struct look *look)
{
	return json_string(look->resource->visibility);
}

json_t *
resource_url(const struct look *look)
{
	return url_json(look->request, "http", "%s%s",
		look->resource->kind == GROUP ? "groups/" : "", look->resource->path);
}

json_t *
resource_parent_id(const struct look *look)
{
	return look->resource->parent ? json_integer(look->resource->parent->id) : json_null();
}

/* clang-format off */
static const struct key namespace_keys[] = {
	{ 0,        "id",                                                .make = resource_id },
	{ 0,        "name",                                              .make = resource_name },
	{ 0,        "path",                                              .make = resource_own_path },
	{ 0,        "kind",                                              TEXT("group") },
	{ 0,        "full_path",                                         .make = resource_full_path },
	{ 0,        "parent_id",                                         .make = resource_parent_id },
	{ 0,        "avatar_url",                                        "null" },
	{ 0,        "web_url",                                           .make = resource_url },
	{ 0 }
};
/* clang-format on */

json_t *
resource_namespace(const struct look *look)
{
	struct look above = *look;

	if (!look->resource->parent)
		return json_null();
	above.resource = look->resource->parent;
	return keys_show(namespace_keys, &above);
}
