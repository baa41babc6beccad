/* Scales of the gradient flow: roots of given curves, waves that flow as known, and what an
 * observer records. */
#include "observe/gradient_flow/flow.h"
#include "physics/flow_subject.h"
#include "physics/gauge_subject.h"

/* ------------------------------------------------------------------ scales */

/* Where f, which rises from 0 to high, reaches level. */
static double root_below(double high, double (*f)(double), double level) {
  double low = 0;
  for (int i = 0; i < 100; i++) {
    const double middle = 0.5 * (low + high);
    *(f(middle) < level ? &low : &high) = middle;
  }
  return low;
}

/* Means of a flow whose E(t) is given; everything else is 0. The caller frees them. */
static double *means_of(const cw_observer *o, double (*E)(double)) {
  double *mean = calloc((size_t)o->ops->n_primary(o), sizeof *mean);
  cw_flow_times g;
  int between = 0;
  cw_flow_choose_times(&g, o->param[0], (int)o->param[1]);
  for (int i = 0; i < g.n; i++) {
    char name[32], found[32];
    if (g.point[i] >= 0)
      snprintf(name, sizeof name, "E[%d]", g.point[i]);
    else
      snprintf(name, sizeof name, "E_between[%d]", between++);
    for (int k = 0; k < o->ops->n_primary(o); k++) {
      o->ops->primary_name(o, k, found);
      if (strcmp(found, name) == 0) mean[k] = E(g.t[i]);
    }
  }
  return mean;
}

/* t^2 E = t^2 (a + b t)/(t^2 + c) rises for ever. */
static double rising_E(double t) { return (0.1 + 0.1 * t) / (t * t + 0.5); }

static double rising_y(double t) { return t * t * rising_E(t); }

static double rising_w(double t) {
  return rising_y(t) * (2 + 0.1 * t / (0.1 + 0.1 * t) - 2 * t * t / (t * t + 0.5));
}

/* and t^2 E = t^2 e^{-t}, one mode, has its maximum 0.54 at t = 2. */
static double one_mode_E(double t) { return exp(-t); }

static double one_mode_y(double t) { return t * t * exp(-t); }

static double one_mode_w(double t) { return t * t * exp(-t) * (2 - t); }

static double no_E(double t) { return 0 * t; }

/* The scales of such means, or why there are none. */
static void check_scales(const subject *s, double (*E)(double), double time, double points,
                         double level, double t0, const char *why_t0, double w0,
                         const char *why_w0) {
  const cw_observer o = flow_to_level(s, time, points, 1e-5, 0.01, level);
  double *mean = means_of(&o, E);
  const struct {
    const char *name, *why;
    double expected;
  } scale[] = {{"t0", why_t0, t0}, {"w0", why_w0, w0}};
  for (int i = 0; i < 2; i++) {
    const cw_quantity *q = cw_quantity_find(o.ops, scale[i].name);
    const double found = cw_quantity_value(&o, q, mean, 0);
    const char *why = q->why(&o, mean, 0);
    if (scale[i].why == NULL) {
      assert_null(why);
      check_close(found / scale[i].expected, 1, 1e-5);
    } else {
      assert_true(isnan(found));
      assert_non_null(why);
      assert_non_null(strstr(why, scale[i].why));
    }
  }
  free(mean);
}

static void test_scales_of_means(void **state) {
  (void)state;
  subject s;
  open_alone(&s, "su3", &(cw_lattice){4, {2, 2, 2, 2}}, 1);
  for (double points = 4; points <= 40; points += 12) {
    const double t0 = root_below(4, rising_y, 0.3), w0 = sqrt(root_below(4, rising_w, 0.3));
    check_scales(&s, rising_E, 4, points, 0.3, t0, NULL, w0, NULL);
    check_scales(&s, rising_E, 0.9 * t0, points, 0.3, NAN, "'time'", NAN, "'time'");
    check_scales(&s, one_mode_E, 4, points, 0.3, root_below(2, one_mode_y, 0.3), NULL,
                 sqrt(root_below(1, one_mode_w, 0.3)), NULL);
    /* w has its maximum 0.37 at t = 1, and is negative and rises at t = 6 */
    check_scales(&s, one_mode_E, 6, points, 0.5, root_below(2, one_mode_y, 0.5), NULL, NAN,
                 "maximum");
    check_scales(&s, one_mode_E, 1.3, points, 0.5, NAN, "still below", NAN, "maximum");
    check_scales(&s, one_mode_E, 6, points, 0.6, NAN, "maximum", NAN, "maximum");
    check_scales(&s, no_E, 4, points, 0.3, NAN, "trivial", NAN, "trivial");
  }
  close_subject(&s);
}

/* A field whose flow is known: links 1 have the angles a (0, 1, 0, -1) along direction 0, links 3
 * along direction 2. Then da/dt = -2 sin a, so that tan(a/2) decays like exp(-2 t), and the clover
 * leaves have the sines +-sin a on half of the sites. */
static const double wave_start = M_E; /* tan(a/2) */

static double wave_sine(double t) {
  const double tangent = wave_start * exp(-2 * t);
  return 2 * tangent / (1 + tangent * tangent);
}

static double wave_E_u1(double t) { return wave_sine(t) * wave_sine(t) / 2; }

static double wave_E(double t) { return 4 * wave_E_u1(t); } /* F^3 is twice the angle */

static double wave_y_u1(double t) { return t * t * wave_E_u1(t); }

static double wave_y(double t) { return t * t * wave_E(t); }

static double wave_rate(double t) { /* t d ln(t^2 E)/dt */
  const double tangent = wave_start * exp(-2 * t);
  return 2 - 4 * t * (1 - tangent * tangent) / (1 + tangent * tangent);
}

static double wave_w_u1(double t) { return wave_y_u1(t) * wave_rate(t); }

static double wave_w(double t) { return wave_y(t) * wave_rate(t); }

static void add_waves(subject *s) {
  static const int profile[] = {0, 1, 0, -1};
  const double a = 2 * atan(wave_start);
  scalar_field f = scalar_cold(&s->geom->lat, s->th.ops->kind);
  for (long site = 0; site < s->geom->n_sites; site++) {
    int x[CW_MAX_DIM];
    cw_lattice_coord(&f.lat, site, x);
    for (int mu = 1; mu < 4; mu += 2) {
      matrix *u = scalar_link(&f, x, mu);
      u->e[0][0] = cexp(I * a * profile[x[mu - 1]]);
      if (f.N > 1) u->e[1][1] = conj(u->e[0][0]);
    }
  }
  scalar_to(&f, &s->x, 0);
  free(f.link);
}

static void waves_flow_as_known(const char *theory, double points, double tolerance) {
  const bool u1 = strcmp(theory, "u1") == 0;
  subject s;
  open_alone(&s, theory, &(cw_lattice){4, {4, 2, 4, 2}}, 1);
  add_waves(&s);
  for (double level = 0.001; level < 0.2; level += 0.05) {
    const cw_observer o = flow_to_level(&s, 4, points, tolerance, 0.01, level);
    double *row = measure(&s, &o);
    for (int k = 0; k <= points; k++) {
      const double t = 4 * k / points, E = u1 ? wave_E_u1(t) : wave_E(t);
      check_close(curve(&o, row, "E", k), E, 2e-5);
      check_close(curve(&o, row, "E_plaquette", k),
                  (u1 ? 2 : 8) * (1 - cos(2 * atan(wave_start * exp(-2 * t)))), 2e-5);
    }
    const double t0 = root_below(0.8, u1 ? wave_y_u1 : wave_y, level);
    const double w0 = sqrt(root_below(0.6, u1 ? wave_w_u1 : wave_w, level));
    check_close(value(&o, row, "t0", 0) / t0, 1, 2e-5);
    check_close(value(&o, row, "w0", 0) / w0, 1, 2e-5);
    free(row);
  }
  close_subject(&s);
}

static void test_known_flow(void **state) {
  (void)state;
  for (int k = 0; k < N_KINDS; k++)
    for (double points = 4; points <= 44; points += 20) {
      waves_flow_as_known(theories[k], points, 0);
      waves_flow_as_known(theories[k], points, 1e-6);
    }
}

/* A constant flux does not flow: t0^2 E = level and 2 w0^4 E = level, at both ends of the range of
 * level. */
static void test_level(void **state) {
  (void)state;
  const cw_param *p = cw_observable_find("gradient_flow")->params;
  while (strcmp(p->name, "level") != 0) p++;
  assert_true(p->preset == 0.3);
  for (int k = 0; k < N_KINDS; k++) {
    const int diag[] = {1, -1, 0};
    subject s;
    open_alone(&s, theories[k], &(cw_lattice){4, {4, 4, 2, 2}}, 1);
    scalar_field f = scalar_cold(&s.geom->lat, s.th.ops->kind);
    add_flux(&f, 0, 1, 1, diag);
    scalar_to(&f, &s.x, 0);
    free(f.link);
    const double flux = sin(2 * M_PI / 16), E = (k == 0 ? 0.5 : 2) * flux * flux;
    const double levels[] = {p->min, p->preset, p->max};
    for (int i = 0; i < 3; i++) {
      const cw_observer o = flow_to_level(&s, 16, 4, 1e-5, 0.01, levels[i]);
      double *row = measure(&s, &o);
      check_close(value(&o, row, "t0", 0) / sqrt(levels[i] / E), 1, 1e-9);
      check_close(value(&o, row, "w0", 0) / sqrt(sqrt(levels[i] / (2 * E))), 1, 1e-9);
      free(row);
    }
    close_subject(&s);
  }
}

/* t0 and w0 of the mean over rough fields do not depend on how their flow is recorded. */
static void scales_of_rough_fields(const subject *s, double level, double points, double tolerance,
                                   double step, double *t0, double *w0) {
  const cw_observer o = flow_to_level(s, 2, points, tolerance, step, level);
  const int n = o.ops->n_primary(&o);
  double *out = measure((subject *)s, &o);
  for (int i = 0; i < n; i++)
    for (long c = 1; c < s->x.n_config; c++) out[i] += out[c * n + i];
  for (int i = 0; i < n; i++) out[i] /= (double)s->x.n_config;
  *t0 = value(&o, out, "t0", 0);
  *w0 = value(&o, out, "w0", 0);
  free(out);
}

static void test_recording(void **state) {
  (void)state;
  const double points[] = {4, 8, 40};
  const double size[N_KINDS] = {1, 1.2, 1}, level[N_KINDS] = {0.05, 0.2, 0.3};
  for (int k = 0; k < N_KINDS; k++) {
    subject s;
    open_alone(&s, theories[k], &(cw_lattice){4, {4, 4, 4, 4}}, 2);
    shake(&s, size[k]);
    double t0, w0, found_t0, found_w0;
    scales_of_rough_fields(&s, level[k], 48, 0, 0.002, &t0, &w0);
    for (int i = 0; i < 3; i++)
      for (int adaptive = 0; adaptive < 2; adaptive++) {
        scales_of_rough_fields(&s, level[k], points[i], adaptive ? 1e-5 : 0, 0.01, &found_t0,
                               &found_w0);
        check_close(found_t0 / t0, 1, 3e-5);
        check_close(found_w0 / w0, 1, 3e-5);
      }
    close_subject(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scales_of_means),
      cmocka_unit_test(test_known_flow),
      cmocka_unit_test(test_level),
      cmocka_unit_test(test_recording),
  };
  return cmocka_run_group_tests_name("gradient flow", tests, NULL, NULL);
}
