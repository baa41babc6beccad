/* A link that is updated between frozen neighbours, and the distribution of what comes out. */
#ifndef CW_TEST_LINK_UPDATES_H
#define CW_TEST_LINK_UPDATES_H

#include "physics/links.h"
#include "sampler/heatbath/set.h"

static const char *const groups[] = {"u1", "su2", "su3"};

/* Configurations that agree but for one link, which is drawn with the kernel at a given scale. */
enum { N_SAMPLE = 4096, SITE = 5, MU = 0 };

/* Sweeps of a step. */
static inline void update_link_at(links *k, double scale, uint32_t step, int n_sweeps, bool relax) {
  const cw_heatbath_kernels *kernels = CW_DISPATCH(k->th.isa, cw_heatbath_kernels);
  const long link = SITE * k->geom->lat.dim + MU;
  cw_link_set one;
  cw_set_plan *set;
  cw_sweep s = {.th = &k->th,
                .weights = cw_wilson_weigh(&k->geom->lat, k->th.c),
                .rng = cw_rng_stream(9, "one link"),
                .step = step,
                .relax = relax};
  check_ok(k->ctx, cw_link_set_create(k->ctx, &k->geom->lat, 1, &link, &one));
  check_ok(k->ctx, cw_set_plan_create(k->ctx, &k->th, &one, NULL, 1, &set));
  s.weights.scale = scale;
  for (long b = 0; b < k->x.n_blocks; b++) {
    const cw_field x = cw_field_block(&k->x, b);
    const cw_set_block block = cw_set_load(set, &x, 0);
    for (s.sweep = 0; s.sweep < n_sweeps; s.sweep++)
      assert_false(kernels->update_set[k->th.ops->kind](&s, set, &block));
    cw_set_store(set, &block, &x);
  }
  cw_set_plan_destroy(set);
  cw_link_set_destroy(&one);
}

static inline void update_link(links *k, double scale, int n_sweeps, bool relax) {
  update_link_at(k, scale, 0, n_sweeps, relax);
}

static inline int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* A distribution as weighted points, to be compared with samples. */
typedef struct {
  double at, weight;
} point;

static inline int ascending_point(const void *a, const void *b) {
  return ascending(&((const point *)a)->at, &((const point *)b)->at);
}

/* Kolmogorov and Smirnov: sqrt(n) D is above 2.2 with probability 2 exp(-2 2.2^2) = 1e-4. */
static inline void check_distribution(const char *what, double scale, double *sample, long n,
                                      point *p, long n_points) {
  qsort(sample, (size_t)n, sizeof *sample, ascending);
  qsort(p, (size_t)n_points, sizeof *p, ascending_point);
  double total = 0, below = 0, worst = 0;
  for (long i = 0; i < n_points; i++) total += p[i].weight;
  for (long i = 0, j = 0; i < n; i++) {
    while (j < n_points && p[j].at <= sample[i]) below += p[j++].weight;
    double F = below / total;
    worst =
        fmax(worst, fmax(fabs(F - (double)i / (double)n), fabs(F - (double)(i + 1) / (double)n)));
  }
  if (!(worst * sqrt((double)n) < 2.2))
    fail_msg("%s at scale %g: sqrt(n) D = %.2f", what, scale, worst * sqrt((double)n));
}

#endif
