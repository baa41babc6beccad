#include "ensemble/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A temporary file is hidden: ".NAME.tmp". */
static const char SUFFIX[] = ".tmp";

static char *joined(const char *a, const char *between, const char *b, const char *after) {
  size_t size = strlen(a) + strlen(between) + strlen(b) + strlen(after) + 1;
  char *s = malloc(size);
  if (s != NULL) snprintf(s, size, "%s%s%s%s", a, between, b, after);
  return s;
}

char *cw_disk_join(const char *a, const char *b) { return joined(a, "/", b, ""); }

cw_status cw_disk_split(cw_context *ctx, const char *path, char **dir, const char **name) {
  const char *slash = strrchr(path, '/');
  *dir = NULL;
  *name = slash != NULL ? slash + 1 : path;
  if (**name == '\0') return cw_fail(ctx, CW_EIO, "cannot write '%s': it has no name", path);
  *dir = slash == NULL   ? strdup(".")
         : slash == path ? strdup("/")
                         : strndup(path, (size_t)(slash - path));
  return *dir != NULL ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for the name of '%s'", path);
}

bool cw_disk_is_temporary(const char *name) {
  size_t n = strlen(name), k = sizeof SUFFIX - 1;
  return n > k + 1 && name[0] == '.' && strcmp(name + n - k, SUFFIX) == 0;
}

cw_status cw_disk_open(cw_context *ctx, const char *path, int *fd, size_t *size) {
  struct stat info;
  cw_status st = CW_OK;
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (*fd < 0) return cw_fail(ctx, CW_EIO, "cannot open '%s': %s", path, strerror(errno));
  if (fstat(*fd, &info) != 0)
    st = cw_fail(ctx, CW_EIO, "cannot read '%s': %s", path, strerror(errno));
  else if (!S_ISREG(info.st_mode))
    st = cw_fail(ctx, CW_EIO, "cannot read '%s': it is not a file", path);
  else
    *size = (size_t)info.st_size;
  if (st != CW_OK) close(*fd);
  return st;
}

static cw_status read_all(cw_context *ctx, const char *path, int fd, size_t n, uint8_t **bytes,
                          size_t *size) {
  size_t at = 0;
  uint8_t *buffer = malloc(n > 0 ? n : 1);
  if (buffer == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for '%s' (%zu bytes)", path, n);
  while (at < n) {
    ssize_t got = read(fd, buffer + at, n - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      cw_status st = cw_fail(ctx, CW_EIO, "cannot read '%s': %s", path, strerror(errno));
      free(buffer);
      return st;
    }
    if (got == 0) break; /* it shrank while we read: the checksum will tell */
    at += (size_t)got;
  }
  *bytes = buffer;
  *size = at;
  return CW_OK;
}

cw_status cw_disk_read(cw_context *ctx, const char *path, uint8_t **bytes, size_t *size) {
  int fd;
  size_t n;
  CW_TRY(cw_disk_open(ctx, path, &fd, &n));
  cw_status st = read_all(ctx, path, fd, n, bytes, size);
  close(fd);
  return st;
}

static int flush_directory(const char *dir) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  int problem = fsync(fd) != 0 && errno != EINVAL
                    ? errno
                    : 0; /* EINVAL: this file system cannot, and need not */
  close(fd);
  return problem;
}

cw_status cw_disk_fail(const cw_disk_file *file, int problem) {
  return cw_fail(file->ctx, CW_EIO, "cannot write '%s': %s", file->path, strerror(problem));
}

static void free_names(cw_disk_file *file) {
  free(file->dir);
  free(file->path);
  free(file->temporary);
  *file = (cw_disk_file){.fd = -1};
}

cw_status cw_disk_begin(cw_context *ctx, const char *dir, const char *name, cw_disk_file *out) {
  *out = (cw_disk_file){.ctx = ctx,
                        .dir = joined(dir, "", "", ""),
                        .path = cw_disk_join(dir, name),
                        .temporary = joined(dir, "/.", name, SUFFIX),
                        .fd = -1};
  cw_status st = CW_OK;
  if (out->dir == NULL || out->path == NULL || out->temporary == NULL) {
    st = cw_fail(ctx, CW_ENOMEM, "no memory for the name of '%s'", name);
  } else {
    out->fd = open(out->temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (out->fd < 0) st = cw_disk_fail(out, errno);
  }
  if (st != CW_OK) free_names(out);
  return st;
}

cw_status cw_disk_put(cw_disk_file *file, const uint8_t *bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    ssize_t n = write(file->fd, bytes + at, size - at);
    if (n >= 0)
      at += (size_t)n;
    else if (errno != EINTR)
      return cw_disk_fail(file, errno);
  }
  return CW_OK;
}

cw_status cw_disk_finish(cw_disk_file *file, cw_status st) {
  int problem = 0;
  if (st == CW_OK && fsync(file->fd) != 0) problem = errno;
  if (close(file->fd) != 0 && problem == 0) problem = errno;
  bool whole = st == CW_OK && problem == 0;
  if (whole && rename(file->temporary, file->path) != 0) {
    problem = errno;
    whole = false;
  }
  if (!whole) unlink(file->temporary);
  if (whole) problem = flush_directory(file->dir);
  if (st == CW_OK && problem != 0) st = cw_disk_fail(file, problem);
  free_names(file);
  return st;
}

/* One directory, in a parent that exists. An existing directory is fine. */
static cw_status make_one(cw_context *ctx, const char *path) {
  if (mkdir(path, 0777) == 0) return CW_OK;
  int problem = errno;
  struct stat info;
  if (stat(path, &info) == 0) {
    if (S_ISDIR(info.st_mode)) return CW_OK;
    return cw_fail(ctx, CW_EIO, "cannot make directory '%s': there is a file of that name", path);
  }
  return cw_fail(ctx, CW_EIO, "cannot make directory '%s': %s", path, strerror(problem));
}

cw_status cw_disk_make_directory(cw_context *ctx, const char *path) {
  char *part = joined(path, "", "", "");
  if (part == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for the name of '%s'", path);
  cw_status st = CW_OK;
  for (char *slash = part + 1; st == CW_OK && *path != '\0' && (slash = strchr(slash, '/')) != NULL;
       slash++) {
    *slash = '\0';
    st = make_one(ctx, part);
    *slash = '/';
  }
  if (st == CW_OK) st = make_one(ctx, part);
  free(part);
  return st;
}

cw_status cw_disk_check_writable(cw_context *ctx, const char *dir) {
  char *probe = joined(dir, "/.", "probe", SUFFIX);
  if (probe == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for the name of '%s'", dir);
  int fd = open(probe, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  cw_status st =
      fd >= 0 ? CW_OK
              : cw_fail(ctx, CW_EIO, "cannot write to directory '%s': %s", dir, strerror(errno));
  if (fd >= 0) {
    close(fd);
    unlink(probe);
  }
  free(probe);
  return st;
}

cw_status cw_disk_lock(cw_context *ctx, const char *dir, int *fd) {
  *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*fd < 0) return cw_fail(ctx, CW_EIO, "cannot open directory '%s': %s", dir, strerror(errno));
  if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return CW_OK;
  int problem = errno;
  close(*fd);
  *fd = -1;
  if (problem != EWOULDBLOCK) return CW_OK;
  return cw_fail(ctx, CW_EIO, "another process is writing to '%s'", dir);
}
