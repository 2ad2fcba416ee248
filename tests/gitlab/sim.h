/* sim.h: one simulator, everything behind its lock. */
#ifndef SIM_H
#define SIM_H

#include "clock.h"
#include "fault.h"
#include "history.h"
#include "hook.h"
#include "later.h"
#include "record.h"
#include "version.h"
#include "world.h"

#include <pthread.h>
#include <stdatomic.h>

struct sim {
	pthread_mutex_t lock;
	struct clock clock;
	struct world world;
	struct faults faults;
	struct record record;
	struct hooks hooks;
	struct later later;
	struct history history;
	struct list snapshots;
	json_t *settings;
	int version;
	const char *version_text;
	long latency_msec;
	atomic_bool stopping;
};

#endif
