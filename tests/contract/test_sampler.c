/* What every sampler owes, for every theory it fits and every setting of its word keys: the target
 * is invariant (Schwinger-Dyson equations, <e^-dH> = 1), tuning reaches its target, a step is a
 * function of its arguments, and its bits do not depend on threads or lane splits. */
#include "contract/samplers.h"

/* ------------------------------------------------------------- the right target */

/* <x dS/dx> = 1 and <x^3 dS/dx - 3 x^2> = 0 at every site: partial integration, flat measure. */
static void schwinger_dyson(const cw_field *x, const cw_field *f, double *first, double *third) {
  long n = x->geom->n_sites * x->n_comp;
  for (long i = 0; i < x->n_config; i++)
    for (long k = 0; k < n; k++) {
      double phi = cw_field_get(x, i, k / x->n_comp, (int)(k % x->n_comp));
      double dS = -cw_field_get(f, i, k / x->n_comp, (int)(k % x->n_comp));
      first[i] += (phi * dS - 1) / (double)n;
      third[i] += (phi * phi * phi * dS - 3 * phi * phi) / (double)n;
    }
}

/* The same for links, invariant measure: <sum_a (d_a S)^2> = <sum_a d_a d_a S> per link. As sum_a
 * T_a T_a = -C, C = (N^2-1)/(2N) (U(1): 1), and every plaquette has four links, the sum over all
 * links is -4 C S. The second identity is <d_a (S d_a S)> = <S (d_a S)^2>:
 * <S (sum f^2 + 4 C S) - sum f^2> = 0. */
static double schwinger_dyson_links(bench *b, const cw_field *f, double *first, double *third) {
  const cw_field *x = &b->x;
  int N = cw_kind(b->th.ops->kind)->n_colours;
  double C = N == 1 ? 1 : (N * N - 1) / (2.0 * N), n = (double)(x->geom->n_sites * b->th.n_tangent);
  size_t rows = (size_t)(x->n_blocks * x->B);
  double *T = calloc(rows * CW_MAX_TERMS, sizeof *T), *S = calloc(rows, sizeof *S);
  cw_theory_action(&b->th, x, b->th.c, T, S);
  double size = 0; /* of the terms that must cancel */
  for (long i = 0; i < x->n_config; i++) {
    double square = 0;
    for (long s = 0; s < x->geom->n_sites; s++)
      for (int a = 0; a < b->th.n_tangent; a++) square += pow(cw_field_get(f, i, s, a), 2);
    size += square / n / (double)x->n_config;
    first[i] += (square + 4 * C * S[i]) / n;
    third[i] += (S[i] * (square + 4 * C * S[i]) - square) / n;
  }
  free(T);
  free(S);
  return size;
}

/* And for spins: given all others, a spin has the mean tanh f, so that <A (s - tanh f)> = 0 for
 * every A that does not know s: 1, and tanh f. The action says f: it grows by 2 s f when s is
 * flipped, and tanh f = s tanh(s f). */
static void schwinger_dyson_spins(bench *b, double *first, double *third) {
  cw_field *x = &b->x;
  const long n = x->geom->n_sites;
  const size_t rows = (size_t)(x->n_blocks * x->B);
  double *T = calloc(rows * CW_MAX_TERMS, sizeof *T);
  double *S = calloc(rows, sizeof *S), *flipped = calloc(rows, sizeof *flipped);
  cw_theory_action(&b->th, x, b->th.c, T, S);
  for (long s = 0; s < n; s++) {
    for (long i = 0; i < x->n_config; i++) cw_field_set(x, i, s, 0, -cw_field_get(x, i, s, 0));
    cw_theory_action(&b->th, x, b->th.c, T, flipped);
    for (long i = 0; i < x->n_config; i++) {
      double spin = -cw_field_get(x, i, s, 0), mean = spin * tanh((flipped[i] - S[i]) / 2);
      cw_field_set(x, i, s, 0, spin);
      first[i] += (spin - mean) / (double)n;
      third[i] += mean * (spin - mean) / (double)n;
    }
  }
  free(T);
  free(S);
  free(flipped);
}

/* Adds to the identities of each chain; returns the size of what must cancel in those of links. */
static double identities(bench *b, double *first, double *third) {
  double size = 0;
  cw_field f = forces_of(b);
  if (b->th.ops->kind == CW_SITE_SPIN)
    schwinger_dyson_spins(b, first, third);
  else if (cw_kind(b->th.ops->kind)->on_links)
    size = schwinger_dyson_links(b, &f, first, third);
  else
    schwinger_dyson(&b->x, &f, first, third);
  cw_field_destroy(&f);
  return size;
}

static void target_on(const subject *who, const cw_lattice *lat) {
  enum { N_CHAIN = 512, N_STEP = SANITIZED ? 12 : 60 };
  bool links = cw_kind(who->theory->kind)->on_links; /* they take longer, and hold more numbers */
  const long all = links ? N_CHAIN / 8 : N_CHAIN;
  const long n_chain = SANITIZED ? (links ? 1 : 2) * CW_LANES : test_is_long() ? all : all / 2;
  const uint32_t n_step = links ? N_STEP / 2 : N_STEP;
  double size = 0;
  bench b;
  if (!open_bench(&b, who, who->ctx, lat, 1, n_chain)) return;
  double *first = calloc(N_CHAIN, sizeof *first), *third = calloc(N_CHAIN, sizeof *third);
  double *dH = calloc(N_CHAIN, sizeof *dH), *weight = calloc(N_CHAIN, sizeof *weight);
  cw_step_stats stats = {.dH = dH};
  uint32_t start = thermalise(&b, SANITIZED ? 24 : 80);
  for (uint32_t i = 0; i < n_step; i++) {
    step(&b, start + i, &stats);
    size += identities(&b, first, third);
    for (int k = 0; k < n_chain; k++) weight[k] += exp(-dH[k]) / n_step;
  }
  double mean, error;
  mean_and_error(first, n_chain, &mean, &error);
  check_sigma(mean, error, 0, 4);
  assert_true(error < (links ? 0.02 * size : 0.01 * n_step) *
                          sqrt((double)all / (double)n_chain * 60.0 / N_STEP)); /* it has teeth */
  mean_and_error(third, n_chain, &mean, &error);
  check_sigma(mean, error, 0, 4);
  mean_and_error(weight, n_chain, &mean, &error);
  check_close(mean, 1, 4 * error + 1e-12); /* rejection-free samplers: no error but rounding */
  free(first);
  free(third);
  free(dH);
  free(weight);
  close_bench(&b);
}
/* Forms that two dimensions refuse, in three. */
static void target_is_invariant(const subject *who) {
  const cw_lattice plane = {2, {4, 6}}, space = {3, {4, 2, 2}};
  const bool flat = who->theory->refuse(who->form, &plane, who->theory_param) == NULL;
  target_on(who, flat ? &plane : &space);
}
static void test_target(void **state) {
  (void)state;
  for_all(target_is_invariant);
}

/* ------------------------------------------------------------------------- bits */

static void copy_config(const cw_field *from, long config, double *to) {
  for (long s = 0; s < from->geom->n_sites; s++)
    for (int c = 0; c < from->n_comp; c++)
      to[s * from->n_comp + c] = cw_field_get(from, config, s, c);
}

/* Under the sanitizers, which are after single sites and lanes, two of them suffice, the split that goes
 * furthest, and in four dimensions one setting. */
enum { N_BITS = SANITIZED ? 2 : 3 };

/* Steps, the second one backwards where that can be, on n_config chains from first_chain on, in a
 * split; out (n_config, sites, comp), accept (n_config). */
static bool first_steps(const subject *who, cw_context *ctx, const cw_lattice *lat, int V,
                        long first_chain, long n_config, double *out, double *accept) {
  bench b;
  if (!open_bench(&b, who, ctx, lat, V, n_config)) return false;
  double *all = calloc((size_t)(b.x.n_blocks * b.x.B), sizeof *all);
  cw_step_stats stats = {.accept = all};
  b.x.first_chain = first_chain;
  hot_start(&b, "start", 3);
  for (uint32_t i = 0; i < N_BITS; i++)
    (i == 1 && who->sampler->step_back != NULL ? back : step)(&b, i, &stats);
  long n = b.geom->n_sites * b.x.n_comp;
  for (long i = 0; i < n_config; i++) copy_config(&b.x, i, out + i * n);
  memcpy(accept, all, (size_t)n_config * sizeof *accept);
  free(all);
  close_bench(&b);
  return true;
}

static void bits_are_fixed(const subject *who) {
  enum { N_CONFIG = SANITIZED ? 19 : 37, ALONE = N_CONFIG - 16, ROOM = N_CONFIG * 64 * 36 };
  const cw_lattice lattices[] = {
      {2, {8, 8}}, {2, {6, 4}}, {2, {5, 3}}, {4, {4, 2, 2, 2}}, {1, {16}}};
  cw_context *one = test_context(1);
  double *expected = calloc(ROOM, sizeof *expected), *found = calloc(ROOM, sizeof *found);
  double a1[N_CONFIG], a2[N_CONFIG];
  for (size_t l = 0; l < sizeof lattices / sizeof *lattices; l++) {
    if (SANITIZED && lattices[l].dim == 4 && who->choice[0] > 0) continue;
    size_t n =
        (size_t)cw_lattice_sites(&lattices[l]) *
        (size_t)cw_theory_components(who->theory, &lattices[l], who->form, who->theory_param);
    if (!first_steps(who, one, &lattices[l], 1, 0, N_CONFIG, expected, a1)) continue;
    int splits[5], n_splits = cw_geometry_splits(&lattices[l], splits);
    for (int i = SANITIZED ? n_splits - 1 : 0; i < n_splits; i++) { /* two threads, every split */
      first_steps(who, who->ctx, &lattices[l], splits[i], 0, N_CONFIG, found, a2);
      assert_memory_equal(found, expected, n * N_CONFIG * sizeof *found);
      assert_memory_equal(a2, a1, sizeof a1);
    }
    first_steps(who, one, &lattices[l], 1, ALONE, 5, found, a2); /* five chains by themselves */
    assert_memory_equal(found, expected + ALONE * n, n * 5 * sizeof *found);
    assert_memory_equal(a2, a1 + ALONE, 5 * sizeof *a2);
  }
  free(expected);
  free(found);
  cw_context_destroy(one);
}
static void test_bits(void **state) {
  (void)state;
  for_all(bits_are_fixed);
}

/* ----------------------------------------------------------------- behaviour */

static void not_a_number_is_reported(const subject *who) {
  const cw_lattice lat = {2, {4, 4}};
  bench b;
  if (!open_bench(&b, who, who->ctx, &lat, 1, 20)) return;
  cw_field_set(&b.x, 18, 5, 0, NAN);
  const cw_rng rng = cw_rng_stream(1, "x");
  check_failure(b.ctx, who->sampler->step(b.sampler, b.th.c, &b.x, rng, 0, NULL), CW_ENUMERIC,
                "18");
  if (who->sampler->step_back != NULL)
    check_failure(b.ctx, who->sampler->step_back(b.sampler, b.th.c, &b.x, rng, 0, NULL),
                  CW_ENUMERIC, "18");
  close_bench(&b);
}
static void test_not_a_number(void **state) {
  (void)state;
  for_all(not_a_number_is_reported);
}

static int find_param(const cw_sampler_ops *ops, const char *name) {
  for (int i = 0; ops->params[i].name != NULL; i++)
    if (strcmp(ops->params[i].name, name) == 0) return i;
  return -1;
}

/* Sets state far too large, or far too small. Of samplers that integrate, a trajectory of many
 * steps, so that one more or less means little; links keep the first step size for half of
 * thermalisation, so that 50 steps are far too many. Others come there by tuning for a target that
 * is far off. */
static void start_far_off(bench *b, int target, bool small) {
  const cw_sampler_ops *ops = b->sampler->ops;
  const int steps = find_param(ops, "md_steps"), length = find_param(ops, "length");
  const bool reals = b->th.ops->kind == CW_SITE_REAL;
  if (steps >= 0 && length >= 0) {
    b->sampler->param[length] = 4;
    b->sampler->param[steps] = !small ? 1 : reals ? 200 : 50;
    ops->init(b->sampler);
    return;
  }
  b->sampler->param[target] = small ? 0.99 : 0.1;
  thermalise(b, 150);
}

/* From a step size that is far too large, and from one far too small, to the same acceptance, not
 * below the target. */
static void tuning_reaches_its_target(const subject *who) {
  bool reals = who->theory->kind == CW_SITE_REAL;
  if (who->theory->force == NULL) return; /* what is tuned is the step size of HMC */
  if (SANITIZED) return;                  /* tuned where they thermalise, in test_target */
  const cw_lattice lat = reals ? (cw_lattice){2, {8, 8}} : (cw_lattice){2, {4, 4}};
  const long n_chain = !reals ? 32 : test_is_long() ? 128 : 48;
  int target = find_param(who->sampler, "target");
  if (who->sampler->tune == NULL || (!reals && who->form > 0)) return;
  assert_true(target >= 0); /* what tuned samplers have in common */
  double mean[2];
  for (int k = 0; k < 2; k++) {
    bench b;
    double accept[128], sum = 0;
    if (!open_bench(&b, who, who->ctx, &lat, 1, n_chain)) return;
    start_far_off(&b, target, k == 1);
    b.sampler->param[target] = 0.8;
    uint32_t n = thermalise(&b, reals ? 150 : 200);
    cw_step_stats stats = {.accept = accept};
    for (uint32_t i = 0; i < 20; i++) {
      step(&b, n + i, &stats);
      sum += cw_sum(accept, (size_t)n_chain) / (double)n_chain;
    }
    mean[k] = sum / 20;
    if (!(mean[k] > 0.78 && mean[k] < 0.9)) print_error("acceptance %g\n", mean[k]);
    assert_true(mean[k] > 0.78 && mean[k] < 0.9);
    close_bench(&b);
  }
  check_close(mean[0], mean[1], 0.05);
}
static void test_tuning(void **state) {
  (void)state;
  for_all(tuning_reaches_its_target);
}

static void test_registry(void **state) {
  (void)state;
  for (int i = 0; cw_samplers[i] != NULL; i++) {
    assert_ptr_equal(cw_sampler_find(cw_samplers[i]->name), cw_samplers[i]);
    assert_true(strlen(cw_samplers[i]->source) > 0);
    assert_in_range(cw_samplers[i]->n_state, 0, 8);
    int n = 0;
    for (; cw_samplers[i]->params[n].name != NULL; n++) {
      const cw_param *p = &cw_samplers[i]->params[n];
      assert_true(p->min <= p->max && !(p->preset < p->min) && !(p->preset > p->max));
    }
    assert_true(n <= CW_MAX_PARAMS);
  }
  assert_null(cw_sampler_find("no such sampler"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_registry),     cmocka_unit_test(test_bits),
      cmocka_unit_test(test_not_a_number), cmocka_unit_test(test_tuning),
      cmocka_unit_test(test_target),
  };
  return cmocka_run_group_tests_name("sampler contract", tests, NULL, NULL);
}
