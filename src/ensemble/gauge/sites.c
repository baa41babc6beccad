#include "ensemble/gauge/sites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/gauge/bytes.h"

enum { CHUNK_BYTES = 1 << 20 };

size_t cw_site_bytes(const cw_site_layout *layout) {
  return (size_t)(4 * layout->rows * 2 * layout->n) * (size_t)(layout->precision / 8);
}

uint64_t cw_sites_bytes(const cw_site_layout *layout, const cw_lattice *lat) {
  return (uint64_t)cw_lattice_sites(lat) * cw_site_bytes(layout);
}

static long chunk_sites(const cw_site_layout *layout, const cw_lattice *lat) {
  long n = (long)(CHUNK_BYTES / cw_site_bytes(layout)), all = cw_lattice_sites(lat);
  return n < all ? n : all;
}

/* ---------------------------------------------------------------- checksums */

static uint32_t rotate_left(uint32_t w, unsigned k) { return k == 0 ? w : w << k | w >> (32 - k); }

void cw_sum_rotated(cw_site_sum *sum, uint32_t w) {
  sum->a ^= rotate_left(w, (unsigned)(sum->n % 29));
  sum->b ^= rotate_left(w, (unsigned)(sum->n % 31));
  sum->n++;
}

static void sum_site(cw_site_sum *sum, const uint8_t *site, size_t bytes, bool big_endian) {
  if (sum->kind != NULL) sum->kind->add(sum, site, bytes, big_endian);
}

/* ------------------------------------------------------------------ one site */

static double get_real(const uint8_t *from, const cw_site_layout *layout) {
  if (layout->precision == 32) {
    uint32_t w = cw_get32(from, layout->big_endian);
    float x;
    memcpy(&x, &w, sizeof x);
    return (double)x;
  }
  uint64_t w = cw_get64(from, layout->big_endian);
  double x;
  memcpy(&x, &w, sizeof x);
  return x;
}

static void put_real(uint8_t *to, const cw_site_layout *layout, double x) {
  if (layout->precision == 32) {
    float y = (float)x;
    uint32_t w;
    memcpy(&w, &y, sizeof w);
    cw_put32(to, w, layout->big_endian);
  } else {
    uint64_t w;
    memcpy(&w, &x, sizeof w);
    cw_put64(to, w, layout->big_endian);
  }
}

cw_site_layout cw_site_layout_of_memory(int n) {
  return (cw_site_layout){.n = n, .precision = 64, .rows = n};
}

static void third_row(double *u) {
  for (int c = 0; c < 3; c++) {
    int i = 2 * ((c + 1) % 3), j = 2 * ((c + 2) % 3); /* re of the other two columns */
    const double *a = u, *b = u + 6;
    double re = a[i] * b[j] - a[i + 1] * b[j + 1] - a[j] * b[i] + a[j + 1] * b[i + 1];
    double im = a[i] * b[j + 1] + a[i + 1] * b[j] - a[j] * b[i + 1] - a[j + 1] * b[i];
    u[12 + 2 * c] = re;
    u[12 + 2 * c + 1] = -im;
  }
}

void cw_last_row(int n, double *u) {
  CW_REQUIRE(n >= 1 && n <= 3);
  const double of_su2[4] = {-u[2], u[3], u[0], -u[1]}, one[2] = {1, 0};
  if (n == 3) third_row(u);
  if (n == 2) memcpy(u + 4, of_su2, sizeof of_su2);
  if (n == 1) memcpy(u, one, sizeof one);
}

/* false: a number is not finite, or its matrix too large for a last row. */
static bool decode(const uint8_t *from, const cw_site_layout *layout, double *u) {
  const int n = layout->n, reals = 2 * n * layout->rows, size = layout->precision / 8;
  bool finite = true;
  for (int k = 0; k < reals; k++, from += size) u[k] = get_real(from, layout);
  if (layout->rows < n) cw_last_row(n, u);
  for (int k = 0; k < 2 * n * n; k++) finite &= isfinite(u[k]) != 0;
  return finite;
}

static void encode(uint8_t *to, const cw_site_layout *layout, const double *u) {
  const int reals = 2 * layout->n * layout->rows, size = layout->precision / 8;
  for (int k = 0; k < reals; k++, to += size) put_real(to, layout, u[k]);
}

/* Places in cw_configuration of the four links of portion i. */
static void places(const cw_site_layout *layout, const cw_lattice *lat, long i, long place[4]) {
  int x[4];
  const long first = layout->order == NULL ? 4 * cw_site_of_file(lat, i, x) : 0;
  for (int k = 0; k < 4; k++)
    place[k] = layout->order == NULL ? first + k : layout->order(lat, 4 * i + k);
}

/* ----------------------------------------------------------------- all sites */

long cw_site_of_file(const cw_lattice *lat, long k, int coord[4]) {
  for (int mu = 0; mu < lat->dim; mu++) {
    coord[mu] = (int)(k % lat->extent[mu]);
    k /= lat->extent[mu];
  }
  return cw_lattice_site(lat, coord);
}

static cw_status read_chunk(const cw_gauge_file *file, const cw_site_layout *layout,
                            const cw_lattice *lat, const uint8_t *bytes, long first, long n,
                            double *link, cw_site_sum *sum) {
  const size_t size = cw_site_bytes(layout);
  const long reals = 2L * layout->n * layout->n;
  for (long i = 0; i < n; i++, bytes += size) {
    long place[4];
    places(layout, lat, first + i, place);
    sum_site(sum, bytes, size, layout->big_endian);
    for (int k = 0; k < 4; k++) {
      int x[4];
      if (decode(bytes + (size_t)k * size / 4, layout, link + place[k] * reals)) continue;
      cw_lattice_coord(lat, place[k] / 4, x);
      return cw_gauge_fail(file, CW_ECORRUPT,
                           "expected finite numbers, found one that is not at site %d,%d,%d,%d",
                           x[0], x[1], x[2], x[3]);
    }
  }
  return CW_OK;
}

cw_status cw_sites_read(const cw_gauge_file *file, uint64_t at, const cw_site_layout *layout,
                        const cw_lattice *lat, double *link, cw_site_sum *sum) {
  long n_sites = cw_lattice_sites(lat), n_chunk = chunk_sites(layout, lat);
  size_t size = cw_site_bytes(layout);
  uint8_t *bytes = malloc((size_t)n_chunk * size);
  if (bytes == NULL) return cw_fail(file->ctx, CW_ENOMEM, "no memory to read '%s'", file->path);
  cw_status st = CW_OK;
  for (long first = 0; st == CW_OK && first < n_sites; first += n_chunk) {
    long n = n_sites - first < n_chunk ? n_sites - first : n_chunk;
    st = cw_gauge_read(file, at + (uint64_t)first * size, bytes, (size_t)n * size,
                       "a piece of the links");
    if (st == CW_OK) st = read_chunk(file, layout, lat, bytes, first, n, link, sum);
  }
  free(bytes);
  return st;
}

cw_status cw_sites_write(cw_context *ctx, const cw_site_layout *layout,
                         const cw_configuration *conf, cw_disk_file *out, cw_site_sum *sum) {
  const cw_lattice *lat = &conf->lat;
  long n_sites = cw_lattice_sites(lat), n_chunk = chunk_sites(layout, lat);
  const size_t size = cw_site_bytes(layout);
  const long reals = 2L * layout->n * layout->n;
  uint8_t *bytes = malloc((size_t)n_chunk * size);
  if (bytes == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory to write a configuration");
  cw_status st = CW_OK;
  for (long first = 0; st == CW_OK && first < n_sites; first += n_chunk) {
    long n = n_sites - first < n_chunk ? n_sites - first : n_chunk;
    for (long i = 0; i < n; i++) {
      long place[4];
      uint8_t *to = bytes + (size_t)i * size;
      places(layout, lat, first + i, place);
      for (int k = 0; k < 4; k++)
        encode(to + (size_t)k * size / 4, layout, conf->data + place[k] * reals);
      sum_site(sum, to, size, layout->big_endian);
    }
    if (out != NULL) st = cw_disk_put(out, bytes, (size_t)n * size);
  }
  free(bytes);
  return st;
}
