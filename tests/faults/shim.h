/* shim.h: what the parts of the shim share: counting a call, and what is to happen to it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum effect {
	NONE,
	KILL,   /* before it is done */
	AFTER,  /* killed when it is done */
	TORN,   /* half of it is done, and killed */
	CUT,    /* killed, and what was not flushed is gone */
	STOP,   /* SIGSTOP before it is done; readings count as well */
	HALT,   /* SIGSTOP before it is done */
	BROKEN, /* EIO */
	FULL,   /* ENOSPC, for calls that want room */
	SHORT,  /* half of it is done, and it says so */
	WAIT,   /* it takes so many seconds, which nobody has to wait for */
};

/* What the whole run is in for. */
enum effect shim_effect(void);

/* The path of a descriptor, or of a name below one, when it is watched. */
bool shim_watches(int fd, const char *name, char *path);

/* What happens to this call; one that is to be killed before it is done does not come back.
 * `room`: whether it needs more of the disk than it has. */
enum effect shim_count(const char *name, const char *path, size_t bytes, bool room);

/* -1 and errno, when it is to fail. */
int shim_fails(enum effect effect);

/* shim_time.c: time passes, for the program and the simulator. */
void shim_let_pass(long sec);

/* To be called when it is done. */
void shim_dies_after(enum effect effect);
