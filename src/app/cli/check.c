/* causeway check: does this copy work here? A handful of answers known by other means, in a few
 * seconds, by library calls alone and without any files but a store in a temporary directory. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/job/job.h"
#include "causeway/ising.h"
#include "causeway/observe.h"
#include "causeway/sampler.h"
#include "causeway/stats.h"
#include "causeway/store.h"
#include "causeway/train.h"

/* A check fails through cw_fail, with what was expected and what was found. */
typedef struct {
  const char *name;
  cw_status (*run)(cw_context *ctx, char *found, size_t size); /* found: a few words for the line */
} check;

static cw_status no_memory(cw_context *ctx) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for a check");
}

/* |value - expected| <= 4 error: wrong once in 16000 times for a Gaussian, but every check has its
 * fixed seed. */
static cw_status within_4_sigma(cw_context *ctx, const char *what, double value, double error,
                                double expected, double its_error) {
  double z = (value - expected) / hypot(error, its_error);
  if (fabs(z) < 4) return CW_OK;
  return cw_fail(ctx, CW_ENUMERIC, "%s = %.6g +- %.2g, expected %.6g (%.1f sigma)", what, value,
                 error, expected, z);
}

/* ---- random numbers ---- */

/* The known answer of Random123's distribution (kat_vectors: philox4x32 10, all ones); as in the
 * tests of the library. */
static cw_status check_random(cw_context *ctx, char *found, size_t size) {
  static const uint32_t expected[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  const uint32_t ones = UINT32_MAX;
  uint32_t out[4];
  cw_random_bits((cw_rng){{ones, ones}}, ones, ones, ones, ones, out);
  if (memcmp(out, expected, sizeof out) != 0)
    return cw_fail(ctx, CW_ENUMERIC, "Philox4x32-10 gives %08x, expected %08x", out[0],
                   expected[0]);
  snprintf(found, size, "Philox4x32-10");
  return CW_OK;
}

/* ---- lattice and theory ---- */

/* A configuration and its force, by kernels and by the reference. */
typedef struct {
  cw_field x, f;
  double *plain, *plain_f; /* (n_sites, n_comp), (n_sites, n_tangent) */
} pair;

static cw_status open_pair(cw_context *ctx, const cw_theory *th, pair *p) {
  long sites = th->geom->n_sites, n = CW_LANES / th->geom->V;
  *p = (pair){0};
  CW_TRY(cw_field_create(ctx, th->geom, th->n_comp, n, &p->x));
  CW_TRY(cw_field_create(ctx, th->geom, th->n_tangent, n, &p->f));
  p->plain = cw_alloc((size_t)(sites * th->n_comp) * sizeof(double));
  p->plain_f = cw_alloc((size_t)(sites * th->n_tangent) * sizeof(double));
  return p->plain != NULL && p->plain_f != NULL ? CW_OK : no_memory(ctx);
}

static void close_pair(pair *p) {
  cw_field_destroy(&p->x);
  cw_field_destroy(&p->f);
  free(p->plain);
  free(p->plain_f);
}

static cw_status compare_number(cw_context *ctx, const cw_theory *th, const char *what, long at,
                                double found, double expected) {
  if (fabs(found - expected) < 1e-11 * (1 + fabs(expected))) return CW_OK;
  return cw_fail(ctx, CW_ENUMERIC, "%s: %s %ld is %.15g, expected %.15g", th->ops->name, what, at,
                 found, expected);
}

static cw_status compare_configuration(cw_context *ctx, const cw_theory *th, pair *p, long i,
                                       const double *T) {
  double T0[CW_MAX_TERMS];
  int n = th->n_tangent;
  for (long k = 0; k < th->geom->n_sites * th->n_comp; k++)
    p->plain[k] = cw_field_get(&p->x, i, k / th->n_comp, (int)(k % th->n_comp));
  th->ops->reference(th, &th->geom->lat, p->plain, th->c, T0, p->plain_f);
  for (int k = 0; k < th->ops->n_terms; k++)
    CW_TRY(compare_number(ctx, th, "term", k, T[i * th->ops->n_terms + k], T0[k]));
  for (long k = 0; k < th->geom->n_sites * n; k++)
    CW_TRY(compare_number(ctx, th, "force component", k,
                          cw_field_get(&p->f, i, k / n, (int)(k % n)), p->plain_f[k]));
  return CW_OK;
}

/* The kernels against plain loops over sites. */
static cw_status compare_kernels(cw_context *ctx, const cw_theory *th) {
  double T[CW_LANES * CW_MAX_TERMS];
  pair p;
  cw_status st = open_pair(ctx, th, &p);
  if (st == CW_OK) {
    cw_kind(th->ops->kind)->hot(cw_context_isa(ctx), &p.x, cw_rng_stream(1, "check"), 0);
    th->ops->terms(th, &p.x, T);
    th->ops->force(th, &p.x, th->c, &p.f);
  }
  for (long i = 0; st == CW_OK && i < p.x.n_config; i++)
    st = compare_configuration(ctx, th, &p, i, T);
  close_pair(&p);
  return st;
}

/* The same for every split of the lattice into lanes; *n: how many there are. */
static cw_status compare_splits(cw_context *ctx, const char *theory, int form,
                                const cw_lattice *lat, const double *param, int *n) {
  int split[5];
  *n = cw_geometry_splits(lat, split);
  for (int k = 0; k < *n; k++) {
    cw_geometry *geom = NULL;
    cw_theory th = {0};
    cw_status st = cw_geometry_create(ctx, lat, split[k], &geom);
    if (st == CW_OK) st = cw_theory_create(ctx, cw_theory_find(theory), geom, form, param, &th);
    if (st == CW_OK) st = compare_kernels(ctx, &th);
    cw_theory_destroy(&th);
    cw_geometry_destroy(geom);
    CW_TRY(st);
  }
  return CW_OK;
}

static cw_status check_theory(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {8, 8}};
  const double param[] = {-4, 8};
  int n;
  CW_TRY(compare_splits(ctx, "phi4", 0, &lat, param, &n));
  snprintf(found, size, "%d ways to lay out 8x8, kernels %s", n, cw_isa_name(cw_context_isa(ctx)));
  return CW_OK;
}

/* Gauge actions with a defect, so that every class of plaquettes counts. */
static cw_status check_gauge(cw_context *ctx, char *found, size_t size) {
  static const char *const theories[] = {"u1", "su2", "su3"};
  const cw_lattice lat = {.dim = 4, .extent = {4, 2, 6, 4}};
  const double param[] = {5.7, 0.5, 2, 2, 1, 1, 2};
  int n = 0;
  for (int i = 0; i < 3; i++) CW_TRY(compare_splits(ctx, theories[i], 2, &lat, param, &n));
  snprintf(found, size, "U(1), SU(2) and SU(3), %d ways to lay out 4x2x6x4", n);
  return CW_OK;
}

/* ---- Markov chains ---- */

typedef struct {
  long n_chain, n_step, n_therm;
  int n_primary;
  double *data; /* (n_chain, n_step, n_primary) */
} chains;

static cw_status step_chains(cw_context *ctx, const cw_theory *th, cw_sampler *s, cw_field *x,
                             double *accept, double *row, chains *r) {
  const cw_observer obs = cw_observer_make(cw_observable_for(th), th, NULL);
  const cw_step_stats stats = {.accept = accept};
  for (long t = 0; t < r->n_therm + r->n_step; t++) {
    CW_TRY(s->ops->step(s, th->c, x, cw_rng_stream(1, "check"), (uint32_t)t, &stats));
    if (t < r->n_therm) {
      if (s->ops->tune == NULL) continue;
      s->ops->tune(s, cw_sum(accept, (size_t)r->n_chain) / (double)r->n_chain, (uint32_t)t,
                   (uint32_t)r->n_therm);
      continue;
    }
    CW_TRY(cw_measure(ctx, &obs, x, row, NULL));
    for (long i = 0; i < r->n_chain; i++)
      memcpy(r->data + (i * r->n_step + t - r->n_therm) * r->n_primary, row + i * r->n_primary,
             (size_t)r->n_primary * sizeof *row);
  }
  return CW_OK;
}

/* r->data is the caller's to free, also after a failure. */
static cw_status run_chains(cw_context *ctx, const cw_theory *th, const char *sampler, chains *r) {
  cw_sampler *s = NULL;
  cw_field x = {0};
  const cw_observer obs = cw_observer_make(cw_observable_for(th), th, NULL);
  r->n_primary = obs.ops->n_primary(&obs);
  CW_TRY(cw_field_create(ctx, th->geom, th->n_comp, r->n_chain, &x));
  double *accept = cw_alloc((size_t)(x.n_blocks * x.B) * sizeof *accept);
  double *row = cw_alloc((size_t)(r->n_chain * r->n_primary) * sizeof *row);
  r->data = cw_alloc((size_t)(r->n_chain * r->n_step * r->n_primary) * sizeof *r->data);
  cw_status st = accept && row && r->data ? CW_OK : no_memory(ctx);
  if (st == CW_OK)
    st = cw_sampler_create(ctx, cw_sampler_find(sampler), th, NULL, NULL, x.n_blocks, &s);
  if (st == CW_OK) {
    cw_kind(th->ops->kind)->hot(cw_context_isa(ctx), &x, cw_rng_stream(1, "start"), 0);
    st = step_chains(ctx, th, s, &x, accept, row, r);
  }
  cw_sampler_destroy(s);
  cw_field_destroy(&x);
  free(accept);
  free(row);
  return st;
}

typedef struct {
  const cw_observer *observer;
  const cw_quantity *quantity;
} derived;

static double derived_value(const double *mean, const void *arg) {
  const derived *d = arg;
  return cw_quantity_value(d->observer, d->quantity, mean, 0);
}

/* m^2 = -4, lambda = 8 on 8x8: long runs of a cluster algorithm gave these; docs/conventions.md. */
static const struct {
  const char *name;
  double value, error;
} known[] = {{"chi2", 0.74415, 0.00044},
             {"abs_m", 0.08702, 0.00003},
             {"phi2", 0.14344, 0.00001},
             {"nn", 0.08851, 0.00002}};
enum { N_KNOWN = sizeof known / sizeof *known };

/* Quantity name of chains of th, against its known value. */
static cw_status compare_quantity(cw_context *ctx, const cw_theory *th, const chains *r,
                                  const char *name, double value, double error, cw_estimate *e) {
  const cw_observer obs = cw_observer_make(cw_observable_for(th), th, NULL);
  const derived d = {.observer = &obs, .quantity = cw_quantity_find(obs.ops, name)};
  CW_TRY(cw_gamma(ctx, r->data, r->n_chain, r->n_step, r->n_primary, derived_value, &d, e));
  return within_4_sigma(ctx, name, e->value, e->error, value, error);
}

static cw_status check_hmc(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {8, 8}};
  const double param[] = {-4, 8};
  chains r = {.n_chain = 64, .n_therm = 500, .n_step = 6000};
  cw_geometry *geom = NULL;
  cw_theory th = {0};
  cw_estimate e = {0};
  CW_TRY(cw_geometry_create(ctx, &lat, 1, &geom));
  cw_status st = cw_theory_create(ctx, cw_theory_find("phi4"), geom, 0, param, &th);
  if (st == CW_OK) st = run_chains(ctx, &th, "hmc", &r);
  for (int k = N_KNOWN - 1; k >= 0 && st == CW_OK; k--)
    st = compare_quantity(ctx, &th, &r, known[k].name, known[k].value, known[k].error, &e);
  free(r.data);
  cw_theory_destroy(&th);
  cw_geometry_destroy(geom);
  snprintf(found, size, "chi2 = %.4f +- %.4f, expected %.4f", e.value, e.error, known[0].value);
  return st;
}

/* U(1) on 8x8 at beta = 2: Z(theta) = sum_n c_n(theta)^V; docs/conventions.md. */
static cw_status check_heatbath(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {8, 8}};
  const double beta = 2, plaquette = 0.697774658, q2 = 1.23929889;
  chains r = {.n_chain = 64, .n_therm = 200, .n_step = 2000};
  cw_geometry *geom = NULL;
  cw_theory th = {0};
  cw_estimate e = {0};
  CW_TRY(cw_geometry_create(ctx, &lat, 1, &geom));
  cw_status st = cw_theory_create(ctx, cw_theory_find("u1"), geom, 0, &beta, &th);
  if (st == CW_OK) st = run_chains(ctx, &th, "heatbath", &r);
  if (st == CW_OK) st = compare_quantity(ctx, &th, &r, "q2", q2, 0, &e);
  if (st == CW_OK) st = compare_quantity(ctx, &th, &r, "plaquette", plaquette, 0, &e);
  free(r.data);
  cw_theory_destroy(&th);
  cw_geometry_destroy(geom);
  snprintf(found, size, "U(1) <cos P> = %.5f +- %.5f, exactly %.5f", e.value, e.error, plaquette);
  return st;
}

/* ---- models ---- */

enum { SAMPLES = 8192 };

/* ln Z of the free theory, S = sum_x [(d phi)^2 + m2 phi^2]: every mode is a Gaussian integral. */
static double free_lnZ(const cw_lattice *lat, double m2) {
  double lnZ = 0;
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    int n[CW_MAX_DIM];
    double p2 = m2;
    cw_lattice_coord(lat, s, n);
    for (int d = 0; d < lat->dim; d++) p2 += 4 * pow(sin(M_PI * n[d] / lat->extent[d]), 2);
    lnZ += 0.5 * log(M_PI / p2);
  }
  return lnZ;
}

static void small_flow(cw_model_spec *spec) {
  enum { COUPLINGS = 8 };
  *spec = (cw_model_spec){
      .prior.sigma = 0.6, .n_layers = COUPLINGS + 1, .layer[COUPLINGS].kind = "scale"};
  for (int i = 0; i < COUPLINGS; i++)
    spec->layer[i] = (cw_layer_spec){
        .kind = "affine", .parity = i % 2, .net = {.n_hidden = 1, .hidden = {8}, .kernel = 3}};
}

static cw_status train_model(cw_context *ctx, cw_model *model, const cw_theory *th, long steps) {
  const cw_train_options options = {.batch = 256,
                                    .gradient = cw_model_is_discrete(model) ? CW_GRADIENT_REINFORCE
                                                                            : CW_GRADIENT_PATH,
                                    .steps = steps,
                                    .rate = 0.01,
                                    .clip = 10,
                                    .rate_end = 0.1,
                                    .schedule = CW_SCHEDULE_COSINE,
                                    .beta1 = 0.9,
                                    .beta2 = 0.999,
                                    .epsilon = 1e-8};
  cw_trainer *trainer = NULL;
  cw_train_report report;
  cw_model_init(model, 1);
  CW_TRY(cw_trainer_create(ctx, &options, model, th, cw_rng_stream(1, "train"), &trainer));
  cw_status st = CW_OK;
  for (long t = 0; t < steps && st == CW_OK; t++) st = cw_trainer_step(trainer, NULL, &report);
  cw_trainer_destroy(trainer);
  return st;
}

/* log_weight (SAMPLES) of samples of the model. */
static cw_status draw_weights(cw_context *ctx, const cw_model *model, const cw_theory *th,
                              double *log_weight) {
  cw_field x = {0};
  CW_TRY(cw_field_create(ctx, th->geom, 1, SAMPLES, &x));
  double *logq = cw_alloc(SAMPLES * sizeof *logq), *S = cw_alloc(SAMPLES * sizeof *S),
         *T = cw_alloc(SAMPLES * CW_MAX_TERMS * sizeof *T);
  cw_status st = logq && S && T ? cw_model_sample(ctx, model, cw_rng_stream(1, "draw"), 0, &x, logq)
                                : no_memory(ctx);
  if (st == CW_OK) {
    cw_theory_action(th, &x, th->c, T, S);
    for (long i = 0; i < SAMPLES; i++) log_weight[i] = -S[i] - logq[i];
  }
  free(logq);
  free(S);
  free(T);
  cw_field_destroy(&x);
  return st;
}

/* A theory that a model is trained for. */
typedef struct {
  const char *theory;
  cw_lattice lat;
  double param[2];
  long steps;
} target;

/* log_weight (SAMPLES) of the model of the spec after its training. */
static cw_status trained_weights(cw_context *ctx, const target *t, const cw_model_spec *spec,
                                 double *log_weight) {
  cw_geometry *geom = NULL;
  cw_model *model = NULL;
  cw_theory th = {0};
  cw_status st = cw_geometry_create(ctx, &t->lat, 1, &geom);
  if (st == CW_OK) st = cw_theory_create(ctx, cw_theory_find(t->theory), geom, 0, t->param, &th);
  if (st == CW_OK) st = cw_model_create(ctx, spec, geom, &model);
  if (st == CW_OK) st = train_model(ctx, model, &th, t->steps);
  if (st == CW_OK) st = draw_weights(ctx, model, &th, log_weight);
  cw_model_destroy(model);
  cw_theory_destroy(&th);
  cw_geometry_destroy(geom);
  return st;
}

/* ln Z from a trained model, which must be a good one. */
static cw_status check_lnZ(cw_context *ctx, const target *t, const cw_model_spec *spec,
                           double exact, char *found, size_t size) {
  double *log_weight = cw_alloc(SAMPLES * sizeof *log_weight);
  cw_flow_quality q = {0};
  cw_status st = log_weight ? trained_weights(ctx, t, spec, log_weight) : no_memory(ctx);
  if (st == CW_OK) st = cw_flow_judge(ctx, log_weight, SAMPLES, NULL, 0, 0, &q);
  if (st == CW_OK) st = within_4_sigma(ctx, "ln Z", q.lnZ, q.lnZ_error, exact, 0);
  if (st == CW_OK && q.ess < 0.7)
    st = cw_fail(ctx, CW_ENUMERIC, "the trained model has ESS %.2f, expected more than 0.7", q.ess);
  free(log_weight);
  snprintf(found, size, "ln Z = %.4f +- %.4f, exactly %.4f; ESS %.2f", q.lnZ, q.lnZ_error, exact,
           q.ess);
  return st;
}

static cw_status check_flow(cw_context *ctx, char *found, size_t size) {
  const target t = {"phi4", {2, {6, 6}}, {1, 0}, 1000}; /* a free field */
  cw_model_spec *spec = malloc(sizeof *spec);
  if (spec == NULL) return no_memory(ctx);
  small_flow(spec);
  cw_status st = check_lnZ(ctx, &t, spec, free_lnZ(&t.lat, t.param[0]), found, size);
  free(spec);
  return st;
}

static cw_status check_autoregressive(cw_context *ctx, char *found, size_t size) {
  const target t = {"ising", {2, {6, 6}}, {0.44, 0}, 150};
  cw_model_spec *spec = calloc(1, sizeof *spec);
  if (spec == NULL) return no_memory(ctx);
  spec->kind = CW_MODEL_AUTOREGRESSIVE;
  spec->autoregressive = (cw_autoregressive_spec){.kind = "frontier",
                                                  .n_hidden = 1,
                                                  .hidden = {16},
                                                  .share = CW_SHARE_ROWS,
                                                  .bonds = true,
                                                  .clip = 1e-7,
                                                  .shifts = 1};
  const double exact = 36 * cw_ising_torus(6, 6, t.param[0]).lnz;
  cw_status st = check_lnZ(ctx, &t, spec, exact, found, size);
  free(spec);
  return st;
}

/* ---- the same bits for any number of threads ---- */

static cw_status weights_on_threads(int threads, double *log_weight) {
  const target t = {"phi4", {2, {4, 4}}, {1, 0}, 20};
  const cw_context_options options = {.threads = threads, .quiet = true};
  cw_context *ctx = NULL;
  cw_model_spec *spec = malloc(sizeof *spec);
  if (spec == NULL) return CW_ENOMEM;
  small_flow(spec);
  cw_status st = cw_context_create(&options, &ctx);
  if (st == CW_OK) st = trained_weights(ctx, &t, spec, log_weight);
  cw_context_destroy(ctx);
  free(spec);
  return st;
}

static cw_status check_threads(cw_context *ctx, char *found, size_t size) {
  size_t bytes = SAMPLES * sizeof(double);
  double *one = cw_alloc(bytes), *two = cw_alloc(bytes);
  cw_status st = one && two ? weights_on_threads(1, one) : CW_ENOMEM;
  if (st == CW_OK) st = weights_on_threads(2, two);
  if (st != CW_OK) st = cw_fail(ctx, st, "a training of 20 steps failed");
  if (st == CW_OK && memcmp(one, two, bytes) != 0)
    st = cw_fail(ctx, CW_ENUMERIC, "the results on 1 and on 2 threads differ");
  free(one);
  free(two);
  snprintf(found, size, "the same bits on 1 and 2 threads");
  return st;
}

/* ---- the store ---- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)info;
  (void)kind;
  (void)at;
  return remove(path);
}

static cw_status write_store(cw_context *ctx, const char *dir, const double *data, long n) {
  cw_store *store = NULL;
  cw_arrays set = {0};
  CW_TRY(cw_store_create(ctx, dir, "job: check\n", false, &store));
  cw_status st = CW_OK;
  for (long half = 0; half < 2 && st == CW_OK; half++) {
    long n_half = n / 2;
    st = cw_arrays_put(ctx, &set, "data", 1, &n_half, data + half * n_half);
    if (st == CW_OK) st = cw_store_append(store, "check", &set);
  }
  cw_arrays_clear(&set);
  cw_store_close(store);
  return st;
}

static cw_status compare_store(cw_context *ctx, const char *dir, const double *data, long n) {
  cw_store *store = NULL;
  cw_arrays set = {0};
  CW_TRY(cw_store_open(ctx, dir, &store));
  cw_status st = cw_store_read_all(store, "check", &set);
  const cw_array *a = cw_arrays_get(&set, "data");
  if (st == CW_OK &&
      (a == NULL || cw_array_size(a) != n || memcmp(a->data, data, (size_t)n * sizeof *data) != 0))
    st = cw_fail(ctx, CW_ECORRUPT, "what was read is not what was written");
  cw_arrays_clear(&set);
  cw_store_close(store);
  return st;
}

/* A byte of the file changes; the store must notice. */
static cw_status damage_store(cw_context *ctx, const char *dir, const double *data, long n) {
  char path[512];
  snprintf(path, sizeof path, "%s/store/check.000001.h5", dir);
  FILE *f = fopen(path, "r+");
  bool done = f != NULL && fseek(f, 1000, SEEK_SET) == 0;
  int byte = done ? fgetc(f) : EOF;
  done = done && byte != EOF && fseek(f, 1000, SEEK_SET) == 0 && fputc(byte ^ 1, f) != EOF;
  if (f != NULL && fclose(f) != 0) done = false;
  if (!done) return cw_fail(ctx, CW_EIO, "cannot change '%s': %s", path, strerror(errno));
  if (compare_store(ctx, dir, data, n) != CW_ECORRUPT)
    return cw_fail(ctx, CW_ECORRUPT, "a damaged segment was not noticed");
  cw_clear_error(ctx);
  return CW_OK;
}

static cw_status check_store(cw_context *ctx, char *found, size_t size) {
  enum { N = 4096 };
  const char *base = getenv("TMPDIR");
  char dir[256];
  double data[N];
  if (base == NULL || base[0] == '\0' || strlen(base) > 200) base = "/tmp";
  snprintf(dir, sizeof dir, "%s/causeway-check-XXXXXX", base);
  if (mkdtemp(dir) == NULL)
    return cw_fail(ctx, CW_EIO, "cannot make a directory in '%s': %s", base, strerror(errno));
  for (uint32_t i = 0; i < N; i += 2)
    cw_normal2(cw_context_isa(ctx), cw_rng_stream(1, "store"), i, 0, 0, 0, data + i);
  cw_status st = write_store(ctx, dir, data, N);
  if (st == CW_OK) st = compare_store(ctx, dir, data, N);
  if (st == CW_OK) st = damage_store(ctx, dir, data, N);
  nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  snprintf(found, size, "written, read, damage noticed");
  return st;
}

/* ---- all of them ---- */

static const check checks[] = {
    {"random numbers", check_random},
    {"action and force", check_theory},
    {"gauge actions", check_gauge},
    {"hybrid Monte Carlo", check_hmc},
    {"heat bath", check_heatbath},
    {"trained flow", check_flow},
    {"spins, trained", check_autoregressive},
    {"threads", check_threads},
    {"store", check_store},
};
enum { N_CHECKS = sizeof checks / sizeof *checks };

/* A failure ends its own check only: its message is printed and forgotten. */
static cw_status run_check(cw_context *ctx, const check *c) {
  char found[160] = "";
  double start = cw_wall_seconds();
  cw_status st = c->run(ctx, found, sizeof found);
  printf("%-20s %-6s %5.1f s  %s\n", c->name, st == CW_OK ? "ok" : "FAILED",
         cw_wall_seconds() - start, st == CW_OK ? found : cw_error(ctx));
  fflush(stdout);
  cw_clear_error(ctx);
  return st;
}

static cw_status parse_options(cw_context *ctx, int argc, char **argv) {
  static const cw_option options[] = {{.word = "--threads"}, {.word = NULL}}; /* main took it */
  int n;
  CW_TRY(cw_options_read(ctx, "check", argc, argv, options, "no more words", NULL, 0, &n));
  if (cw_ranks(ctx) > 1)
    return cw_fail(ctx, CW_EINVAL, "check: runs on one rank, not on %d", cw_ranks(ctx));
  return CW_OK;
}

cw_status cw_command_check(cw_context *ctx, int argc, char **argv) {
  cw_status first = CW_OK; /* failure */
  int failed = 0;
  CW_TRY(parse_options(ctx, argc, argv));
  for (int i = 0; i < N_CHECKS; i++) {
    cw_status st = run_check(ctx, &checks[i]);
    if (first == CW_OK) first = st;
    failed += st != CW_OK;
  }
  return failed == 0 ? CW_OK : cw_fail(ctx, first, "%d of %d checks failed", failed, N_CHECKS);
}
