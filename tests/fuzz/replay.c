/* Runs a fuzz target over files and folders of them, for compilers without libFuzzer: what once broke a
 * parser breaks the ordinary suite when it comes back. */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "target.h"

static bool
replay_file(int folder, const char *name)
{
	auto_close int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	auto_free uint8_t *data = NULL;
	struct stat status;

	if (fd < 0 || fstat(fd, &status)) {
		perror(name);
		return false;
	}
	/* To the byte, so that a sanitizer sees the first one read behind it. */
	data = memory_or_abort(malloc((size_t)status.st_size + !status.st_size));
	if (read(fd, data, (size_t)status.st_size) != status.st_size) {
		perror(name);
		return false;
	}
	fprintf(stderr, "%s\n", name);
	return !LLVMFuzzerTestOneInput(data, (size_t)status.st_size);
}

static size_t
replay_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	size_t count = 0;

	if (!folder)
		return replay_file(AT_FDCWD, path);
	while ((entry = readdir(folder)))
		if (*entry->d_name != '.')
			count += replay_file(dirfd(folder), entry->d_name);
	closedir(folder);
	return count;
}

/* An argument that holds nothing to replay is a mistake in the call. */
int
main(int argc, char **argv)
{
	(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		if (*argv[i] != '-' && !replay_folder(argv[i])) {
			fprintf(stderr, "nothing to replay in %s\n", argv[i]);
			return EXIT_FAILURE;
		}
	return EXIT_SUCCESS;
}
