/* Speed of SU(3) on 4D lattices: heat bath and over-relaxation, and the reversal of either, force, action, a step of the gradient
 * flow, and on 8^4 a flow as jobs/su3-topology.yaml has it, on one thread and on two. A step and a
 * kernel run many times; the best is printed, as ns per link, GFlop/s and share of the FMA peak
 * that the same process measures. */
#include <stdio.h>
#include <stdlib.h>

#include "causeway/observe.h"
#include "causeway/sampler.h"

#include "bench.h"
#include "peak.h"

/* Flops per link by the plain algorithm, as others count them too. An update: 12 products of 3x3
 * matrices (198 each) and 6 sums (18) for the staples, a product with the link, and 192 for each of
 * three subgroups; random numbers are not counted. Force: staples, a product, the traceless part.
 * Action: two products and a trace (36) for each of the six planes of a site, which has four links.
 * Flow: three forces, and three exponentials of about 8 products each with the product after it. */
enum {
  FLOPS_STAPLES = 12 * 198 + 6 * 18,
  FLOPS_UPDATE = FLOPS_STAPLES + 198 + 3 * 192,
  FLOPS_FORCE = FLOPS_STAPLES + 198 + 36,
  FLOPS_TERMS = 6 * (2 * 198 + 36) / 4,
  FLOPS_FLOW = 3 * (FLOPS_FORCE + 9 * 198)
};

/* Sweeps of a step: threads need not wait for each other between them. */
enum { SWEEPS = 4 };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x, f;
  cw_sampler *heatbath, *overrelax;
  double *T, *primary;
  cw_arena *work;
  uint32_t step;
} subject;

static subject open_subject(int L, int threads) {
  subject s = {0};
  const cw_lattice lat = {4, {L, L, L, L}};
  const double beta = 6, heat[] = {SWEEPS, 0, 1}, relax[] = {0, SWEEPS, 1};
  must(NULL, cw_context_create(&(cw_context_options){.threads = threads, .quiet = true}, &s.ctx));
  must(s.ctx, cw_geometry_create(s.ctx, &lat, CW_LANES, &s.geom));
  must(s.ctx, cw_theory_create(s.ctx, cw_theory_find("su3"), s.geom, 0, &beta, &s.th));
  must(s.ctx, cw_field_create(s.ctx, s.geom, s.th.n_comp, 1, &s.x));
  must(s.ctx, cw_field_create(s.ctx, s.geom, s.th.n_tangent, 1, &s.f));
  const cw_sampler_ops *ops = cw_sampler_find("heatbath");
  must(s.ctx, cw_sampler_create(s.ctx, ops, &s.th, heat, NULL, 1, &s.heatbath));
  must(s.ctx, cw_sampler_create(s.ctx, ops, &s.th, relax, NULL, 1, &s.overrelax));
  s.T = calloc((size_t)s.th.ops->n_terms, sizeof *s.T);
  s.primary = calloc(CW_LANES * 256, sizeof *s.primary);
  s.work = cw_arena_create(0);
  if (s.T == NULL || s.primary == NULL || s.work == NULL) exit(1);
  cw_kind(s.th.ops->kind)->hot(s.th.isa, &s.x, cw_rng_stream(1, "hot"), 0);
  return s;
}

static void close_subject(subject *s) {
  free(s->T);
  free(s->primary);
  cw_arena_destroy(s->work);
  cw_sampler_destroy(s->heatbath);
  cw_sampler_destroy(s->overrelax);
  cw_field_destroy(&s->x);
  cw_field_destroy(&s->f);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
  cw_context_destroy(s->ctx);
}

typedef void work(subject *s);

static void sweep(subject *s, cw_sampler *sampler, bool back) {
  const cw_sampler_ops *ops = sampler->ops;
  must(s->ctx, (back ? ops->step_back : ops->step)(sampler, s->th.c, &s->x,
                                                   cw_rng_stream(1, "bench"), s->step++, NULL));
}
static void do_heatbath(subject *s) { sweep(s, s->heatbath, false); }
static void do_overrelax(subject *s) { sweep(s, s->overrelax, false); }
static void do_heatbath_back(subject *s) { sweep(s, s->heatbath, true); }
static void do_overrelax_back(subject *s) { sweep(s, s->overrelax, true); }
static void do_force(subject *s) { s->th.ops->force(&s->th, &s->x, s->th.c, &s->f); }
static void do_terms(subject *s) { s->th.ops->terms(&s->th, &s->x, s->T); }

/* Parameters: time, points, tolerance, step, level. */
static void flow(subject *s, const double *param) {
  cw_observer o = cw_observer_make(cw_observable_find("gradient_flow"), &s->th, param);
  must(s->ctx, cw_measure(s->ctx, &o, &s->x, s->primary, s->work));
}
/* So many steps of fixed size, measured at five times on the way. */
static void flow_steps(subject *s, int steps) {
  flow(s, (const double[]){0.01 * steps, 4, 0, 0.01, 0.3});
}
enum { FEW_STEPS = 4, MANY_STEPS = 12 };
static void do_short_flow(subject *s) { flow_steps(s, FEW_STEPS); }
static void do_long_flow(subject *s) { flow_steps(s, MANY_STEPS); }
static void do_whole_flow(subject *s) { flow(s, (const double[]){3.6, 36, 1e-4, 0.01, 0.3}); }

/* Nanoseconds per link: best of what fits into the given seconds, at least five turns. */
static double measure(subject *s, work *w, double seconds) {
  double best = 1e9, begin = cw_wall_seconds();
  for (int turn = 0; turn < 5 || cw_wall_seconds() - begin < seconds; turn++) {
    double t = cw_wall_seconds();
    w(s);
    t = cw_wall_seconds() - t;
    if (t < best) best = t;
  }
  return 1e9 * best / (double)(4 * s->geom->n_sites);
}

static void print(const char *what, double ns, int flops, double peak) {
  double gflops = flops / ns;
  printf("  %-16s %7.1f ns/link %7.1f GFlop/s", what, ns, gflops);
  if (peak > 0) printf(" %4.0f %% of the FMA peak", 100 * gflops / peak);
  printf("\n");
}

static void bench(int L, int threads, double seconds) {
  subject s = open_subject(L, threads);
  double peak = cw_peak_gflops(s.th.isa, false, threads);
  printf("%d^4, %d thread%s, kernels %s, FMA peak %.0f GFlop/s\n", L, threads,
         threads > 1 ? "s" : "", cw_isa_name(s.th.isa), peak);
  for (int i = 0; i < 10; i++) do_heatbath(&s);
  print("heat bath", measure(&s, do_heatbath, seconds) / SWEEPS, FLOPS_UPDATE, peak);
  print("over-relaxation", measure(&s, do_overrelax, seconds) / SWEEPS, FLOPS_UPDATE, peak);
  print("heat bath, back", measure(&s, do_heatbath_back, seconds) / SWEEPS, FLOPS_UPDATE, peak);
  print("relaxation, back", measure(&s, do_overrelax_back, seconds) / SWEEPS, FLOPS_UPDATE, peak);
  print("force", measure(&s, do_force, seconds), FLOPS_FORCE, peak);
  print("action", measure(&s, do_terms, seconds), FLOPS_TERMS, peak);
  double more = measure(&s, do_long_flow, seconds) - measure(&s, do_short_flow, seconds);
  print("flow step", more / (MANY_STEPS - FEW_STEPS), FLOPS_FLOW, peak);
  if (L == 8) printf("  %-16s %7.1f us/link\n", "flow", measure(&s, do_whole_flow, seconds) / 1e3);
  close_subject(&s);
}

/* bench_gauge [L [THREADS [SECONDS]]]: all by default, a second each. */
int main(int argc, char **argv) {
  static const int extents[] = {8, 12, 16};
  double seconds = argc > 3 ? atof(argv[3]) : 1;
  printf("SU(3), D = 4, beta = 6, double\n");
  for (int threads = 1; threads <= 2; threads++)
    for (int i = 0; i < 3; i++)
      if ((argc < 2 || atoi(argv[1]) == extents[i]) && (argc < 3 || atoi(argv[2]) == threads))
        bench(extents[i], threads, seconds);
  return 0;
}
