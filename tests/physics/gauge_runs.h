/* What the short and the long tests of gauge theories share. */
#ifndef CW_TEST_GAUGE_RUNS_H
#define CW_TEST_GAUGE_RUNS_H

#include "physics/chains.h"
#include "support/exact_gauge.h"

static inline plan su3_plan(double beta, cw_lattice lat, const char *sampler) {
  return (plan){.theory = "su3",
                .form = "isotropic",
                .sampler = sampler,
                .lat = lat,
                .param = {beta},
                .n_chain = 1,
                .seed = 31};
}

/* at_most: an error of the run that can still see a wrong convention. */
static inline void check_plaquette(cw_context *ctx, const plan *p, double known, double error,
                                   double at_most) {
  chains r = run_chains(ctx, p);
  cw_estimate e = estimate(&r, "plaquette", 0);
  print_message("beta = %g, %s: plaquette %.6f +- %.6f, known %.6f +- %.6f\n", p->param[0],
                p->sampler, e.value, e.error, known, error);
  check_sigma(e.value, hypot(e.error, error), known, 4);
  assert_true(e.error < at_most);
  free_chains(&r);
}

#endif
