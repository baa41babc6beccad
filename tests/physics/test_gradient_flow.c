/* The gradient flow: against plain scalar matrices, its order, its tolerance and its stability. */
#include "observe/gradient_flow/flow.h"
#include "physics/flow_subject.h"
#include "physics/gauge_subject.h"

/* ------------------------------------------------------------- definition */

static void flow_as_defined(subject *s) {
  const cw_observer o = flow_of(s, 0.2, 4, 0, 0.025);
  double *out = measure(s, &o);
  for (long i = 0; i < N_CONFIG; i += 2) {
    const double *row = out + i * o.ops->n_primary(&o);
    scalar_field f = scalar_from(&s->x, s->th.ops->kind, i);
    for (int k = 0; k <= 4; k++) {
      for (int step = 0; step < 2 && k > 0; step++) scalar_flow_step(&f, 0.025);
      check_close(curve(&o, row, "E", k), scalar_energy(&f), 1e-11);
      check_close(curve(&o, row, "E_plaquette", k), scalar_energy_plaquette(&f), 1e-11);
      check_close(value(&o, row, "t2_energy", k), 0.0025 * k * k * scalar_energy(&f), 1e-11);
      if (k > 0) /* the flow runs downhill */
        assert_true(curve(&o, row, "E_plaquette", k) < curve(&o, row, "E_plaquette", k - 1));
    }
    if (s->geom->lat.dim == 4) {
      const double Q = scalar_charge(&f);
      check_close(value(&o, row, "q", 0), Q, 1e-11);
      check_close(value(&o, row, "q2", 0), Q * Q, 1e-11);
      check_close(value(&o, row, "chi_t", 0), Q * Q / (double)s->geom->n_sites, 1e-11);
      check_close(value(&o, row, "q2_integer", 0), round(Q) * round(Q), 0);
      check_close(primary(&o, row, "q_integer"), round(Q), 0);
    }
    free(f.link);
  }
  free(out);
}

static void test_flow(void **state) {
  (void)state;
  for_all(flow_as_defined, 0.5);
}

/* E at the end of a flow of fixed steps, or adaptive ones, on 4^4. */
static double end_of_flow(subject *s, double tolerance, double step) {
  const cw_observer o = flow_of(s, 0.8, 4, tolerance, step);
  double *row = measure(s, &o);
  const double E = curve(&o, row, "E", 4);
  free(row);
  return E;
}

/* The error of fixed steps falls like their third power, that of adaptive ones with the tolerance.
 */
static void test_flow_accuracy(void **state) {
  (void)state;
  for (int k = 0; k < N_KINDS; k++) {
    subject s;
    open_alone(&s, theories[k], &(cw_lattice){4, {4, 4, 4, 4}}, 1);
    heat(&s);
    const double exact = end_of_flow(&s, 0, 0.8 / 512);
    const double coarse = end_of_flow(&s, 0, 0.02) - exact, fine = end_of_flow(&s, 0, 0.01) - exact;
    assert_true(fabs(coarse) > 1e-10);
    check_close(log2(fabs(coarse / fine)), 3, 0.35);
    double last = INFINITY;
    for (double tolerance = 1e-3; tolerance > 1e-8; tolerance /= 100) {
      const double error = fabs(end_of_flow(&s, tolerance, 0.01) - exact) / exact;
      assert_true(error < 2 * tolerance);
      assert_true(error < last);
      last = error;
    }
    close_subject(&s);
  }
}

/* The force of another action of links would be another flow. */
static void test_flow_is_wilsons(void **state) {
  (void)state;
  for (int dim = 3; dim <= 4; dim++) {
    const cw_observable_ops *flow =
        cw_observable_find(dim < 4 ? "gradient_flow_low" : "gradient_flow");
    subject s;
    open_alone(&s, "su3", &(cw_lattice){dim, {2, 2, 2, 2}}, 1);
    cw_theory_ops others = *s.th.ops;
    others.prepare = NULL;
    cw_theory other = s.th;
    other.ops = &others;
    assert_true(flow->fits(&s.th));
    assert_false(flow->fits(&other));
    assert_non_null(cw_observable_for(&other)); /* loops need no action */
    close_subject(&s);
  }
}

static void flow_to(cw_flow *flow, double time) {
  while (cw_flow_step(flow, time)) continue;
}

/* The distance to the second-order result grows like the third power of the step, so that a
 * thousand times smaller tolerance takes ten times as many steps. */
static long steps_of_flow(subject *s, double tolerance) {
  cw_arena *arena = cw_arena_create(1 << 20);
  cw_flow flow;
  check_ok(s->ctx, cw_flow_begin(&flow, &s->th, &s->x, tolerance, 1e-3, arena));
  flow_to(&flow, 1);
  assert_true(flow.t[0] == 1);
  cw_arena_destroy(arena);
  return flow.n_steps;
}

static void test_flow_steps(void **state) {
  (void)state;
  subject s;
  open_alone(&s, "su3", &(cw_lattice){4, {4, 4, 4, 4}}, 1);
  heat(&s);
  const long few = steps_of_flow(&s, 1e-5), many = steps_of_flow(&s, 1e-8);
  check_close((double)many / (double)few, 10, 0.15);
  close_subject(&s);
}

/* A configuration flows at its own pace: alone or in a block with rougher ones, to the same bits.
 */
static void test_flow_pace(void **state) {
  (void)state;
  const cw_lattice lat = {4, {2, 2, 2, 4}};
  subject all, alone;
  open_alone(&all, "su3", &lat, 5);
  open_alone(&alone, "su3", &lat, 1);
  heat(&all);
  for (long i = 2; i < 5; i++) { /* two hot ones, three calm ones */
    scalar_field f = scalar_from(&all.x, CW_LINK_SU3, i);
    for (int step = 0; step < 10 * i; step++) scalar_flow_step(&f, 0.02);
    scalar_to(&f, &all.x, i);
    free(f.link);
  }
  const cw_observer o = flow_of(&all, 0.5, 5, 1e-5, 0.1), p = flow_of(&alone, 0.5, 5, 1e-5, 0.1);
  const int n = o.ops->n_primary(&o);
  double *out = measure(&all, &o);
  for (long i = 0; i < 5; i++) {
    for (long site = 0; site < alone.geom->n_sites; site++)
      for (int c = 0; c < alone.x.n_comp; c++)
        cw_field_set(&alone.x, 0, site, c, cw_field_get(&all.x, i, site, c));
    double *row = measure(&alone, &p);
    assert_memory_equal(row, out + i * n, (size_t)n * sizeof *row);
    free(row);
  }
  free(out);
  close_subject(&all);
  close_subject(&alone);
}

/* --------------------------------------------------------------- stability */

/* A wave of the largest momentum, pi in every direction, and transverse: links 0 and 1 have angles
 * +-a (-1)^(sum of coordinates). The free flow multiplies a by exp(-4 D t). */
static void add_fastest_wave(subject *s, double a) {
  scalar_field f = scalar_cold(&s->geom->lat, s->th.ops->kind);
  for (long site = 0; site < s->geom->n_sites; site++) {
    int x[CW_MAX_DIM], sum = 0;
    cw_lattice_coord(&f.lat, site, x);
    for (int d = 0; d < f.lat.dim; d++) sum += x[d];
    for (int mu = 0; mu < 2; mu++) {
      const double angle = (sum + mu) % 2 == 0 ? a : -a;
      matrix *u = scalar_link(&f, x, mu);
      u->e[0][0] = cexp(I * angle);
      if (f.N > 1) u->e[1][1] = cexp(-I * angle);
    }
  }
  scalar_to(&f, &s->x, 0);
  free(f.link);
}

/* A step that adapts is not longer than 1.8/(4 D), where the wave decays at least as fast as it
 * should: by 1 - x + x^2/2 - x^3/6 in a step of x/(4 D). */
static void fastest_wave_decays(const char *theory, int dim) {
  const double a = 1e-4;
  subject s;
  open_alone(&s, theory, &(cw_lattice){dim, {4, 2, 4, 2}}, 1);
  add_fastest_wave(&s, a);
  cw_arena *arena = cw_arena_create(1 << 20);
  cw_flow flow;
  check_ok(s.ctx, cw_flow_begin(&flow, &s.th, &s.x, 1, 1, arena));
  const double n = 5, x = 1.75;
  flow_to(&flow, n * x / (4 * dim));
  assert_int_equal(flow.n_steps, n);
  scalar_field f = scalar_from(&flow.v, s.th.ops->kind, 0);
  const double angle = cimag(f.link[0].e[0][0]);
  check_close(angle / (a * pow(1 - x + x * x / 2 - x * x * x / 6, n)), 1, 1e-6);
  assert_true(fabs(angle) < a * exp(-n * x));
  free(f.link);
  cw_arena_destroy(arena);
  close_subject(&s);
}

static void test_fastest_wave(void **state) {
  (void)state;
  for (int k = 0; k < N_KINDS; k++)
    for (int dim = 2; dim <= 4; dim++) fastest_wave_decays(theories[k], dim);
}

/* E of a field that is close to trivial after a flow. */
static double end_of_weak_field(const char *theory, int form, const double *params,
                                const cw_lattice *lat, double tolerance, double step) {
  subject s;
  open_form(&s, theory, form, params, lat, 1);
  s.th.threads = 1;
  shake(&s, 1e-4);
  const cw_observer o = flow_of(&s, 4, 8, tolerance, step);
  double *row = measure(&s, &o);
  const double E = curve(&o, row, "E", 8);
  free(row);
  close_subject(&s);
  return E;
}

/* Weak fields of all modes decay by any tolerance as they do in small steps, whatever the action of
 * the theory. */
static void test_weak_fields(void **state) {
  (void)state;
  const double params[3][CW_MAX_PARAMS] = {{6}, {5, 7}, {6, 0, 0, 1, 2, 1, 1}};
  const cw_lattice lattices[] = {{2, {4, 4}}, {3, {4, 4, 4}}, {4, {4, 4, 4, 4}}};
  for (int k = 0; k < N_KINDS; k++)
    for (int l = 0; l < 3; l++)
      for (int form = 0; form < 3; form++) {
        if (form == 1 && l == 0) continue; /* no anisotropy in two dimensions */
        const char *theory = theories[k];
        const double E = end_of_weak_field(theory, form, params[form], &lattices[l], 0, 0.01);
        for (double tolerance = 1; tolerance > 1e-7; tolerance /= 1000) {
          const double e =
              end_of_weak_field(theory, form, params[form], &lattices[l], tolerance, 0.1);
          assert_true(e < E);
          check_close(e / E, 1, l == 2 ? 0.01 : l == 1 ? 0.02 : 0.05);
        }
      }
}

/* Steps of fixed size that a job may ask for are stable: 4 D eps < 2.5127. */
static void test_fixed_steps_are_stable(void **state) {
  (void)state;
  const struct {
    const char *group;
    int dim; /* the largest */
  } groups[] = {{"gradient_flow", 4}, {"gradient_flow_low", 3}};
  for (int i = 0; i < 2; i++) {
    const cw_param *p = cw_observable_find(groups[i].group)->params;
    while (strcmp(p->name, "step") != 0) p++;
    const double x = 4 * groups[i].dim * p->max;
    assert_true(fabs(1 - x + x * x / 2 - x * x * x / 6) < 1);
    assert_true(x > 1.8); /* but may be longer than those that adapt */
  }
}

/* ------------------------------------------------------------------- times */

/* Every point is there, times rise, and neighbours are close enough for cw_flow_cross. */
static void check_times(double time, int points) {
  cw_flow_times g;
  int k = 0;
  cw_flow_choose_times(&g, time, points);
  assert_in_range(g.n, points + 1, CW_FLOW_SAMPLES);
  for (int i = 0; i < g.n; i++) {
    if (g.point[i] >= 0) {
      assert_int_equal(g.point[i], k++);
      assert_true(g.t[i] == g.point[i] * (time / points));
    }
    if (i == 0) continue;
    assert_true(g.t[i] > g.t[i - 1]);
    assert_true(g.t[i] - g.t[i - 1] <= 0.05 * (g.t[i - 1] + 0.5) * (1 + 1e-8));
  }
  assert_int_equal(k, points + 1);
}

static void test_times(void **state) {
  (void)state;
  for (double time = 1e-3; time <= 1e4; time *= 1.07)
    for (int points = 4; points <= 48; points++) check_times(time, points);
  check_times(1e4, 4);
  check_times(1e4, 48);
}

/* ------------------------------------------------------------------ scales */

/* A cold field has E = 0 at all times, and says so. */
static void test_cold(void **state) {
  (void)state;
  for (int k = 0; k < N_KINDS; k++) {
    subject s;
    open_alone(&s, theories[k], &(cw_lattice){4, {2, 2, 2, 2}}, 1);
    const cw_observer o = flow_of(&s, 2, 4, 1e-5, 0.01);
    double *row = measure(&s, &o);
    for (int i = 0; i < o.ops->n_primary(&o); i++) assert_true(row[i] == 0);
    assert_true(isnan(value(&o, row, "t0", 0)));
    assert_non_null(strstr(cw_quantity_find(o.ops, "t0")->why(&o, row, 0), "trivial"));
    free(row);
    close_subject(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_flow),
      cmocka_unit_test(test_flow_accuracy),
      cmocka_unit_test(test_flow_is_wilsons),
      cmocka_unit_test(test_flow_steps),
      cmocka_unit_test(test_flow_pace),
      cmocka_unit_test(test_fastest_wave),
      cmocka_unit_test(test_weak_fields),
      cmocka_unit_test(test_fixed_steps_are_stable),
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_cold),
  };
  return cmocka_run_group_tests_name("gradient flow", tests, NULL, NULL);
}
