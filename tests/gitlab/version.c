#include "version.h"

#include <stdio.h>

int
version_parse(const char *text)
{
	int major, minor;

	if (sscanf(text, "%d.%d", &major, &minor) != 2)
		return 0;
	if (major < 16 || major > 19 || minor < 0 || minor > 11)
		return 0;
	return V(major, minor);
}
