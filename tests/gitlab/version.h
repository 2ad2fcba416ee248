/* version.h: GitLab releases as comparable numbers. */
#ifndef VERSION_H
#define VERSION_H

#define V(major, minor) ((major)*100 + (minor))

/* "18.11.5" → V(18, 11); 0 when it is none we know the rules of. */
int version_parse(const char *text);

#endif
