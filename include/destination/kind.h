/* kind.h: what a kind of destination supplies; for the files of this layer only.
 * Touches nothing. Each function means what destination.h says of the one of its name. */
#ifndef DESTINATION_KIND_H
#define DESTINATION_KIND_H

#include "destination/destination.h"

/* What expansion knows besides the entry itself. */
struct expansion {
	const struct address *token;
	bool inside_only; /* a pattern that may not leave the token's own owner */
	struct arena *arena;
	struct list *list; /* struct destination */
};

struct destination_row {
	bool (*expand)(const void *entry, const struct expansion *expansion, struct err *err);
	struct destination_home (*home)(const struct destination *destination); /* NULL: none */
	struct destination_uses (*uses)(
		const struct destination *destination);             /* NULL: nothing */
	const char *(*root)(const struct destination *destination); /* NULL: its text */
	bool (*overlaps)(const struct destination *a,
		const struct destination *b); /* of one root; NULL: by their texts */
	bool (*pin)(const struct destination_tools *tools, struct destination *destination,
		struct err *err); /* NULL: there is nothing to pin */
	bool (*preflight)(const struct destination_tools *tools,
		const struct destination *destination, const struct stamp *ours,
		struct err *err);
	bool (*deliver)(const struct destination_tools *tools,
		const struct destination *destination, const struct secret *secret,
		const struct stamp *stamp, struct err *err);
	bool (*verify)(const struct destination_tools *tools,
		const struct destination *destination, const struct secret *secret,
		const struct stamp *stamp, enum proof *proof, struct err *err);
	const char *(*inspect)(
		const struct destination_tools *tools, const struct destination *destination);
	bool (*read)(const struct destination_tools *tools,
		const struct destination *destination, struct secret **secret, struct err *err);
};

extern const struct destination_row ci_variable_row, file_row, exec_row, systemd_credential_row,
	vault_row, kubernetes_row, slot_row, ci_deploy_pair_row;
extern const struct shape ci_variable_entry_shape, file_entry_shape, exec_entry_shape,
	systemd_credential_entry_shape, vault_entry_shape, kubernetes_entry_shape,
	ci_deploy_pair_entry_shape;
extern const struct shape variable_place_shape, file_place_shape, exec_place_shape,
	systemd_credential_place_shape, vault_place_shape, kubernetes_place_shape,
	slot_place_shape;

/* Appends one destination of that kind and text; `place` (of `bytes`) is copied, the texts it points to are borrowed. */
void expansion_add(const struct expansion *expansion, int kind, const char *text,
	const void *place, size_t bytes);

/* Puts the token's own words for {owner} {owner:basename} {name} {name:key} {type}; NULL stays NULL.
 * Fails: ERR_POLICY for an unknown template, with the nearest, and for a value that could mean more than a name
 * where it lands: only [A-Za-z0-9_./-] without ".." is let through. */
must_check bool template_fill(const char *text, const struct address *token,
	struct arena *arena, const char **filled, struct err *err);

/* The same for a text whose dots part names: those that a value brings stand within one name, behind a backslash. */
must_check bool template_fill_dotted(const char *text, const struct address *token,
	struct arena *arena, const char **filled, struct err *err);

#endif
