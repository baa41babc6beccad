/* Speed of SU(3) heat-bath sweeps over sets of links, one chain in sub-lattice lanes and sixteen
 * chains, on one thread: the links around a 2^3 defect of a 12^4 lattice and boxes of 6^4 and 7^4. A step is
 * 8 sweeps, copies to a patch and back included. Everything is compared with a sweep of all links of
 * 8^4 by one chain, in turns; the best of many is printed, in seconds of this thread, so that other
 * work on the machine counts through the caches alone. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "causeway/sampler.h"

#include "bench.h"

enum { SWEEPS = 8 };

typedef struct {
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
  cw_sampler *sampler;
  cw_link_set links; /* none: all */
  uint32_t step;
} subject;

static void open_subject(cw_context *ctx, subject *s, int L, int chains, int n_sweeps) {
  const cw_lattice lat = {4, {L, L, L, L}};
  const double defect[] = {6.3, 0.4, 0, 1, 2, 2, 2}, sweeps[] = {n_sweeps, 0, 1};
  *s = (subject){.step = 0};
  must(ctx, cw_geometry_create(ctx, &lat, CW_LANES / chains, &s->geom));
  must(ctx, cw_theory_create(ctx, cw_theory_find("su3"), s->geom, 2, defect, &s->th));
  must(ctx, cw_field_create(ctx, s->geom, s->th.n_comp, chains, &s->x));
  must(ctx,
       cw_sampler_create(ctx, cw_sampler_find("heatbath"), &s->th, sweeps, NULL, 1, &s->sampler));
  cw_kind(s->th.ops->kind)->hot(s->th.isa, &s->x, cw_rng_stream(1, "hot"), 0);
}

static void close_subject(subject *s) {
  cw_link_set_destroy(&s->links);
  cw_sampler_destroy(s->sampler);
  cw_field_destroy(&s->x);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
}

/* hops < 0: a box of extents -hops. */
static void restrict_subject(cw_context *ctx, subject *s, int hops) {
  cw_link_set defect;
  const cw_box box = {.origin = {9, 10, 10, 10}, .size = {-hops, -hops, -hops, -hops}};
  must(ctx, cw_theory_defect(ctx, &s->th, &defect));
  must(ctx, hops < 0 ? cw_link_set_in_box(ctx, &defect.lat, &box, &s->links)
                     : cw_link_set_around(ctx, &defect, hops, &s->links));
  must(ctx, s->sampler->ops->restrict_to(s->sampler, &s->links));
  cw_link_set_destroy(&defect);
}

/* Nanoseconds per link and chain. */
static double step(cw_context *ctx, subject *s) {
  long n = s->links.n > 0 ? s->links.n : s->geom->n_sites * 4;
  double t = thread_seconds();
  must(ctx, s->sampler->ops->step(s->sampler, s->th.c, &s->x, cw_rng_stream(1, "bench"), s->step++,
                                  NULL));
  return 1e9 * (thread_seconds() - t) / ((double)n * s->sampler->param[0] * (double)s->x.n_config);
}

static void bench(cw_context *ctx, int chains, int hops, double seconds) {
  subject all, part;
  double best_all = 1e9, best = 1e9;
  open_subject(ctx, &all, 8, 1, 1);
  open_subject(ctx, &part, 12, chains, SWEEPS);
  restrict_subject(ctx, &part, hops);
  for (double begin = cw_wall_seconds(); cw_wall_seconds() - begin < seconds;) {
    double t = step(ctx, &all);
    if (t < best_all) best_all = t;
    for (double from = cw_wall_seconds(); cw_wall_seconds() - from < 0.02;)
      if ((t = step(ctx, &part)) < best) best = t;
  }
  printf("  %2d chain%s %5ld links %7.1f ns/link %7.2f of a sweep of 8^4 (%.1f ns)\n", chains,
         chains > 1 ? "s," : ", ", part.links.n, best, best / best_all, best_all);
  close_subject(&all);
  close_subject(&part);
}

/* bench_sets [SECONDS]: of each line, 1 by default. */
int main(int argc, char **argv) {
  cw_context *ctx;
  double seconds = argc > 1 ? atof(argv[1]) : 1;
  must(NULL, cw_context_create(&(cw_context_options){.threads = 1, .quiet = true}, &ctx));
  printf("SU(3), 12^4, steps of %d heat-bath sweeps over a set of links, one thread\n", SWEEPS);
  for (int chains = 1; chains <= 16; chains *= 16) {
    for (int hops = 0; hops <= 3; hops++) bench(ctx, chains, hops, seconds);
    bench(ctx, chains, -6, seconds);
    bench(ctx, chains, -7, seconds);
  }
  cw_context_destroy(ctx);
  return 0;
}
