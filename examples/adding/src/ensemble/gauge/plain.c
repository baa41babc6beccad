/* Links as plain text: four lines of header, then one number per line, in the order of all formats:
 *   CAUSEWAY LINKS 1
 *   4 4 4 8                       extents x, y, z, t
 *   PLAQUETTE 0.59485015894735    mean of Re tr P / 3
 *   IGNORED_CHECKS                checks that were ignored where the links come from
 * Numbers have 17 digits, which is every bit. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/gauge/formats.h"

enum { HEADER_BYTES = 512, NUMBER_BYTES = 32 };

static const char MAGIC[] = "CAUSEWAY LINKS 1\n";

static bool recognises(const cw_gauge_file *file, const uint8_t *start) {
  (void)file;
  return memcmp(start, MAGIC, sizeof MAGIC - 1) == 0;
}

/* A number takes two bytes at least: no memory is taken for links that cannot be there. */
static cw_status check_size(const cw_gauge_file *file, const cw_gauge_header *h) {
  uint64_t need = (uint64_t)cw_lattice_sites(&h->lat) * CW_SITE_REALS * 2;
  if (file->size - h->at >= need) return CW_OK;
  return cw_gauge_fail(file, CW_ECORRUPT,
                       "truncated: expected at least %" PRIu64 " bytes of numbers, found %" PRIu64,
                       need, file->size - h->at);
}

static cw_status read_header(const cw_gauge_file *file, cw_gauge_header *h) {
  char text[HEADER_BYTES + 1] = {0};
  size_t n = file->size < HEADER_BYTES ? (size_t)file->size : HEADER_BYTES;
  uint64_t e[4];
  int at = 0;
  CW_TRY(cw_gauge_read(file, 0, text, n, "the header"));
  h->plaquette = (cw_gauge_stated){.given = true, .tolerance = 1e-12};
  sscanf(text + sizeof MAGIC - 1,
         "%10" SCNu64 " %10" SCNu64 " %10" SCNu64 " %10" SCNu64 " PLAQUETTE %lf IGNORED_CHECKS%n",
         &e[0], &e[1], &e[2], &e[3], &h->plaquette.value, &at);
  char *checks = text + sizeof MAGIC - 1 + at, *end = strchr(checks, '\n');
  if (at == 0 || end == NULL)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "expected lines of extents, PLAQUETTE and IGNORED_CHECKS, found others");
  *end = '\0';
  h->ignored = cw_gauge_checks_of(checks);
  h->at = (uint64_t)(end + 1 - text);
  h->layout = (cw_site_layout){.precision = 64, .rows = 3};
  CW_TRY(cw_gauge_kind(file, CW_LINK_SU3, "a file of plain text", h));
  CW_TRY(cw_gauge_lattice(file, e, "the header", &h->lat));
  return check_size(file, h);
}

/* The lines of all sites, from text on, which ends with a zero. */
static cw_status read_lines(const cw_gauge_file *file, const cw_lattice *lat, const char *text,
                            double *link) {
  for (long k = 0; k < cw_lattice_sites(lat); k++) {
    int x[4];
    double *u = link + (size_t)cw_site_of_file(lat, k, x) * CW_SITE_REALS;
    for (int c = 0; c < CW_SITE_REALS; c++) {
      char *end;
      u[c] = strtod(text, &end);
      if (end == text || *end != '\n' || !isfinite(u[c]))
        return cw_gauge_fail(file, CW_ECORRUPT,
                             "expected a finite number in line %ld, found something else",
                             5 + k * CW_SITE_REALS + c);
      text = end + 1;
    }
  }
  if (*text == '\0') return CW_OK;
  return cw_gauge_fail(file, CW_ECORRUPT, "expected the end of the file behind the links");
}

static cw_status read_links(const cw_gauge_file *file, const cw_gauge_header *h, double *link,
                            cw_site_sum *sum) {
  (void)sum; /* there is no checksum */
  size_t n = (size_t)(file->size - h->at);
  char *text = calloc(n + 1, 1);
  if (text == NULL) return cw_fail(file->ctx, CW_ENOMEM, "no memory to read '%s'", file->path);
  cw_status st = cw_gauge_read(file, h->at, text, n, "the links");
  if (st == CW_OK) st = read_lines(file, &h->lat, text, link);
  free(text);
  return st;
}

static cw_status write_header(const cw_gauge_writing *w) {
  const int *e = w->conf->lat.extent;
  char text[HEADER_BYTES], checks[CW_CHECKS_TEXT];
  int n = snprintf(text, sizeof text, "%s%d %d %d %d\nPLAQUETTE %.17g\nIGNORED_CHECKS %s\n", MAGIC,
                   e[0], e[1], e[2], e[3], w->measured->plaquette,
                   cw_gauge_checks_text(w->conf->ignored, checks));
  return cw_disk_put(w->out, (const uint8_t *)text, (size_t)n);
}

static cw_status write(const cw_gauge_writing *w) {
  const cw_lattice *lat = &w->conf->lat;
  CW_TRY(write_header(w));
  for (long k = 0; k < cw_lattice_sites(lat); k++) {
    char text[CW_SITE_REALS * NUMBER_BYTES];
    int x[4], n = 0;
    const double *u = w->conf->data + (size_t)cw_site_of_file(lat, k, x) * CW_SITE_REALS;
    for (int c = 0; c < CW_SITE_REALS; c++) n += snprintf(text + n, NUMBER_BYTES, "%.17g\n", u[c]);
    CW_TRY(cw_disk_put(w->out, (const uint8_t *)text, (size_t)n));
  }
  return CW_OK;
}

extern const cw_format cw_format_plain;
const cw_format cw_format_plain = {
    .name = "plain",
    .title = "plain text",
    .source = "docs/adding.md",
    .ending = {".txt"},
    .kinds = 1u << CW_LINK_SU3,
    .precision = {64},
    .rows = {3},
    .text = true,
    .checks = CW_CHECK_PLAQUETTE,
    .recognises = recognises,
    .header = read_header,
    .read = read_links,
    .write = write,
};
