#include "model/fourier/fourier.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next radix of a length that is above 1. */
static int next_radix(int n) {
  if (n % 4 == 0) return 4;
  for (int p = 2; p * p <= n; p++)
    if (n % p == 0) return p;
  return n;
}

static bool has_transform(int n) {
  if (n > CW_FOURIER_EXTENT) return false;
  for (; n > 1; n /= next_radix(n))
    if (next_radix(n) > CW_FOURIER_PRIME) return false;
  return true;
}

bool cw_fourier_refuse(const cw_lattice *lat, cw_layer_fault *fault) {
  *fault = (cw_layer_fault){0};
  for (int d = 0; d < lat->dim; d++)
    if (!has_transform(lat->extent[d])) {
      snprintf(fault->why, sizeof fault->why,
               "takes extents up to %d whose prime factors are at most %d, not %d",
               CW_FOURIER_EXTENT, CW_FOURIER_PRIME, lat->extent[d]);
      return true;
    }
  return false;
}

static bool create_line(int n, cw_fourier_line *line) {
  line->n = n;
  for (int left = n; left > 1; left /= line->radix[line->n_stages++])
    line->radix[line->n_stages] = next_radix(left);
  line->twiddle = cw_alloc((size_t)n * 2 * sizeof *line->twiddle);
  for (int j = 0; line->twiddle != NULL && j < n; j++) {
    line->twiddle[2 * j] = cos(2 * M_PI * j / n);
    line->twiddle[2 * j + 1] = -sin(2 * M_PI * j / n);
  }
  return line->twiddle != NULL;
}

/* The wave that stands at a place of a line: its first stage leaves waves q modulo the radix in the q-th
 * part. */
static int wave_at(const cw_fourier_line *line, int place) {
  int wave = 0, step = 1, part = line->n;
  for (int s = 0; s < line->n_stages; s++) {
    part /= line->radix[s];
    wave += step * (place / part);
    place %= part;
    step *= line->radix[s];
  }
  return wave;
}

/* The member of its orbit that stands for it: components from 0 to half the extent, those of equal
 * extents in descending order. */
static void representative(const cw_lattice *lat, int *x) {
  for (int d = 0; d < lat->dim; d++)
    if (2 * x[d] > lat->extent[d]) x[d] = lat->extent[d] - x[d];
  for (int d = 0; d < lat->dim; d++)
    for (int e = d + 1; e < lat->dim; e++)
      if (lat->extent[e] == lat->extent[d] && x[e] > x[d]) {
        const int swap = x[d];
        x[d] = x[e];
        x[e] = swap;
      }
}

static int largest(const cw_lattice *lat, const int *x) {
  int most = 0;
  for (int d = 0; d < lat->dim; d++) most = x[d] > most ? x[d] : most;
  return most;
}

/* orbit (n_sites): that of each site as a displacement or wave, in the order of the largest component of
 * their representatives, then of sites; -1 beyond the radius. Returns how many there are. */
static long number_orbits(const cw_lattice *lat, int radius, int *orbit) {
  const long n = cw_lattice_sites(lat);
  int x[CW_MAX_DIM], longest = 0;
  long count = 0;
  for (int d = 0; d < lat->dim; d++)
    longest = lat->extent[d] / 2 > longest ? lat->extent[d] / 2 : longest;
  for (long s = 0; s < n; s++) orbit[s] = -1;
  for (int shell = 0; shell <= longest && (radius == 0 || shell <= radius); shell++)
    for (long s = 0; s < n; s++) {
      cw_lattice_coord(lat, s, x);
      representative(lat, x);
      if (largest(lat, x) == shell && cw_lattice_site(lat, x) == s) orbit[s] = (int)count++;
    }
  for (long s = 0; s < n; s++) {
    cw_lattice_coord(lat, s, x);
    representative(lat, x);
    orbit[s] = orbit[cw_lattice_site(lat, x)];
  }
  return count;
}

static double laplacian_of(const cw_lattice *lat, const int *k) {
  double sum = 0;
  for (int d = 0; d < lat->dim; d++) {
    const double s = sin(M_PI * k[d] / lat->extent[d]);
    sum += 4 * s * s;
  }
  return sum;
}

/* scratch: (n_sites). */
static void fill_tables(int radius, cw_fourier *f, int *scratch) {
  int x[CW_MAX_DIM];
  f->n_waves = number_orbits(&f->lat, 0, scratch);
  for (long s = 0; s < f->n_sites; s++) {
    cw_lattice_coord(&f->lat, s, x);
    f->laplacian[scratch[s]] = laplacian_of(&f->lat, x);
    f->share[scratch[s]] += 1;
    for (int d = 0; d < f->lat.dim; d++) x[d] = wave_at(&f->line[d], x[d]);
    f->wave[s] = scratch[cw_lattice_site(&f->lat, x)];
  }
  for (long w = 0; w < f->n_waves; w++) f->share[w] = 1 / f->share[w];
  f->n_orbits = number_orbits(&f->lat, radius, f->orbit);
}

cw_status cw_fourier_create(cw_context *ctx, const cw_lattice *lat, int radius, cw_fourier *f) {
  *f = (cw_fourier){.lat = *lat, .radius = radius, .n_sites = cw_lattice_sites(lat)};
  const size_t n = (size_t)f->n_sites;
  bool ok = true;
  for (int d = 0; d < lat->dim; d++) ok = create_line(lat->extent[d], &f->line[d]) && ok;
  f->wave = cw_alloc(n * sizeof *f->wave);
  f->orbit = cw_alloc(n * sizeof *f->orbit);
  f->share = cw_alloc(n * sizeof *f->share); /* there are fewer orbits than waves */
  f->laplacian = cw_alloc(n * sizeof *f->laplacian);
  int *scratch = malloc(n * sizeof *scratch);
  ok = ok && f->wave && f->orbit && f->share && f->laplacian && scratch;
  if (ok) fill_tables(radius, f, scratch);
  free(scratch);
  return ok ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
}

cw_status cw_fourier_count(cw_context *ctx, const cw_lattice *lat, int radius, long *n) {
  int *orbit = malloc((size_t)cw_lattice_sites(lat) * sizeof *orbit);
  if (orbit == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
  *n = number_orbits(lat, radius, orbit);
  free(orbit);
  return CW_OK;
}

/* The number of ways in which a displacement unwraps: which of them is bit by bit of `way`, for those
 * components that are half an extent. */
static int unwrap(const cw_lattice *lat, long site, int way, int *x) {
  int ways = 1;
  cw_lattice_coord(lat, site, x);
  for (int d = 0; d < lat->dim; d++) {
    const bool half = 2 * x[d] == lat->extent[d];
    if (2 * x[d] > lat->extent[d] || (half && (way / ways & 1))) x[d] -= lat->extent[d];
    if (half) ways *= 2;
  }
  return ways;
}

static bool represents(const cw_lattice *lat, const int *x) {
  int of[CW_MAX_DIM], same[CW_MAX_DIM];
  cw_lattice_coord(lat, cw_lattice_site(lat, x), of);
  for (int d = 0; d < lat->dim; d++) same[d] = of[d];
  representative(lat, of);
  for (int d = 0; d < lat->dim; d++)
    if (of[d] != same[d]) return false;
  return true;
}

cw_status cw_fourier_carry(cw_context *ctx, const cw_fourier *f, const cw_lattice *other,
                           int radius, long width, const double *from, double *to) {
  const long n = cw_lattice_sites(other);
  int *mine = malloc((size_t)f->n_sites * sizeof *mine),
      *theirs = malloc((size_t)n * sizeof *theirs);
  CW_REQUIRE(other->dim == f->lat.dim);
  for (long i = 0; i < f->n_orbits * width; i++) to[i] = 0;
  if (mine != NULL && theirs != NULL) {
    number_orbits(&f->lat, f->radius, mine);
    number_orbits(other, radius, theirs);
    for (long s = 0; s < n; s++)
      for (int way = 0, ways = 1; theirs[s] >= 0 && way < ways; way++) {
        int x[CW_MAX_DIM];
        ways = unwrap(other, s, way, x);
        const int orbit = mine[cw_lattice_site(&f->lat, x)];
        if (orbit < 0 || !represents(&f->lat, x)) continue;
        for (long i = 0; i < width; i++)
          to[orbit * width + i] += from[theirs[s] * width + i] / ways;
      }
  }
  const bool ok = mine != NULL && theirs != NULL;
  free(mine);
  free(theirs);
  return ok ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
}

void cw_fourier_from_block(const cw_fourier *f, const int *outer, const double *x, double *z) {
  memset(z, 0, (size_t)f->n_sites * 2 * CW_LANES * sizeof *z);
  for (long s = 0; s < f->n_sites; s++)
    memcpy(z + s * 2 * CW_LANES, x + (long)outer[s] * CW_LANES, CW_LANES * sizeof *z);
}

void cw_fourier_to_block(const cw_fourier *f, const int *outer, const double *z, double *x) {
  for (long s = 0; s < f->n_sites; s++)
    memcpy(x + (long)outer[s] * CW_LANES, z + s * 2 * CW_LANES, CW_LANES * sizeof *x);
}

void cw_fourier_destroy(cw_fourier *f) {
  for (int d = 0; d < CW_MAX_DIM; d++) free(f->line[d].twiddle);
  free(f->wave);
  free(f->orbit);
  free(f->share);
  free(f->laplacian);
}
