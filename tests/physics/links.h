/* Gauge fields and heat-bath samplers for the tests of single links. */
#ifndef CW_TEST_LINKS_H
#define CW_TEST_LINKS_H

#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "causeway/sampler.h"

enum { ISOTROPIC, ANISOTROPIC, DEFECT };

/* Gauge configurations of a theory on a lattice in a split (V = 0: a good one), from a hot start,
 * and a sampler. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
  cw_sampler *sampler;
} links;

static const double beta_8[] = {8};

static inline void open_links(links *k, cw_context *ctx, const char *theory, cw_lattice lat, int V,
                              long n_config, int form, const double *couplings, int n_heat,
                              int n_relax, int project) {
  *k = (links){.ctx = ctx};
  int n_comp = cw_kind_components(cw_theory_find(theory)->kind, &lat);
  if (V == 0) V = cw_geometry_choose(&lat, n_comp, n_config);
  const double set[] = {n_heat, n_relax, project};
  check_ok(ctx, cw_geometry_create(ctx, &lat, V, &k->geom));
  check_ok(ctx, cw_theory_create(ctx, cw_theory_find(theory), k->geom, form, couplings, &k->th));
  check_ok(ctx, cw_field_create(ctx, k->geom, k->th.n_comp, n_config, &k->x));
  cw_kind(k->th.ops->kind)->hot(k->th.isa, &k->x, cw_rng_stream(3, "hot"), 0);
  check_ok(ctx, cw_sampler_create(ctx, cw_sampler_find("heatbath"), &k->th, set, NULL,
                                  k->x.n_blocks, &k->sampler));
}

static inline void close_links(links *k) {
  cw_sampler_destroy(k->sampler);
  cw_field_destroy(&k->x);
  cw_theory_destroy(&k->th);
  cw_geometry_destroy(k->geom);
}

static inline void advance(links *k, uint32_t step) {
  check_ok(k->ctx, k->sampler->ops->step(k->sampler, k->th.c, &k->x, cw_rng_stream(4, "links"),
                                         step, NULL));
}

static inline void retreat(links *k, uint32_t step) {
  check_ok(k->ctx, k->sampler->ops->step_back(k->sampler, k->th.c, &k->x, cw_rng_stream(4, "links"),
                                              step, NULL));
}

/* Link (site, mu) of a configuration as an N x N matrix, (re, im) each. */
static inline void get_link(const links *k, long config, long site, int mu, double *m) {
  const cw_kind_ops *kind = cw_kind(k->th.ops->kind);
  double stored[18];
  for (int i = 0; i < kind->n_real; i++)
    stored[i] = cw_field_get(&k->x, config, site, mu * kind->n_real + i);
  cw_link_to_matrix(k->th.ops->kind, stored, m);
}

/* Largest element of |U U^+ - 1| and of |det U - 1| (SU(N)) over all links of all configurations.
 */
static inline double group_drift(const links *k) {
  int N = cw_kind(k->th.ops->kind)->n_colours;
  double worst = 0;
  for (long c = 0; c < k->x.n_config; c++)
    for (long s = 0; s < k->geom->n_sites; s++)
      for (int mu = 0; mu < k->geom->lat.dim; mu++) {
        double m[18], third[6];
        get_link(k, c, s, mu, m);
        for (int i = 0; i < N; i++)
          for (int j = 0; j < N; j++) {
            double re = i == j ? -1 : 0, im = 0;
            for (int l = 0; l < N; l++) {
              const double *a = m + 2 * (i * N + l), *b = m + 2 * (j * N + l);
              re += a[0] * b[0] + a[1] * b[1];
              im += a[1] * b[0] - a[0] * b[1];
            }
            worst = fmax(worst, fmax(fabs(re), fabs(im)));
          }
        for (int j = 0; N == 3 && j < 3; j++) { /* row 2 = (row 0 x row 1)^*, so that det U = 1 */
          const double *a = m, *b = m + 6;
          int p = 2 * ((j + 1) % 3), q = 2 * ((j + 2) % 3);
          third[0] = a[p] * b[q] - a[p + 1] * b[q + 1] - a[q] * b[p] + a[q + 1] * b[p + 1];
          third[1] = a[p] * b[q + 1] + a[p + 1] * b[q] - a[q] * b[p + 1] - a[q + 1] * b[p];
          worst = fmax(worst, fabs(m[12 + 2 * j] - third[0]));
          worst = fmax(worst, fabs(m[13 + 2 * j] + third[1]));
        }
      }
  return worst;
}

#endif
