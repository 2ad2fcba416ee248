#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAFE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The caller's arguments name files; with another's right to read them they would be read out. */
static bool
is_who_called(struct err *err)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	if (getresuid(&uid, &euid, &suid) || getresgid(&gid, &egid, &sgid))
		return err_set(err, ERR_USAGE, errno, "cannot tell who this is");
	if (uid == euid && euid == suid && gid == egid && egid == sgid)
		return true;
	return err_set(err, ERR_USAGE, 0,
		"glrotate must not run set-user-id or set-group-id: chmod ug-s it, and let "
		"root call it, or the service");
}

/* The wrong way round: what is asked of a closed stream goes on to fail. Each gets the lowest free number, which is its own. */
static bool
fill_streams(struct err *err)
{
	static const int ways[] = { O_WRONLY, O_RDONLY, O_RDONLY };

	for (int fd = 0; fd < (int)(sizeof(ways) / sizeof(ways[0])); fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", ways[fd] | O_NOCTTY) != fd)
			return err_set(err, ERR_LATER, errno, "cannot open /dev/null");
	return true;
}

/* Whoever ignores its children's ends, or has them reaped, does that to ours too. */
static void
reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

bool
process_start(struct err *err)
{
	if (!is_who_called(err) || !fill_streams(err))
		return false;
	/* Nobody passes us one on purpose, and our children would get them all. */
	closefrom(STDERR_FILENO + 1);
	reset_signals();
	umask(077);
	/* Without one each program has another idea of it, and an empty one is the present folder. */
	if (!getenv("PATH") || !*getenv("PATH"))
		setenv("PATH", SAFE_PATH, 1);
	/* libcurl and OpenSSL would write there what opens every connection. */
	unsetenv("SSLKEYLOGFILE");
	return true;
}
