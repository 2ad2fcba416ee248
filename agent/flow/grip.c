#include "flow/grip.h"

#include "base/json.h"
#include "destination/destination.h"
#include "flow/begin.h"

static bool
read_places(const struct deliveries *deliveries, struct arena *arena, struct grip *grip,
	struct err *err)
{
	struct destination *places =
		arena_alloc(arena, (deliveries->count + 1) * sizeof(*places));

	grip->places.items = places;
	for (size_t i = 0; i < deliveries->count; i++) {
		const struct delivery *delivery = &deliveries->items[i];

		if (delivery->state == DELIVERY_SET_ASIDE)
			continue;
		if (!json_decode_text(delivery->spec, &destination_shape, arena,
			    &places[grip->places.count++], err))
			return false;
	}
	return true;
}

static bool
read_grip(struct journal *journal, const struct rotation *row, struct arena *arena,
	struct grip *grip, struct err *err)
{
	struct deliveries deliveries;
	struct frozen frozen = { 0 };

	if (!json_decode_text(row->frozen, &frozen_shape, arena, &frozen, err) ||
		!journal_deliveries(journal, row->id, arena, &deliveries, err))
		return false;
	grip->is_uncommitted = begin_is_uncommitted(row, &frozen);
	return read_places(&deliveries, arena, grip, err);
}

bool
grips_read(struct journal *journal, const struct rotations *open, struct arena *arena,
	struct grip **grips, struct err *err)
{
	struct grip *draft = arena_alloc(arena, (open->count + 1) * sizeof(*draft));

	for (size_t i = 0; i < open->count; i++)
		if (!read_grip(journal, &open->items[i], arena, &draft[i], err)) {
			err->kind = ERR_STORE;
			return err_wrap(err, "%s", open->items[i].address);
		}
	*grips = draft;
	return true;
}
