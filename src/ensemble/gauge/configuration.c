/* Reading and writing whatever the format: cw_configuration_read is the path of the data. */
#include "causeway/configuration.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/gauge/bytes.h"
#include "ensemble/gauge/formats.h"
#include "ensemble/gauge/lime.h"
#include "ensemble/gauge/measure.h"

enum { MILC_MAGIC = 20103 };
static const double NOT_UNITARY = 1e-5; /* 100 times the rounding of 32 bits */

const char *cw_format_name(cw_format format) {
  static const char *const names[] = {"unknown", "ildg", "scidac", "nersc", "milc"};
  return names[format];
}

void cw_configuration_clear(cw_configuration *conf) {
  free(conf->link);
  *conf = (cw_configuration){0};
}

/* ------------------------------------------------------------------- reading */

static cw_status read_header(const cw_gauge_file *file, cw_gauge_header *header) {
  static const char nersc[] = "BEGIN_HEADER";
  uint8_t start[sizeof nersc - 1] = {0};
  char quoted[sizeof start + 1];
  size_t n = file->size < sizeof start ? (size_t)file->size : sizeof start;
  CW_TRY(cw_gauge_read(file, 0, start, n, "the header"));
  uint32_t word = cw_get32(start, true);
  if (word == CW_LIME_MAGIC) return cw_ildg_header(file, header);
  if (word == MILC_MAGIC || cw_get32(start, false) == MILC_MAGIC)
    return cw_milc_header(file, header);
  if (memcmp(start, nersc, sizeof start) == 0) return cw_nersc_header(file, header);
  return cw_gauge_fail(file, CW_EINVAL,
                       "expected a configuration (ILDG, SciDAC, NERSC or MILC v5), found a file of "
                       "%" PRIu64 " bytes that starts with '%s' (%08" PRIx32 ")",
                       file->size, cw_gauge_quote(quoted, sizeof quoted, start, n), word);
}

cw_status cw_gauge_links_last(const cw_gauge_file *file, const cw_gauge_header *header) {
  uint64_t need = cw_sites_bytes(&header->layout, &header->lat), have = file->size - header->at;
  char lattice[CW_LATTICE_TEXT];
  if (have < need)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "truncated: a lattice %s takes %" PRIu64 " bytes (%d bits, %d rows), "
                         "found %" PRIu64,
                         cw_gauge_lattice_text(&header->lat, lattice), need,
                         header->layout.precision, header->layout.rows, have);
  if (have > need)
    cw_gauge_warn(file, "%" PRIu64 " bytes behind the links are not read", have - need);
  return CW_OK;
}

/* Checksums as the formats print them. */
static void sum_text(cw_sum_kind kind, uint32_t a, uint32_t b, char *text, size_t size) {
  if (kind == CW_SUM_NERSC)
    snprintf(text, size, "%08" PRIx32, a);
  else
    snprintf(text, size, "%08" PRIx32 " / %08" PRIx32, a, b);
}

static cw_status check_sum(const cw_gauge_file *file, const cw_gauge_header *h,
                           const cw_site_sum *sum) {
  static const char *const name[] = {"SciDAC checksum", "CHECKSUM", "sum29 / sum31"};
  char found[32];
  cw_configuration_info *info = file->info;
  sum_text(sum->kind, sum->a, sum->b, found, sizeof found);
  info->has_checksum = h->has_checksum;
  if (!h->has_checksum) return CW_OK;
  sum_text(sum->kind, h->sum_a, h->sum_b, info->checksum, sizeof info->checksum);
  if (strcmp(found, info->checksum) == 0) return CW_OK;
  return cw_gauge_fail(file, CW_ECORRUPT, "wrong %s: expected %s, found %s", name[sum->kind],
                       info->checksum, found);
}

static cw_status check_stated(const cw_gauge_file *file, const char *what,
                              const cw_gauge_stated *stated, double measured) {
  if (!stated->given || fabs(measured - stated->value) <= stated->tolerance) return CW_OK;
  return cw_gauge_fail(file, CW_ECORRUPT, "wrong %s: expected %.12g (within %.0e), found %.12g",
                       what, stated->value, stated->tolerance, measured);
}

static void warn_unitarity(const cw_gauge_file *file) {
  const cw_configuration_info *info = file->info;
  if (!(info->unitarity <= NOT_UNITARY))
    cw_gauge_warn(file, "links are not unitary: U U^dagger - 1 is up to %.2g", info->unitarity);
  else if (!(info->determinant <= NOT_UNITARY))
    cw_gauge_warn(file, "links are not special: det U - 1 is up to %.2g", info->determinant);
}

static cw_status read_links(const cw_gauge_file *file, const cw_gauge_header *h,
                            cw_configuration *out) {
  size_t reals = (size_t)cw_lattice_sites(&h->lat) * CW_SITE_REALS;
  cw_site_sum sum = {.kind = h->sum_kind};
  cw_configuration_info *info = file->info;
  *out = (cw_configuration){.lat = h->lat, .link = cw_alloc(reals * sizeof *out->link)};
  if (out->link == NULL)
    return cw_fail(file->ctx, CW_ENOMEM, "no memory for the links of '%s' (%zu bytes)", file->path,
                   reals * sizeof *out->link);
  CW_TRY(cw_sites_read(file, h->at, &h->layout, &h->lat, out->link, &sum));
  CW_TRY(check_sum(file, h, &sum));
  CW_TRY(cw_gauge_measure(file->ctx, out, &(cw_site_layout){.precision = 64, .rows = 3}, info));
  CW_TRY(check_stated(file, "PLAQUETTE", &h->plaquette, info->plaquette));
  CW_TRY(check_stated(file, "LINK_TRACE", &h->link_trace, info->link_trace));
  warn_unitarity(file);
  return CW_OK;
}

static cw_status read_file(const cw_gauge_file *file, cw_configuration *out) {
  cw_gauge_header h = {0};
  CW_TRY(read_header(file, &h));
  file->info->format = h.format;
  file->info->precision = h.layout.precision;
  file->info->big_endian = h.layout.big_endian;
  file->info->rows = h.layout.rows;
  file->info->has_plaquette = h.plaquette.given;
  file->info->has_link_trace = h.link_trace.given;
  return read_links(file, &h, out);
}

/* What the user says is checked like what a file says. */
static cw_status check_expected(const cw_gauge_file *file) {
  const cw_lattice *e = file->expected;
  if (e == NULL) return CW_OK;
  uint64_t left = e->dim == 4 ? CW_MAX_SITES : 0;
  for (int mu = 0; mu < 4 && left > 0; mu++)
    left = e->extent[mu] > 0 ? left / (uint64_t)e->extent[mu] : 0;
  if (left > 0) return CW_OK;
  return cw_fail(file->ctx, CW_EINVAL,
                 "to read '%s' a lattice of four extents and 1 to %ld sites is needed", file->path,
                 CW_MAX_SITES);
}

cw_status cw_configuration_read(cw_context *ctx, const char *path, const cw_lattice *expected,
                                cw_configuration *out, cw_configuration_info *info) {
  cw_gauge_file file;
  *out = (cw_configuration){0};
  *info = (cw_configuration_info){0};
  cw_status st = cw_gauge_open(ctx, path, expected, info, &file);
  if (st == CW_OK) st = check_expected(&file);
  if (st == CW_OK) st = read_file(&file, out);
  cw_gauge_close(&file);
  if (st != CW_OK) cw_configuration_clear(out);
  return st;
}

/* ------------------------------------------------------------------- writing */

static cw_status check_request(cw_context *ctx, const char *path, cw_format format,
                               const cw_site_layout *layout, const cw_lattice *lat) {
  if (format != CW_FORMAT_ILDG && format != CW_FORMAT_NERSC)
    return cw_fail(ctx, CW_EINVAL, "'%s': expected format ildg or nersc to write, found %s", path,
                   cw_format_name(format));
  if (layout->precision != 32 && layout->precision != 64)
    return cw_fail(ctx, CW_EINVAL, "'%s': expected precision 32 or 64, found %d", path,
                   layout->precision);
  if (layout->rows != 3 && (layout->rows != 2 || format != CW_FORMAT_NERSC))
    return cw_fail(ctx, CW_EINVAL, "'%s': expected 3 rows%s, found %d", path,
                   format == CW_FORMAT_NERSC ? " or 2" : " (ildg has no other)", layout->rows);
  if (lat->dim != 4)
    return cw_fail(ctx, CW_EINVAL, "'%s': expected a lattice of 4 dimensions, found %d", path,
                   lat->dim);
  return CW_OK;
}

/* Finite numbers that the precision can hold; unitary ones if the third row is left out. */
static cw_status check_links(cw_context *ctx, const char *path, const cw_configuration *conf,
                             const cw_site_layout *layout) {
  size_t n = (size_t)cw_lattice_sites(&conf->lat) * CW_SITE_REALS;
  cw_configuration_info full;
  double most = layout->precision == 32 ? (double)FLT_MAX : DBL_MAX;
  for (size_t i = 0; i < n; i++)
    if (!(fabs(conf->link[i]) <= most))
      return cw_fail(ctx, CW_ENUMERIC, "'%s': link %zu holds %g, which %d bits cannot store", path,
                     i / CW_LINK_REALS, conf->link[i], layout->precision);
  if (layout->rows == 3) return CW_OK;
  CW_TRY(cw_gauge_measure(ctx, conf, &(cw_site_layout){.precision = 64, .rows = 3}, &full));
  if (full.unitarity <= NOT_UNITARY && full.determinant <= NOT_UNITARY) return CW_OK;
  return cw_fail(ctx, CW_EINVAL,
                 "'%s': 2 rows need SU(3) matrices, found U U^dagger - 1 up to %.2g and det U - 1 "
                 "up to %.2g",
                 path, full.unitarity, full.determinant);
}

static cw_status write_file(cw_context *ctx, const char *path, cw_format format,
                            const cw_site_layout *layout, const cw_configuration *conf) {
  const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
  cw_configuration_info measured;
  cw_disk_file out;
  if (name[0] == '\0') return cw_fail(ctx, CW_EIO, "cannot write '%s': it has no name", path);
  if (format == CW_FORMAT_NERSC) CW_TRY(cw_gauge_measure(ctx, conf, layout, &measured));
  char *dir = slash == NULL   ? strdup(".")
              : slash == path ? strdup("/")
                              : strndup(path, (size_t)(slash - path));
  if (dir == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for the name of '%s'", path);
  cw_status st = cw_disk_begin(ctx, dir, name, &out);
  free(dir);
  CW_TRY(st);
  st = format == CW_FORMAT_ILDG ? cw_ildg_write(ctx, conf, layout, name, &out)
                                : cw_nersc_write(ctx, conf, layout, &measured, &out);
  return cw_disk_finish(&out, st);
}

cw_status cw_configuration_write(cw_context *ctx, const char *path, cw_format format, int precision,
                                 int rows, const cw_configuration *conf) {
  cw_site_layout layout = {.precision = precision, .rows = rows, .big_endian = true};
  CW_TRY(check_request(ctx, path, format, &layout, &conf->lat));
  CW_TRY(check_links(ctx, path, conf, &layout));
  return write_file(ctx, path, format, &layout, conf);
}
