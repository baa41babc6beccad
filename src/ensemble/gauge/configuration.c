/* Reading and writing whatever the format: cw_configuration_read is the path of the data. */
#include "causeway/configuration.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/gauge/formats.h"
#include "ensemble/gauge/measure.h"

void cw_configuration_clear(cw_configuration *conf) {
  free(conf->data);
  *conf = (cw_configuration){0};
}

/* ------------------------------------------------------------------- reading */

cw_status cw_gauge_block_last(const cw_gauge_file *file, const cw_gauge_header *header) {
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

cw_status cw_gauge_read_block(const cw_gauge_file *file, const cw_gauge_header *header,
                              double *link, cw_site_sum *sum) {
  return cw_sites_read(file, header->at, &header->layout, &header->lat, link, sum);
}

/* Checksums as people print them. */
static void sum_text(const cw_checksum_kind *kind, uint32_t a, uint32_t b, char *text,
                     size_t size) {
  if (kind->n_words == 1)
    snprintf(text, size, "%08" PRIx32, a);
  else
    snprintf(text, size, "%08" PRIx32 " / %08" PRIx32, a, b);
}

static cw_status check_sum(const cw_gauge_file *file, const cw_gauge_header *h,
                           const cw_site_sum *sum) {
  char found[32];
  cw_configuration_info *info = file->info;
  info->has_checksum = h->has_checksum;
  if (!h->has_checksum) return CW_OK;
  CW_REQUIRE(sum->kind != NULL);
  sum_text(sum->kind, sum->a, sum->b, found, sizeof found);
  sum_text(sum->kind, h->sum_a, h->sum_b, info->checksum, sizeof info->checksum);
  if (strcmp(found, info->checksum) == 0) return CW_OK;
  return cw_gauge_disagree(file, CW_CHECK_CHECKSUM, "wrong %s: expected %s, found %s",
                           sum->kind->name, info->checksum, found);
}

static bool is_stated(const cw_gauge_stated *stated, double measured) {
  return fabs(measured - stated->value) <= stated->tolerance;
}

/* Some writers exchange the two. */
static bool are_exchanged(const cw_gauge_header *h, const cw_configuration_info *info) {
  return h->plaquette.given && h->link_trace.given && is_stated(&h->plaquette, info->link_trace) &&
         is_stated(&h->link_trace, info->plaquette);
}

static cw_status check_stated(const cw_gauge_file *file, const cw_gauge_header *h,
                              cw_configuration_check check) {
  const cw_configuration_info *info = file->info;
  bool plaquette = check == CW_CHECK_PLAQUETTE;
  const cw_gauge_stated *stated = plaquette ? &h->plaquette : &h->link_trace;
  double measured = plaquette ? info->plaquette : info->link_trace;
  if (!stated->given || is_stated(stated, measured)) return CW_OK;
  return cw_gauge_disagree(
      file, check, "wrong %s: expected %.12g (within %.0e), found %.12g%s",
      plaquette ? "PLAQUETTE" : "LINK_TRACE", stated->value, stated->tolerance, measured,
      are_exchanged(h, info) ? "; PLAQUETTE and LINK_TRACE are exchanged" : "");
}

static bool in_group(const cw_configuration_info *info) {
  return info->unitarity <= CW_UNITARITY && info->determinant <= CW_UNITARITY;
}

/* How far links are from their group, as a sentence into text (NOT_GROUP_TEXT). */
enum { NOT_GROUP_TEXT = 160 };
static const char *not_in_group(cw_field_kind kind, const cw_configuration_info *info, char *text) {
  const double off[2] = {info->unitarity, info->determinant};
  char number[2][24];
  for (int i = 0; i < 2; i++)
    if (isfinite(off[i]))
      snprintf(number[i], sizeof number[i], "%.3g", off[i]);
    else
      snprintf(number[i], sizeof number[i], "infinity");
  if (cw_kind(kind)->on_links)
    snprintf(text, NOT_GROUP_TEXT,
             "links are not in %s: U U^dagger - 1 is up to %s and det U - 1 up to %s, at most %g "
             "is accepted",
             cw_kind_title(kind), number[0], number[1], CW_UNITARITY);
  else
    snprintf(text, NOT_GROUP_TEXT, "expected spins +1 and -1, found other numbers");
  return text;
}

long cw_configuration_site_reals(const cw_configuration *conf) {
  const int n = cw_kind(conf->kind)->n_colours;
  return cw_kind(conf->kind)->on_links ? 2L * conf->lat.dim * n * n : conf->n_comp;
}

static size_t bytes_of(const cw_configuration *conf) {
  return (size_t)(cw_lattice_sites(&conf->lat) * cw_configuration_site_reals(conf)) *
         sizeof *conf->data;
}

static cw_status allocate(const cw_gauge_file *file, const cw_gauge_header *h,
                          cw_configuration *out) {
  *out = (cw_configuration){.lat = h->lat, .kind = h->kind, .n_comp = h->n_comp};
  out->data = cw_alloc(bytes_of(out));
  if (out->data != NULL) return CW_OK;
  return cw_fail(file->ctx, CW_ENOMEM, "no memory for the numbers of '%s' (%zu bytes)", file->path,
                 bytes_of(out));
}

/* As the numbers are. */
static cw_status measure(const cw_gauge_file *file, const cw_gauge_header *h,
                         const cw_configuration *conf, cw_configuration_info *info) {
  const cw_site_layout as_it_is = cw_site_layout_of_memory(h->layout.n);
  return cw_gauge_measure(file->ctx, conf, &as_it_is, info);
}

/* Links that are wrong as they are, but all in their group once the bytes of every number are taken
 * in the other order: then that is how they were written, since no other field is so by chance.
 * *is: were they? Nothing else is reported: not finite is an answer here. */
static cw_status read_swapped(const cw_gauge_file *file, const cw_gauge_header *h,
                              cw_configuration_info *measured, bool *is) {
  cw_configuration swapped;
  cw_gauge_header other = *h;
  cw_site_sum sum = {.kind = NULL};
  other.layout.big_endian = !h->layout.big_endian;
  *is = false;
  CW_TRY(allocate(file, h, &swapped));
  cw_status st = file->info->format->read(file, &other, swapped.data, &sum);
  if (st == CW_OK) st = measure(file, h, &swapped, measured);
  *is = st == CW_OK && in_group(measured);
  cw_configuration_clear(&swapped);
  return st;
}

/* The failure st of links that are not what they should be, or a better one. */
static cw_status explain(const cw_gauge_file *file, const cw_gauge_header *h, cw_status st) {
  static const char *const name[] = {"little", "big"};
  bool big = h->layout.big_endian, is;
  cw_configuration_info measured;
  cw_status tried = read_swapped(file, h, &measured, &is);
  if (!is && st == CW_OK && (tried == CW_ENOMEM || tried == CW_EIO)) return tried;
  if (!is && st == CW_OK) cw_clear_error(file->ctx); /* else the first failure stays the message */
  if (!is) return st;
  cw_clear_error(file->ctx);
  return cw_gauge_fail(file, CW_ECORRUPT,
                       "payload is %s endian: expected %s endian numbers, found links that are in "
                       "%s, within %.1g, with the bytes of each number in the other order",
                       name[!big], name[big], cw_kind_title(h->kind),
                       fmax(measured.unitarity, measured.determinant));
}

static cw_status read_and_check(const cw_gauge_file *file, const cw_gauge_header *h,
                                cw_configuration *out) {
  cw_configuration_info *info = file->info;
  cw_site_sum sum = {.kind = info->format->checksum};
  char text[NOT_GROUP_TEXT];
  CW_TRY(info->format->read(file, h, out->data, &sum));
  CW_TRY(check_sum(file, h, &sum));
  CW_TRY(measure(file, h, out, info));
  if (!in_group(info))
    CW_TRY(cw_gauge_disagree(file, CW_CHECK_UNITARITY, "%s", not_in_group(h->kind, info, text)));
  CW_TRY(check_stated(file, h, CW_CHECK_PLAQUETTE));
  return check_stated(file, h, CW_CHECK_LINK_TRACE);
}

static void note_origin(const cw_gauge_file *file, unsigned ignored) {
  char text[CW_CHECKS_TEXT];
  if (ignored == 0) return;
  cw_gauge_doubt(file, "it was made of a file of which checks failed and were ignored: %s",
                 cw_gauge_checks_text(ignored, text));
}

static cw_status read_links(const cw_gauge_file *file, const cw_gauge_header *h,
                            cw_configuration *out) {
  cw_configuration_info *info = file->info;
  CW_TRY(allocate(file, h, out));
  cw_status st = read_and_check(file, h, out);
  bool doubtful = st == CW_ECORRUPT || (st == CW_OK && !in_group(info));
  const bool ordered = !info->format->text && h->values == NULL; /* else HDF5 knows the order */
  if (doubtful && ordered) st = explain(file, h, st);
  CW_TRY(st);
  note_origin(file, h->ignored);
  memcpy(out->theory, h->theory, sizeof out->theory);
  memcpy(out->parameters, h->parameters, sizeof out->parameters);
  out->ignored = h->ignored | (info->wrong & ~(unsigned)CW_CHECK_UNITARITY);
  return CW_OK;
}

static void note_header(const cw_format *format, const cw_gauge_header *h,
                        cw_configuration_info *info) {
  info->format = format;
  info->precision = h->layout.precision;
  info->big_endian = h->layout.big_endian;
  info->rows = h->layout.rows;
  info->has_plaquette = h->plaquette.given;
  info->has_link_trace = h->link_trace.given;
}

static cw_status read_file(const cw_gauge_file *file, cw_configuration *out) {
  cw_gauge_header h = {0};
  const cw_format *format;
  CW_TRY(cw_gauge_recognise(file, &format));
  cw_status st = format->header(file, &h);
  if (st == CW_OK) {
    note_header(format, &h, file->info);
    st = read_links(file, &h, out);
  }
  free(h.values);
  return st;
}

/* What the user says is checked like what a file says. */
static cw_status check_expected(const cw_gauge_file *file) {
  const cw_lattice *e = file->expected;
  if (e == NULL) return CW_OK;
  uint64_t left = e->dim >= 1 && e->dim <= CW_MAX_DIM ? CW_MAX_SITES : 0;
  for (int mu = 0; mu < e->dim && left > 0; mu++)
    left = e->extent[mu] > 0 ? left / (uint64_t)e->extent[mu] : 0;
  if (left > 0) return CW_OK;
  return cw_fail(file->ctx, CW_EINVAL,
                 "to read '%s' a lattice of 1 to %d extents and 1 to %ld sites is needed",
                 file->path, CW_MAX_DIM, CW_MAX_SITES);
}

cw_status cw_configuration_read(cw_context *ctx, const char *path,
                                const cw_configuration_options *options, cw_configuration *out,
                                cw_configuration_info *info) {
  cw_gauge_file file;
  *out = (cw_configuration){0};
  *info = (cw_configuration_info){0};
  cw_status st = cw_gauge_open(ctx, path, options, info, &file);
  if (st == CW_OK) st = check_expected(&file);
  if (st == CW_OK) st = read_file(&file, out);
  cw_gauge_close(&file);
  if (st != CW_OK) cw_configuration_clear(out);
  return st;
}

/* ------------------------------------------------------------------- writing */

static cw_status check_format(cw_context *ctx, const char *path, const cw_format *format) {
  const char *name[CW_MAX_FORMATS + 1];
  char known[400];
  if (format != NULL && format->write != NULL) return CW_OK;
  cw_join_words(cw_format_names(true, name), ", ", " or ", known, sizeof known);
  return cw_fail(ctx, CW_EINVAL, "'%s': expected format %s to write, found %s", path, known,
                 format != NULL ? format->name : "unknown");
}

static cw_status check_precision(cw_context *ctx, const char *path, const cw_format *format,
                                 int precision) {
  const int *p = format->precision;
  if (cw_format_has(p, precision)) return CW_OK;
  if (p[1] == 0)
    return cw_fail(ctx, CW_EINVAL, "'%s': expected precision %d (%s has no other), found %d", path,
                   p[0], format->name, precision);
  return cw_fail(ctx, CW_EINVAL, "'%s': expected precision %d or %d, found %d", path, p[0], p[1],
                 precision);
}

static cw_status check_rows(cw_context *ctx, const char *path, const cw_format *format,
                            const cw_site_layout *layout) {
  int r[3];
  cw_format_rows(format, layout->n, r);
  if (cw_format_has(r, layout->rows)) return CW_OK;
  if (r[1] == 0)
    return cw_fail(ctx, CW_EINVAL, "'%s': expected %d row%s (%s has no other), found %d", path,
                   r[0], r[0] == 1 ? "" : "s", format->name, layout->rows);
  return cw_fail(ctx, CW_EINVAL, "'%s': expected %d rows or %d, found %d", path, r[0], r[1],
                 layout->rows);
}

static cw_status check_kind(cw_context *ctx, const char *path, const cw_format *format,
                            cw_field_kind kind) {
  const char *title[CW_SITE_SPIN + 2];
  char known[100];
  int n = 0;
  if (format->kinds & 1u << kind) return CW_OK;
  for (int k = 0; k <= CW_SITE_SPIN; k++)
    if (format->kinds & 1u << k) title[n++] = cw_kind_title((cw_field_kind)k);
  title[n] = NULL;
  return cw_fail(ctx, CW_EINVAL, "'%s': format %s holds %s, found %s", path, format->name,
                 cw_join_words(title, ", ", " or ", known, sizeof known), cw_kind_title(kind));
}

static cw_status check_lattice(cw_context *ctx, const char *path, const cw_format *format,
                               const cw_lattice *lat) {
  if (lat->dim != 4 && !format->any_dim)
    return cw_fail(ctx, CW_EINVAL, "'%s': expected a lattice of 4 dimensions, found %d", path,
                   lat->dim);
  for (int mu = 0; mu < 4 && format->even; mu++)
    if (lat->extent[mu] % 2 != 0)
      return cw_fail(ctx, CW_EINVAL, "'%s': expected even extents (%s has no others), found %d",
                     path, format->name, lat->extent[mu]);
  return CW_OK;
}

static cw_status check_request(cw_context *ctx, const char *path, const cw_format *format,
                               const cw_site_layout *layout, const cw_configuration *conf) {
  CW_TRY(check_format(ctx, path, format));
  CW_TRY(check_kind(ctx, path, format, conf->kind));
  CW_TRY(check_precision(ctx, path, format, layout->precision));
  CW_TRY(check_rows(ctx, path, format, layout));
  return check_lattice(ctx, path, format, &conf->lat);
}

/* Finite numbers, and links in their group: as they are, since the last row may be left out, and as
 * they read back, so that every file that is written can be read. measured: the latter. */
static cw_status check_links(cw_context *ctx, const char *path, const cw_configuration *conf,
                             const cw_site_layout *layout, cw_configuration_info *measured) {
  const cw_site_layout as_it_is = cw_site_layout_of_memory(layout->n);
  const bool on_links = cw_kind(conf->kind)->on_links;
  const size_t n = bytes_of(conf) / sizeof *conf->data;
  char text[NOT_GROUP_TEXT];
  for (size_t i = 0; i < n; i++)
    if (!isfinite(conf->data[i]))
      return cw_fail(ctx, CW_ENUMERIC, "'%s': %s %zu holds %g, expected finite numbers", path,
                     on_links ? "link" : "number",
                     on_links ? i / (size_t)(2 * layout->n * layout->n) : i, conf->data[i]);
  CW_TRY(cw_gauge_measure(ctx, conf, &as_it_is, measured));
  if (in_group(measured)) CW_TRY(cw_gauge_measure(ctx, conf, layout, measured));
  if (in_group(measured)) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "'%s' is not written: %s", path,
                 not_in_group(conf->kind, measured, text));
}

static cw_status write_file(const cw_format *format, const char *path, cw_gauge_writing *w) {
  char *dir;
  cw_disk_file out;
  w->out = &out;
  CW_TRY(cw_disk_split(w->ctx, path, &dir, &w->name));
  cw_status st = cw_disk_begin(w->ctx, dir, w->name, &out);
  free(dir);
  CW_TRY(st);
  return cw_disk_finish(&out, format->write(w));
}

cw_status cw_configuration_write(cw_context *ctx, const char *path, const cw_format *format,
                                 int precision, int rows, const cw_configuration *conf) {
  cw_configuration_info measured;
  cw_gauge_writing w = {
      .ctx = ctx,
      .conf = conf,
      .layout = {.n = cw_kind(conf->kind)->on_links ? cw_kind(conf->kind)->n_colours : 1,
                 .precision = precision,
                 .rows = rows,
                 .big_endian = true},
      .measured = &measured,
  };
  CW_TRY(check_request(ctx, path, format, &w.layout, conf));
  CW_TRY(check_links(ctx, path, conf, &w.layout, &measured));
  return write_file(format, path, &w);
}
