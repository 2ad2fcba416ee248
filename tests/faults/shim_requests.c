/* What is sent to GitLab, and what comes back. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"

static bool
begins(const void *bytes, size_t length, const char *with)
{
	return length >= strlen(with) && !memcmp(bytes, with, strlen(with));
}

static bool
is_request(const void *bytes, size_t length)
{
	return begins(bytes, length, "GET ") || begins(bytes, length, "PUT ") ||
	       begins(bytes, length, "POST ") || begins(bytes, length, "DELETE ");
}

ssize_t
send(int fd, const void *bytes, size_t length, int flags)
{
	enum effect effect = NONE;
	ssize_t sent;

	if (is_request(bytes, length))
		effect = shim_count("send", "-", length, false);
	if (effect == BROKEN) {
		errno = ECONNRESET;
		return -1;
	}
	sent = syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
	shim_dies_after(effect);
	return sent;
}

ssize_t
recv(int fd, void *bytes, size_t length, int flags)
{
	const ssize_t got = syscall(SYS_recvfrom, fd, bytes, length, flags, NULL, NULL);

	if (got > 0 && !(flags & MSG_PEEK) && begins(bytes, (size_t)got, "HTTP/1."))
		shim_dies_after(shim_count("recv", "-", (size_t)got, false));
	return got;
}
