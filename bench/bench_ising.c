/* Speed of local updates of Ising spins and of clusters, one thread: best and median of many steps, and
 * the best of their reversals. */
#include <stdio.h>
#include <stdlib.h>

#include "causeway/ising.h"
#include "causeway/observe.h"
#include "causeway/sampler.h"

#include "bench.h"

enum { N_TIMES = 60 };

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

typedef struct {
  const char *sampler;
  int choice[2]; /* of its word keys */
  int sweeps;    /* per step; 0: not a parameter */
} method;

/* Best and median ns per attempted flip, or per site of a cluster step. */
static void bench_sampler(cw_context *ctx, const method *m, const cw_lattice *lat, long n_chain,
                          const char *name) {
  const double p[2] = {0.440686793509772, 0};
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
  cw_sampler *s;
  must(ctx, cw_geometry_create(ctx, lat, cw_geometry_choose(lat, 1, n_chain), &geom));
  must(ctx, cw_theory_create(ctx, cw_theory_find("ising"), geom, 0, p, &th));
  must(ctx, cw_field_create(ctx, geom, 1, n_chain, &x));
  const double params[1] = {m->sweeps};
  must(ctx, cw_sampler_create(ctx, cw_sampler_find(m->sampler), &th, m->sweeps > 0 ? params : NULL,
                              m->choice, x.n_blocks, &s));
  const cw_rng rng = cw_rng_stream(1, "bench");
  const double flips = (double)(n_chain * geom->n_sites) * (m->sweeps > 0 ? m->sweeps : 1);
  double t[N_TIMES], back = 1e30;
  cw_kind(CW_SITE_SPIN)->hot(th.isa, &x, rng, 0);
  for (uint32_t i = 0; i < 5; i++) must(ctx, s->ops->step(s, th.c, &x, rng, i, NULL));
  for (int i = 0; i < N_TIMES; i++) {
    t[i] = cw_wall_seconds();
    must(ctx, s->ops->step(s, th.c, &x, rng, 5 + (uint32_t)i, NULL));
    t[i] = 1e9 * (cw_wall_seconds() - t[i]) / flips;
    double u = cw_wall_seconds();
    must(ctx, s->ops->step_back(s, th.c, &x, rng, 1000 + (uint32_t)i, NULL));
    u = 1e9 * (cw_wall_seconds() - u) / flips;
    if (u < back) back = u;
  }
  qsort(t, N_TIMES, sizeof *t, ascending);
  printf("  %-24s %4d x %-4d %3ld chains", name, lat->extent[0], lat->extent[1], n_chain);
  if (m->sweeps > 0) printf(", %3d sweeps", m->sweeps);
  printf(": %.3f ns/%s (median %.3f), back %.3f\n", t[0], m->sweeps > 0 ? "flip" : "site",
         t[N_TIMES / 2], back);
  cw_sampler_destroy(s);
  cw_field_destroy(&x);
  cw_geometry_destroy(geom);
}

int main(void) {
  const cw_lattice large = {2, {512, 512}}, middle = {2, {64, 64}}, little = {2, {16, 16}};
  const int sweeps[] = {1, 4, 64};
  cw_context *ctx = NULL;
  must(ctx, cw_context_create(&(cw_context_options){.threads = 1, .quiet = true}, &ctx));
  printf("Ising spins, beta_c, one thread, %s kernels\n", cw_isa_name(cw_context_isa(ctx)));
  for (int metropolis = 0; metropolis < 2; metropolis++)
    for (int i = 0; i < 3; i++) {
      const method m = {"spinflip", {metropolis}, sweeps[i]};
      const char *name = metropolis ? "spinflip, metropolis" : "spinflip, heatbath";
      bench_sampler(ctx, &m, &large, 1, name);
      bench_sampler(ctx, &m, &large, 16, name);
      bench_sampler(ctx, &m, &middle, 64, name);
      bench_sampler(ctx, &m, &little, 256, name);
    }
  bench_sampler(ctx, &(method){"cluster", {0, 0}, 0}, &middle, 16, "cluster, wolff");
  bench_sampler(ctx, &(method){"cluster", {0, 1}, 0}, &middle, 16, "cluster, swendsen-wang");
  cw_context_destroy(ctx);
  return 0;
}
