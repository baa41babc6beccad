/* openQCD's exported files, little endian whatever the machine:
 *    0  i32  extents t, x, y, z       16  f64  mean plaquette Re tr P (3 for links that are 1)
 *   24  sites with an odd sum of coordinates, z running fastest and t slowest; of each the links in
 *       directions +t, -t, +x, -x, +y, -y, +z, -z, the backward ones being those of the neighbours.
 * Source: openQCD, modules/archive/archive.c and main/README.io. Behind the links openQCD reads
 * nothing: there we note which checks were ignored where they come from. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "ensemble/gauge/bytes.h"
#include "ensemble/gauge/formats.h"

enum { HEADER_BYTES = 24, NOTE_BYTES = 128 };

static const char NOTE[] = "IGNORED_CHECKS ";

/* Our numbers of openQCD's directions. */
static const int direction[4] = {3, 0, 1, 2};

static long link_of(const cw_lattice *lat, long k) {
  const int *e = lat->extent; /* x, y, z, t */
  const int back = (int)(k % 2), mu = direction[k / 2 % 4];
  int x[4];
  long n = k / 8, z;
  z = n % (e[2] / 2);
  n /= e[2] / 2;
  x[1] = (int)(n % e[1]);
  n /= e[1];
  x[0] = (int)(n % e[0]);
  x[3] = (int)(n / e[0]);
  x[2] = (int)(2 * z + (x[0] + x[1] + x[3] + 1) % 2);
  x[mu] -= back;
  return 4 * cw_lattice_site(lat, x) + mu;
}

static double plaquette_at(const uint8_t *from) {
  const uint64_t w = cw_get64(from, false);
  double x;
  memcpy(&x, &w, sizeof x);
  return x;
}

/* There is no magic number: even extents that make a lattice, and a plaquette that is one. */
static bool recognises(const cw_gauge_file *file, const uint8_t *start) {
  const double plaquette = plaquette_at(start + 16);
  uint64_t sites = 1;
  for (int mu = 0; mu < 4; mu++) {
    const uint32_t e = cw_get32(start + 4 * mu, false);
    if (e == 0 || e % 2 != 0 || (sites *= e) > CW_MAX_SITES) return false;
  }
  return file->size > HEADER_BYTES && fabs(plaquette) <= 3 + 1e-6 &&
         (plaquette == 0 || fabs(plaquette) > 1e-12);
}

/* The checks that a note behind the links names. */
static cw_status read_note(const cw_gauge_file *file, uint64_t at, unsigned *ignored) {
  char text[NOTE_BYTES + 1] = {0};
  const uint64_t left = file->size - at;
  const size_t n = left < NOTE_BYTES ? (size_t)left : NOTE_BYTES;
  if (left == 0) return CW_OK;
  CW_TRY(cw_gauge_read(file, at, text, n, "what is behind the links"));
  char *end = strchr(text, '\n');
  if (strncmp(text, NOTE, sizeof NOTE - 1) != 0 || end == NULL ||
      (uint64_t)(end + 1 - text) != left)
    cw_gauge_warn(file, "%" PRIu64 " bytes behind the links are not read", left);
  else {
    *end = '\0';
    *ignored = cw_gauge_checks_of(text + sizeof NOTE - 1);
  }
  return CW_OK;
}

static cw_status read_header(const cw_gauge_file *file, cw_gauge_header *h) {
  uint8_t header[HEADER_BYTES];
  uint64_t extent[4];
  CW_TRY(cw_gauge_read(file, 0, header, sizeof header, "the openQCD header"));
  for (int k = 0; k < 4; k++) extent[direction[k]] = cw_get32(header + 4 * k, false);
  h->layout = (cw_site_layout){.precision = 64, .rows = 3, .order = link_of};
  CW_TRY(cw_gauge_kind(file, CW_LINK_SU3, "an openQCD file", h));
  h->plaquette =
      (cw_gauge_stated){.given = true, .value = plaquette_at(header + 16) / 3, .tolerance = 1e-10};
  h->at = HEADER_BYTES;
  CW_TRY(cw_gauge_lattice(file, extent, "the openQCD header", &h->lat));
  const uint64_t bytes = cw_sites_bytes(&h->layout, &h->lat);
  if (file->size - h->at < bytes) return cw_gauge_block_last(file, h);
  return read_note(file, h->at + bytes, &h->ignored);
}

static cw_status put_header(const cw_gauge_writing *w) {
  const double plaquette = 3 * w->measured->plaquette;
  uint8_t header[HEADER_BYTES];
  uint64_t word;
  for (int k = 0; k < 4; k++)
    cw_put32(header + 4 * k, (uint32_t)w->conf->lat.extent[direction[k]], false);
  memcpy(&word, &plaquette, sizeof word);
  cw_put64(header + 16, word, false);
  return cw_disk_put(w->out, header, sizeof header);
}

static cw_status write(const cw_gauge_writing *w) {
  const cw_site_layout layout = {.n = 3, .precision = 64, .rows = 3, .order = link_of};
  cw_site_sum none = {.kind = NULL};
  char text[NOTE_BYTES], checks[CW_CHECKS_TEXT];
  CW_TRY(put_header(w));
  CW_TRY(cw_sites_write(w->ctx, &layout, w->conf, w->out, &none));
  if (w->conf->ignored == 0) return CW_OK;
  const int n =
      snprintf(text, sizeof text, "%s%s\n", NOTE, cw_gauge_checks_text(w->conf->ignored, checks));
  return cw_disk_put(w->out, (const uint8_t *)text, (size_t)n);
}

extern const cw_format cw_format_openqcd;
const cw_format cw_format_openqcd = {
    .name = "openqcd",
    .title = "openQCD",
    .source = "openQCD, modules/archive/archive.c and main/README.io",
    .ending = {".openqcd"},
    .kinds = 1u << CW_LINK_SU3,
    .precision = {64},
    .rows = {3},
    .even = true,
    .checks = CW_CHECK_PLAQUETTE,
    .recognises = recognises,
    .header = read_header,
    .read = cw_gauge_read_block,
    .write = write,
};
