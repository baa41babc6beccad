/* Gauge observables against plain scalar matrices, against fields whose charge is known, and
 * against their symmetries. The gradient flow and its scales: test_gradient_flow.c. */
#include "physics/gauge_subject.h"

/* --------------------------------------------------------- loops of all sizes */

static double mean_rectangle(const scalar_field *f) {
  const int dim = f->lat.dim;
  const long n = cw_lattice_sites(&f->lat);
  double sum = 0;
  for (long s = 0; s < n; s++)
    for (int a = 1; a <= dim; a++)
      for (int b = 1; b <= dim; b++)
        if (a != b) sum += creal(trace(path(f, s, 6, (int[]){a, a, b, -a, -a, -b})));
  return sum / ((double)n * dim * (dim - 1) * f->N);
}

static double complex mean_polyakov(const scalar_field *f) {
  const int dim = f->lat.dim, length = f->lat.extent[dim - 1];
  int *step = calloc((size_t)length, sizeof *step);
  double complex sum = 0;
  for (int t = 0; t < length; t++) step[t] = dim;
  for (long s = 0; s < cw_lattice_sites(&f->lat); s += length)
    sum += trace(path(f, s, length, step));
  free(step);
  return sum * length / ((double)cw_lattice_sites(&f->lat) * f->N);
}

/* Mean of Re tr P/N over the planes mu < nu with first <= nu <= last. */
static double mean_plaquette(const scalar_field *f, int first, int last) {
  double sum = 0;
  int n = 0;
  for (int nu = first; nu <= last; nu++)
    for (int mu = 0; mu < nu; mu++, n++)
      for (long s = 0; s < cw_lattice_sites(&f->lat); s++)
        sum += creal(trace(plaquette_at(f, s, mu + 1, nu + 1)));
  return sum / ((double)cw_lattice_sites(&f->lat) * n * f->N);
}

static void loops_as_defined(subject *s) {
  const cw_observer o = cw_observer_make(cw_observable_for(&s->th), &s->th, NULL);
  const int n = o.ops->n_primary(&o), time = s->geom->lat.dim - 1;
  double *out = measure(s, &o);
  for (long i = 0; i < N_CONFIG; i++) {
    scalar_field f = scalar_from(&s->x, s->th.ops->kind, i);
    const double *row = out + i * n, plaquette = mean_plaquette(&f, 1, time);
    const double complex P = mean_polyakov(&f);
    check_close(value(&o, row, "plaquette", 0), plaquette, 1e-13);
    check_close(value(&o, row, "rectangle", 0), mean_rectangle(&f), 1e-13);
    check_close(value(&o, row, "polyakov", 0), cabs(P), 1e-13);
    check_close(value(&o, row, "polyakov_re", 0), creal(P), 1e-13);
    check_close(value(&o, row, "polyakov_im", 0), cimag(P), 1e-13);
    check_close(value(&o, row, "energy_density", 0), scalar_energy(&f), 1e-12);
    check_close(value(&o, row, "action_density", 0), -2.5 * plaquette * (time + 1) * time / 2,
                1e-12);
    if (time > 1) {
      check_close(value(&o, row, "plaquette_s", 0), mean_plaquette(&f, 1, time - 1), 1e-13);
      check_close(value(&o, row, "plaquette_t", 0), mean_plaquette(&f, time, time), 1e-13);
    }
    if (time == 3) check_close(value(&o, row, "q_bare", 0), scalar_charge(&f), 1e-12);
    free(f.link);
  }
  free(out);
}
static void test_loops(void **state) {
  (void)state;
  for_all(loops_as_defined, -1);
  for_all(loops_as_defined, 0.4);
}

/* V_s (<|P|^2> - <|P|>^2) */
static void test_polyakov_chi(void **state) {
  (void)state;
  subject s;
  open_subject(&s, "su2", &(cw_lattice){3, {4, 6, 2}}, 1);
  const cw_observer o = cw_observer_make(cw_observable_for(&s.th), &s.th, NULL);
  double *mean = measure(&s, &o);
  check_close(value(&o, mean, "polyakov", 0), 1, 1e-15); /* a cold field */
  check_close(value(&o, mean, "polyakov_chi", 0), 0, 1e-15);
  for (int i = 0; i < o.ops->n_primary(&o); i++) {
    char name[32];
    o.ops->primary_name(&o, i, name);
    mean[i] = strcmp(name, "polyakov") == 0 ? 0.3 : strcmp(name, "polyakov2") == 0 ? 0.19 : 0;
  }
  check_close(value(&o, mean, "polyakov_chi", 0), 24 * 0.1, 1e-14);
  free(mean);
  close_subject(&s);
}

static double scalar_wilson_loop(const scalar_field *plain, const scalar_field *smeared, int R,
                                 int T) {
  const int dim = plain->lat.dim;
  const long n = cw_lattice_sites(&plain->lat);
  int up[16], down[16], along[16], back[16];
  double sum = 0;
  for (int i = 0; i < 16; i++) up[i] = dim, down[i] = -dim;
  for (int mu = 1; mu < dim; mu++)
    for (long s = 0; s < n; s++) {
      int coord[CW_MAX_DIM], ahead[CW_MAX_DIM], top[CW_MAX_DIM];
      cw_lattice_coord(&plain->lat, s, coord);
      memcpy(ahead, coord, sizeof coord);
      memcpy(top, coord, sizeof coord);
      ahead[mu - 1] += R;
      top[dim - 1] += T;
      top[mu - 1] += R;
      for (int i = 0; i < 16; i++) along[i] = mu, back[i] = -mu;
      matrix w = path(smeared, s, R, along);
      w = times(w, path(plain, cw_lattice_site(&plain->lat, ahead), T, up));
      w = times(w, path(smeared, cw_lattice_site(&plain->lat, top), R, back));
      top[mu - 1] -= R;
      w = times(w, path(plain, cw_lattice_site(&plain->lat, top), T, down));
      sum += creal(trace(w));
    }
  return sum / ((double)n * (dim - 1) * plain->N);
}

static void wilson_loops_as_defined(subject *s) {
  const double params[] = {3, 4, 2, 0.11};
  const cw_observer o = cw_observer_make(cw_observable_find("wilson_loops"), &s->th, params);
  double *out = measure(s, &o);
  for (long i = 0; i < N_CONFIG; i += 2) {
    const double *row = out + i * o.ops->n_primary(&o);
    scalar_field plain = scalar_from(&s->x, s->th.ops->kind, i);
    scalar_field smeared = scalar_from(&s->x, s->th.ops->kind, i);
    double W[4][5];
    for (int k = 0; k < 2; k++) scalar_smear(&smeared, 0.11);
    for (int R = 1; R <= 3; R++)
      for (int T = 1; T <= 4; T++) {
        W[R][T] = scalar_wilson_loop(&plain, &smeared, R, T);
        check_close(value(&o, row, "wilson_loop", (R - 1) * 4 + T - 1), W[R][T], 1e-12);
      }
    for (int R = 1; R <= 3; R++) { /* ratios of small loops amplify rounding */
      const double ratio = W[R][2] / W[R][3], V = value(&o, row, "potential", (R - 1) * 3 + 1);
      if (ratio > 0) check_close(exp(V), ratio, 1e-8);
    }
    const double chi = W[2][2] * W[1][1] / (W[1][2] * W[2][1]);
    if (chi > 0) check_close(exp(-value(&o, row, "creutz", 1)), chi, 1e-8);
    free(plain.link);
    free(smeared.link);
  }
  free(out);
}
static void test_wilson_loops(void **state) {
  (void)state;
  for_all(wilson_loops_as_defined, 0.3);
}

/* ------------------------------------------------------------------- charges */

/* sum_i s_i s'_i of the traceless parts of the sines of the two fluxes */
static double flux_product(const scalar_field *f, const int *n, const int *diag) {
  const int *L = f->lat.extent;
  double mean[2] = {0}, sum = 0;
  for (int i = 0; i < f->N; i++)
    for (int k = 0; k < 2 && f->N > 1; k++)
      mean[k] += sin(2 * M_PI * n[k] * diag[i] / (L[2 * k] * L[2 * k + 1])) / f->N;
  for (int i = 0; i < f->N; i++) {
    double product = 1;
    for (int k = 0; k < 2; k++)
      product *= sin(2 * M_PI * n[k] * diag[i] / (L[2 * k] * L[2 * k + 1])) - mean[k];
    sum += product;
  }
  return sum;
}

/* Fluxes n_0 and n_1 in the planes (0, 1) and (2, 3): F is constant, Q = n_0 n_1 sum diag^2 up to
 * the sines of the clover leaves. With diag (1, 1, -2) these have a trace that must go. */
static void check_flux_charge(const char *theory, const int *diag, const int *n) {
  const cw_lattice lat = {4, {8, 6, 6, 8}};
  subject s;
  open_subject(&s, theory, &lat, 1);
  scalar_field f = scalar_cold(&lat, s.th.ops->kind);
  int diag2 = 0;
  for (int i = 0; i < f.N; i++) diag2 += diag[i] * diag[i];
  add_flux(&f, 0, 1, n[0], diag);
  add_flux(&f, 2, 3, n[1], diag);
  scalar_to(&f, &s.x, 0);
  const cw_observer o = cw_observer_make(cw_observable_for(&s.th), &s.th, NULL);
  double *row = measure(&s, &o);
  const double Q = value(&o, row, "q_bare", 0), V = (double)s.geom->n_sites;
  check_close(Q, V / (4 * M_PI * M_PI) * flux_product(&f, n, diag), 1e-12);
  check_close(Q / (n[0] * n[1] * diag2), 1, 0.1);
  free(row);
  free(f.link);
  close_subject(&s);
}
static void test_flux_charge(void **state) {
  (void)state;
  check_flux_charge("u1", (const int[]){1}, (const int[]){1, -2});
  check_flux_charge("su2", (const int[]){1, -1}, (const int[]){1, 1});
  check_flux_charge("su3", (const int[]){1, 1, -2}, (const int[]){1, 1});
  check_flux_charge("su3", (const int[]){0, 1, -1}, (const int[]){-1, 2});
}

/* U(1) in two dimensions: fluxes and any shaking that keeps |arg P| below pi have the charge of the
 * flux, as an exact integer. */
static void test_exact_charge(void **state) {
  (void)state;
  const cw_lattice lattices[] = {{2, {6, 4}}, {2, {5, 3}}, {2, {8, 8}}};
  for (int l = 0; l < 3; l++) {
    subject s;
    open_subject(&s, "u1", &lattices[l], 7);
    for (int n = -3; n <= 3; n++) {
      scalar_field f = scalar_cold(&lattices[l], CW_LINK_U1);
      add_flux(&f, 0, 1, n, (const int[]){1});
      scalar_to(&f, &s.x, n + 3);
      free(f.link);
    }
    shake(&s, 0.15);
    const cw_observer o = cw_observer_make(cw_observable_for(&s.th), &s.th, NULL);
    double *out = measure(&s, &o);
    for (int n = -3; n <= 3; n++) {
      const double *row = out + (n + 3) * o.ops->n_primary(&o);
      assert_true(value(&o, row, "q", 0) == n);
      assert_true(value(&o, row, "q2", 0) == n * n);
      check_close(value(&o, row, "chi_t", 0), n * n / (double)s.geom->n_sites, 1e-15);
    }
    free(out);
    close_subject(&s);
  }
}

/* Random fields: the sum of the angles over 2 pi, which rounding must not have moved. */
static void test_hot_charge(void **state) {
  (void)state;
  subject s;
  open_subject(&s, "u1", &(cw_lattice){2, {8, 6}}, 40);
  heat(&s);
  const cw_observer o = cw_observer_make(cw_observable_for(&s.th), &s.th, NULL);
  double *out = measure(&s, &o), q2 = 0;
  for (long i = 0; i < 40; i++) {
    scalar_field f = scalar_from(&s.x, CW_LINK_U1, i);
    double sum = 0;
    for (long x = 0; x < s.geom->n_sites; x++) sum += carg(trace(plaquette_at(&f, x, 1, 2)));
    const double q = value(&o, out + i * o.ops->n_primary(&o), "q", 0);
    check_close(q, sum / (2 * M_PI), 1e-12);
    q2 += q * q / 40;
    free(f.link);
  }
  assert_true(q2 > 1); /* V/12 = 4 for independent angles */
  free(out);
  close_subject(&s);
}

/* ------------------------------------------------------------------- cooling */

static void cooling_as_defined(subject *s) {
  const cw_observable_ops *ops = cw_observable_find("cooling");
  if (!ops->fits(&s->th)) return;
  const double sweeps = 2;
  const cw_observer o = cw_observer_make(ops, &s->th, &sweeps);
  double *out = measure(s, &o);
  for (long i = 0; i < N_CONFIG; i++) {
    const double *row = out + i * ops->n_primary(&o);
    scalar_field f = scalar_from(&s->x, s->th.ops->kind, i);
    for (int k = 0; k < 2; k++) scalar_cool(&f, s->geom);
    const double Q = scalar_charge(&f);
    check_close(value(&o, row, "energy_cooled", 0), scalar_energy(&f), 1e-10);
    check_close(value(&o, row, "q_cooled", 0), Q, 1e-10);
    check_close(value(&o, row, "q2_cooled", 0), Q * Q, 1e-10);
    check_close(value(&o, row, "chi_t_cooled", 0), Q * Q / (double)s->geom->n_sites, 1e-10);
    check_close(value(&o, row, "q2_cooled_integer", 0), round(Q) * round(Q), 0);
    free(f.link);
  }
  free(out);
}
static void test_cooling(void **state) {
  (void)state;
  for_all(cooling_as_defined, 0.4);
  for_all(cooling_as_defined, -1);
}

/* A flux of charge 2 in SU(2), shaken: cooling and the flow find it again, and it stays an integer.
 */
static void test_smoothed_charge(void **state) {
  (void)state;
  const cw_lattice lat = {4, {8, 8, 8, 8}};
  subject s;
  open_subject(&s, "su2", &lat, 1);
  scalar_field f = scalar_cold(&lat, CW_LINK_SU2);
  add_flux(&f, 0, 1, 1, (const int[]){1, -1});
  add_flux(&f, 2, 3, -1, (const int[]){1, -1});
  scalar_to(&f, &s.x, 0);
  free(f.link);
  shake(&s, 0.2);
  const double sweeps = 10;
  const cw_observer cool = cw_observer_make(cw_observable_find("cooling"), &s.th, &sweeps);
  const cw_observer flow = flow_of(&s, 2, 4, 1e-4, 0.05);
  double *cooled = measure(&s, &cool), *flowed = measure(&s, &flow);
  check_close(value(&cool, cooled, "q_cooled", 0), -2, 0.1);
  check_close(primary(&cool, cooled, "q_cooled_integer"), -2, 0);
  check_close(value(&flow, flowed, "q", 0), -2, 0.1);
  check_close(primary(&flow, flowed, "q_integer"), -2, 0);
  free(cooled);
  free(flowed);
  close_subject(&s);
}

/* ------------------------------------------------------------------ symmetry */

/* U_mu(x) -> g(x) U_mu(x) g(x+mu)^+ with random g: links of direction 0 of another random field. */
static void transform(subject *s) {
  subject random;
  open_subject(&random, s->th.ops->name, &s->geom->lat, N_CONFIG);
  heat(&random);
  for (long i = 0; i < N_CONFIG; i++) {
    const int dim = s->geom->lat.dim;
    scalar_field f = scalar_from(&s->x, s->th.ops->kind, i);
    scalar_field g = scalar_from(&random.x, s->th.ops->kind, i);
    for (long k = 0; k < s->geom->n_sites * dim; k++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(&f.lat, k / dim, coord);
      coord[k % dim]++;
      f.link[k] =
          times(times(g.link[k / dim * dim], f.link[k]), dagger(*scalar_link(&g, coord, 0)));
    }
    scalar_to(&f, &s->x, i);
    free(f.link);
    free(g.link);
  }
  close_subject(&random);
}

static void gauge_does_not_matter(subject *s) {
  cw_observer o[16];
  double *before[16];
  int n = 0;
  for (int i = 0; cw_observables[i] != NULL; i++)
    if (cw_observables[i]->fits(&s->th)) {
      double params[CW_MAX_PARAMS] = {0};
      const cw_param *p = cw_observables[i]->params;
      for (int k = 0; p != NULL && p[k].name != NULL; k++) {
        params[k] = isnan(p[k].preset) ? 0.1 : p[k].preset; /* kappa */
        if (strcmp(p[k].name, "time") == 0) params[k] = 0.4;
        if (strcmp(p[k].name, "points") == 0) params[k] = 4;
        if (strcmp(p[k].name, "sweeps") == 0) params[k] = 3;
      }
      o[n] = cw_observer_make(cw_observables[i], &s->th, params);
      before[n] = measure(s, &o[n]);
      n++;
    }
  assert_true(n >= 3);
  transform(s);
  for (int i = 0; i < n; i++) {
    double *after = measure(s, &o[i]);
    for (int k = 0; k < N_CONFIG * o[i].ops->n_primary(&o[i]); k++)
      check_close(after[k], before[i][k], 1e-9);
    free(after);
    free(before[i]);
  }
}
static void test_gauge_invariance(void **state) {
  (void)state;
  for_all(gauge_does_not_matter, 0.4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_loops),
      cmocka_unit_test(test_polyakov_chi),
      cmocka_unit_test(test_wilson_loops),
      cmocka_unit_test(test_flux_charge),
      cmocka_unit_test(test_exact_charge),
      cmocka_unit_test(test_hot_charge),
      cmocka_unit_test(test_cooling),
      cmocka_unit_test(test_smoothed_charge),
      cmocka_unit_test(test_gauge_invariance),
  };
  return cmocka_run_group_tests_name("gauge observables", tests, NULL, NULL);
}
