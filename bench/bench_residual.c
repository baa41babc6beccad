/* Speed of layer `residual` on SU(3), 4D: a pass forward, a pass back, the product of a pass and its
 * features, in sweeps of over-relaxation measured in turns in the same process, and the parts of a pass
 * as shares of the FMA peak. Sweeps and shares are of CPU seconds, of which other work on the machine
 * takes none but through the caches; what threads wait for each other is in wall seconds alone.
 * ns/link: CPU seconds of all threads together. The links of a pass are in double either way, their share
 * of a float peak is half of what it could be. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "causeway/model.h"
#include "causeway/sampler.h"
#include "model/layers/residual/residual.h"

#include "bench.h"
#include "peak.h"

/* Flops per link and call, products of 3x3 matrices at 198: smearing 12 of them with 6 sums of 18, 36 for the
 * sum with the link, 36 + 18 for the norm, two products and 36 for Newton's step; without planes of
 * mu four staples and three links of four. Filling: one link of eight, two steps. Sums: three times the staples.
 * Link: about 10 products, 8x8 matrices: slopes 400, phi(ad X) four products of which half are symmetric (3500), phi dX
 * 1024, elimination 340. Both of one link of eight. */
enum {
  STAPLES = 12 * 198 + 6 * 18,
  NEWTON = 2 * 198 + 54,
  SMEAR = STAPLES + 36 + 54 + NEWTON,
  PRESMEAR = 3 * (8 * 198 + 4 * 18 + 36 + 54 + NEWTON) / 4,
  FILL = (STAPLES + 54 + 2 * NEWTON) / 8,
  TURN = (3 * STAPLES + 10 * 198 + 400 + 3500 + 1024 + 340) / 8,
  CLASSES = 8,
  PASS = CLASSES * (4 * SMEAR + PRESMEAR + FILL + TURN)
};

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x, w; /* links; scratch for adjoints */
  cw_sampler *overrelax;
  cw_layer *L;
  double theta[CW_FEATURES];
  cw_arena *work;
  uint32_t step;
  cw_residual_fields f;
  void *frame;
} subject;

enum { SWEEPS = 4 };

static void open_subject(subject *s, int L, int threads, bool fast) {
  *s = (subject){.theta = {-0.0043, 0, 0.0045, -0.0003, 0.0011, -0.0003}};
  const cw_lattice lat = {4, {L, L, L, L}};
  const double beta = 6, heat[] = {10, 0, 1}, relax[] = {0, SWEEPS, 1};
  cw_layer_spec spec = cw_layer_presets(cw_layer_find("residual"));
  cw_layer_set(&spec, "float", fast);
  cw_sampler *heatbath;
  must(NULL, cw_context_create(&(cw_context_options){.threads = threads, .quiet = true}, &s->ctx));
  must(s->ctx, cw_geometry_create(s->ctx, &lat, CW_LANES, &s->geom));
  must(s->ctx, cw_theory_create(s->ctx, cw_theory_find("su3"), s->geom, 0, &beta, &s->th));
  must(s->ctx, cw_field_create(s->ctx, s->geom, s->th.n_comp, 1, &s->x));
  must(s->ctx, cw_field_create(s->ctx, s->geom, s->th.n_tangent, 1, &s->w));
  const cw_sampler_ops *ops = cw_sampler_find("heatbath");
  must(s->ctx, cw_sampler_create(s->ctx, ops, &s->th, heat, NULL, 1, &heatbath));
  must(s->ctx, cw_sampler_create(s->ctx, ops, &s->th, relax, NULL, 1, &s->overrelax));
  must(s->ctx, cw_layer_create(s->ctx, &spec, s->th.ops->kind, s->geom, &s->L));
  s->work = cw_arena_create(0);
  if (s->work == NULL) exit(1);
  cw_kind(s->th.ops->kind)->hot(s->th.isa, &s->x, cw_rng_stream(1, "hot"), 0);
  must(s->ctx, heatbath->ops->step(heatbath, s->th.c, &s->x, cw_rng_stream(1, "heat"), 0, NULL));
  cw_sampler_destroy(heatbath);
  must(s->ctx, cw_residual_open_fields(s->L, false, s->work, &s->f));
  cw_residual_take(s->L, s->x.data, 0, s->geom->n_outer * lat.dim, &s->f);
}

static void close_subject(subject *s) {
  cw_arena_destroy(s->work);
  s->L->ops->destroy(s->L);
  cw_sampler_destroy(s->overrelax);
  cw_field_destroy(&s->x);
  cw_field_destroy(&s->w);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
  cw_context_destroy(s->ctx);
}

typedef void work(subject *s);

static void do_overrelax(subject *s) {
  must(s->ctx, s->overrelax->ops->step(s->overrelax, s->th.c, &s->x, cw_rng_stream(1, "bench"),
                                       s->step++, NULL));
}

static void run(subject *s, bool inverse) {
  double logj[CW_LANES] CW_ALIGNED = {0};
  cw_arena_mark mark = cw_arena_save(s->work);
  must(s->ctx, (inverse ? s->L->ops->inverse : s->L->ops->forward)(
                   s->L, (cw_theta){s->theta, NULL}, s->x.data, logj, s->work, &s->frame));
  cw_arena_rewind(s->work, mark);
}
static void do_forward(subject *s) { run(s, false); }
static void do_inverse(subject *s) { run(s, true); }

static void do_product(subject *s) {
  double sum[CW_FEATURES] = {0}, glogj[CW_LANES] = {1};
  const cw_residual_frame frame = {s->x.data, s->x.data};
  must(s->ctx, s->L->ops->forward_vjp(s->L, (cw_theta){s->theta, NULL}, &frame, s->w.data, glogj,
                                      &(cw_gradient_of){sum, NULL}, s->work));
}

/* As do_product with theta = 0: the columns of a fit. */
static void do_features(subject *s) {
  const double none[CW_FEATURES] = {0}, glogj[CW_LANES] = {1};
  double sum[CW_FEATURES] = {0};
  const cw_residual_frame frame = {s->x.data, s->x.data};
  must(s->ctx, s->L->ops->forward_vjp(s->L, (cw_theta){none, NULL}, &frame, s->w.data, glogj,
                                      &(cw_gradient_of){sum, NULL}, s->work));
}

static const void *thin(const subject *s) { return s->f.thin != NULL ? s->f.thin : s->x.data; }

static void do_smear(subject *s) {
  const cw_residual *r = s->L->impl;
  const long n = cw_slice_count(s->geom);
#pragma omp parallel for num_threads(cw_residual_threads(s->L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->f.op->smear(s->geom, r->weight, -1, thin(s), s->f.at[1], cw_slice_begin(s->geom, i),
                   cw_slice_begin(s->geom, i + 1));
}
static void do_presmear(subject *s) {
  const cw_residual *r = s->L->impl;
  const long n = cw_slice_count(s->geom);
#pragma omp parallel for num_threads(cw_residual_threads(s->L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->f.op->smear(s->geom, r->weight, 0, thin(s), s->f.at[0], cw_slice_begin(s->geom, i),
                   cw_slice_begin(s->geom, i + 1));
}
static void do_fill(subject *s) {
  const cw_residual *r = s->L->impl;
  const long n = cw_slice_count(s->geom);
#pragma omp parallel for num_threads(cw_residual_threads(s->L)) schedule(static)
  for (long i = 0; i < n; i++)
    s->f.op->fill(&r->mask, s->geom, 0, thin(s), s->f.at[0], cw_slice_begin(s->geom, i),
                  cw_slice_begin(s->geom, i + 1));
}
static void do_field(subject *s) {
  s->f.mu = -1;
  cw_residual_smear(s->L, 0, s->x.data, &s->f);
}
static void do_half_field(subject *s) { cw_residual_smear(s->L, 0, s->x.data, &s->f); }

/* Of all threads: other work on the machine counts through the caches alone. */
static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The best of what fits into the given time, at least three turns: of CPU seconds per thread, and of
 * seconds by the clock on the wall, which on a busy machine say little. */
typedef struct {
  double cpu, wall;
} timing;

static void measure(subject *s, work *w, double seconds, int turns_in_one, timing *best) {
  double begin = cw_wall_seconds();
  for (int turn = 0; turn < 3 || cw_wall_seconds() - begin < seconds; turn++) {
    double cpu = cpu_seconds(), wall = cw_wall_seconds();
    w(s);
    cpu = (cpu_seconds() - cpu) / cw_threads(s->ctx) / turns_in_one;
    wall = (cw_wall_seconds() - wall) / turns_in_one;
    if (cpu < best->cpu) best->cpu = cpu;
    if (wall < best->wall) best->wall = wall;
  }
}

/* sweep: of over-relaxation. peak: of one thread, GFlop/s per CPU second. */
static void print(const subject *s, const char *what, timing t, timing sweep, int flops,
                  double peak) {
  const int threads = cw_threads(s->ctx);
  const double ns = 1e9 * t.cpu * threads / (double)(4 * s->geom->n_sites);
  printf("  %-20s %9.1f ns/link %7.2f sweeps, by the wall %7.2f", what, ns, t.cpu / sweep.cpu,
         t.wall / sweep.wall);
  if (flops > 0)
    printf(" %6.1f GFlop/s, %3.0f %% of the FMA peak", flops / ns, 100 * flops / ns / peak);
  printf("\n");
}

static timing both(timing a, double factor, timing b, double factor_b) {
  return (timing){factor * a.cpu + factor_b * b.cpu, factor * a.wall + factor_b * b.wall};
}

enum { FORWARD, BACK, PRODUCT, FEATURES, STEP, STEP_WITHOUT, FILLING, FIELD, HALF_FIELD, N_WORKS };

static void bench(int L, int threads, bool fast, double seconds) {
  subject s;
  open_subject(&s, L, threads, fast);
  work *const works[N_WORKS] = {do_forward,  do_inverse, do_product, do_features,  do_smear,
                                do_presmear, do_fill,    do_field,   do_half_field};
  timing sweep = {1e9, 1e9}, best[N_WORKS];
  double peak = 0;
  for (int i = 0; i < N_WORKS; i++) best[i] = (timing){1e9, 1e9};
  do_forward(&s);
  for (int round = 0; round < 4; round++)
    for (int i = 0; i < N_WORKS; i++) {
      const double now = cw_peak_gflops_by(s.th.isa, fast, 1, cpu_seconds);
      peak = now > peak ? now : peak;
      measure(&s, do_overrelax, seconds / 40, SWEEPS, &sweep);
      measure(&s, works[i], seconds / 4, 1, &best[i]);
    }
  const timing field = both(best[FIELD], 4, best[HALF_FIELD], 4);
  printf("%d^4, %d thread%s, fields in %s, kernels %s, FMA peak %.0f GFlop/s a thread\n", L,
         threads, threads > 1 ? "s" : "", fast ? "float" : "double", cw_isa_name(s.th.isa), peak);
  print(&s, "over-relaxation", sweep, sweep, 0, peak);
  print(&s, "pass forward", best[FORWARD], sweep, PASS, peak);
  print(&s, "pass back", best[BACK], sweep, 0, peak);
  print(&s, "product of a pass", best[PRODUCT], sweep, 0, peak);
  print(&s, "features", best[FEATURES], sweep, 0, peak);
  print(&s, "a step of smearing", best[STEP], sweep, SMEAR, peak);
  print(&s, "the same without mu", best[STEP_WITHOUT], sweep, PRESMEAR, peak);
  print(&s, "filling", best[FILLING], sweep, FILL, peak);
  print(&s, "field of 8 classes", field, sweep, CLASSES * (4 * SMEAR + PRESMEAR + FILL), peak);
  print(&s, "links of 8 classes", both(best[FORWARD], 1, field, -1), sweep, CLASSES * TURN, peak);
  close_subject(&s);
}

/* bench_residual [L [THREADS [SECONDS]]]: all by default, a second each. */
int main(int argc, char **argv) {
  static const int extents[] = {8, 12};
  double seconds = argc > 3 ? atof(argv[3]) : 1;
  printf("SU(3), D = 4, beta = 6, layer residual on the mask half\n");
  for (int threads = 1; threads <= 2; threads++)
    for (int i = 0; i < 2; i++)
      if ((argc < 2 || atoi(argv[1]) == extents[i]) && (argc < 3 || atoi(argv[2]) == threads))
        for (int fast = 0; fast < 2; fast++) bench(extents[i], threads, fast == 1, seconds);
  return 0;
}
