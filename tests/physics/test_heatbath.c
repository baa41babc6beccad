/* Heat bath and over-relaxation: invariance of the action, the lanes against the oracle, and exact plaquettes in two dimensions. */
#include "physics/link_updates.h"
#include "physics/links.h"
#include "sampler/heatbath/set.h"
#include "support/exact_gauge.h"

/* ------------------------------------------------------------- lanes and oracle */

static double *flat(const links *k, long config) {
  int n = k->x.n_comp;
  double *out = cw_alloc((size_t)(k->geom->n_sites * n) * sizeof *out);
  for (long s = 0; s < k->geom->n_sites; s++)
    for (int c = 0; c < n; c++) out[s * n + c] = cw_field_get(&k->x, config, s, c);
  return out;
}

static double distance(const links *k, long config, const double *to) {
  double *now = flat(k, config), worst = 0;
  for (long i = 0; i < k->geom->n_sites * k->x.n_comp; i++)
    worst = fmax(worst, fabs(now[i] - to[i]));
  free(now);
  return worst;
}

/* Links near order, where updates pass rounding errors on without growth: reflections about the
 * short staples of disorder are chaotic. */
static void settle(links *k) {
  const double strong[] = {30, 30, 30, 30, 30, 30};
  cw_sampler *s;
  check_ok(k->ctx, cw_sampler_create(k->ctx, cw_sampler_find("heatbath"), &k->th,
                                     (double[]){10, 0, 1}, NULL, k->x.n_blocks, &s));
  cw_kind(k->th.ops->kind)->cold(&k->x);
  check_ok(k->ctx, s->ops->step(s, strong, &k->x, cw_rng_stream(4, "settle"), 0, NULL));
  cw_sampler_destroy(s);
}

/* One sweep by lanes and by the oracle, over all links or those of a box; back: by the reversal of a
 * step. */
static void compare(cw_context *ctx, cw_isa isa, const char *group, cw_lattice lat, int V, int form,
                    const double *couplings, const cw_box *box, bool relax, bool back) {
  cw_link_set inside = {.n = 0};
  links k;
  open_links(&k, ctx, group, lat, V, CW_LANES / V, form, couplings, !relax, relax, 0);
  long config = k.x.n_config - 1;
  settle(&k);
  double *x = flat(&k, config);
  k.th.isa = isa;
  k.x.first_chain = 5;
  if (box != NULL) {
    check_ok(ctx, cw_link_set_in_box(ctx, &lat, box, &inside));
    check_ok(ctx, k.sampler->ops->restrict_to(k.sampler, &inside));
  }
  if (back)
    retreat(&k, 7);
  else
    advance(&k, 7);
  cw_sweep s = {.th = &k.th,
                .weights = cw_wilson_weigh(&lat, k.th.c),
                .rng = cw_rng_stream(4, "links"),
                .step = 7,
                .back = back,
                .relax = relax};
  cw_heatbath_reference(&s, k.sampler->own, x, (uint32_t)(5 + config));
  double d = distance(&k, config, x);
  if (!(d < 1e-13))
    fail_msg("%s, %s, %d dimensions, V = %d, form %d, %s%s%s: %g from the oracle", group,
             cw_isa_name(isa), lat.dim, V, form, relax ? "over-relaxation" : "heat bath",
             box != NULL ? " in a box" : "", back ? " backwards" : "", d);
  free(x);
  cw_link_set_destroy(&inside);
  close_links(&k);
}

static void test_oracle(void **state) {
  const cw_lattice lattices[] = {{2, {6, 4}}, {3, {4, 3, 6}}, {4, {4, 4, 2, 8}}};
  const double couplings[3][7] = {{4.9}, {1.1, 4.3}, {9.1, 0.3, 1, 2, 1, 1, 1}};
  const cw_box box = {.origin = {3, 0, 1, 6}, .size = {2, 2, 2, 4}};
  FOR_EACH_ISA(isa, *state)
    for (int l = 0; l < 3; l++) {
      int splits[5], n = cw_geometry_splits(&lattices[l], splits);
      for (int i = 0; i < n; i++)
        for (int g = 0; g < 3; g++)
          for (int form = 0; form < 3; form++) {
            for (int relax = 0; relax < 2; relax++) {
              bool part = ((int)isa + i + g) % 2 == 0;
              compare(*state, isa, groups[g], lattices[l], splits[i], form, couplings[form],
                      part ? &box : NULL, relax, form != relax);
            }
          }
    }
}

/* ---------------------------------------------------- the distribution of a link */

/* SU(3) around V = 2 * 1: a class function. With eigenphases t1, t2 and -t1-t2 its density is
 * prod |e^(i ti) - e^(i tj)|^2 exp(scale/3 * 2 Re tr U) (Weyl). Subgroups reach it after a few
 * sweeps. */
static double phase_gap(double s, double t) { return 2 - 2 * cos(s - t); }

static void test_class_function(void **state) {
  enum { N_PHASE = 1200 };
  const double scales[] = {0, 0.02, 0.5, 1.5, 6};
  point *p = cw_alloc((size_t)N_PHASE * N_PHASE * sizeof *p);
  double *sample = cw_alloc(N_SAMPLE * sizeof *sample);
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    links k;
    open_links(&k, *state, "su3", (cw_lattice){2, {4, 4}}, 1, N_SAMPLE, ISOTROPIC, beta_8, 1, 0, 0);
    cw_kind(CW_LINK_SU3)->cold(&k.x);
    update_link(&k, scales[i], 20, false);
    for (long c = 0; c < N_SAMPLE; c++) {
      double u[18];
      get_link(&k, c, SITE, MU, u);
      sample[c] = u[0] + u[8] + u[16];
    }
    for (int a = 0; a < N_PHASE; a++)
      for (int b = 0; b < N_PHASE; b++) {
        double s = 2 * M_PI * (a + 0.5) / N_PHASE, t = 2 * M_PI * (b + 0.5) / N_PHASE;
        double trace = cos(s) + cos(t) + cos(s + t);
        p[a * N_PHASE + b] =
            (point){trace, phase_gap(s, t) * phase_gap(s, -s - t) * phase_gap(t, -s - t) *
                               exp(2 * scales[i] / 3 * (trace - 3))};
      }
    check_distribution("su3", scales[i], sample, N_SAMPLE, p, (long)N_PHASE * N_PHASE);
    close_links(&k);
  }
  free(p);
  free(sample);
}

/* ------------------------------------------------------------------ over-relaxation */

static void test_relaxation_keeps_the_action(void **state) {
  for (int g = 0; g < 3; g++)
    for (int form = 0; form < 3; form++) {
      const double couplings[3][7] = {{5.7}, {3, 6}, {5.7, 0.4, 1, 2, 1, 3, 2}};
      links k;
      open_links(&k, *state, groups[g], (cw_lattice){4, {4, 4, 4, 4}}, 16, 1, form, couplings[form],
                 0, 3, 1);
      double T[CW_MAX_TERMS], before, after, *x = flat(&k, 0);
      cw_theory_action(&k.th, &k.x, k.th.c, T, &before);
      advance(&k, 0);
      cw_theory_action(&k.th, &k.x, k.th.c, T, &after);
      double size = fabs(before) + 5.7 * 6 * 256;
      assert_true(fabs(after - before) < 1e-12 * size);
      assert_true(distance(&k, 0, x) > 0.5); /* and yet everything moved */
      free(x);
      close_links(&k);
    }
}

/* Twice the reflection of U(1) and SU(2) is where it began; a link without staples stays. */
static void test_relaxation_is_an_involution(void **state) {
  for (int g = 0; g < 2; g++) {
    links k;
    open_links(&k, *state, groups[g], (cw_lattice){3, {4, 2, 4}}, 1, 16, ISOTROPIC, beta_8, 0, 1,
               0);
    double *x = flat(&k, 3);
    update_link(&k, 1, 1, true);
    assert_true(distance(&k, 3, x) > 1e-3);
    update_link(&k, 1, 1, true);
    assert_true(distance(&k, 3, x) < 1e-14);
    free(x);
    close_links(&k);
  }
}

/* A defect with factor 0 leaves its links without weight: the heat bath makes them Haar elements
 * and the reflection leaves them alone. */
static void test_open_defect(void **state) {
  const double open[7] = {3, 0, 1, 4, 1, 1, 1};
  for (int g = 0; g < 3; g++) {
    links k;
    open_links(&k, *state, groups[g], (cw_lattice){2, {4, 4}}, 1, N_SAMPLE, DEFECT, open, 1, 0, 1);
    int n = cw_kind(k.th.ops->kind)->n_real;
    double mean = 0, square = 0, m[18];
    cw_kind(k.th.ops->kind)->cold(&k.x);
    for (uint32_t step = 0; step < 12; step++) advance(&k, step); /* of subgroups, for SU(3) */
    for (long c = 0; c < N_SAMPLE; c++) {
      get_link(&k, c, 3, 1, m); /* (0, 3): on the slice x_1 = 3, in direction 1 */
      mean += m[0] / N_SAMPLE;
      square += m[0] * m[0] / N_SAMPLE;
    }
    /* <(Re U_00)^2> = 1/(2N) of Haar elements; fourth moments are below 1 */
    check_sigma(mean, sqrt(0.5 / (g + 1) / N_SAMPLE), 0, 4);
    check_sigma(square, sqrt(0.25 / N_SAMPLE), 0.5 / (g + 1), 4);
    double before[18], kept[18];
    for (int i = 0; i < n; i++) before[i] = cw_field_get(&k.x, 7, 3, n + i);
    cw_sampler_destroy(k.sampler);
    check_ok(*state, cw_sampler_create(*state, cw_sampler_find("heatbath"), &k.th,
                                       (double[]){0, 3, 0}, NULL, k.x.n_blocks, &k.sampler));
    advance(&k, 20);
    for (int i = 0; i < n; i++) kept[i] = cw_field_get(&k.x, 7, 3, n + i);
    assert_memory_equal(before, kept, (size_t)n * sizeof *kept);
    close_links(&k);
  }
}

/* -------------------------------------------------------------- bits, refusals, drift */

static void test_same_bits(void **state) {
  const cw_lattice lat = {4, {4, 4, 8, 4}};
  (void)state;
  for (int g = 0; g < 3; g++) {
    double *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
      int splits[5], n = cw_geometry_splits(&lat, splits);
      cw_context *ctx = test_context(threads);
      for (int i = 0; i < n; i++) {
        links k;
        open_links(&k, ctx, groups[g], lat, splits[i], 3, ANISOTROPIC, (double[]){1.2, 3}, 2, 2, 1);
        advance(&k, 0);
        retreat(&k, 1);
        double *x = flat(&k, 2);
        if (first == NULL)
          first = x;
        else
          assert_memory_equal(x, first, (size_t)(k.geom->n_sites * k.x.n_comp) * sizeof *x);
        if (x != first) free(x);
        close_links(&k);
      }
      cw_context_destroy(ctx);
    }
    free(first);
  }
}

static void test_refusals(void **state) {
  const double preset[] = {1, 4, 1};
  const double idle[] = {0, 0, 1};
  const cw_sampler_ops *ops = cw_sampler_find("heatbath");
  (void)state;
  cw_theory phi4 = {.ops = cw_theory_find("phi4")}, su3 = {.ops = cw_theory_find("su3")};
  assert_false(ops->fits(&phi4, preset));
  assert_true(ops->fits(&su3, preset));
  assert_false(ops->fits(&su3, idle));
}

static void test_not_a_number(void **state) {
  for (int g = 0; g < 3; g++)
    for (int relax = 0; relax < 2; relax++) {
      links k;
      open_links(&k, *state, groups[g], (cw_lattice){2, {4, 4}}, 1, 5, ISOTROPIC, beta_8, 1 - relax,
                 relax, 1);
      cw_field_set(&k.x, 4, 3, 1, NAN);
      cw_rng rng = cw_rng_stream(4, "links");
      assert_int_equal(k.sampler->ops->step(k.sampler, k.th.c, &k.x, rng, 0, NULL), CW_ENUMERIC);
      assert_non_null(strstr(cw_error(*state), "chain 4 is not a number"));
      cw_clear_error(*state);
      close_links(&k);
    }
}

static void test_drift(void **state) {
  for (int g = 0; g < 3; g++) {
    links k;
    open_links(&k, *state, groups[g], (cw_lattice){3, {4, 4, 4}}, 0, 2, ISOTROPIC,
               (double[]){2.0 * (g + 1)}, 3, 7, 1);
    for (uint32_t step = 0; step < 300; step++) advance(&k, step);
    double drift = group_drift(&k);
    print_message("%s: %g from the group after 3000 sweeps\n", groups[g], drift);
    assert_true(drift < 1e-14);
    close_links(&k);
  }
}

/* ------------------------------------------------------------- exact plaquettes */

static void check_plaquette(cw_context *ctx, int g, double beta, int L, int n_heat, int n_relax) {
  enum { N_CHAIN = 256, N_THERM = 60, N_STEP = 60 };
  links k;
  open_links(&k, ctx, groups[g], (cw_lattice){2, {L, L}}, 1, N_CHAIN, ISOTROPIC, &beta, n_heat,
             n_relax, 1);
  int n_terms = k.th.ops->n_terms;
  double *T = cw_alloc((size_t)(N_CHAIN * n_terms) * sizeof *T), sum[N_CHAIN] = {0};
  for (uint32_t step = 0; step < N_THERM + N_STEP; step++) {
    advance(&k, step);
    k.th.ops->terms(&k.th, &k.x, T);
    for (int c = 0; c < N_CHAIN && step >= N_THERM; c++)
      for (int i = 0; i < n_terms; i++) sum[c] -= T[c * n_terms + i] / (L * L) / N_STEP;
  }
  double mean = cw_sum(sum, N_CHAIN) / N_CHAIN, square = 0;
  for (int c = 0; c < N_CHAIN; c++) square += (sum[c] - mean) * (sum[c] - mean);
  double error = sqrt(square / N_CHAIN / (N_CHAIN - 1)),
         exact = exact_plaquette_2d(g + 1, beta, L * L);
  print_message("%s beta %g, %d^2, %d + %d: %.6f +- %.6f, exact %.6f\n", groups[g], beta, L, n_heat,
                n_relax, mean, error, exact);
  check_sigma(mean, error, exact, 4);
  assert_true(error < 1e-3);
  free(T);
  close_links(&k);
}

static void test_plaquettes(void **state) {
  check_plaquette(*state, 0, 2, 8, 1, 2);
  check_plaquette(*state, 1, 3, 8, 1, 2);
  check_plaquette(*state, 2, 5, 8, 1, 2);
  check_plaquette(*state, 2, 0.5, 4, 2, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_oracle),
      cmocka_unit_test(test_class_function),
      cmocka_unit_test(test_relaxation_keeps_the_action),
      cmocka_unit_test(test_relaxation_is_an_involution),
      cmocka_unit_test(test_open_defect),
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_not_a_number),
      cmocka_unit_test(test_drift),
      cmocka_unit_test(test_plaquettes),
  };
  return cmocka_run_group_tests_name("heat bath", tests, test_open_context_2, test_close_context);
}
