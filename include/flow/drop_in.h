/* drop_in.h: what the destinations of a policy need of the service's sandbox, as a drop-in of its unit.
 * Touches nothing: it is a function of the policy. */
#ifndef FLOW_DROP_IN_H
#define FLOW_DROP_IN_H

#include "base/arena.h"
#include "base/err.h"
#include "policy/policy.h"

/* How the first line of each begins: what has another one is not ours to write over. */
#define DROP_IN_HEAD "# Written by glrotate setup"

struct drop_in {
	const char *text;   /* NULL: nothing is needed */
	bool runs_programs; /* `exec`: what these need the policy does not say */
	bool encrypts;      /* with systemd-creds, which newer systemd does for root alone */
	const char *
		restarts; /* a unit that is to be restarted, which is root's to ask for; NULL: none */
};

struct drop_in_service {
	const char *user, *group; /* who it runs as */
	bool is_persons;          /* of a user manager, which cannot give what it writes to anybody else */
	const char *state;        /* to be written besides, or NULL */
};

/* Fails: ERR_POLICY where a path is not fit for a unit's setting, or may lead anywhere, and where a person's service would have to
 *        write what is another's. */
must_check bool drop_in_build(const struct policies *policies,
	const struct drop_in_service *service, struct arena *arena, struct drop_in *drop_in,
	struct err *err);

#endif
