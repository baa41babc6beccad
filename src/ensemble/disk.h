/* Files that are complete or absent: reading a whole file, writing one durably, making directories.
 * Local. */
#ifndef CW_ENSEMBLE_DISK_H
#define CW_ENSEMBLE_DISK_H

#include "causeway/core.h"

/* Opens a regular file for reading; the caller closes *fd. */
cw_status cw_disk_open(cw_context *ctx, const char *path, int *fd, size_t *size);
/* Reads a regular file. The caller frees *bytes. */
cw_status cw_disk_read(cw_context *ctx, const char *path, uint8_t **bytes, size_t *size);

/* A file that is being written piece by piece under a temporary name. */
typedef struct {
  cw_context *ctx;  /* borrowed */
  char *dir, *path; /* owned; path is dir/name, the name that it will have */
  char *temporary;  /* owned */
  int fd;           /* for writing and reading */
} cw_disk_file;

/* Begins dir/name. CW_EIO, CW_ENOMEM. Must be followed by cw_disk_finish unless it failed. */
cw_status cw_disk_begin(cw_context *ctx, const char *dir, const char *name, cw_disk_file *out);
cw_status cw_disk_put(cw_disk_file *file, const uint8_t *bytes, size_t size);
/* st CW_OK, so far all went well: flushed to disk, renamed, directory flushed. Otherwise, and after
 * a failure here, nothing is left. Returns st, or its own failure. */
cw_status cw_disk_finish(cw_disk_file *file, cw_status st);

/* For those who write to fd themselves: CW_EIO because of problem (errno). */
cw_status cw_disk_fail(const cw_disk_file *file, int problem);

bool cw_disk_is_temporary(const char *name); /* a temporary name of cw_disk_begin? */

/* Makes a directory and its parents, those that are missing. */
cw_status cw_disk_make_directory(cw_context *ctx, const char *path);

/* Fails with CW_EIO if no file can be made in dir. */
cw_status cw_disk_check_writable(cw_context *ctx, const char *dir);

/* Takes the one lock of a directory until *fd is closed (or the process ends). CW_EIO: another
 * process has it. File systems without locks are let through with *fd = -1. */
cw_status cw_disk_lock(cw_context *ctx, const char *dir, int *fd);

/* The directory of a path ("." if it names none), from malloc, and the name in it, borrowed. CW_EIO:
 * there is no name; CW_ENOMEM. */
cw_status cw_disk_split(cw_context *ctx, const char *path, char **dir, const char **name);

/* "a/b", from malloc; NULL: no memory. */
char *cw_disk_join(const char *a, const char *b);

#endif
