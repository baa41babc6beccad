/* Cost of layer `repair`: SU(3), beta = 6.3, a 2^3 defect, one chain on L^4 cut into 16 sub-lattices, a pass of
 * the links around the defect forwards, back, and its product, on a whole field and on a patch. Compared
 * in turns with a heat-bath sweep of all links of 16^4 in the same process; the best of each, in seconds of
 * this thread, on one thread. */
#include <stdio.h>
#include <stdlib.h>

#include "causeway/model.h"
#include "causeway/sampler.h"

#include "bench.h"

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x, on_patch;
  cw_patch patch;
  cw_sampler *heatbath;
  cw_model *m;
  cw_arena *work;
  uint32_t step;
} subject;

static void open_subject(subject *s, int L, int hops, int thin) {
  const cw_lattice lat = {4, {L, L, L, L}};
  const double param[] = {6.3, 0.5, 0, 1, 2, 2, 2}, sweep[] = {1, 0, 1};
  cw_model_spec spec = {.field = CW_LINK_SU3, .prior = {.kind = CW_PRIOR_HAAR}, .n_layers = 1};
  double theta[256];
  *s = (subject){.work = cw_arena_create(0)};
  must(NULL, cw_context_create(&(cw_context_options){.threads = 1, .quiet = true}, &s->ctx));
  must(s->ctx, cw_geometry_create(s->ctx, &lat, CW_LANES, &s->geom));
  must(s->ctx, cw_theory_create(s->ctx, cw_theory_find("su3"), s->geom, 2, param, &s->th));
  must(s->ctx, cw_field_create(s->ctx, s->geom, s->th.n_comp, 1, &s->x));
  must(s->ctx, cw_sampler_create(s->ctx, cw_sampler_find("heatbath"), &s->th, sweep, NULL, 1,
                                 &s->heatbath));
  cw_kind(CW_LINK_SU3)->cold(&s->x);
  spec.layer[0] = cw_layer_presets(cw_layer_find("repair"));
  spec.layer[0].choice[1] = thin;
  cw_layer_set(&spec.layer[0], "hops", hops);
  for (int d = 1; d < 4; d++)
    cw_layer_set(&spec.layer[0], (const char *[]){"", "edge_1", "edge_2", "edge_3"}[d], 2);
  must(s->ctx, cw_model_create(s->ctx, &spec, s->geom, &s->m));
  for (long i = 0; i < cw_model_n_theta(s->m); i++) theta[i] = i % 2 ? 0.004 : -0.003;
  cw_model_set_theta(s->m, theta);
  cw_model_between(s->m, s->th.ops, s->th.c, s->th.c);
  must(s->ctx, cw_patch_create(s->ctx, s->geom, 1, cw_model_reads(s->m), &s->patch));
  must(s->ctx, cw_field_create_patch(s->ctx, &s->patch, &s->x, &s->on_patch));
}

static void close_subject(subject *s) {
  cw_sampler_destroy(s->heatbath);
  cw_model_destroy(s->m);
  cw_field_destroy(&s->on_patch);
  cw_field_destroy(&s->x);
  cw_patch_destroy(&s->patch);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
  cw_arena_destroy(s->work);
  cw_context_destroy(s->ctx);
}

typedef void work(subject *s);

static void sweep(subject *s) {
  must(s->ctx, s->heatbath->ops->step(s->heatbath, s->th.c, &s->x, cw_rng_stream(1, "heat"),
                                      s->step++, NULL));
}
static void carry(subject *s, cw_field *x, bool inverse) {
  double logj[CW_LANES];
  must(s->ctx, cw_model_carry(s->ctx, s->m, x, logj, inverse));
}
static void forward(subject *s) { carry(s, &s->x, false); }
static void inverse(subject *s) { carry(s, &s->x, true); }
static void forward_on_patch(subject *s) { carry(s, &s->on_patch, false); }
static void inverse_on_patch(subject *s) { carry(s, &s->on_patch, true); }

/* In turns; of each the best. */
static void bench(int L, int hops, int thin) {
  static work *const works[] = {sweep, forward, inverse, forward_on_patch, inverse_on_patch};
  enum { N = sizeof works / sizeof *works, ROUNDS = 12 };
  double best[N];
  subject s;
  open_subject(&s, L, hops, thin);
  for (int i = 0; i < N; i++) best[i] = 1e9;
  for (int i = 0; i < 5; i++) sweep(&s);
  cw_field_to_patch(&s.on_patch, &s.x);
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < N; i++) {
      const double t = thread_seconds();
      works[i](&s);
      const double seconds = thread_seconds() - t;
      if (seconds < best[i]) best[i] = seconds;
    }
  printf("  %2d^4, hops %d, %s: %ld links move, %ld are read; sweep %.1f ms; on a field forward "
         "%.2f ms, "
         "back %.2f ms; on a patch %.2f ms (%.3f sweeps), %.2f ms (%.3f)\n",
         L, hops, thin ? "thin" : "both", cw_model_moves(s.m)->n, cw_model_reads(s.m)->n,
         1e3 * best[0], 1e3 * best[1], 1e3 * best[2], 1e3 * best[3], best[3] / best[0],
         1e3 * best[4], best[4] / best[0]);
  close_subject(&s);
}

int main(void) {
  printf("SU(3), D = 4, 2^3 defect, layer repair\n");
  bench(16, 0, 1);
  bench(16, 0, 0);
  bench(16, 1, 0);
  bench(16, 2, 0);
  bench(12, 1, 0);
  return 0;
}
