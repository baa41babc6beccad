/* Theories, a sampler and maps small enough to know everything about, for the tests of ladders. All
 * theories need V = 1; the maps take any split. */
#ifndef CW_TEST_TOYS_H
#define CW_TEST_TOYS_H

#include <math.h>
#include <string.h>

#include "causeway/bridge.h"

static const char *const toy_forms[] = {"plain", NULL};

/* ------------------------------------------------------------------- tilted */

/* Independent sites with S = c0 x + c1 x^2 + c2 x^3 + c3 x^4: nothing is symmetric, so that every
 * wrong sign shows. Parameters are the couplings. */
enum { TILTED_TERMS = 4 };

static const cw_param tilted_table[] = {{"c0", "of x", 0, -10, 10, CW_REAL},
                                        {"c1", "of x^2", 0, -10, 10, CW_REAL},
                                        {"c2", "of x^3", 0, -10, 10, CW_REAL},
                                        {"c3", "of x^4", 0, 0, 10, CW_REAL},
                                        {0}};
static const cw_param *const tilted_params[] = {tilted_table};

static inline void tilted_couplings(int form, const cw_lattice *lat, const double *p, double *c) {
  (void)form;
  (void)lat;
  memcpy(c, p, TILTED_TERMS * sizeof *c);
}

static inline void tilted_terms(const cw_theory *th, const cw_field *x, double *T) {
  (void)th;
  long rows = x->geom->n_outer;
  for (long i = 0; i < x->n_blocks * CW_LANES; i++) {
    const double *lane = x->data + i / CW_LANES * rows * CW_LANES + i % CW_LANES;
    double *t = T + i * TILTED_TERMS;
    memset(t, 0, TILTED_TERMS * sizeof *t);
    for (long o = 0; o < rows; o++) {
      double v = lane[o * CW_LANES];
      t[0] += v;
      t[1] += v * v;
      t[2] += v * v * v;
      t[3] += v * v * v * v;
    }
  }
}

static inline void tilted_force(const cw_theory *th, const cw_field *x, const double *c,
                                cw_field *f) {
  (void)th;
  for (size_t i = 0; i < (size_t)x->n_blocks * cw_field_block_size(x); i++) {
    double v = x->data[i];
    f->data[i] = -(c[0] + v * (2 * c[1] + v * (3 * c[2] + v * 4 * c[3])));
  }
}

static const cw_theory_ops toy_tilted = {.name = "tilted",
                                         .forms = toy_forms,
                                         .params = tilted_params,
                                         .kind = CW_SITE_REAL,
                                         .n_terms = TILTED_TERMS,
                                         .bond_term = -1,
                                         .couplings = tilted_couplings,
                                         .terms = tilted_terms,
                                         .force = tilted_force};

/* ln Z and <x^n>, n = 1 .. 4, of one site; fields beyond +-8 must not matter. */
static inline double tilted_exact(const double *c, double moment[TILTED_TERMS]) {
  const double h = 1e-3;
  double Z = 0, sum[TILTED_TERMS] = {0};
  for (int i = -8000; i <= 8000; i++) {
    double v = i * h, w = h * exp(-v * (c[0] + v * (c[1] + v * (c[2] + v * c[3]))));
    Z += w;
    for (int n = 0; n < TILTED_TERMS; n++) sum[n] += w * pow(v, n + 1);
  }
  for (int n = 0; n < TILTED_TERMS; n++) moment[n] = sum[n] / Z;
  return log(Z);
}

/* --------------------------------------------------------------------- spins */

/* Ising spins +-1 in a field: T_0 = -sum s_x s_(x+mu), T_1 = -sum s_x. */
enum { SPIN_TERMS = 2 };

static const cw_param spin_table[] = {
    {"beta", "of bonds", 0, 0, 10, CW_REAL}, {"field", "of spins", 0, -10, 10, CW_REAL}, {0}};
static const cw_param *const spin_params[] = {spin_table};

static inline void spin_couplings(int form, const cw_lattice *lat, const double *p, double *c) {
  (void)form;
  (void)lat;
  memcpy(c, p, SPIN_TERMS * sizeof *c);
}

/* x of the neighbour of outer site o in direction k (2*mu: forward, 2*mu+1: backward). */
static inline const double *spin_beside(const cw_field *block, long o, int k) {
  const cw_geometry *g = block->geom;
  return block->data + (long)g->neighbour[o * 2 * g->lat.dim + k] * CW_LANES;
}

static inline void spin_terms(const cw_theory *th, const cw_field *x, double *T) {
  (void)th;
  for (long b = 0; b < x->n_blocks; b++) {
    cw_field block = cw_field_block(x, b);
    double *t = T + b * CW_LANES * SPIN_TERMS;
    memset(t, 0, CW_LANES * SPIN_TERMS * sizeof *t);
    for (long o = 0; o < x->geom->n_outer; o++)
      for (int l = 0; l < CW_LANES; l++) {
        double s = block.data[o * CW_LANES + l];
        for (int mu = 0; mu < x->geom->lat.dim; mu++)
          t[l * SPIN_TERMS] -= s * spin_beside(&block, o, 2 * mu)[l];
        t[l * SPIN_TERMS + 1] -= s;
      }
  }
}

static const cw_theory_ops toy_spins = {.name = "spins",
                                        .forms = toy_forms,
                                        .params = spin_params,
                                        .kind = CW_SITE_REAL,
                                        .n_terms = SPIN_TERMS,
                                        .bond_term = -1,
                                        .couplings = spin_couplings,
                                        .terms = spin_terms};

/* ln Z and <T>/sites on the 4x4 torus, by its 2^16 states. */
static inline double spin_exact(const double *c, double mean[SPIN_TERMS]) {
  double Z = 0, sum[SPIN_TERMS] = {0};
  for (int state = 0; state < 1 << 16; state++) {
    double t[SPIN_TERMS] = {0};
    for (int i = 0; i < 16; i++) {
      int s = 2 * (state >> i & 1) - 1, right = i / 4 * 4 + (i + 1) % 4, up = (i + 4) % 16;
      t[0] -= s * (2 * (state >> right & 1) - 1) + s * (2 * (state >> up & 1) - 1);
      t[1] -= s;
    }
    double w = exp(-c[0] * t[0] - c[1] * t[1]);
    Z += w;
    for (int k = 0; k < SPIN_TERMS; k++) sum[k] += w * t[k] / 16;
  }
  for (int k = 0; k < SPIN_TERMS; k++) mean[k] = sum[k] / Z;
  return log(Z);
}

/* Independent spins, by the signs of normal numbers. */
static inline void spin_start(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step) {
  cw_field_normal(isa, x, rng, step, 0);
  for (size_t i = 0; i < (size_t)x->n_blocks * cw_field_block_size(x); i++)
    x->data[i] = x->data[i] < 0 ? -1 : 1;
}

/* Of samplers that fit any theory, need no work space and have nothing to prepare. */
static inline bool fits_all(const cw_theory *th, const double *param) {
  (void)th, (void)param;
  return true;
}
static inline size_t no_work(const cw_theory *th) {
  (void)th;
  return 0;
}
static inline cw_status nothing_to_do(cw_sampler *s) {
  (void)s;
  return CW_OK;
}

/* Metropolis, site after site. */
static inline bool metropolis_fits(const cw_theory *th, const double *param) {
  (void)param;
  return th->ops == &toy_spins;
}
static inline cw_status metropolis_step(cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                                        uint32_t step, const cw_step_stats *stats) {
  (void)s;
  for (long b = 0; b < x->n_blocks; b++) {
    cw_field block = cw_field_block(x, b);
    for (long o = 0; o < x->geom->n_outer; o++)
      for (int l = 0; l < CW_LANES; l++) {
        double u[2], around = c[1], *spin = block.data + o * CW_LANES + l;
        for (int k = 0; k < 2 * x->geom->lat.dim; k++)
          around += c[0] * spin_beside(&block, o, k)[l];
        cw_uniform2(rng, (uint32_t)o, (uint32_t)(block.first_chain + l), step, 0, u);
        if (u[0] < exp(-2 * *spin * around)) *spin = -*spin;
      }
    for (int l = 0; stats != NULL && stats->accept != NULL && l < CW_LANES; l++)
      stats->accept[b * CW_LANES + l] = 1;
  }
  return CW_OK;
}

static const cw_param no_params[] = {{0}};
static const cw_sampler_ops toy_metropolis = {.name = "metropolis",
                                              .params = no_params,
                                              .fits = metropolis_fits,
                                              .work_size = no_work,
                                              .init = nothing_to_do,
                                              .step = metropolis_step};

/* Heat bath of the spins one after the other: a sweep in a fixed order is not its own reversal.
 * Here spin s of the configurations of a block takes either sign with its probability given the
 * others. */
static inline void draw_spin(const cw_sampler *sampler, const double *c, cw_field *x, long block,
                             long s, cw_rng rng, uint32_t step) {
  double T[CW_LANES * CW_MAX_TERMS], S[2][CW_LANES];
  cw_field one = cw_field_block(x, block);
  for (int up = 0; up < 2; up++) {
    for (long i = 0; i < one.n_config; i++) cw_field_set(&one, i, s, 0, up ? 1 : -1);
    cw_theory_action(sampler->th, &one, c, T, S[up]);
  }
  for (long i = 0; i < one.n_config; i++) {
    double u[2];
    cw_uniform2(rng, (uint32_t)s, (uint32_t)(one.first_chain + i), step, 0, u);
    cw_field_set(&one, i, s, 0, u[0] < 1 / (1 + exp(S[1][i] - S[0][i])) ? 1 : -1);
  }
}

static inline cw_status ordered_sweep(cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                                      uint32_t step, const cw_step_stats *stats) {
  (void)stats;
  for (long b = 0; b < x->n_blocks; b++)
    for (long site = 0; site < x->geom->n_sites; site++) draw_spin(s, c, x, b, site, rng, step);
  return CW_OK;
}

static inline cw_status ordered_sweep_back(cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                                           uint32_t step, const cw_step_stats *stats) {
  (void)stats;
  for (long b = 0; b < x->n_blocks; b++)
    for (long site = x->geom->n_sites - 1; site >= 0; site--)
      draw_spin(s, c, x, b, site, rng, step);
  return CW_OK;
}

static const cw_sampler_ops toy_ordered = {.name = "ordered",
                                           .params = no_params,
                                           .fits = fits_all,
                                           .work_size = no_work,
                                           .init = nothing_to_do,
                                           .step = ordered_sweep,
                                           .step_back = ordered_sweep_back};

/* ---------------------------------------------------------------------- maps */

/* x -> scale x + shift + bend tanh x on every site: for reals, as bad as its numbers. Forward only.
 */
typedef struct {
  double scale, shift, bend;
} toy_bend;

static inline cw_status bend_apply(const cw_map *map, cw_context *ctx, cw_field *x, double *logj,
                                   bool inverse) {
  const toy_bend *m = map->self;
  size_t size = cw_field_block_size(x);
  if (inverse) return cw_fail(ctx, CW_EINVAL, "no inverse");
  for (long i = 0; i < x->n_blocks * x->B; i++) {
    double *lane = x->data + (size_t)(i / x->B) * size;
    logj[i] = 0;
    for (long site = 0; site < x->geom->n_sites; site++) { /* the same order for every split */
      double *v = lane + x->geom->outer[site] * CW_LANES + x->geom->group[site] * x->B + i % x->B;
      logj[i] += log(m->scale + m->bend / (cosh(*v) * cosh(*v)));
      *v = m->scale * *v + m->shift + m->bend * tanh(*v);
    }
  }
  return CW_OK;
}

/* Turns spins over on every third site, or links of U(1) in direction 0 by an angle there. */
static inline cw_status turn_apply(const cw_map *map, cw_context *ctx, cw_field *x, double *logj,
                                   bool inverse) {
  double angle = *(const double *)map->self * (inverse ? -1 : 1);
  (void)ctx;
  for (long i = 0; i < x->n_blocks * x->B; i++) logj[i] = 0;
  for (long i = 0; i < x->n_config; i++)
    for (long site = 0; site < x->geom->n_sites; site += 3) {
      double re = cw_field_get(x, i, site, 0), im = x->n_comp > 1 ? cw_field_get(x, i, site, 1) : 0;
      cw_field_set(x, i, site, 0, re * cos(angle) - im * sin(angle));
      if (x->n_comp > 1) cw_field_set(x, i, site, 1, re * sin(angle) + im * cos(angle));
    }
  return CW_OK;
}

#endif
