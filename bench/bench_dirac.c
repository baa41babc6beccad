/* Speed of the Wilson and clover operator and of its solver, on one thread and on two: the best of many turns, as ns
 * per site and right-hand side, share of the FMA peak that the same process measures, and times the time that the
 * memory alone would take.
 *
 * A site and right-hand side of D: 8 projections (12 flops), 16 products of a matrix and a colour vector (66), 7 sums
 * (24): 1320; with A: 504 more. Bytes that must move at least: 4 links and one spinor read, one spinor written, which
 * is read before: 4 * 18 + 3 * 24 numbers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "causeway/dirac.h"
#include "causeway/sampler.h"

#include "bench.h"
#include "peak.h"
#include "dirac/operator.h"

enum { FLOPS_HOP = 1320, FLOPS_CLOVER = 504 };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_field links, in, out;
  cw_arena *memory, *scratch;
  cw_dirac *d;
} subject;

static subject open_subject(const cw_lattice *lat, int threads, int n_rhs, const cw_quark *quark) {
  subject s = {0};
  must(NULL, cw_context_create(&(cw_context_options){.threads = threads, .quiet = true}, &s.ctx));
  must(s.ctx, cw_geometry_create(s.ctx, lat, CW_LANES, &s.geom));
  must(s.ctx, cw_field_create(s.ctx, s.geom, 4 * CW_SU3, 1, &s.links));
  must(s.ctx, cw_field_create(s.ctx, s.geom, CW_SPINOR * n_rhs, 1, &s.in));
  must(s.ctx, cw_field_create(s.ctx, s.geom, CW_SPINOR * n_rhs, 1, &s.out));
  s.memory = cw_arena_create(0);
  s.scratch = cw_arena_create(0);
  const cw_isa isa = cw_context_isa(s.ctx);
  cw_kind(CW_LINK_SU3)->hot(isa, &s.links, cw_rng_stream(1, "hot"), 0);
  cw_field_normal(isa, &s.in, cw_rng_stream(1, "in"), 0, 0);
  must(s.ctx, cw_dirac_create(s.ctx, s.geom, isa, threads, s.memory, &s.d));
  must(s.ctx, cw_dirac_load(s.d, quark, &s.links));
  return s;
}

static void close_subject(subject *s) {
  cw_field_destroy(&s->links);
  cw_field_destroy(&s->in);
  cw_field_destroy(&s->out);
  cw_arena_destroy(s->memory);
  cw_arena_destroy(s->scratch);
  cw_geometry_destroy(s->geom);
  cw_context_destroy(s->ctx);
}

/* Of one thread by its own clock, which stands still while others have the processor. */
static double seconds_of(int threads) {
  return threads == 1 ? thread_seconds() : cw_wall_seconds();
}

/* The best of the turns that fit into the given seconds, at least five: seconds of one application. */
static double time_of(subject *s, cw_precision precision, double seconds) {
  static const int index[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const int n = s->in.n_comp / CW_SPINOR;
  const cw_dirac_range all = {s->geom, s->d->parity, CW_ALL_SITES, n, n, index};
  double best = 1e9, begin = cw_wall_seconds();
  for (int turn = 0; turn < 5 || cw_wall_seconds() - begin < seconds; turn++) {
    const double t = seconds_of(s->d->threads);
    cw_dirac_run_matrix(s->d, precision, &all, s->in.data, false, s->out.data, NULL);
    best = fmin(best, seconds_of(s->d->threads) - t);
  }
  return best;
}

/* Reads and writes as many bytes as the operator must, in a row. */
static double memory_time(size_t bytes, int threads) {
  const size_t n = bytes / 3 / sizeof(double);
  double *a = cw_alloc(n * sizeof *a), *b = cw_alloc(n * sizeof *b), best = 1e9;
  for (int turn = 0; turn < 20; turn++) {
    const double t = seconds_of(threads);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < n; i++) b[i] = 1.0001 * a[i];
    best = fmin(best, seconds_of(threads) - t);
  }
  free(a);
  free(b);
  return best;
}

static void bench_operator(int L, int threads, int n_rhs, double csw, double seconds) {
  const cw_lattice lat = {4, {L, L, L, L}};
  const cw_quark quark = {0.13, csw, {0, 0, 0, 1}};
  subject s = open_subject(&lat, threads, n_rhs, &quark);
  const double sites = (double)s.geom->n_sites * n_rhs;
  const double flops = FLOPS_HOP + (csw != 0 ? FLOPS_CLOVER : 0);
  double ns[2];
  for (int p = 0; p < 2; p++) {
    const double peak = cw_peak_gflops_by(cw_context_isa(s.ctx), p == CW_FLOAT, threads,
                                          threads == 1 ? thread_seconds : cw_wall_seconds);
    const size_t bytes = (size_t)s.geom->n_sites *
                         (size_t)(4 * CW_SU3 + (csw != 0 ? CW_CLOVER : 0) + 3 * CW_SPINOR * n_rhs) *
                         (p == CW_DOUBLE ? sizeof(double) : sizeof(float));
    ns[p] = 1e9 * time_of(&s, p, seconds) / sites;
    printf(
        "  %-6s %7.1f ns, %6.1f GFlop/s, %4.0f %% of the FMA peak (%.0f), %4.1f times the memory\n",
        p == CW_DOUBLE ? "double" : "float", ns[p], flops / ns[p], 100 * flops / ns[p] / peak, peak,
        ns[p] * 1e-9 * sites / memory_time(bytes, threads));
  }
  printf("  float is %.2f times as fast\n", ns[0] / ns[1]);
  close_subject(&s);
}

/* Links of beta = 6, by forty steps from unit links. */
static void draw_links(subject *s) {
  const double beta = 6, param[] = {1, 4, 1};
  cw_theory th;
  cw_sampler *sampler;
  must(s->ctx, cw_theory_create(s->ctx, cw_theory_find("su3"), s->geom, 0, &beta, &th));
  must(s->ctx,
       cw_sampler_create(s->ctx, cw_sampler_find("heatbath"), &th, param, NULL, 1, &sampler));
  cw_kind(CW_LINK_SU3)->cold(&s->links);
  for (uint32_t step = 0; step < 40; step++)
    must(s->ctx,
         sampler->ops->step(sampler, th.c, &s->links, cw_rng_stream(1, "bench"), step, NULL));
  cw_sampler_destroy(sampler);
  cw_theory_destroy(&th);
}

static void bench_solver(const cw_lattice *lat, int threads, int n_rhs, cw_solver_kind kind) {
  const cw_quark quark = {0.132, 0, {0, 0, 0, 1}};
  subject s = open_subject(lat, threads, n_rhs, &quark);
  const cw_solver solver = {.kind = kind, .tolerance = 1e-10, .max_iterations = 1000};
  cw_solve_report report;
  double best = 1e9;
  draw_links(&s);
  must(s.ctx, cw_dirac_load(s.d, &quark, &s.links));
  for (int turn = 0; turn < 5; turn++) {
    const double t = seconds_of(threads);
    must(s.ctx, cw_dirac_solve(s.d, &solver, &s.in, &s.out, s.scratch, &report));
    best = fmin(best, seconds_of(threads) - t);
  }
  printf("  %-8s %2d right-hand sides: %.3f s, %.3f s for 12, %ld iterations, %ld updates, "
         "residual %.1e\n",
         cw_solver_words[kind], n_rhs, best, best * 12 / n_rhs, report.iterations, report.updates,
         report.residual);
  close_subject(&s);
}

/* bench_dirac [SECONDS [THREADS]]: a second each, one thread and two. */
int main(int argc, char **argv) {
  const double seconds = argc > 1 ? atof(argv[1]) : 1;
  const struct {
    int L, n_rhs;
    double csw;
  } what[] = {{8, 1, 0}, {8, 3, 0}, {8, 1, 1}, {16, 1, 0}, {16, 3, 0}};
  for (int threads = 1; threads <= 2; threads++) {
    if (argc > 2 && atoi(argv[2]) != threads) continue;
    for (int i = 0; i < 5; i++) {
      printf("%d^4, %s, %d right-hand side%s, %d thread%s\n", what[i].L,
             what[i].csw != 0 ? "clover" : "Wilson", what[i].n_rhs, what[i].n_rhs > 1 ? "s" : "",
             threads, threads > 1 ? "s" : "");
      bench_operator(what[i].L, threads, what[i].n_rhs, what[i].csw, seconds);
    }
    const cw_lattice pion = {4, {8, 8, 8, 16}};
    const int together[] = {1, 3, 6, 12};
    printf("8^3x16, kappa = 0.132, to 1e-10, %d thread%s\n", threads, threads > 1 ? "s" : "");
    for (int kind = 0; kind < 2; kind++)
      for (int i = 0; i < 4; i++) bench_solver(&pion, threads, together[i], (cw_solver_kind)kind);
  }
  return 0;
}
