/* The propagator of a real scalar field in momentum space, along the first of the longest
 * directions: G(p) = |sum_x phi_x e^(ipx)|^2/V at p = 2 pi k/L, k = 0 .. L/2. In the free theory it
 * is a straight line, 1/G against the lattice momentum 4 sin^2(p/2). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "observe/scalar/scalar.h" /* cw_longest_directions, cw_row */

static bool fits(const cw_theory *th) { return th->ops->kind == CW_SITE_REAL && th->n_comp == 1; }

static cw_longest longest_of(const cw_observer *o) {
  return cw_longest_directions(&o->th->geom->lat);
}

static int n_momenta(const cw_observer *o) { return longest_of(o).extent / 2 + 1; }

static void primary_name(const cw_observer *o, int i, char name[32]) {
  (void)o;
  snprintf(name, 32, "G[%d]", i);
}

/* slice (extent): sums of phi over the sites with the same coordinate along that direction, of each
 * configuration. Global sites in their order: no bit depends on the split. */
static void sum_slices(const cw_field *x, int direction, cw_row *slice) {
  const cw_geometry *g = x->geom;
  for (long site = 0; site < g->n_sites; site++) {
    int coord[CW_MAX_DIM];
    const double *phi = x->data + (long)g->outer[site] * CW_LANES + g->group[site] * x->B;
    cw_lattice_coord(&g->lat, site, coord);
    for (int b = 0; b < x->B; b++) slice[coord[direction]][b] += phi[b];
  }
}

/* |sum_t e^(ipt) slice_t|^2 of configuration b at momentum number k; wave (extent, 2). */
static double wave_squared(const cw_row *slice, int extent, const double (*wave)[2], int k, int b) {
  double re = 0, im = 0;
  for (int t = 0; t < extent; t++) {
    const double *phase = wave[(long)k * t % extent];
    re += phase[0] * slice[t][b];
    im += phase[1] * slice[t][b];
  }
  return re * re + im * im;
}

static cw_status measure(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena) {
  const cw_longest l = longest_of(o);
  const int n = n_momenta(o);
  const size_t extent = (size_t)l.extent;
  cw_row *slice = cw_arena_alloc(arena, extent * sizeof *slice);
  double(*wave)[2] = cw_arena_alloc(arena, extent * sizeof *wave);
  if (slice == NULL || wave == NULL) return CW_ENOMEM;
  memset(slice, 0, extent * sizeof *slice);
  sum_slices(x, l.direction[0], slice);
  for (int t = 0; t < l.extent; t++) {
    wave[t][0] = cos(2 * M_PI * t / l.extent);
    wave[t][1] = sin(2 * M_PI * t / l.extent);
  }
  for (int b = 0; b < x->B; b++)
    for (int k = 0; k < n; k++)
      out[b * n + k] =
          wave_squared(slice, l.extent, (const double(*)[2])wave, k, b) / (double)x->geom->n_sites;
  return CW_OK;
}

/* 4 sin^2(p/2), the abscissa of the figure. */
static double lattice_momentum(const cw_observer *o, int k) {
  return pow(2 * sin(M_PI * k / longest_of(o).extent), 2);
}

/* A mean of primaries needs no function: entry i is that of primary i. */
static const cw_quantity quantities[] = {
    {.name = "propagator",
     .help = "propagator G(p) = <|sum_x phi_x e^(ipx)|^2>/V, p = 2 pi k/L along the longest extent",
     .print = "propagator G(p) = ⟨|Σ_x φ_x e^(ipx)|²⟩/V, p = 2πk/L along the longest extent",
     .units = "1",
     .count = n_momenta,
     .mean_of = 1,
     .figure = {.title = "Propagator",
                .x_label = "4 sin²(p/2)",
                .y_label = "G(p)",
                .log_y = true,
                .x = lattice_momentum}},
    {0}};

/* Not a standard group: measured where a job asks for it, `measure: {propagator: }`. */
extern const cw_observable_ops cw_observable_propagator;
const cw_observable_ops cw_observable_propagator = {
    .name = "propagator",
    .title = "propagator of a real scalar field in momentum space",
    .fits = fits,
    .n_primary = n_momenta,
    .primary_name = primary_name,
    .measure = measure,
    .quantities = quantities,
};
