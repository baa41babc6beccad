/* The gradient flow: against plain scalar matrices, its order, its tolerance and its stability; and
 * the scales t0 and w0 against flows that are known, for every way of recording them. */
#include "physics/gauge_subject.h"

#include "observe/gradient_flow/flow.h"

/* One thread: on a busy machine two that meet many times a step cost much more. */
static void open_alone(subject *s, const char *theory, const cw_lattice *lat, long n_config) {
  open_subject(s, theory, lat, n_config);
  s->th.threads = 1;
}

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
      cmocka_unit_test(test_flow),
      cmocka_unit_test(test_flow_accuracy),
      cmocka_unit_test(test_flow_is_wilsons),
      cmocka_unit_test(test_flow_steps),
      cmocka_unit_test(test_flow_pace),
      cmocka_unit_test(test_fastest_wave),
      cmocka_unit_test(test_weak_fields),
      cmocka_unit_test(test_fixed_steps_are_stable),
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_scales_of_means),
      cmocka_unit_test(test_known_flow),
      cmocka_unit_test(test_level),
      cmocka_unit_test(test_cold),
      cmocka_unit_test(test_recording),
  };
  return cmocka_run_group_tests_name("gradient flow", tests, NULL, NULL);
}
