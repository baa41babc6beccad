#define _FILE_OFFSET_BITS 64
#include "ensemble/gauge/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

cw_status cw_gauge_open(cw_context *ctx, const char *path, const cw_configuration_options *options,
                        cw_configuration_info *info, cw_gauge_file *file) {
  *file = (cw_gauge_file){.ctx = ctx, .path = path, .info = info, .fd = -1};
  if (options != NULL) {
    file->expected = options->lattice;
    file->kind = options->kind;
    file->n_comp = options->n_comp;
    file->ignore = options->ignore;
  }
  struct stat about;
  file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
  if (file->fd < 0) return cw_fail(ctx, CW_EIO, "cannot open '%s': %s", path, strerror(errno));
  if (fstat(file->fd, &about) != 0)
    return cw_fail(ctx, CW_EIO, "cannot read '%s': %s", path, strerror(errno));
  if (!S_ISREG(about.st_mode))
    return cw_fail(ctx, CW_EIO, "cannot read '%s': it is not a file", path);
  file->size = (uint64_t)about.st_size;
  return CW_OK;
}

void cw_gauge_close(cw_gauge_file *file) {
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
}

static cw_status truncated(const cw_gauge_file *file, uint64_t at, size_t n, const char *what) {
  return cw_gauge_fail(file, CW_ECORRUPT,
                       "truncated: %s takes %zu bytes from byte %llu on, the file has %llu bytes",
                       what, n, (unsigned long long)at, (unsigned long long)file->size);
}

cw_status cw_gauge_read(const cw_gauge_file *file, uint64_t at, void *to, size_t n,
                        const char *what) {
  if (at > file->size || n > file->size - at) return truncated(file, at, n, what);
  uint8_t *bytes = to;
  for (size_t done = 0; done < n;) {
    ssize_t got = pread(file->fd, bytes + done, n - done, (off_t)(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return cw_fail(file->ctx, CW_EIO, "cannot read '%s': %s", file->path, strerror(errno));
    if (got == 0) return truncated(file, at, n, what); /* it shrank while we read */
    done += (size_t)got;
  }
  return CW_OK;
}

cw_status cw_gauge_fail(const cw_gauge_file *file, cw_status status, const char *format, ...) {
  char text[600];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return cw_fail(file->ctx, status, "'%s': %s", file->path, text);
}

static const char MORE[] = "there is more that deserves a warning";

void cw_gauge_warn(const cw_gauge_file *file, const char *format, ...) {
  cw_configuration_info *info = file->info;
  char *last = info->warning[CW_CONFIGURATION_WARNINGS - 1];
  if (info->n_warnings >= CW_CONFIGURATION_WARNINGS) {
    snprintf(last, sizeof info->warning[0], "%s", MORE);
    return;
  }
  va_list args;
  va_start(args, format);
  vsnprintf(info->warning[info->n_warnings++], sizeof info->warning[0], format, args);
  va_end(args);
}

cw_status cw_gauge_disagree(const cw_gauge_file *file, cw_configuration_check check,
                            const char *format, ...) {
  char text[300];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (!(file->ignore & check)) return cw_gauge_fail(file, CW_ECORRUPT, "%s", text);
  cw_gauge_doubt(file, "ignored, as asked for: %s", text);
  file->info->wrong |= check;
  return CW_OK;
}

void cw_gauge_doubt(const cw_gauge_file *file, const char *format, ...) {
  cw_configuration_info *info = file->info;
  int at = __builtin_popcount(info->wrong);
  bool full = info->n_warnings == CW_CONFIGURATION_WARNINGS;
  if (!full) info->n_warnings++;
  for (int i = info->n_warnings - 1; i > at; i--)
    memcpy(info->warning[i], info->warning[i - 1], sizeof info->warning[i]);
  va_list args;
  va_start(args, format);
  vsnprintf(info->warning[at], sizeof info->warning[at], format, args);
  va_end(args);
  if (full) cw_gauge_warn(file, "%s", MORE); /* one was pushed out */
}

const char *const *cw_check_names(void) {
  static const char *const names[] = {"checksum", "plaquette", "link_trace", NULL};
  return names;
}

char *cw_gauge_checks_text(unsigned checks, char *text) {
  size_t n = 0;
  text[0] = '\0';
  for (int k = 0; cw_check_names()[k] != NULL; k++)
    if (checks & 1u << k)
      n += (size_t)snprintf(text + n, CW_CHECKS_TEXT - n, "%s%s", n > 0 ? ", " : "",
                            cw_check_names()[k]);
  return text;
}

unsigned cw_gauge_checks_of(const char *text) {
  static const char between[] = ", \t\r\n";
  unsigned checks = 0;
  for (text += strspn(text, between); *text != '\0'; text += strspn(text, between)) {
    size_t n = strcspn(text, between);
    for (int k = 0; cw_check_names()[k] != NULL; k++)
      if (strlen(cw_check_names()[k]) == n && memcmp(cw_check_names()[k], text, n) == 0)
        checks |= 1u << k;
    text += n;
  }
  return checks;
}

char *cw_gauge_quote(char *to, size_t size, const void *from, size_t n) {
  const unsigned char *bytes = from;
  size_t k = 0;
  for (; k < n && k + 1 < size && bytes[k] != '\0'; k++)
    to[k] = bytes[k] >= 32 && bytes[k] < 127 ? (char)bytes[k] : '?';
  to[k] = '\0';
  return to;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

bool cw_gauge_integer(const char *text, int base, uint64_t most, uint64_t *out) {
  static const char blanks[] = " \t\r\n";
  text += strspn(text, blanks);
  if (base == 16 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) text += 2;
  uint64_t value = 0;
  const char *start = text;
  for (; digit_of(*text) < base; text++) {
    uint64_t digit = (uint64_t)digit_of(*text);
    if (value > (most - digit) / (uint64_t)base) return false;
    value = value * (uint64_t)base + digit;
  }
  if (text == start || text[strspn(text, blanks)] != '\0') return false;
  *out = value;
  return true;
}

char *cw_gauge_lattice_text(const cw_lattice *lat, char *text) {
  size_t n = 0;
  for (int mu = 0; mu < lat->dim; mu++)
    n +=
        (size_t)snprintf(text + n, CW_LATTICE_TEXT - n, "%s%d", mu > 0 ? "x" : "", lat->extent[mu]);
  return text;
}

cw_status cw_gauge_lattice_of(const cw_gauge_file *file, int dim, const uint64_t *extent,
                              const char *what, cw_lattice *lat) {
  char said[4 * CW_LATTICE_TEXT], wanted[CW_LATTICE_TEXT];
  uint64_t left = CW_MAX_SITES; /* sites that the remaining extents may multiply to */
  size_t n = 0;
  for (int mu = 0; mu < dim; mu++)
    n += (size_t)snprintf(said + n, sizeof said - n, "%s%" PRIu64, mu > 0 ? "x" : "", extent[mu]);
  *lat = (cw_lattice){.dim = dim};
  for (int mu = 0; mu < dim; mu++) {
    if (extent[mu] == 0 || extent[mu] > left)
      return cw_gauge_fail(file, CW_ECORRUPT,
                           "absurd dimensions %s in %s: expected 1 to %ld sites in all", said, what,
                           CW_MAX_SITES);
    left /= extent[mu];
    lat->extent[mu] = (int)extent[mu];
  }
  if (file->expected != NULL && !cw_lattice_equal(lat, file->expected))
    return cw_gauge_fail(file, CW_EINVAL, "expected a lattice %s, found %s in %s",
                         cw_gauge_lattice_text(file->expected, wanted), said, what);
  return CW_OK;
}

cw_status cw_gauge_lattice(const cw_gauge_file *file, const uint64_t extent[4], const char *what,
                           cw_lattice *lat) {
  return cw_gauge_lattice_of(file, 4, extent, what, lat);
}
