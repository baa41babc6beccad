/* Sweeps over sets of links: which links they move, equal bits, reversal, exact averages. */
#include "physics/link_updates.h"
#include "support/exact_gauge.h"

static const double defect_2[7] = {3, 0.3, 0, 1, 2, 1, 1};

/* The links within hops of the defect of k's theory; hops < 0: those of a box; then its sampler is
 * restricted to them. */
static cw_link_set restrict_links(links *k, int hops) {
  const cw_box box = {.origin = {3, 1, 0, 2}, .size = {2, 1, 4, 3}};
  cw_link_set defect, set;
  check_ok(k->ctx, cw_theory_defect(k->ctx, &k->th, &defect));
  check_ok(k->ctx, hops < 0 ? cw_link_set_in_box(k->ctx, &k->geom->lat, &box, &set)
                            : cw_link_set_around(k->ctx, &defect, hops, &set));
  check_ok(k->ctx, k->sampler->ops->restrict_to(k->sampler, &set));
  cw_link_set_destroy(&defect);
  return set;
}

static double *all_numbers(const links *k, long *n) {
  *n = k->x.n_config * k->geom->n_sites * k->x.n_comp;
  double *out = cw_alloc((size_t)*n * sizeof *out);
  for (long i = 0; i < *n; i++) {
    long rest = i / k->x.n_comp;
    out[i] = cw_field_get(&k->x, rest / k->geom->n_sites, rest % k->geom->n_sites,
                          (int)(i % k->x.n_comp));
  }
  return out;
}

/* ------------------------------------------------------------ what is moved, and bits */

/* Every link of the set moves in every chain, and no other changes a bit. */
static void check_frozen(const links *k, const cw_link_set *set, const double *before,
                         const double *after) {
  const int n_real = k->x.n_comp / k->geom->lat.dim;
  const long n_links = k->geom->n_sites * k->geom->lat.dim;
  for (long i = 0; i < n_links * k->x.n_config; i++) {
    int same = 0;
    for (int r = 0; r < n_real; r++) same += before[i * n_real + r] == after[i * n_real + r];
    if (cw_link_set_has(set, i % n_links))
      assert_true(same < n_real);
    else
      assert_int_equal(same, n_real);
  }
}

/* Two steps with numbers 0 and 1, one of them backwards, by so many threads in a split. first: the
 * numbers that others left. */
static void check_split(int threads, int g, int hops, int V, double **first) {
  const cw_lattice lat = {4, {4, 4, 8, 2}};
  cw_context *ctx = test_context(threads);
  links k;
  long n;
  open_links(&k, ctx, groups[g], lat, V, 19, DEFECT, defect_2, 2, 1, 1);
  cw_link_set set = restrict_links(&k, hops);
  double *before = all_numbers(&k, &n);
  advance(&k, 0);
  retreat(&k, 1);
  double *after = all_numbers(&k, &n);
  check_frozen(&k, &set, before, after);
  if (*first == NULL) {
    *first = after;
  } else {
    assert_memory_equal(after, *first, (size_t)n * sizeof *after);
    free(after);
  }
  free(before);
  cw_link_set_destroy(&set);
  close_links(&k);
  cw_context_destroy(ctx);
}

static void test_same_bits(void **state) {
  (void)state;
  for (int g = 0; g < 3; g++)
    for (int hops = -1; hops < 3; hops++) {
      double *first = NULL;
      int splits[5], n = cw_geometry_splits(&(cw_lattice){4, {4, 4, 8, 2}}, splits);
      for (int i = 0; i < n; i++) check_split(1 + i % 3, g, hops, splits[i], &first);
      free(first);
    }
}

/* After NULL everything moves again. */
static void test_release(void **state) {
  links k;
  long n;
  open_links(&k, *state, "su2", (cw_lattice){2, {4, 4}}, 0, 3, DEFECT, defect_2, 1, 0, 0);
  cw_link_set set = restrict_links(&k, 0);
  check_ok(*state, k.sampler->ops->restrict_to(k.sampler, NULL));
  double *before = all_numbers(&k, &n);
  advance(&k, 0);
  double *after = all_numbers(&k, &n);
  for (long i = 0; i < n; i++) assert_true(before[i] != after[i]);
  free(before);
  free(after);
  cw_link_set_destroy(&set);
  close_links(&k);
}

/* ---------------------------------------------------------------------- reversal */

/* Over-relaxation is made of reflections: a step and its reversal are the identity, of all links as of
 * a set. A step and another one are not. */
static void test_reversal(void **state) {
  for (int g = 0; g < 3; g++)
    for (int back = 0; back < 4; back++) {
      links k;
      long n;
      double worst = 0;
      open_links(&k, *state, groups[g], (cw_lattice){4, {4, 4, 4, 4}}, 0, 1, DEFECT, defect_2, 0, 2,
                 0);
      cw_link_set set = restrict_links(&k, 1);
      if (back >= 2) check_ok(*state, k.sampler->ops->restrict_to(k.sampler, NULL));
      double *before = all_numbers(&k, &n);
      advance(&k, 0);
      if (back % 2)
        retreat(&k, 0);
      else
        advance(&k, 0);
      double *after = all_numbers(&k, &n);
      for (long i = 0; i < n; i++) worst = fmax(worst, fabs(after[i] - before[i]));
      if (back % 2) /* short staples pass rounding errors on, magnified */
        assert_true(worst < (back < 2 ? 1e-10 : 1e-5));
      else
        assert_true(worst > 0.1);
      free(before);
      free(after);
      cw_link_set_destroy(&set);
      close_links(&k);
    }
}

static void test_refusals(void **state) {
  links k;
  open_links(&k, *state, "u1", (cw_lattice){2, {4, 4}}, 1, 5, DEFECT, defect_2, 1, 1, 1);
  cw_rng rng = cw_rng_stream(4, "links");
  cw_link_set set = restrict_links(&k, 0);
  cw_field_set(&k.x, 4, set.link[0] / 2, 2 * (int)(set.link[0] % 2), NAN);
  assert_int_equal(k.sampler->ops->step(k.sampler, k.th.c, &k.x, rng, 0, NULL), CW_ENUMERIC);
  assert_non_null(strstr(cw_error(*state), "chain 4 is not a number"));
  cw_clear_error(*state);
  cw_link_set_destroy(&set);
  close_links(&k);
}

/* ------------------------------------------------------------------ exact averages */

/* Two links of U(1) that share a plaquette, between frozen ones: cos a, cos b, cos(a - b) from their
 * angles, with weights exp(-S) of the whole lattice on a grid of both. */
enum { N_ANGLE = 64, N_COSINE = 3 };

static void cosines(const links *k, const long pair[2], long config, double out[N_COSINE]) {
  double re[2], im[2];
  for (int i = 0; i < 2; i++) {
    re[i] = cw_field_get(&k->x, config, pair[i] / 2, 2 * (int)(pair[i] % 2));
    im[i] = cw_field_get(&k->x, config, pair[i] / 2, 2 * (int)(pair[i] % 2) + 1);
  }
  out[0] = re[0];
  out[1] = re[1];
  out[2] = re[0] * re[1] + im[0] * im[1];
}

static void set_angle(links *k, long link, long config, double angle) {
  cw_field_set(&k->x, config, link / 2, 2 * (int)(link % 2), cos(angle));
  cw_field_set(&k->x, config, link / 2, 2 * (int)(link % 2) + 1, sin(angle));
}

static void exact_cosines(links *k, const long pair[2], double exact[N_COSINE]) {
  const long n = k->x.n_config;
  double *T = cw_alloc((size_t)(n * k->th.ops->n_terms) * sizeof *T);
  double *S = cw_alloc((size_t)n * sizeof *S), total = 0;
  for (long c = 0; c < n; c++) {
    set_angle(k, pair[0], c, 2 * M_PI * (double)(c % N_ANGLE) / N_ANGLE);
    set_angle(k, pair[1], c, 2 * M_PI * (double)(c / N_ANGLE) / N_ANGLE);
  }
  cw_theory_action(&k->th, &k->x, k->th.c, T, S);
  for (int m = 0; m < N_COSINE; m++) exact[m] = 0;
  for (long c = 0; c < n; c++) {
    double w = exp(S[0] - S[c]), of_one[N_COSINE];
    cosines(k, pair, c, of_one);
    for (int m = 0; m < N_COSINE; m++) exact[m] += w * of_one[m];
    total += w;
  }
  for (int m = 0; m < N_COSINE; m++) exact[m] /= total;
  free(T);
  free(S);
}

/* The configuration 0 in all. */
static void same_configurations(links *k) {
  for (long c = 1; c < k->x.n_config; c++)
    for (long s = 0; s < k->geom->n_sites; s++)
      for (int i = 0; i < k->x.n_comp; i++)
        cw_field_set(&k->x, c, s, i, cw_field_get(&k->x, 0, s, i));
}

/* Steps and reversed steps in turn, in as many chains as the grid has points. The links are two of
 * different directions, one of them of the defect. */
static void test_conditional_distribution(void **state) {
  enum { N = N_ANGLE * N_ANGLE, N_STEP = 40 };
  const long pair[2] = {12, 13}; /* both from (3, 0) of 4 x 2 */
  double exact[N_COSINE], mean[N_COSINE] = {0}, square[N_COSINE] = {0};
  links k;
  cw_link_set set;
  open_links(&k, *state, "u1", (cw_lattice){2, {4, 2}}, 2, N, DEFECT,
             (double[]){3, 0.3, 0, 1, 1, 1, 1}, 1, 1, 1);
  same_configurations(&k);
  exact_cosines(&k, pair, exact);
  check_ok(*state, cw_link_set_create(*state, &k.geom->lat, 2, pair, &set));
  check_ok(*state, k.sampler->ops->restrict_to(k.sampler, &set));
  for (uint32_t step = 0; step < N_STEP; step++) {
    if (step % 2 == 0)
      advance(&k, step);
    else
      retreat(&k, step);
  }
  for (long c = 0; c < N; c++) {
    double of_one[N_COSINE];
    cosines(&k, pair, c, of_one);
    for (int m = 0; m < N_COSINE; m++) {
      mean[m] += of_one[m] / N;
      square[m] += of_one[m] * of_one[m] / N;
    }
  }
  for (int m = 0; m < N_COSINE; m++)
    check_sigma(mean[m], sqrt((square[m] - mean[m] * mean[m]) / N), exact[m], 4);
  cw_link_set_destroy(&set);
  close_links(&k);
}

/* The set of all links, steps and reversed steps in turn: plaquettes of small tori. */
static void check_plaquette(cw_context *ctx, int g, double beta, cw_lattice lat) {
  enum { N_CHAIN = 256, N_THERM = 60, N_STEP = 60 };
  const cw_box all = {.size = {lat.extent[0], lat.extent[1]}};
  const long volume = cw_lattice_sites(&lat);
  links k;
  cw_link_set set;
  open_links(&k, ctx, groups[g], lat, 0, N_CHAIN, ISOTROPIC, &beta, 1, 1, 1);
  check_ok(ctx, cw_link_set_in_box(ctx, &lat, &all, &set));
  check_ok(ctx, k.sampler->ops->restrict_to(k.sampler, &set));
  int n_terms = k.th.ops->n_terms;
  double *T = cw_alloc((size_t)(N_CHAIN * n_terms) * sizeof *T), sum[N_CHAIN] = {0}, square = 0;
  for (uint32_t step = 0; step < N_THERM + N_STEP; step++) {
    if (step % 2 == 0)
      advance(&k, step);
    else
      retreat(&k, step);
    k.th.ops->terms(&k.th, &k.x, T);
    for (int c = 0; c < N_CHAIN && step >= N_THERM; c++)
      for (int i = 0; i < n_terms; i++) sum[c] -= T[c * n_terms + i] / (double)volume / N_STEP;
  }
  double mean = cw_sum(sum, N_CHAIN) / N_CHAIN;
  for (int c = 0; c < N_CHAIN; c++) square += (sum[c] - mean) * (sum[c] - mean);
  double error = sqrt(square / N_CHAIN / (N_CHAIN - 1));
  check_sigma(mean, error, exact_plaquette_2d(g + 1, beta, (int)volume), 4);
  assert_true(error < 3e-3);
  free(T);
  cw_link_set_destroy(&set);
  close_links(&k);
}

static void test_plaquettes(void **state) {
  check_plaquette(*state, 0, 2, (cw_lattice){2, {2, 2}});
  check_plaquette(*state, 0, 2, (cw_lattice){2, {3, 5}});
  check_plaquette(*state, 1, 3, (cw_lattice){2, {2, 2}});
  check_plaquette(*state, 1, 3, (cw_lattice){2, {4, 8}});
  check_plaquette(*state, 2, 5, (cw_lattice){2, {4, 4}});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_release),
      cmocka_unit_test(test_reversal),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_conditional_distribution),
      cmocka_unit_test(test_plaquettes),
  };
  return cmocka_run_group_tests_name("link sets", tests, test_open_context_2, test_close_context);
}
