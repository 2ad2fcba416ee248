/* page.h: what people read: how a due date, a token, a destination and a moment are put in words, and in JSON.
 * Touches nothing but GitLab, read-only, in page_change() and page_item_change(); texts live in the caller's arena. Shared by the verbs, which do not know each other. */
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "base/json.h"
#include "destination/destination.h"
#include "flow/outcome.h"
#include "flow/plan.h"

/* "1 token", "6 tokens". */
const char *page_count(struct arena *arena, size_t count, const char *one, const char *many);
/* "2026-12-20 00:00 UTC (in 9d)", "never". */
const char *page_moment(struct arena *arena, int64_t moment, int64_t now);
/* The day alone, for tables: "2026-12-20", "never". */
const char *page_day(struct arena *arena, int64_t moment);
/* "used 4 min ago", "never used". `last_used_msec` as GitLab answers it. */
/* The same of a token as GitLab shows it, and as it was last seen; GitLab does not tell it of deploy tokens. */
const char *page_token_used(struct arena *arena, const struct token *token, int64_t now);
const char *page_record_used(struct arena *arena, const struct token_record *record, int64_t now);
const char *page_used(struct arena *arena, int64_t last_used_msec, int64_t now);
/* "2026-12-20 expires − 10d renew_before + 1d 4h 13 min spread = 2026-12-11 04:13 UTC", with what moved it later. */
const char *page_due_sum(struct arena *arena, const struct due *due);
/* "max_lifetime 60d, renew_before 10d (/etc/glrotate/glrotate.yaml:12)". */
const char *page_lifetime(struct arena *arena, const struct lifetime *lifetime);
/* "/etc/glrotate/glrotate.yaml:12"; "" for no place. */
const char *page_place(struct arena *arena, struct place place);
/* Of a pattern, when all that it could find was read. */
#define PAGE_BARREN "finds no token that it could mean"
/* "GLR-108"; NULL for 0. */
const char *page_advice(struct arena *arena, int advice);
/* "*: frozen by /etc/glrotate/FREEZE", a line for each brake that is on. */
void page_print_brakes(const struct brakes *brakes, int64_t now, FILE *stream);
/* "#4711"; "" for 0. */
const char *page_id(struct arena *arena, int64_t id);
/* "pending", "proven". */
const char *page_delivery_state(enum delivery_state state);

/* What a delivery would change at that place: "value", "created", "cannot: …". Asks GitLab. */
const char *page_change(const struct destination_tools *tools, const struct destination *destination);
/* The same of the item's destination `which`, with what else is known of the item: a slot says whom it reaches, and what goes before it. As
 * the preflight, it compares the fence. `*advice` is GLR-nnn when it fails, else 0. */
const char *page_item_change(const struct destination_tools *tools, struct journal *journal,
	const struct plan_item *item, size_t which, int *advice);
bool page_change_fails(const char *change);

/* Something is to be done in the next run, or a person is needed. */
/* "rotate"; of one that a pattern does not manage "unmanaged". */
const char *page_action(const struct plan_item *item);
bool page_is_due(const struct plan_item *item);
bool page_is_failed(const struct plan_item *item);

/* --- for --json: moments as 2026-12-20T00:00:00Z, null for none --- */
void page_set_moment(struct json *object, const char *key, int64_t moment);
struct json *page_due_json(const struct due *due);
/* A token as the plan sees it, without what its destinations hold. */
struct json *page_item_json(struct arena *arena, const struct plan_item *item);
struct json *page_brake_json(const struct brake *brake, bool dies_within);
struct json *page_row_json(const struct rotation *row);

#endif
