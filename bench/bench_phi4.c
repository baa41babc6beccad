/* Speed of the phi^4 force for every instruction set and lane split, and of HMC: best of many, one
 * thread. The force is counted as 2D + 6 flops per site. */
#include <stdio.h>
#include <stdlib.h>

#include "causeway/observe.h"
#include "causeway/sampler.h"

#include "bench.h"
#include "peak.h"

/* Seconds of one force on a field: best of 7 rounds of about 20 ms. */
static double force_seconds(const cw_theory *th, const cw_field *x, cw_field *f) {
  double best = 1e9;
  long repeat = 1 + (long)(2e7 / ((double)x->geom->n_sites * (double)(x->n_blocks * x->B)));
  for (int round = 0; round < 7; round++) {
    double t = cw_wall_seconds();
    for (long i = 0; i < repeat; i++) th->ops->force(th, x, th->c, f);
    t = (cw_wall_seconds() - t) / (double)repeat;
    if (t < best) best = t;
  }
  return best;
}

static void bench_force(cw_context *ctx, const cw_lattice *lat, double peak) {
  int splits[5], n_splits = cw_geometry_splits(lat, splits);
  double p[2] = {-4, 8};
  for (int i = 0; i < n_splits; i++) {
    cw_geometry *geom;
    cw_field x, f;
    must(ctx, cw_geometry_create(ctx, lat, splits[i], &geom));
    cw_theory th;
    must(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), geom, 0, p, &th));
    must(ctx, cw_field_create(ctx, geom, 1, CW_LANES / splits[i], &x));
    must(ctx, cw_field_create(ctx, geom, 1, CW_LANES / splits[i], &f));
    cw_field_normal(th.isa, &x, cw_rng_stream(1, "bench"), 0, 0);
    printf("  V = %2d:", splits[i]);
    for (int isa = 0; isa <= (int)cw_context_isa(ctx); isa++) {
      th.isa = (cw_isa)isa;
      double ns = 1e9 * force_seconds(&th, &x, &f) / (double)(geom->n_sites * x.B);
      printf("  %s %.3f ns/site/config", cw_isa_name(th.isa), ns);
      if (isa == (int)cw_context_isa(ctx) && peak > 0)
        printf(" (%.0f %% of the FMA peak)", 100 * (2 * lat->dim + 6) / ns / peak);
    }
    printf("\n");
    cw_field_destroy(&x);
    cw_field_destroy(&f);
    cw_geometry_destroy(geom);
  }
}

static void bench_sampler(cw_context *ctx, const char *name, const cw_lattice *lat) {
  enum { N_CHAIN = 256 };
  double p[2] = {-4, 6.008};
  cw_geometry *geom;
  cw_chains h;
  must(ctx, cw_geometry_create(ctx, lat, 1, &geom));
  cw_theory th;
  must(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), geom, 0, p, &th));
  must(ctx, cw_chains_open(ctx, &th, cw_sampler_find(name), NULL, NULL, N_CHAIN, &h));
  cw_kind(CW_SITE_REAL)->cold(&h.x);
  cw_observer obs = cw_observer_make(cw_observable_for(&th), &th, NULL);
  double *out = calloc((size_t)(N_CHAIN * obs.ops->n_primary(&obs)), sizeof *out);
  cw_arena *work = cw_arena_create(0);
  cw_rng rng = cw_rng_stream(1, "bench");
  if (out == NULL || work == NULL) exit(1);
  must(ctx, cw_sampler_run(&h, th.c, rng, 0, 100, 100));
  double best = 1e9, measure = 1e9, sum = 0;
  for (uint32_t step = 100; step < 150; step++) {
    double t = cw_wall_seconds();
    must(ctx, cw_sampler_run(&h, th.c, rng, step, 1, 0));
    double u = cw_wall_seconds();
    must(ctx, cw_measure(ctx, &obs, &h.x, out, work));
    double v = cw_wall_seconds();
    if (u - t < best) best = u - t;
    if (v - u < measure) measure = v - u;
    sum += cw_chains_mean(&h, h.accept) / 50;
  }
  printf("  %-8s %3d x %-3d %9.0f steps/s (%.0f integration steps, acceptance %.2f), "
         "measurement %.2f ns/site/config\n",
         name, lat->extent[0], lat->extent[1], N_CHAIN / best, h.sampler->state[0], sum,
         1e9 * measure / (double)(N_CHAIN * geom->n_sites));
  free(out);
  cw_arena_destroy(work);
  cw_chains_close(&h);
  cw_geometry_destroy(geom);
}

int main(void) {
  const cw_lattice lattices[] = {
      {2, {8, 8}}, {2, {16, 16}}, {2, {32, 32}}, {2, {64, 64}}, {4, {8, 8, 8, 8}}};
  cw_context *ctx = NULL;
  must(ctx, cw_context_create(&(cw_context_options){.threads = 1, .quiet = true}, &ctx));
  double peak = cw_peak_gflops(cw_context_isa(ctx), false, 1);
  if (peak > 0) printf("FMA peak, double, one thread: %.0f Gflop/s\n", peak);
  for (int i = 0; i < 5; i++) {
    printf("phi4 force, lattice");
    for (int d = 0; d < lattices[i].dim; d++) printf(" %d", lattices[i].extent[d]);
    printf("\n");
    bench_force(ctx, &lattices[i], peak);
  }
  printf("samplers, one thread, chains in steps of 16\n");
  for (int i = 0; i < 3; i++) {
    bench_sampler(ctx, "hmc", &lattices[i]);
    bench_sampler(ctx, "cluster", &lattices[i]);
  }
  cw_context_destroy(ctx);
  return 0;
}
