/* Any bytes as a configuration: with and without a lattice that the user states, and with
 * every check ignored. A failure leaves nothing behind and one printable line; what was read is
 * written in every form, read again, and must have the same bits where the form keeps them. The
 * seeds (tests/fuzz/configuration_seeds.py) are whole files of every format, so that mutated
 * headers come with checksums that hold. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "causeway/configuration.h"

static void check_failure(cw_context *ctx, cw_status st, const cw_configuration *c) {
  const char *line = cw_error(ctx);
  if (st != CW_ECORRUPT && st != CW_EINVAL) abort(); /* not even "no memory" */
  if (c->data != NULL || *line == '\0') abort();
  for (; *line != '\0'; line++)
    if ((unsigned char)*line < 32 || (unsigned char)*line > 126) abort();
  cw_clear_error(ctx);
}

/* What can be written can be read, with every bit where the form keeps them. */
static void check_form(cw_context *ctx, const cw_configuration *c, const cw_format *format,
                       int precision, int rows, bool all_rows) {
  const bool kept = precision == 64 && all_rows;
  char path[64];
  cw_configuration again;
  cw_configuration_info info;
  snprintf(path, sizeof path, "/dev/shm/fuzz_configuration.%ld", (long)getpid());
  cw_status st = cw_configuration_write(ctx, path, format, precision, rows, c);
  if (st != CW_OK && (st != CW_EINVAL || kept)) abort();
  cw_clear_error(ctx);
  if (st != CW_OK) return; /* rounding took it out of the group */
  if (cw_configuration_read(ctx, path, NULL, &again, &info) != CW_OK) abort();
  size_t bytes =
      (size_t)(cw_lattice_sites(&c->lat) * cw_configuration_site_reals(c)) * sizeof(double);
  if (again.kind != c->kind || !cw_lattice_equal(&again.lat, &c->lat)) abort();
  if (kept && memcmp(c->data, again.data, bytes) != 0) abort();
  if (again.ignored != c->ignored) abort();
  cw_configuration_clear(&again);
  unlink(path);
}

static bool has_odd(const cw_lattice *lat) {
  bool odd = false;
  for (int mu = 0; mu < lat->dim; mu++) odd = odd || lat->extent[mu] % 2 != 0;
  return odd;
}

static void check_again(cw_context *ctx, const cw_configuration *c) {
  const int n = cw_kind(c->kind)->on_links ? cw_kind(c->kind)->n_colours : 1;
  for (int i = 0; cw_formats[i] != NULL; i++) {
    const cw_format *f = cw_formats[i];
    int rows[3];
    if (f->write == NULL || !(f->kinds & 1u << c->kind)) continue;
    if ((c->lat.dim != 4 && !f->any_dim) || (f->even && has_odd(&c->lat))) continue;
    cw_format_rows(f, n, rows);
    for (int k = 0; f->precision[k] != 0; k++)
      for (int r = 0; rows[r] != 0; r++)
        check_form(ctx, c, f, f->precision[k], rows[r], rows[r] == n);
  }
}

static void read_once(cw_context *ctx, const char *path, const cw_configuration_options *known) {
  cw_configuration c;
  cw_configuration_info info;
  cw_status st = cw_configuration_read(ctx, path, known, &c, &info);
  if (info.n_warnings < 0 || info.n_warnings > CW_CONFIGURATION_WARNINGS) abort();
  if (info.wrong & ~(known != NULL ? known->ignore : 0)) abort();
  if (st != CW_OK)
    check_failure(ctx, st, &c);
  else if (!(info.wrong & CW_CHECK_UNITARITY))
    check_again(ctx, &c);
  cw_configuration_clear(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  static const cw_lattice lattice = {4, {2, 1, 1, 2}};
  static const cw_configuration_options stated = {.lattice = &lattice}, lenient = {.ignore = ~0u};
  cw_context *ctx = NULL;
  cw_context_options options = {.threads = 1, .quiet = true};
  char path[64];
  if (cw_context_create(&options, &ctx) != CW_OK) abort();
  int fd = memfd_create("configuration", 0);
  if (fd < 0 || write(fd, data, n) != (ssize_t)n) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  read_once(ctx, path, NULL);
  read_once(ctx, path, &stated);
  read_once(ctx, path, &lenient);
  close(fd);
  cw_context_destroy(ctx);
  return 0;
}
