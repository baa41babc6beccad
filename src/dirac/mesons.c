/* Correlators of mesons out of a propagator. */
#include <math.h>
#include <string.h>

#include "dirac/operator.h"

/* Which traces a channel is the mean of. */
static const struct { int first, n; } traces_of[CW_MESONS] = {{0, 1}, {1, 3}, {4, 1}, {5, 1}};

/* cos(2 pi n i/L) exactly where it is 1. */
static double wave(int n, int i, int L) {
  return n * i % L == 0 ? 1 : cos(2 * M_PI * ((double)(n * i % L) / L));
}

/* The mean over the directions of space of cos p (x - x0). */
static double mean_wave(const cw_lattice *lat, const int coord[4], const int at[4], int n) {
  double sum = 0;
  for (int mu = 0; mu < 3; mu++)
    sum += wave(n, (coord[mu] - at[mu] + lat->extent[mu]) % lat->extent[mu], lat->extent[mu]);
  return sum / 3;
}

/* Adds a site to the correlators c (CW_MESONS, n_momenta, T) of one configuration; row (CW_N_TRACES, CW_LANES). */
static void add_site(const double *row, int lane, const double *waves, int n_momenta, int t, int T,
                     double *c) {
  for (int k = 0; k < CW_MESONS; k++) {
    double value = 0;
    for (int i = 0; i < traces_of[k].n; i++)
      value += row[(traces_of[k].first + i) * CW_LANES + lane];
    value /= traces_of[k].n;
    for (int n = 0; n < n_momenta; n++) c[(k * n_momenta + n) * T + t] += waves[n] * value;
  }
}

cw_status cw_dirac_mesons(const cw_dirac *d, const cw_field *s, const cw_field *ds,
                          const cw_source *source, int n_momenta, double *c, cw_arena *scratch) {
  const cw_geometry *g = d->geom;
  const int T = g->lat.extent[3], B = CW_LANES / g->V;
  const size_t size = (size_t)(CW_MESONS * n_momenta * T);
  const long n_slices = cw_slice_count(g);
  const cw_arena_mark mark = cw_arena_save(scratch);
  CW_REQUIRE(s->n_comp == CW_COLUMNS * CW_SPINOR && n_momenta >= 1);
  double *traces =
      cw_arena_alloc(scratch, (size_t)(g->n_outer * CW_N_TRACES * CW_LANES) * sizeof *traces);
  double *waves = cw_arena_alloc(scratch, (size_t)n_momenta * sizeof *waves);
  if (traces == NULL || waves == NULL)
    return cw_fail(d->ctx, CW_ENOMEM, "no memory for correlators on %ld sites", g->n_sites);
#pragma omp parallel for num_threads(d->threads) schedule(static)
  for (long i = 0; i < n_slices; i++)
    d->link_kernels->traces(ds != NULL ? ds->data : s->data, s->data, traces, cw_slice_begin(g, i),
                            cw_slice_begin(g, i + 1));
  memset(c, 0, (size_t)B * size * sizeof *c);
  for (long site = 0; site < g->n_sites; site++) { /* an order that no split knows of */
    int coord[4];
    cw_lattice_coord(&g->lat, site, coord);
    const int t = (coord[3] - source->at[3] + T) % T;
    for (int n = 0; n < n_momenta; n++) waves[n] = mean_wave(&g->lat, coord, source->at, n);
    for (int b = 0; b < B; b++)
      add_site(traces + (long)g->outer[site] * (CW_N_TRACES * CW_LANES), g->group[site] * B + b,
               waves, n_momenta, t, T, c + (size_t)b * size);
  }
  for (size_t i = 0; i < (size_t)B * size && ds != NULL; i++)
    c[i] *= 2; /* s and s^+ contribute alike */
  cw_arena_rewind(scratch, mark);
  return CW_OK;
}
