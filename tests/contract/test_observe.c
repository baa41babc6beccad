/* What every group of observables owes: numbers that do not depend on threads or lane splits, nor
 * on where the origin is; and for the scalar group, every number against its definition written as
 * plain loops. */
#include "support/check.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/observe.h"

enum { N_CONFIG = 37 };
static const cw_lattice lattices[] = {{2, {8, 8}}, {2, {6, 4}}, {2, {4, 6}},
                                      {2, {5, 3}}, {1, {6}},    {4, {4, 2, 4, 2}},
                                      {2, {2, 2}}, {1, {1}},    {3, {3, 5, 5}}};
enum { N_LATTICES = sizeof lattices / sizeof *lattices };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  const cw_observable_ops *ops;
  cw_field x;
  double *out; /* (N_CONFIG, n_primary) */
} subject;

static void open_subject(subject *s, cw_context *ctx, const cw_theory_ops *theory,
                         const cw_lattice *lat, int V) {
  *s = (subject){.ctx = ctx};
  double p[CW_MAX_PARAMS];
  for (int i = 0; theory->params[0][i].name != NULL; i++)
    p[i] = fmin(fmax(0.3 + 0.1 * i, theory->params[0][i].min), theory->params[0][i].max);
  check_ok(ctx, cw_geometry_create(ctx, lat, V, &s->geom));
  s->th = cw_theory_make(ctx, theory, s->geom, 0, p);
  s->ops = cw_observable_for(&s->th);
  check_ok(ctx, cw_field_create(ctx, s->geom, theory->n_comp, N_CONFIG, &s->x));
  cw_field_normal(s->th.isa, &s->x, cw_rng_stream(5, "observe"), 0, 0);
  if (s->ops != NULL)
    s->out = calloc((size_t)(N_CONFIG * s->ops->n_primary(&s->th)), sizeof(double));
}

static void measure(subject *s) {
  check_ok(s->ctx, cw_measure(s->ctx, s->ops, &s->th, &s->x, s->out));
}

static void close_subject(subject *s) {
  free(s->out);
  cw_field_destroy(&s->x);
  cw_geometry_destroy(s->geom);
}

typedef void test_body(cw_context *ctx, const cw_theory_ops *theory, const cw_lattice *lat);
static void for_all(test_body *body) {
  cw_context *ctx = test_context(2);
  for (int t = 0; cw_theories[t] != NULL; t++)
    for (int l = 0; l < N_LATTICES; l++) body(ctx, cw_theories[t], &lattices[l]);
  cw_context_destroy(ctx);
}

/* ------------------------------------------------------------------- contract */

static void bits_are_fixed(cw_context *ctx, const cw_theory_ops *theory, const cw_lattice *lat) {
  cw_context *one = test_context(1);
  int splits[5], n_splits = cw_geometry_splits(lat, splits);
  subject a, b;
  open_subject(&a, one, theory, lat, 1);
  if (a.ops != NULL) {
    measure(&a);
    for (int i = 0; i < n_splits; i++) {
      open_subject(&b, ctx, theory, lat, splits[i]);
      measure(&b);
      size_t bytes = (size_t)(N_CONFIG * a.ops->n_primary(&a.th)) * sizeof(double);
      assert_memory_equal(a.out, b.out, bytes);
      close_subject(&b);
    }
  }
  close_subject(&a);
  cw_context_destroy(one);
}
static void test_bits(void **state) {
  (void)state;
  for_all(bits_are_fixed);
}

static void origin_does_not_matter(cw_context *ctx, const cw_theory_ops *theory,
                                   const cw_lattice *lat) {
  subject a, b;
  open_subject(&a, ctx, theory, lat, 1);
  open_subject(&b, ctx, theory, lat, 1);
  for (long s = 0; a.ops != NULL && s < a.geom->n_sites; s++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(lat, s, coord);
    for (int d = 0; d < lat->dim; d++) coord[d] += 1 + d;
    for (long i = 0; i < N_CONFIG; i++)
      for (int c = 0; c < a.x.n_comp; c++)
        cw_field_set(&b.x, i, cw_lattice_site(lat, coord), c, cw_field_get(&a.x, i, s, c));
  }
  if (a.ops != NULL) {
    measure(&a);
    measure(&b);
    for (int i = 0; i < N_CONFIG * a.ops->n_primary(&a.th); i++)
      check_close(b.out[i], a.out[i], 1e-12);
  }
  close_subject(&a);
  close_subject(&b);
}
static void test_translation(void **state) {
  (void)state;
  for_all(origin_does_not_matter);
}

static void names_and_counts(cw_context *ctx, const cw_theory_ops *theory, const cw_lattice *lat) {
  subject a;
  open_subject(&a, ctx, theory, lat, 1);
  if (a.ops != NULL) {
    measure(&a);
    int n = a.ops->n_primary(&a.th);
    for (int i = 0; i < n; i++) {
      char name[32] = "";
      a.ops->primary_name(&a.th, i, name);
      assert_true(strlen(name) > 0);
      for (int k = 0; k < N_CONFIG; k++) assert_true(isfinite(a.out[k * n + i]));
    }
    for (const cw_quantity *q = a.ops->quantities; q->name != NULL; q++) {
      assert_true(strlen(q->help) > 0 && strlen(q->units) > 0);
      if (q->count != NULL) assert_in_range(q->count(&a.th), 0, n);
    }
  }
  close_subject(&a);
}
static void test_names(void **state) {
  (void)state;
  for_all(names_and_counts);
}

/* ------------------------------------------------- scalar group: definitions */

static const cw_quantity *quantity(const cw_observable_ops *ops, const char *name) {
  for (const cw_quantity *q = ops->quantities; q->name != NULL; q++)
    if (strcmp(q->name, name) == 0) return q;
  fail_msg("no quantity '%s'", name);
  return NULL;
}

static double value(const subject *s, const double *mean, const char *name, int i) {
  return quantity(s->ops, name)->value(&s->th, mean, i);
}

static int longest(const cw_lattice *lat) {
  int L = 0;
  for (int d = 0; d < lat->dim; d++) L = lat->extent[d] > L ? lat->extent[d] : L;
  return L;
}

/* |sum_x phi_x exp(2 pi i x_mu/L)|^2/V, mean over the directions of extent L. */
static double structure_factor(const cw_field *x, long config) {
  const cw_lattice *lat = &x->geom->lat;
  int L = longest(lat), n = 0;
  double G = 0;
  for (int mu = 0; mu < lat->dim; mu++) {
    if (lat->extent[mu] != L) continue;
    double complex sum = 0;
    for (long s = 0; s < x->geom->n_sites; s++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(lat, s, coord);
      sum += cw_field_get(x, config, s, 0) * cexp(2 * M_PI * I * coord[mu] / L);
    }
    G += creal(sum * conj(sum));
    n++;
  }
  return G / n / (double)x->geom->n_sites;
}

/* (1/V) sum over pairs of sites that are t apart along the first longest direction. */
static double pair_correlator(const cw_field *x, long config, int t) {
  const cw_lattice *lat = &x->geom->lat;
  int L = longest(lat), mu = 0;
  while (lat->extent[mu] != L) mu++;
  double sum = 0;
  for (long a = 0; a < x->geom->n_sites; a++)
    for (long b = 0; b < x->geom->n_sites; b++) {
      int ca[CW_MAX_DIM], cb[CW_MAX_DIM];
      cw_lattice_coord(lat, a, ca);
      cw_lattice_coord(lat, b, cb);
      if ((ca[mu] + t) % L == cb[mu])
        sum += cw_field_get(x, config, a, 0) * cw_field_get(x, config, b, 0);
    }
  return sum / (double)x->geom->n_sites;
}

/* With one configuration as the whole ensemble every quantity is a function of that configuration.
 */
static void check_configuration(const subject *s, long config) {
  const cw_lattice *lat = &s->geom->lat;
  const double *mean = s->out + config * s->ops->n_primary(&s->th);
  long n = s->geom->n_sites;
  double *flat = calloc((size_t)n, sizeof *flat), T[CW_MAX_TERMS], m = 0, p2 = 0, p4 = 0, nn = 0,
         S = 0;
  for (long i = 0; i < n; i++) {
    int coord[CW_MAX_DIM];
    double phi = flat[i] = cw_field_get(&s->x, config, i, 0);
    m += phi / (double)n;
    p2 += phi * phi / (double)n;
    p4 += phi * phi * phi * phi / (double)n;
    cw_lattice_coord(lat, i, coord);
    for (int mu = 0; mu < lat->dim; mu++) {
      coord[mu]++;
      nn += phi * cw_field_get(&s->x, config, cw_lattice_site(lat, coord), 0) / (double)n;
      coord[mu]--;
    }
  }
  s->th.ops->reference(lat, flat, s->th.c, T, NULL);
  for (int k = 0; k < s->th.ops->n_terms; k++) S += s->th.c[k] * T[k];
  check_close(value(s, mean, "phi", 0), m, 1e-12);
  check_close(value(s, mean, "abs_m", 0), fabs(m), 1e-12);
  check_close(value(s, mean, "chi2", 0), (double)n * m * m, 1e-12);
  check_close(value(s, mean, "phi2", 0), p2, 1e-12);
  check_close(value(s, mean, "phi4", 0), p4, 1e-12);
  check_close(value(s, mean, "nn", 0), nn, 1e-12);
  check_close(value(s, mean, "energy", 0), S / (double)n, 1e-12);
  check_close(value(s, mean, "binder", 0), 2.0 / 3, 1e-12); /* <m^4> = <m^2>^2 */
  double G = structure_factor(&s->x, config), p = 2 * M_PI / longest(lat);
  double xi2 = ((double)n * m * m / G - 1) / (4 * sin(p / 2) * sin(p / 2));
  if (longest(lat) == 1 || xi2 <= 0)
    assert_true(longest(lat) == 1 || isnan(value(s, mean, "xi", 0)));
  else
    check_close(value(s, mean, "xi", 0), sqrt(xi2), 1e-9);
  assert_int_equal(quantity(s->ops, "correlator")->count(&s->th), longest(lat) / 2 + 1);
  for (int t = 0; t <= longest(lat) / 2; t++)
    check_close(value(s, mean, "correlator", t), pair_correlator(&s->x, config, t), 1e-11);
  free(flat);
}

static void numbers_are_as_defined(cw_context *ctx, const cw_theory_ops *theory,
                                   const cw_lattice *lat) {
  subject s;
  open_subject(&s, ctx, theory, lat, 1);
  if (s.ops != NULL && strcmp(s.ops->name, "scalar") == 0) {
    measure(&s);
    for (long config = 0; config < N_CONFIG; config += 9) check_configuration(&s, config);
  }
  close_subject(&s);
}
static void test_definitions(void **state) {
  (void)state;
  for_all(numbers_are_as_defined);
}

/* A single mode, C(t) = cosh(M (t - L/2)), has effective mass M at every t, for even and odd L. */
static void test_effective_mass(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  const cw_lattice lat[] = {{2, {8, 4}}, {2, {3, 9}}, {1, {2}}};
  const double M = 0.37;
  for (int k = 0; k < 3; k++) {
    subject s;
    open_subject(&s, ctx, cw_theory_find("phi4"), &lat[k], 1);
    int L = longest(&lat[k]), n = s.ops->n_primary(&s.th), first = n - (L / 2 + 1);
    double mean[64] = {0};
    for (int t = 0; t <= L / 2; t++) mean[first + t] = cosh(M * (t - 0.5 * L));
    assert_int_equal(quantity(s.ops, "m_eff")->count(&s.th), L / 2);
    for (int t = 0; t < L / 2; t++) check_close(value(&s, mean, "m_eff", t), M, 1e-12);
    close_subject(&s);
  }
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bits),           cmocka_unit_test(test_translation),
      cmocka_unit_test(test_names),          cmocka_unit_test(test_definitions),
      cmocka_unit_test(test_effective_mass),
  };
  return cmocka_run_group_tests_name("observable contract", tests, NULL, NULL);
}
