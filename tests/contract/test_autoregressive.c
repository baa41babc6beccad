/* Autoregressive models of spins, every kind: probabilities that add up to one over all
 * configurations, samples that follow them, drawing site by site with the bits of a full pass,
 * symmetries, and what is refused. Gradients: test_autoregressive_training.c. */
#include <stdlib.h>
#include <string.h>

#include "causeway/train.h"
#include "contract/autoregressive_cases.h"
#include "model/autoregressive/masked.h"
#include "support/check.h"

/* ---- probabilities ---- */

static void probabilities_add_up_to_one(bench *b) {
  fill_all_and_logq(b);
  check_close(cw_logsumexp(b->logq, (size_t)b->all.n_config), 0, 1e-13);
}

static long number_of(const bench *b, const cw_field *x, long i) {
  long c = 0;
  for (int s = 0; s < (int)b->geom->n_sites; s++) c |= (long)(cw_field_get(x, i, s, 0) > 0) << s;
  return c;
}

/* Pearson's chi^2 over all configurations with at least 8 expected; the others together. */
static void samples_follow_them(bench *b) {
  enum { N = SANITIZED ? 1005 : 160005 }; /* the last block is not full */
  fill_all_and_logq(b);
  const long n = b->all.n_config;
  cw_field x;
  double *logq = cw_alloc(N * sizeof *logq), *seen = cw_alloc((size_t)n * sizeof *seen);
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, N, &x));
  x.first_chain = 5;
  check_ok(b->ctx, cw_model_sample(b->ctx, b->model, cw_rng_stream(1, "s"), 2, &x, logq));
  for (long i = 0; i < N; i++) {
    const long c = number_of(b, &x, i);
    assert_true(logq[i] == b->logq[c]); /* bit by bit */
    seen[c]++;
  }
  double chi2 = 0, bins = 0, rest = 0, rest_seen = 0;
  for (long c = 0; c < n; c++) {
    const double expected = N * exp(b->logq[c]);
    if (expected >= 8) {
      chi2 += (seen[c] - expected) * (seen[c] - expected) / expected;
      bins++;
    } else {
      rest += expected;
      rest_seen += seen[c];
    }
  }
  if (rest >= 8) {
    chi2 += (rest_seen - rest) * (rest_seen - rest) / rest;
    bins++;
  }
  assert_true(bins > 20 || SANITIZED);
  if (bins > 20) check_sigma(chi2, sqrt(2 * (bins - 1)), bins - 1, 4);
  cw_field_destroy(&x);
  free(logq);
  free(seen);
}

/* ---- the network, site by site ---- */

/* Drawn by running the whole network for every site, on spins that are zero where they are not
 * drawn yet, the same numbers come out as from what is computed once per site: bit by bit. */
static void site_by_site_has_the_bits_of_full_passes(bench *b) {
  cw_order order;
  cw_masked *net;
  cw_masked_pass once, full;
  check_ok(b->ctx, cw_order_create(b->ctx, &b->k->spec, &b->k->lat, &order));
  check_ok(b->ctx, cw_masked_create(b->ctx, &b->k->spec, b->geom, &order, &net));
  assert_int_equal(cw_masked_n_theta(net), b->n_theta);
  float *theta = cw_alloc((size_t)(b->n_theta + 1) * sizeof *theta);
  for (long i = 0; i < b->n_theta; i++) theta[i] = (float)b->theta[i];
  check_ok(b->ctx, cw_masked_open(net, &once, b->arena));
  check_ok(b->ctx, cw_masked_open(net, &full, b->arena));
  memset(full.rows[0], 0, (size_t)order.n * CW_LANES * sizeof(float));
  for (int i = 0; i < order.n * CW_LANES; i++) once.rows[0][i] = NAN; /* must not be read */
  for (int i = 0; i < order.n; i++) {
    const float *all = cw_masked_all(net, theta, &full) + i * CW_LANES;
    const float *one = cw_masked_site(net, theta, i, &once);
    assert_memory_equal(one, all, CW_LANES * sizeof(float));
    for (int l = 0; l < CW_LANES; l++) {
      uint32_t r[4];
      cw_random_bits(cw_rng_stream(4, "spin"), (uint32_t)i, (uint32_t)l, 0, 0, r);
      once.rows[0][i * CW_LANES + l] = full.rows[0][i * CW_LANES + l] = r[0] & 1 ? 1 : -1;
    }
  }
  const float *again = cw_masked_all(net, theta, &full);
  assert_memory_equal(again, cw_masked_logits(net, &once), (size_t)order.n * CW_LANES * 4);
  cw_masked_destroy(net);
  cw_order_destroy(&order);
  free(theta);
}

/* Every site is drawn once. */
static void orders_are_permutations(bench *b) {
  cw_order order;
  check_ok(b->ctx, cw_order_create(b->ctx, &b->k->spec, &b->k->lat, &order));
  int *seen = calloc((size_t)order.n, sizeof *seen);
  for (int i = 0; i < order.n; i++) {
    seen[order.site[i]]++;
    assert_int_equal(order.position[order.site[i]], i);
    assert_in_range(order.group[i], 0, order.n_group - 1);
  }
  for (int i = 0; i < order.n; i++) assert_int_equal(seen[i], 1);
  free(seen);
  cw_order_destroy(&order);
}

/* Without weights the logits are what the drawn neighbours and the field say. */
static void bonds_are_heat_baths(bench *b) {
  if (!b->k->spec.bonds || b->k->spec.mirror) return;
  cw_order order;
  check_ok(b->ctx, cw_order_create(b->ctx, &b->k->spec, &b->k->lat, &order));
  memset(b->theta, 0, (size_t)b->n_theta * sizeof *b->theta);
  cw_model_set_theta(b->model, b->theta);
  fill_all_and_logq(b);
  for (long c = 0; c < b->all.n_config; c += 37) {
    double logq = 0;
    for (int i = 0; i < order.n; i++) {
      int coord[CW_MAX_DIM], site = order.site[i];
      double field = b->k->h, s = c >> site & 1 ? 1 : -1;
      cw_lattice_coord(&b->k->lat, site, coord);
      for (int d = 0; d < b->k->lat.dim; d++)
        for (int step = -1; step <= 1; step += 2) {
          coord[d] += step;
          int near = (int)cw_lattice_site(&b->k->lat, coord);
          if (order.position[near] < i) field += c >> near & 1 ? 1 : -1;
          coord[d] -= step;
        }
      logq -= log1p(exp(-2 * BETA * s * field));
    }
    check_close(b->logq[c], logq, 1e-13);
  }
  cw_order_destroy(&order);
}

/* ---- symmetries ---- */

static void z2_is_exact(bench *b) {
  if (!b->k->spec.z2) return;
  fill_all_and_logq(b);
  const long last = b->all.n_config - 1;
  for (long c = 0; c <= last; c++) check_close(b->logq[c], b->logq[last - c], 1e-13);
}

/* Where the images are a whole group, the mixture is invariant: here for steps of one site in each
 * direction, reflection, exchange of axes, and the mirror image. */
static void a_mixture_is_symmetric(void **state) {
  (void)state;
  bench b;
  open_bench(&b, &cases[N_CASES - 2], 1);
  fill_all_and_logq(&b);
  const int n = 3;
  double spread = 0;
  for (long c = 0; c < b.all.n_config; c++) {
    long shifted = 0, reflected = 0, exchanged = 0;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        const long s = c >> (i * n + j) & 1;
        shifted |= s << ((i + 1) % n * n + (j + 2) % n);
        reflected |= s << ((n - i) % n * n + j);
        exchanged |= s << (j * n + i);
      }
    check_close(b.logq[shifted], b.logq[c], 1e-12);
    check_close(b.logq[reflected], b.logq[c], 1e-12);
    check_close(b.logq[exchanged], b.logq[c], 1e-12);
    check_close(b.logq[b.all.n_config - 1 - c], b.logq[c], 1e-12);
    spread = fmax(spread, fabs(b.logq[c] - b.logq[0]));
  }
  assert_true(spread > 1);
  close_bench(&b);
}

/* ---- what they are for ---- */

/* The mean of p/q over samples is 1. Here the model is as bad as its small random weights make it.
 */
static void importance_sampling_is_unbiased(bench *b) {
  enum { N = SANITIZED ? 6000 : 60000 };
  fill_all(b);
  for (long i = 0; i < b->n_theta; i++)
    b->theta[i] *= 0.3; /* or the weights' variance is infinite */
  cw_model_set_theta(b->model, b->theta);
  double *T = cw_alloc((size_t)b->all.n_config * 2 * sizeof *T),
         *S = cw_alloc((size_t)b->all.n_config * sizeof *S);
  cw_theory_action(&b->th, &b->all, b->th.c, T, S);
  for (long i = 0; i < b->all.n_config; i++) S[i] = -S[i];
  const double lnz = cw_logsumexp(S, (size_t)b->all.n_config);
  cw_field x;
  double *logq = cw_alloc(N * sizeof *logq), mean = 0, square = 0;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, 1, N, &x));
  check_ok(b->ctx, cw_model_sample(b->ctx, b->model, cw_rng_stream(6, "nis"), 0, &x, logq));
  for (long i = 0; i < N; i++) {
    const double w = exp(S[number_of(b, &x, i)] - logq[i] - lnz);
    mean += w / N;
    square += w * w / N;
  }
  check_sigma(mean, sqrt((square - mean * mean) / N), 1, 4);
  cw_field_destroy(&x);
  free(T);
  free(S);
  free(logq);
}

FOR_CASES(probabilities_add_up_to_one)

FOR_CASES(samples_follow_them)

FOR_CASES(site_by_site_has_the_bits_of_full_passes)

FOR_CASES(orders_are_permutations)

FOR_CASES(bonds_are_heat_baths)

FOR_CASES(z2_is_exact)

FOR_CASES(importance_sampling_is_unbiased)

static void bad_specs_are_refused(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_geometry *geom;
  cw_model *m;
  check_ok(ctx, cw_geometry_create(ctx, &(cw_lattice){2, {4, 4}}, 1, &geom));
  static const struct {
    const char *message;
    cw_autoregressive_spec spec;
  } bad[] = {
      {"unknown autoregressive model", SPEC(.kind = "hierarchy")},
      {"kernel 4", SPEC(.kind = "pixelcnn", .kernel = 4)},
      {"reaches around", SPEC(.kind = "pixelcnn", .kernel = 9)},
      {"more than 134217728 parameters",
       SPEC(.kind = "frontier", .n_hidden = 3, .hidden = {4096, 4096, 4096})},
      {"mirror images", MIXTURE(1, .kind = "made", .z2 = true, .mirror = true)},
      {"hidden layers", SPEC(.kind = "made", .n_hidden = 9)},
      {"0 channels", SPEC(.kind = "made", .n_hidden = 1)},
      {"odd activation", SPEC(.kind = "made", .z2 = true, .activation = CW_ACT_LEAKY_RELU)},
      {"clip", {.kind = "made", .shifts = 1}},
      {"shifts", {.kind = "made", .clip = 1e-6}},
      {"shifts", MIXTURE(5, .kind = "made", .mirror = true, .point_group = true)},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const cw_model_spec spec = {.kind = CW_MODEL_AUTOREGRESSIVE, .autoregressive = bad[i].spec};
    check_failure(ctx, cw_model_create(ctx, &spec, geom, &m), CW_EINVAL, bad[i].message);
    assert_null(m);
  }
  cw_geometry_destroy(geom);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_probabilities_add_up_to_one),
      cmocka_unit_test(every_samples_follow_them),
      cmocka_unit_test(every_site_by_site_has_the_bits_of_full_passes),
      cmocka_unit_test(every_orders_are_permutations),
      cmocka_unit_test(every_bonds_are_heat_baths),
      cmocka_unit_test(every_z2_is_exact),
      cmocka_unit_test(a_mixture_is_symmetric),
      cmocka_unit_test(every_importance_sampling_is_unbiased),
      cmocka_unit_test(bad_specs_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
