/* Files that are complete or absent: reading a whole file, writing one durably, making directories.
 * Local. */
#ifndef CW_ENSEMBLE_DISK_H
#define CW_ENSEMBLE_DISK_H

#include "causeway/core.h"

/* Reads a regular file. The caller frees *bytes. */
cw_status cw_disk_read(cw_context *ctx, const char *path, uint8_t **bytes, size_t *size);

/* Writes dir/name: to a temporary name, flushed to disk, renamed, directory flushed. After a
 * failure nothing is left. */
cw_status cw_disk_write(cw_context *ctx, const char *dir, const char *name, const uint8_t *bytes,
                        size_t size);

bool cw_disk_is_temporary(const char *name); /* a temporary name of cw_disk_write? */

/* Makes a directory and its parents, those that are missing. */
cw_status cw_disk_make_directory(cw_context *ctx, const char *path);

/* Fails with CW_EIO if no file can be made in dir. */
cw_status cw_disk_check_writable(cw_context *ctx, const char *dir);

/* Takes the one lock of a directory until *fd is closed (or the process ends). CW_EIO: another
 * process has it. File systems without locks are let through with *fd = -1. */
cw_status cw_disk_lock(cw_context *ctx, const char *dir, int *fd);

/* "a/b", from malloc; NULL: no memory. */
char *cw_disk_join(const char *a, const char *b);

#endif
