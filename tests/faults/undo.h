/* undo.h: what a power cut takes back: all that was done to watched files and not flushed since. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* To be called before it is done. */
void undo_note_write(int fd, const char *path, off_t at, size_t length);
void undo_note_size(int fd, const char *path, off_t size);
void undo_note_rename(const char *from, const char *to);

/* A flush of that file, or of that folder and the names in it. */
void undo_forget(int fd);

/* The newest first. */
void undo_all(void);
