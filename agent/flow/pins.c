#include "flow/pins.h"

#include <string.h>

#include "base/json.h"
#include "destination/destination.h"

struct pins {
	struct place at;
	struct list destinations;
};

static const struct field pins_fields[] = {
	{ "destinations", FIELD_LIST, offsetof(struct pins, destinations),
		.shape = &destination_shape },
	{ NULL },
};

static const struct shape pins_shape = { "pinned destinations", pins_fields,
	sizeof(struct pins) };

const char *
pins_text(const struct list *destinations, struct arena *arena)
{
	const struct pins pins = { .destinations = *destinations };

	return json_encode_text(&pins_shape, &pins, arena);
}

bool
pins_read(const char *text, struct arena *arena, struct list *destinations, struct err *err)
{
	struct pins pins = { 0 };

	if (*text && !json_decode_text(text, &pins_shape, arena, &pins, err)) {
		err->kind = ERR_STORE;
		return err_wrap(err, "the journal's destinations");
	}
	*destinations = pins.destinations;
	return true;
}

void
pins_apply(const char *text, struct arena *arena, struct list *destinations)
{
	struct destination *items = destinations->items;
	struct list pinned = { 0 };
	const struct destination *known;
	struct err ignored;

	if (!pins_read(text, arena, &pinned, &ignored))
		return;
	known = pinned.items;
	for (size_t i = 0; i < destinations->count; i++)
		for (size_t k = 0; k < pinned.count; k++)
			if (!strcmp(items[i].text, known[k].text))
				items[i].owner_id = known[k].owner_id;
}
