/* sim.h: one simulator, everything behind its lock. */
#ifndef SIM_H
#define SIM_H

#include "clock.h"
#include "fault.h"
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
	json_t *settings;
	int version;
	const char *version_text;
	long latency_msec;
	atomic_bool stopping;
};

#endif
