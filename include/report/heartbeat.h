/* heartbeat.h: that runs happen, for whoever watches from outside; and how a watcher on this machine asks.
 * Touches the network: the URL and the variable that the policy names. What fails is logged, and fails no run. */
#ifndef REPORT_HEARTBEAT_H
#define REPORT_HEARTBEAT_H

#include "flow/context.h"
#include "report/standing.h"

/* At the end of a run with that exit code: 0 and 1 are good ones, 2 and 3 ask for a person, others say nothing. */
void heartbeat_beat(struct context *context, int exit_code);

struct health {
	int exit_code;    /* 0: a good run is young enough, and nobody is needed; 3: somebody is; 1: neither */
	const char *text; /* one line */
};
/* A function of what stands in the journal. */
struct health heartbeat_health(const struct standings *standings, int64_t max_age_sec,
	int64_t now, struct arena *arena);

#endif
