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

#include "app/commands.h"
#include "app/job.h"
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

/* The kernels against plain loops over sites, for every split of the lattice into lanes. */
static cw_status compare_kernels(cw_context *ctx, const cw_theory *th, cw_field *x, cw_field *f) {
  enum { SITES = 64 };
  double T[CW_LANES * CW_MAX_TERMS], values[SITES], T0[CW_MAX_TERMS], f0[SITES];
  cw_field_normal(cw_context_isa(ctx), x, cw_rng_stream(1, "check"), 0, 0);
  th->ops->terms(th, x, T);
  th->ops->force(th, x, th->c, f);
  for (long i = 0; i < x->n_config; i++) {
    for (long s = 0; s < SITES; s++) values[s] = cw_field_get(x, i, s, 0);
    th->ops->reference(&th->geom->lat, values, th->c, T0, f0);
    for (int k = 0; k < th->ops->n_terms; k++)
      if (!(fabs(T[i * th->ops->n_terms + k] - T0[k]) < 1e-11 * (1 + fabs(T0[k]))))
        return cw_fail(ctx, CW_ENUMERIC, "%s: term %d is %.15g, expected %.15g", th->ops->name, k,
                       T[i * th->ops->n_terms + k], T0[k]);
    for (long s = 0; s < SITES; s++)
      if (!(fabs(cw_field_get(f, i, s, 0) - f0[s]) < 1e-11 * (1 + fabs(f0[s]))))
        return cw_fail(ctx, CW_ENUMERIC, "%s: the force at site %ld is %.15g, expected %.15g",
                       th->ops->name, s, cw_field_get(f, i, s, 0), f0[s]);
  }
  return CW_OK;
}

static cw_status check_theory(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {8, 8}};
  const double param[] = {-4, 8};
  int split[5], n = cw_geometry_splits(&lat, split);
  for (int k = 0; k < n; k++) {
    cw_geometry *geom = NULL;
    cw_field x = {0}, f = {0};
    CW_TRY(cw_geometry_create(ctx, &lat, split[k], &geom));
    cw_theory th = cw_theory_make(ctx, cw_theory_find("phi4"), geom, 0, param);
    cw_status st = cw_field_create(ctx, geom, 1, CW_LANES / split[k], &x);
    if (st == CW_OK) st = cw_field_create(ctx, geom, 1, CW_LANES / split[k], &f);
    if (st == CW_OK) st = compare_kernels(ctx, &th, &x, &f);
    cw_field_destroy(&x);
    cw_field_destroy(&f);
    cw_geometry_destroy(geom);
    CW_TRY(st);
  }
  snprintf(found, size, "%d ways to lay out 8x8, kernels %s", n, cw_isa_name(cw_context_isa(ctx)));
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
  const cw_observable_ops *obs = cw_observable_for(th);
  const cw_step_stats stats = {.accept = accept};
  for (long t = 0; t < r->n_therm + r->n_step; t++) {
    CW_TRY(s->ops->step(s, th->c, x, cw_rng_stream(1, "check"), (uint32_t)t, &stats));
    if (t < r->n_therm) {
      s->ops->tune(s, cw_sum(accept, (size_t)r->n_chain) / (double)r->n_chain, (uint32_t)t,
                   (uint32_t)r->n_therm);
      continue;
    }
    CW_TRY(cw_measure(ctx, obs, th, x, row));
    for (long i = 0; i < r->n_chain; i++)
      memcpy(r->data + (i * r->n_step + t - r->n_therm) * r->n_primary, row + i * r->n_primary,
             (size_t)r->n_primary * sizeof *row);
  }
  return CW_OK;
}

/* r->data is the caller's to free, also after a failure. */
static cw_status run_hmc(cw_context *ctx, const cw_theory *th, chains *r) {
  cw_sampler *s = NULL;
  cw_field x = {0};
  r->n_primary = cw_observable_for(th)->n_primary(th);
  CW_TRY(cw_field_create(ctx, th->geom, 1, r->n_chain, &x));
  double *accept = cw_alloc((size_t)(x.n_blocks * x.B) * sizeof *accept);
  double *row = cw_alloc((size_t)(r->n_chain * r->n_primary) * sizeof *row);
  r->data = cw_alloc((size_t)(r->n_chain * r->n_step * r->n_primary) * sizeof *r->data);
  cw_status st = accept && row && r->data ? CW_OK : no_memory(ctx);
  if (st == CW_OK)
    st = cw_sampler_create(ctx, cw_sampler_find("hmc"), th, NULL, NULL, x.n_blocks, &s);
  if (st == CW_OK) {
    cw_field_normal(cw_context_isa(ctx), &x, cw_rng_stream(1, "start"), 0, 0);
    st = step_chains(ctx, th, s, &x, accept, row, r);
  }
  cw_sampler_destroy(s);
  cw_field_destroy(&x);
  free(accept);
  free(row);
  return st;
}

typedef struct {
  const cw_theory *th;
  const cw_quantity *quantity;
} derived;

static double derived_value(const double *mean, const void *arg) {
  const derived *d = arg;
  return d->quantity->value(d->th, mean, 0);
}

static const cw_quantity *quantity_named(const cw_theory *th, const char *name) {
  const cw_quantity *q = cw_observable_for(th)->quantities;
  while (strcmp(q->name, name) != 0) q++;
  return q;
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

static cw_status check_hmc(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {8, 8}};
  const double param[] = {-4, 8};
  chains r = {.n_chain = 64, .n_therm = 500, .n_step = 6000};
  cw_geometry *geom = NULL;
  cw_estimate e = {0};
  CW_TRY(cw_geometry_create(ctx, &lat, 1, &geom));
  cw_theory th = cw_theory_make(ctx, cw_theory_find("phi4"), geom, 0, param);
  cw_status st = run_hmc(ctx, &th, &r);
  for (int k = N_KNOWN - 1; k >= 0 && st == CW_OK; k--) {
    const derived d = {.th = &th, .quantity = quantity_named(&th, known[k].name)};
    st = cw_gamma(ctx, r.data, r.n_chain, r.n_step, r.n_primary, derived_value, &d, CW_GAMMA_S, &e);
    if (st == CW_OK)
      st = within_4_sigma(ctx, known[k].name, e.value, e.error, known[k].value, known[k].error);
  }
  free(r.data);
  cw_geometry_destroy(geom);
  snprintf(found, size, "chi2 = %.4f +- %.4f, expected %.4f", e.value, e.error, known[0].value);
  return st;
}

/* ---- flows ---- */

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

static cw_status train_flow(cw_context *ctx, cw_model *model, const cw_theory *th, long steps) {
  const cw_train_options options = {.batch = 256,
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

/* Trains a flow for the free theory with this mass for some steps; log_weight (SAMPLES). */
static cw_status free_theory_weights(cw_context *ctx, const cw_lattice *lat, double m2, long steps,
                                     double *log_weight) {
  const double param[] = {m2, 0};
  cw_model_spec *spec = malloc(sizeof *spec);
  cw_geometry *geom = NULL;
  cw_model *model = NULL;
  if (spec == NULL) return no_memory(ctx);
  small_flow(spec);
  cw_status st = cw_geometry_create(ctx, lat, 1, &geom);
  if (st == CW_OK) st = cw_model_create(ctx, spec, geom, &model);
  if (st == CW_OK) {
    cw_theory th = cw_theory_make(ctx, cw_theory_find("phi4"), geom, 0, param);
    st = train_flow(ctx, model, &th, steps);
    if (st == CW_OK) st = draw_weights(ctx, model, &th, log_weight);
  }
  cw_model_destroy(model);
  cw_geometry_destroy(geom);
  free(spec);
  return st;
}

static cw_status check_flow(cw_context *ctx, char *found, size_t size) {
  const cw_lattice lat = {.dim = 2, .extent = {6, 6}};
  const double m2 = 1, exact = free_lnZ(&lat, m2);
  double *log_weight = cw_alloc(SAMPLES * sizeof *log_weight);
  cw_flow_quality q = {0};
  cw_status st = log_weight ? free_theory_weights(ctx, &lat, m2, 1000, log_weight) : no_memory(ctx);
  if (st == CW_OK) st = cw_flow_judge(ctx, log_weight, SAMPLES, NULL, 0, 0, &q);
  if (st == CW_OK) st = within_4_sigma(ctx, "ln Z", q.lnZ, q.lnZ_error, exact, 0);
  if (st == CW_OK && q.ess < 0.7)
    st = cw_fail(ctx, CW_ENUMERIC, "the trained flow has ESS %.2f, expected more than 0.7", q.ess);
  free(log_weight);
  snprintf(found, size, "ln Z = %.4f +- %.4f, exactly %.4f; ESS %.2f", q.lnZ, q.lnZ_error, exact,
           q.ess);
  return st;
}

/* ---- the same bits for any number of threads ---- */

static cw_status weights_on_threads(int threads, double *log_weight) {
  const cw_lattice lat = {.dim = 2, .extent = {4, 4}};
  const cw_context_options options = {.threads = threads, .quiet = true};
  cw_context *ctx = NULL;
  CW_TRY(cw_context_create(&options, &ctx));
  cw_status st = free_theory_weights(ctx, &lat, 1, 20, log_weight);
  cw_context_destroy(ctx);
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
    {"random numbers", check_random},  {"action and force", check_theory},
    {"hybrid Monte Carlo", check_hmc}, {"trained flow", check_flow},
    {"threads", check_threads},        {"store", check_store},
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
  static const char *const words[] = {"--threads", NULL}; /* which main took, with its value */
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--threads") == 0) {
      i++;
      continue;
    }
    if (argv[i][0] != '-') return cw_fail(ctx, CW_EINVAL, "usage: causeway check [--threads N]");
    const char *near = cw_nearest(argv[i], words);
    return near ? cw_fail(ctx, CW_EINVAL, "check: unknown option '%s'; did you mean '%s'?", argv[i],
                          near)
                : cw_fail(ctx, CW_EINVAL, "check: unknown option '%s' (known: --threads)", argv[i]);
  }
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
