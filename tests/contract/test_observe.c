/* What every group of observables owes, on every theory that it fits: numbers that do not depend on
 * threads, lane splits and batches of configurations, nor on where the origin is, and names that
 * are unique. For scalars and spins also every number against its definition written as plain
 * loops; those of gauge fields are in tests/physics/test_gauge_observables.c. */
#include "support/check.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/ising.h"
#include "causeway/observe.h"

enum { N_CONFIG = SANITIZED ? 19 : 37, MAX_GROUPS = 16 };
static const cw_lattice lattices[] = {{2, {8, 8}}, {2, {6, 4}}, {2, {4, 6}},
                                      {2, {5, 3}}, {1, {6}},    {4, {4, 2, SANITIZED ? 2 : 4, 2}},
                                      {2, {2, 2}}, {1, {1}},    {3, {3, SANITIZED ? 3 : 5, 5}}};
enum { N_LATTICES = sizeof lattices / sizeof *lattices };

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
  int n_groups;
  cw_observer o[MAX_GROUPS]; /* all groups that fit */
  double *out[MAX_GROUPS];   /* (n_config, n_primary) */
} subject;

static int n_primary(const subject *s, int group) {
  return s->o[group].ops->n_primary(&s->o[group]);
}

/* Presets, but less work where a parameter says how much. */
static cw_observer observer_of(const cw_observable_ops *ops, const cw_theory *th) {
  static const struct {
    const char *name;
    double value;
  } less[] = {{"time", 0.15}, {"points", 4},      {"sweeps", 2}, {"max_r", 3},
              {"max_t", 3},   {"smear_steps", 2}, {"kappa", 0.1}};
  double params[CW_MAX_PARAMS] = {0};
  for (int i = 0; ops->params != NULL && ops->params[i].name != NULL; i++) {
    params[i] = ops->params[i].preset;
    for (size_t k = 0; k < sizeof less / sizeof *less; k++)
      if (strcmp(less[k].name, ops->params[i].name) == 0) params[i] = less[k].value;
  }
  return cw_observer_make(ops, th, params);
}

static void open_subject(subject *s, cw_context *ctx, const cw_theory_ops *theory,
                         const cw_lattice *lat, int V, long n_config) {
  *s = (subject){.ctx = ctx};
  double p[CW_MAX_PARAMS];
  for (int i = 0; theory->params[0][i].name != NULL; i++)
    p[i] = fmin(fmax(0.3 + 0.1 * i, theory->params[0][i].min), theory->params[0][i].max);
  check_ok(ctx, cw_geometry_create(ctx, lat, V, &s->geom));
  check_ok(ctx, cw_theory_create(ctx, theory, s->geom, 0, p, &s->th));
  check_ok(ctx, cw_field_create(ctx, s->geom, s->th.n_comp, n_config, &s->x));
  cw_kind(theory->kind)->hot(s->th.isa, &s->x, cw_rng_stream(5, "observe"), 0);
  for (int i = 0; cw_observables[i] != NULL; i++) {
    if (!cw_observables[i]->fits(&s->th)) continue;
    assert_true(s->n_groups < MAX_GROUPS);
    const int g = s->n_groups++;
    s->o[g] = observer_of(cw_observables[i], &s->th);
    s->out[g] = calloc((size_t)(n_config * n_primary(s, g)), sizeof(double));
  }
}

static void measure(subject *s) {
  for (int g = 0; g < s->n_groups; g++)
    check_ok(s->ctx, cw_measure(s->ctx, &s->o[g], &s->x, s->out[g], NULL));
}

static void close_subject(subject *s) {
  for (int g = 0; g < s->n_groups; g++) free(s->out[g]);
  cw_field_destroy(&s->x);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
}

typedef void test_body(cw_context *ctx, const cw_theory_ops *theory, const cw_lattice *lat);
static void for_all(test_body *body) {
  cw_context *ctx = test_context(2);
  for (int t = 0; cw_theories[t] != NULL; t++)
    for (int l = 0; l < N_LATTICES; l++) body(ctx, cw_theories[t], &lattices[l]);
  cw_context_destroy(ctx);
}

#define FOR_ALL(test, body)                                                                        \
  static void test(void **state) { for_all(((void)state, body)); }

/* ------------------------------------------------------------------- contract */

/* The rows that b has measured are the first ones of a; a group may refuse the split of b. */
static void check_same_bits(const subject *a, const subject *b) {
  for (int g = 0; g < b->n_groups; g++)
    for (int k = 0; k < a->n_groups; k++) {
      if (a->o[k].ops != b->o[g].ops) continue;
      const size_t bytes = (size_t)(b->x.n_config * n_primary(b, g)) * sizeof(double);
      assert_memory_equal(a->out[k], b->out[g], bytes);
    }
}

static void bits_are_fixed(cw_context *ctx, const cw_theory_ops *theory, const cw_lattice *lat) {
  cw_context *one = test_context(1);
  int splits[5], n_splits = cw_geometry_splits(lat, splits);
  subject a, b;
  open_subject(&a, one, theory, lat, 1, N_CONFIG);
  measure(&a);
  for (int i = SANITIZED ? n_splits - 1 : 0; i < n_splits; i++)
    for (long n_config = 3; n_config <= N_CONFIG; n_config += N_CONFIG - 3) {
      open_subject(&b, ctx, theory, lat, splits[i], n_config);
      assert_true(b.n_groups > 0 || a.n_groups == 0);
      measure(&b);
      check_same_bits(&a, &b);
      close_subject(&b);
    }
  close_subject(&a);
  cw_context_destroy(one);
}
FOR_ALL(test_bits, bits_are_fixed)

/* Scratch memory is the caller's, where there is enough of it, and what was there before leaves no
 * trace. */
static void memory_leaves_no_trace(cw_context *ctx, const cw_theory_ops *theory,
                                   const cw_lattice *lat) {
  enum { ROOM = 1 << 16 };
  unsigned char pattern[ROOM];
  subject a, b;
  open_subject(&a, ctx, theory, lat, 1, 3);
  open_subject(&b, ctx, theory, lat, 1, 3);
  measure(&a);
  memset(pattern, 0xFF, ROOM); /* not-a-number everywhere */
  cw_arena *work = cw_arena_create(ROOM);
  cw_arena_mark start = cw_arena_save(work);
  for (int g = 0; g < b.n_groups; g++) {
    void *room = cw_arena_alloc(work, ROOM);
    memset(room, 0xFF, ROOM);
    cw_arena_rewind(work, start);
    check_ok(ctx, cw_measure(ctx, &b.o[g], &b.x, b.out[g], work));
    assert_memory_not_equal(room, pattern, ROOM);
  }
  check_same_bits(&a, &b);
  cw_arena_destroy(work);
  close_subject(&a);
  close_subject(&b);
}
FOR_ALL(test_memory, memory_leaves_no_trace)

static void translate(const subject *a, const int by[], subject *b) {
  const cw_lattice *lat = &a->geom->lat;
  for (long s = 0; s < a->geom->n_sites; s++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(lat, s, coord);
    for (int d = 0; d < lat->dim; d++) coord[d] += by[d];
    for (long i = 0; i < N_CONFIG; i++)
      for (int c = 0; c < a->x.n_comp; c++)
        cw_field_set(&b->x, i, cw_lattice_site(lat, coord), c, cw_field_get(&a->x, i, s, c));
  }
}

/* Cooling visits sites in the order of cw_wavefront, which begins anew in every sub-lattice; quarks start
 * at the origin (unit.test_mesons moves that, too). */
static bool has_an_origin(const cw_observer *o, bool whole_pieces) {
  return (strcmp(o->ops->name, "cooling") == 0 && !whole_pieces) ||
         strcmp(o->ops->name, "mesons") == 0;
}

static void check_translated(cw_context *ctx, const cw_theory_ops *theory, const cw_lattice *lat,
                             bool whole_pieces) {
  subject a, b;
  open_subject(&a, ctx, theory, lat, 1, N_CONFIG);
  open_subject(&b, ctx, theory, lat, 1, N_CONFIG);
  const int by[CW_MAX_DIM] = {1, 2, 3, 4};
  translate(&a, whole_pieces ? a.geom->piece : by, &b);
  measure(&a);
  measure(&b);
  for (int g = 0; g < a.n_groups; g++) {
    if (has_an_origin(&a.o[g], whole_pieces)) continue;
    /* flows and sweeps carry the rounding of their first sums along */
    const double tolerance = a.o[g].ops->standard ? 1e-12 : 1e-9;
    for (int i = 0; i < N_CONFIG * n_primary(&a, g); i++)
      check_close(b.out[g][i], a.out[g][i], tolerance);
  }
  close_subject(&a);
  close_subject(&b);
}
static void origin_does_not_matter(cw_context *ctx, const cw_theory_ops *theory,
                                   const cw_lattice *lat) {
  if (SANITIZED) return; /* the same measurements as in test_names */
  check_translated(ctx, theory, lat, false);
  check_translated(ctx, theory, lat, true);
}
FOR_ALL(test_translation, origin_does_not_matter)

/* A quantity that can say why it is undefined does so where it is, and only there. */
static void check_reasons(const cw_observer *o, const cw_quantity *q, const double *mean) {
  const int n = q->count != NULL ? q->count(o) : 1;
  for (int i = 0; i < n && q->why != NULL; i++) {
    const char *why = q->why(o, mean, i);
    if (isnan(cw_quantity_value(o, q, mean, i)))
      assert_true(why != NULL && strlen(why) > 0);
    else
      assert_null(why);
  }
}

/* ----------------------------------------------------------- presentation */

/* Does a definition need the signs of a terminal, or spell out what has a sign in print? */
static bool is_for_terminals(const char *text) {
  static const char *const words[] = {"<",   ">",    "^2",   "^4",   " - ",  "phi",
                                      "mu}", "beta", "sum_", "chi(", "2 pi", "munu"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strstr(text, words[i]) != NULL) return true;
  return false;
}

/* Entries of a vector lie on curves 1, 2, ... without a gap, each from left to right. */
static void check_curves(const cw_observer *o, const cw_quantity *q) {
  const cw_figure *look = &q->figure;
  const int n = q->count(o);
  int last = 0, on = 0;
  for (int i = 0; i < n; i++)
    if (look->curve != NULL && look->curve(o, i) > last) last = look->curve(o, i);
  for (int c = look->curve != NULL ? 1 : 0; c <= last; c++) {
    double before = -INFINITY;
    int points = 0;
    for (int i = 0; i < n; i++) {
      if (look->curve != NULL && look->curve(o, i) != c) continue;
      const double x = look->x != NULL ? look->x(o, i) : i;
      assert_true(x > before);
      before = x;
      points++;
    }
    assert_true(points > 0 || n == 0);
    on += points;
  }
  assert_int_equal(on, n);
}

static void check_figure(const cw_observer *o, const cw_quantity *q) {
  const cw_figure *look = &q->figure;
  assert_true(look->title == NULL || (q->count != NULL && look->x_label != NULL));
  assert_int_equal(look->curve == NULL, look->curve_label == NULL);
  assert_int_equal(look->beside == NULL, look->beside_label == NULL);
  assert_int_equal(look->level == NULL, look->reached_at == NULL);
  if (look->title != NULL) check_curves(o, q);
  if (look->beside != NULL)
    assert_int_equal(cw_quantity_find(o->ops, look->beside)->count(o), q->count(o));
  if (look->band != NULL) assert_null(cw_quantity_find(o->ops, look->band)->count);
  if (look->level != NULL) assert_null(cw_quantity_find(o->ops, look->reached_at)->count);
}

static void check_presentation(const cw_observer *o, const cw_quantity *q) {
  assert_false(is_for_terminals(q->print != NULL ? q->print : q->help));
  assert_true(q->print == NULL || strcmp(q->print, q->help) != 0);
  assert_false(q->count != NULL && (q->headline || q->fact || q->featured || q->freezes));
  check_figure(o, q);
}

/* A quantity is a function, or the mean of a primary that exists, or a number of a fit to primaries that do. */
static void check_definition(const cw_observer *o, const cw_quantity *q) {
  const int n = q->count != NULL ? q->count(o) : 1;
  assert_int_equal((q->value != NULL) + (q->mean_of != 0) + (q->correlator != NULL), 1);
  if (q->correlator != NULL)
    assert_true(q->count == NULL && !q->featured &&
                q->correlator(o).first + q->correlator(o).period <= o->ops->n_primary(o));
  if (q->value != NULL || q->correlator != NULL) return;
  assert_in_range(q->mean_of, 1, o->ops->n_primary(o) + 1 - n);
}

/* Primaries of which there is something to say exist; one that tells sectors apart has a history,
 * which figures of rungs show. */
static void check_primaries(const cw_observer *o) {
  for (const cw_primary *p = o->ops->notable; p != NULL && p->name != NULL; p++) {
    assert_true(cw_primary_number(o, p->name) >= 0);
    assert_ptr_equal(cw_primary_find(o->ops, p->name), p);
    assert_true(p->history || p->gives_entropy);
    if (p->sector != CW_SECTOR_NONE) assert_true(p->history);
  }
  assert_int_equal(cw_primary_number(o, "no such primary"), -1);
}

static int count_headlines(const cw_observable_ops *ops) {
  int n = 0;
  for (const cw_quantity *q = ops->quantities; q->name != NULL; q++) n += q->headline;
  return n;
}

/* A group that tells sectors apart says which quantity freezes with them. */
static void check_freezing(const cw_observable_ops *ops) {
  int n = 0;
  bool sectors = false;
  for (const cw_quantity *q = ops->quantities; q->name != NULL; q++) n += q->freezes;
  for (const cw_primary *p = ops->notable; p != NULL && p->name != NULL; p++)
    sectors = sectors || p->sector != CW_SECTOR_NONE;
  assert_int_equal(n, sectors);
}

static void check_group(const subject *s, int g) {
  const cw_observer *o = &s->o[g];
  const int n = n_primary(s, g);
  for (int i = 0; i < n; i++) {
    char name[32] = "", other[32];
    o->ops->primary_name(o, i, name);
    assert_true(strlen(name) > 0 && strchr(name, ' ') == NULL); /* names stand in a list */
    assert_true(strlen(cw_primary_units(o, i)) > 0 && strchr(cw_primary_units(o, i), ' ') == NULL);
    for (int k = 0; k < i; k++) {
      o->ops->primary_name(o, k, other);
      assert_string_not_equal(name, other);
    }
    for (int k = 0; k < N_CONFIG; k++) assert_true(isfinite(s->out[g][k * n + i]));
  }
  for (const cw_quantity *q = o->ops->quantities; q->name != NULL; q++) {
    assert_true(strlen(q->help) > 0 && strlen(q->units) > 0);
    if (q->count != NULL) assert_in_range(q->count(o), 0, n);
    if (q->mean_of > 0) assert_string_equal(cw_primary_units(o, q->mean_of - 1), q->units);
    check_definition(o, q);
    check_presentation(o, q);
    for (int k = 0; k < N_CONFIG; k++) check_reasons(o, q, s->out[g] + k * n);
  }
}

static void names_and_counts(cw_context *ctx, const cw_theory_ops *theory, const cw_lattice *lat) {
  subject a;
  int n_standard = 0;
  open_subject(&a, ctx, theory, lat, 1, N_CONFIG);
  measure(&a);
  for (int g = 0; g < a.n_groups; g++) {
    const cw_observable_ops *ops = a.o[g].ops;
    check_group(&a, g);
    n_standard += ops->standard;
    assert_ptr_equal(cw_observable_find(ops->name), ops);
    check_primaries(&a.o[g]);
    check_freezing(ops);
    assert_int_equal(count_headlines(ops), ops->standard);
    for (int h = 0; h < g; h++)
      for (const cw_quantity *q = ops->quantities; q->name != NULL; q++)
        for (const cw_quantity *r = a.o[h].ops->quantities; r->name != NULL; r++)
          assert_string_not_equal(q->name, r->name);
  }
  assert_int_equal(n_standard, cw_observable_for(&a.th) != NULL);
  close_subject(&a);
}
FOR_ALL(test_names, names_and_counts)

/* ------------------------------------------------- scalar group: definitions */

static const cw_quantity *quantity(const subject *s, const char *name) {
  const cw_quantity *q = cw_quantity_find(s->o[0].ops, name);
  if (q == NULL) fail_msg("no quantity '%s'", name);
  return q;
}

static double value(const subject *s, const double *mean, const char *name, int i) {
  return cw_quantity_value(&s->o[0], quantity(s, name), mean, i);
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
  const double *mean = s->out[0] + config * n_primary(s, 0);
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
  s->th.ops->reference(&s->th, lat, flat, s->th.c, T, NULL);
  for (int k = 0; k < s->th.ops->n_terms; k++) S += s->th.c[k] * T[k];
  if (cw_is_ising(s->th.ops)) {
    const double e = -nn - s->th.param[CW_ISING_H] * m;
    check_close(value(s, mean, "m", 0), m, 1e-12);
    check_close(value(s, mean, "energy", 0), e, 1e-12);
    check_close(s->th.param[CW_ISING_BETA] * e, S / (double)n, 1e-12);
    check_close(value(s, mean, "specific_heat", 0), 0, 1e-10); /* one configuration: no variance */
    check_close(value(s, mean, "susceptibility", 0), 0, 1e-12);
  } else {
    check_close(value(s, mean, "phi", 0), m, 1e-12);
    check_close(value(s, mean, "phi2", 0), p2, 1e-12);
    check_close(value(s, mean, "phi4", 0), p4, 1e-12);
    check_close(value(s, mean, "energy", 0), S / (double)n, 1e-12);
  }
  check_close(value(s, mean, "abs_m", 0), fabs(m), 1e-12);
  check_close(value(s, mean, "chi2", 0), (double)n * m * m, 1e-12);
  check_close(value(s, mean, "nn", 0), nn, 1e-12);
  if (m == 0)
    assert_true(isnan(value(s, mean, "binder", 0)));
  else
    check_close(value(s, mean, "binder", 0), 2.0 / 3, 1e-12); /* <m^4> = <m^2>^2 */
  double G = structure_factor(&s->x, config), p = 2 * M_PI / longest(lat);
  double xi2 = ((double)n * m * m / G - 1) / (4 * sin(p / 2) * sin(p / 2));
  double xi = value(s, mean, "xi", 0);
  if (longest(lat) > 1 &&
      isnan(xi)) /* xi^2 <= 0 but for rounding, or G = 0, which spins can meet */
    assert_true(xi2 < 1e-12 || G < 1e-12 * (double)n * m * m);
  else if (longest(lat) > 1)
    check_close(xi * xi, xi2, 2e-9);
  assert_int_equal(quantity(s, "correlator")->count(&s->o[0]), longest(lat) / 2 + 1);
  for (int t = 0; t <= longest(lat) / 2; t++)
    check_close(value(s, mean, "correlator", t), pair_correlator(&s->x, config, t), 1e-11);
  free(flat);
}

static void numbers_are_as_defined(cw_context *ctx, const cw_theory_ops *theory,
                                   const cw_lattice *lat) {
  subject s;
  open_subject(&s, ctx, theory, lat, 1, N_CONFIG);
  if (!cw_kind(theory->kind)->on_links) {
    measure(&s);
    for (long config = 0; config < N_CONFIG; config += 9) check_configuration(&s, config);
  }
  close_subject(&s);
}
FOR_ALL(test_definitions, numbers_are_as_defined)

/* A single mode, C(t) = cosh(M (t - L/2)), has effective mass M at every t, for even and odd L. */
static void test_effective_mass(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  const cw_lattice lat[] = {{2, {8, 4}}, {2, {3, 9}}, {1, {2}}};
  const double M = 0.37;
  for (int k = 0; k < 3; k++) {
    subject s;
    open_subject(&s, ctx, cw_theory_find("phi4"), &lat[k], 1, 1);
    int L = longest(&lat[k]), n = n_primary(&s, 0), first = n - (L / 2 + 1);
    double mean[64] = {0};
    for (int t = 0; t <= L / 2; t++) mean[first + t] = cosh(M * (t - 0.5 * L));
    assert_int_equal(quantity(&s, "m_eff")->count(&s.o[0]), L / 2);
    for (int t = 0; t < L / 2; t++) check_close(value(&s, mean, "m_eff", t), M, 1e-12);
    close_subject(&s);
  }
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bits),        cmocka_unit_test(test_memory),
      cmocka_unit_test(test_translation), cmocka_unit_test(test_names),
      cmocka_unit_test(test_definitions), cmocka_unit_test(test_effective_mass),
  };
  return cmocka_run_group_tests_name("observable contract", tests, NULL, NULL);
}
