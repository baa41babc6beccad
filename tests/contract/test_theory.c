/* What every theory owes, at every form, on lattices of every kind of cut: kernels equal to the
 * scalar oracle, forces equal to finite differences along every tangent direction, symmetry under
 * translations and gauge transformations, linearity in the couplings, and the same bits for every
 * lane split and number of threads. */
#include "support/check.h"
#include "support/relayout.h"

#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/wilson.h"

enum { N_CONFIG = 19 }; /* one block and a bit: padding lanes are at work too */

static const cw_lattice lattices[] = {
    {2, {8, 8}},  {2, {16, 8}},      {2, {6, 4}},      {4, {4, 4, 4, 2}}, {1, {6}},
    {2, {5, 3}},  {2, {2, 2}},       {1, {1}},         {3, {4, 2, 6}},    {3, {3, 4, 5}},
    {2, {32, 4}}, {4, {3, 2, 2, 3}}, {4, {2, 3, 2, 1}}};
enum { N_LATTICES = sizeof lattices / sizeof *lattices };

/* A theory at home on a lattice split V ways, and random configurations. Spins have no force. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
} fixture;

static void open_fixture(cw_context *ctx, const cw_theory_ops *ops, int form, const cw_lattice *lat,
                         int V, const double *params, fixture *fx) {
  fx->ctx = ctx;
  check_ok(ctx, cw_geometry_create(ctx, lat, V, &fx->geom));
  check_ok(ctx, cw_theory_create(ctx, ops, fx->geom, form, params, &fx->th));
  check_ok(ctx, cw_field_create(ctx, fx->geom, fx->th.n_comp, N_CONFIG, &fx->x));
}

static void close_fixture(fixture *fx) {
  cw_field_destroy(&fx->x);
  cw_theory_destroy(&fx->th);
  cw_geometry_destroy(fx->geom);
}

/* The same theory and configurations, split V ways. */
static void resplit(const fixture *from, int V, fixture *to) {
  open_fixture(from->ctx, from->th.ops, from->th.form, &from->geom->lat, V, from->th.param, to);
  to->th.isa = from->th.isa;
  to->th.threads = from->th.threads;
  relayout(&to->x, &from->x);
}

/* A value in range for each parameter, nowhere special. A defect stands in another direction on
 * each lattice and is a point, half a slice or all of it. */
static void some_params(const cw_param *table, const cw_lattice *lat, int number, double *p) {
  int direction = number % lat->dim;
  for (int i = 0; table[i].name != NULL; i++) {
    p[i] = fmin(fmax(0.37 + 0.11 * i, table[i].min), table[i].max);
    if (strcmp(table[i].name, "direction") == 0) p[i] = direction;
    if (strncmp(table[i].name, "edge_", 5) == 0) {
      int d = table[i].name[5] - '0', sizes[3] = {1, 0, 0};
      if (d < lat->dim) sizes[1] = (lat->extent[d] + 1) / 2, sizes[2] = lat->extent[d];
      p[i] = d == direction || d >= lat->dim ? 1 : sizes[number % 3];
    }
  }
}

typedef void test_body(const fixture *fx);

static void run_body(test_body *body, cw_context *ctx, const cw_theory_ops *ops, int form, int l,
                     int *runs) {
  double p[CW_MAX_PARAMS];
  some_params(ops->params[form], &lattices[l], l, p);
  if (ops->refuse(form, &lattices[l], p) != NULL) return;
  fixture fx;
  open_fixture(ctx, ops, form, &lattices[l], 1, p, &fx);
  cw_kind(ops->kind)->hot(fx.th.isa, &fx.x, cw_rng_stream(7, "contract"), (uint32_t)l);
  body(&fx);
  close_fixture(&fx);
  ++*runs;
}

/* Runs body for every theory, form and lattice with random fields at V = 1. */
static void for_all(test_body *body) {
  cw_context *ctx = test_context(1);
  for (int t = 0; cw_theories[t] != NULL; t++)
    for (int form = 0; cw_theories[t]->forms[form] != NULL; form++) {
      int runs = 0;
      for (int l = 0; l < N_LATTICES; l++) run_body(body, ctx, cw_theories[t], form, l, &runs);
      assert_true(runs >= 4); /* a form may refuse the others */
    }
  cw_context_destroy(ctx);
}

static double *row(const cw_field *x) {
  double *r = calloc((size_t)(x->n_blocks * x->B * CW_MAX_TERMS), sizeof *r);
  assert_non_null(r);
  return r;
}

static cw_field fields(const fixture *fx, int n_comp) {
  cw_field y;
  check_ok(fx->ctx, cw_field_create(fx->ctx, fx->geom, n_comp, N_CONFIG, &y));
  return y;
}

/* Room for forces, of no numbers for spins, and the forces at couplings c in it. */
static cw_field forces(const fixture *fx) {
  return fx->th.n_tangent > 0 ? fields(fx, fx->th.n_tangent)
                              : (cw_field){.geom = fx->geom, .B = fx->x.B};
}
static void fill_forces(const fixture *fx, const double *c, cw_field *f) {
  if (fx->th.ops->force != NULL) fx->th.ops->force(&fx->th, &fx->x, c, f);
}

/* ------------------------------------------------------------------ oracle */

/* Oracle's T (n_terms) and f (n_sites*n_tangent) of one configuration. */
static void oracle(const fixture *fx, long config, double *T, double *f) {
  int n_comp = fx->th.n_comp;
  long n = fx->geom->n_sites * n_comp;
  double *flat = calloc((size_t)n, sizeof *flat);
  assert_non_null(flat);
  for (long i = 0; i < n; i++)
    flat[i] = cw_field_get(&fx->x, config, i / n_comp, (int)(i % n_comp));
  fx->th.ops->reference(&fx->th, &fx->geom->lat, flat, fx->th.c, T, f);
  free(flat);
}

/* One configuration, in lanes of every split and with every instruction set. */
static void kernels_equal_oracle(const fixture *fx) {
  const cw_theory_ops *ops = fx->th.ops;
  int splits[5], n_splits = cw_geometry_splits(&fx->geom->lat, splits);
  long n = fx->geom->n_sites * fx->th.n_tangent;
  double T[CW_MAX_TERMS], *f = calloc((size_t)n, sizeof *f);
  const long config = 17;
  oracle(fx, config, T, f);
  for (int i = 0; i < n_splits; i++) {
    fixture fy;
    resplit(fx, splits[i], &fy);
    double *lanes = row(&fy.x);
    cw_field force = forces(&fy);
    for (int isa = 0; isa <= (int)cw_context_isa(fx->ctx); isa++) {
      fy.th.isa = (cw_isa)isa;
      ops->terms(&fy.th, &fy.x, lanes);
      for (int k = 0; k < ops->n_terms; k++)
        check_close(lanes[config * ops->n_terms + k], T[k], 1e-12);
      fill_forces(&fy, fy.th.c, &force);
      for (long j = 0; j < n; j++)
        check_close(cw_field_get(&force, config, j / fy.th.n_tangent, (int)(j % fy.th.n_tangent)),
                    f[j], 1e-12);
    }
    cw_field_destroy(&force);
    free(lanes);
    close_fixture(&fy);
  }
  free(f);
}
static void test_oracle(void **state) {
  (void)state;
  for_all(kernels_equal_oracle);
}

/* -------------------------------------------------------------------- force */

/* S of configuration 0 of y after a shift by s along tangent direction t at site; y is put back. */
static double shifted_action(const fixture *fx, cw_field *y, cw_field *p, long site, int t,
                             double s, double *scratch, double *S) {
  long o = fx->geom->outer[site];
  double eps[CW_LANES] CW_ALIGNED;
  size_t size = (size_t)y->n_comp * CW_LANES;
  double *old = malloc(size * sizeof *old);
  memcpy(old, y->data + (size_t)o * size, size * sizeof *old);
  for (int l = 0; l < CW_LANES; l++) eps[l] = s;
  cw_field_set(p, 0, site, t, 1);
  cw_kind(fx->th.ops->kind)->drift(fx->th.isa, y, p, eps, o, o + 1);
  cw_field_set(p, 0, site, t, 0);
  cw_theory_action(&fx->th, y, fx->th.c, scratch, S);
  memcpy(y->data + (size_t)o * size, old, size * sizeof *old);
  free(old);
  return S[0];
}

/* Four-point central difference: error h^4 S'''''/30 + rounding/h. In the block of one
 * configuration, split as far as it goes, so that actions are cheap. */
static void force_is_minus_gradient(const fixture *at_1) {
  if (at_1->th.ops->force == NULL) return;
  int splits[5], n = cw_geometry_splits(&at_1->geom->lat, splits);
  fixture fx;
  resplit(at_1, splits[n - 1], &fx);
  const long config = 17;
  const double h = 1e-3, at[4] = {-2 * h, -h, h, 2 * h};
  long n_sites = fx.geom->n_sites, block = config / fx.x.B;
  cw_field y = cw_field_block(&fx.x, block), f = fields(&fx, fx.th.n_tangent), p;
  check_ok(fx.ctx, cw_field_create(fx.ctx, fx.geom, fx.th.n_tangent, 1, &p));
  double *scratch = row(&y), *S = row(&y);
  fx.th.ops->force(&fx.th, &fx.x, fx.th.c, &f);
  cw_field of_block = cw_field_block(&f, block);
  for (long site = 0; site < n_sites; site += 1 + n_sites / 5)
    for (int t = 0; t < fx.th.n_tangent; t++) {
      double d[4];
      for (int i = 0; i < 4; i++) d[i] = shifted_action(&fx, &y, &p, site, t, at[i], scratch, S);
      double gradient = (d[0] - 8 * d[1] + 8 * d[2] - d[3]) / (12 * h);
      check_close(cw_field_get(&of_block, 0, site, t), -gradient, 2e-9);
    }
  cw_field_destroy(&f);
  cw_field_destroy(&p);
  free(scratch);
  free(S);
  close_fixture(&fx);
}
static void test_force(void **state) {
  (void)state;
  for_all(force_is_minus_gradient);
}

/* --------------------------------------------------------------- symmetries */

/* Terms that a translation keeps: a defect stays where it is, but the sum over plaquettes with and
 * without its links does not see it. */
static void fold_defects(const cw_theory_ops *ops, double *T) {
  if (!cw_is_wilson(ops)) return;
  for (int k = 2; k < CW_WILSON_CLASSES; k++) {
    T[k % 2] += T[k];
    T[k] = 0;
  }
}

static void terms_are_translation_invariant(const fixture *fx) {
  const cw_theory_ops *ops = fx->th.ops;
  const cw_field *x = &fx->x;
  cw_field y = fields(fx, x->n_comp);
  double *T = row(x), *moved = row(x);
  for (int mu = 0; mu < fx->geom->lat.dim; mu++) {
    for (long s = 0; s < fx->geom->n_sites; s++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(&fx->geom->lat, s, coord);
      coord[mu]++;
      long there = cw_lattice_site(&fx->geom->lat, coord);
      for (long i = 0; i < N_CONFIG; i++)
        for (int c = 0; c < x->n_comp; c++) cw_field_set(&y, i, there, c, cw_field_get(x, i, s, c));
    }
    ops->terms(&fx->th, x, T);
    ops->terms(&fx->th, &y, moved);
    for (int i = 0; i < N_CONFIG; i++) {
      fold_defects(ops, T + i * ops->n_terms);
      fold_defects(ops, moved + i * ops->n_terms);
    }
    for (int i = 0; i < N_CONFIG * ops->n_terms; i++) check_close(moved[i], T[i], 1e-12);
  }
  cw_field_destroy(&y);
  free(T);
  free(moved);
}
static void test_translation(void **state) {
  (void)state;
  for_all(terms_are_translation_invariant);
}

/* out (N, N) = a b or, with dagger, a b^+. */
static void multiply(int n, const double complex *a, const double complex *b, bool dagger,
                     double complex *out) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double complex sum = 0;
      for (int k = 0; k < n; k++)
        sum += a[i * n + k] * (dagger ? conj(b[j * n + k]) : b[k * n + j]);
      out[i * n + j] = sum;
    }
}

static void get_link(const fixture *fx, const cw_field *x, long config, long site, int mu,
                     double complex *m) {
  int n_real = cw_kind(fx->th.ops->kind)->n_real;
  double link[18];
  for (int i = 0; i < n_real; i++) link[i] = cw_field_get(x, config, site, mu * n_real + i);
  cw_link_to_matrix(fx->th.ops->kind, link, (double *)m);
}

/* y = Omega(x) U_mu(x) Omega(x + mu)^+, Omega: the links in direction 0 of omega. */
static void gauge_transform(const fixture *fx, const cw_field *omega, long config, cw_field *y) {
  const cw_lattice *lat = &fx->geom->lat;
  const cw_kind_ops *kind = cw_kind(fx->th.ops->kind);
  for (long s = 0; s < fx->geom->n_sites; s++)
    for (int mu = 0; mu < lat->dim; mu++) {
      double complex u[9], here[9], there[9], half[9];
      double link[18];
      int coord[CW_MAX_DIM];
      cw_lattice_coord(lat, s, coord);
      coord[mu]++;
      get_link(fx, &fx->x, config, s, mu, u);
      get_link(fx, omega, config, s, 0, here);
      get_link(fx, omega, config, cw_lattice_site(lat, coord), 0, there);
      multiply(kind->n_colours, here, u, false, half);
      multiply(kind->n_colours, half, there, true, u);
      cw_link_from_matrix(fx->th.ops->kind, (const double *)u, link);
      for (int i = 0; i < kind->n_real; i++)
        cw_field_set(y, config, s, mu * kind->n_real + i, link[i]);
    }
}

static double force_square(const fixture *fx, const cw_field *f, long config, long link) {
  int n = cw_kind(fx->th.ops->kind)->n_algebra, dim = fx->geom->lat.dim;
  double sum = 0;
  for (int a = 0; a < n; a++) {
    double w = cw_field_get(f, config, link / dim, (int)(link % dim) * n + a);
    sum += w * w;
  }
  return sum;
}

/* A gauge transformation leaves the terms alone and turns the force of each link, keeping its norm.
 */
static void terms_are_gauge_invariant(const fixture *fx) {
  const cw_theory_ops *ops = fx->th.ops;
  if (!cw_kind(ops->kind)->on_links) return;
  cw_field omega = fields(fx, fx->x.n_comp), y = fields(fx, fx->x.n_comp);
  cw_field f = fields(fx, fx->th.n_tangent), turned = fields(fx, fx->th.n_tangent);
  double *T = row(&fx->x), *after = row(&fx->x);
  cw_kind(ops->kind)->hot(fx->th.isa, &omega, cw_rng_stream(8, "gauge"), 0);
  ops->terms(&fx->th, &fx->x, T);
  ops->force(&fx->th, &fx->x, fx->th.c, &f);
  for (long i = 0; i < N_CONFIG; i += 6) gauge_transform(fx, &omega, i, &y);
  ops->terms(&fx->th, &y, after);
  ops->force(&fx->th, &y, fx->th.c, &turned);
  for (long i = 0; i < N_CONFIG; i += 6) {
    for (int k = 0; k < ops->n_terms; k++)
      check_close(after[i * ops->n_terms + k], T[i * ops->n_terms + k], 1e-12);
    for (long link = 0; link < fx->geom->n_sites * fx->geom->lat.dim; link++)
      check_close(force_square(fx, &turned, i, link), force_square(fx, &f, i, link), 1e-12);
  }
  cw_field_destroy(&omega);
  cw_field_destroy(&y);
  cw_field_destroy(&f);
  cw_field_destroy(&turned);
  free(T);
  free(after);
}
static void test_gauge(void **state) {
  (void)state;
  for_all(terms_are_gauge_invariant);
}

/* By how much term k changes where phi becomes -phi and near is the sum over its neighbours. */
static double change_of_term(const cw_theory_ops *ops, int k, double phi, double near) {
  if (k == ops->bond_term) return -2 * phi * near;
  return ops->field_term > 0 && k == ops->field_term ? -2 * phi : 0;
}

static void check_single_flip(const fixture *fx, const double *T, cw_field *y, double *flipped) {
  const cw_field *x = &fx->x;
  const cw_lattice *lat = &fx->geom->lat;
  int n = fx->th.ops->n_terms, coord[CW_MAX_DIM];
  long site = fx->geom->n_sites / 2;
  double near = 0, phi = cw_field_get(x, 3, site, 0);
  cw_lattice_coord(lat, site, coord);
  for (int k = 0; k < 2 * lat->dim; k++) {
    coord[k / 2] += k % 2 ? -1 : 1;
    long there = cw_lattice_site(lat, coord);
    if (there != site) near += cw_field_get(x, 3, there, 0);
    coord[k / 2] -= k % 2 ? -1 : 1;
  }
  cw_field_copy(y, x);
  cw_field_set(y, 3, site, 0, -phi);
  fx->th.ops->terms(&fx->th, y, flipped);
  for (int k = 0; k < n; k++)
    check_close(flipped[3 * n + k], T[3 * n + k] + change_of_term(fx->th.ops, k, phi, near), 1e-12);
}

/* even promises S(-x) = S(x), and field_term that one term alone breaks it; bond_term promises that
 * only these two terms see the sign of a single site. */
static void signs_are_as_promised(const fixture *fx) {
  const cw_theory_ops *ops = fx->th.ops;
  cw_field y = fields(fx, fx->x.n_comp);
  double *T = row(&fx->x), *flipped = row(&fx->x);
  ops->terms(&fx->th, &fx->x, T);
  assert_false(ops->even && ops->field_term > 0);
  if (ops->even || ops->field_term > 0) {
    size_t size = (size_t)fx->x.n_blocks * cw_field_block_size(&fx->x);
    for (size_t i = 0; i < size; i++) y.data[i] = -fx->x.data[i];
    ops->terms(&fx->th, &y, flipped);
    for (int i = 0; i < N_CONFIG * ops->n_terms; i++) {
      bool odd = ops->field_term > 0 && i % ops->n_terms == ops->field_term;
      check_close(flipped[i], odd ? -T[i] : T[i], 1e-14);
    }
  }
  if (ops->bond_term >= 0) check_single_flip(fx, T, &y, flipped);
  cw_field_destroy(&y);
  free(T);
  free(flipped);
}
static void test_signs(void **state) {
  (void)state;
  for_all(signs_are_as_promised);
}

/* F(c) = sum_k c_k F(e_k), S(c) = sum_k c_k T_k. */
static void action_is_linear(const fixture *fx) {
  const cw_theory *th = &fx->th;
  int n = th->ops->n_terms;
  cw_field f = forces(fx), part = forces(fx), sum = forces(fx);
  double *T = row(&fx->x), *S = row(&fx->x), *scratch = row(&fx->x);
  size_t size = (size_t)f.n_blocks * cw_field_block_size(&f);
  fill_forces(fx, th->c, &f);
  th->ops->terms(th, &fx->x, T);
  cw_theory_action(th, &fx->x, th->c, scratch, S);
  for (int k = 0; k < n; k++) {
    double unit[CW_MAX_TERMS] = {0};
    unit[k] = 1;
    fill_forces(fx, unit, &part);
    for (size_t i = 0; i < size; i++) sum.data[i] += th->c[k] * part.data[i];
    for (int i = 0; i < N_CONFIG; i++) S[i] -= th->c[k] * T[i * n + k];
  }
  for (long i = 0; i < N_CONFIG; i++)
    for (long j = 0; j < fx->geom->n_sites * th->n_tangent; j++) {
      long site = j / th->n_tangent;
      int t = (int)(j % th->n_tangent);
      check_close(cw_field_get(&sum, i, site, t), cw_field_get(&f, i, site, t), 1e-12);
    }
  for (int i = 0; i < N_CONFIG; i++) check_close(S[i], 0, 1e-10);
  cw_field_destroy(&f);
  cw_field_destroy(&part);
  cw_field_destroy(&sum);
  free(T);
  free(S);
  free(scratch);
}
static void test_linearity(void **state) {
  (void)state;
  for_all(action_is_linear);
}

/* A theory at other parameters is the one that would be created with them, and has its own tables.
 */
static void parameters_can_be_changed(const fixture *fx) {
  fixture other;
  double p[CW_MAX_PARAMS] = {0};
  const cw_param *table = fx->th.ops->params[fx->th.form];
  for (int i = 0; table[i].name != NULL; i++)
    p[i] = fx->th.param[i] + (table[i].numbers == CW_REAL ? 0.125 : 0);
  open_fixture(fx->ctx, fx->th.ops, fx->th.form, &fx->geom->lat, 1, p, &other);
  const cw_theory at = cw_theory_at(&fx->th, p);
  assert_memory_equal(at.param, other.th.param, sizeof at.param);
  assert_memory_equal(at.c, other.th.c, sizeof at.c);
  assert_memory_not_equal(at.c, fx->th.c, sizeof at.c);
  assert_ptr_equal(at.own, fx->th.own);
  assert_ptr_equal(at.geom, fx->th.geom);
  close_fixture(&other);
}
static void test_other_parameters(void **state) {
  (void)state;
  for_all(parameters_can_be_changed);
}

/* --------------------------------------------------------------------- bits */

/* The terms that are asked for, bit by bit; the others are finite. Every set of them with one
 * instruction set, some with the others. */
static void check_some_terms(const fixture *fx, const double *T) {
  const cw_theory_ops *ops = fx->th.ops;
  const unsigned stride = fx->th.isa == cw_context_isa(fx->ctx) ? 1 : 7;
  double *some = row(&fx->x);
  for (unsigned set = 1; set < 1u << ops->n_terms && ops->some_terms != NULL; set += stride) {
    for (long i = 0; i < N_CONFIG * ops->n_terms; i++) some[i] = NAN;
    ops->some_terms(&fx->th, &fx->x, set, some);
    for (long i = 0; i < N_CONFIG * ops->n_terms; i++) {
      assert_true(isfinite(some[i]));
      if (set >> i % ops->n_terms & 1) assert_memory_equal(some + i, T + i, sizeof *T);
    }
  }
  free(some);
}

static void same_bits(const fixture *fx, int V, int threads, const double *T1, const cw_field *f1) {
  fixture fy;
  resplit(fx, V, &fy);
  fy.th.threads = threads;
  cw_field f = forces(&fy);
  double *T = row(&fy.x);
  fy.th.ops->terms(&fy.th, &fy.x, T);
  fill_forces(&fy, fy.th.c, &f);
  assert_memory_equal(T, T1, (size_t)(N_CONFIG * fy.th.ops->n_terms) * sizeof *T);
  check_some_terms(&fy, T);
  for (long i = 0; i < N_CONFIG; i++)
    for (long s = 0; s < fx->geom->n_sites; s++)
      for (int c = 0; c < f.n_comp; c++) {
        double a = cw_field_get(&f, i, s, c), b = cw_field_get(f1, i, s, c);
        assert_memory_equal(&a, &b, sizeof a);
      }
  free(T);
  cw_field_destroy(&f);
  close_fixture(&fy);
}

static void splits_and_threads_agree(const fixture *fx) {
  int splits[5], n = cw_geometry_splits(&fx->geom->lat, splits);
  double *T = row(&fx->x);
  cw_field f = forces(fx);
  fixture any = *fx;
  for (int isa = 0; isa <= (int)cw_context_isa(fx->ctx); isa++) {
    any.th.isa = (cw_isa)isa;
    any.th.ops->terms(&any.th, &any.x, T);
    fill_forces(&any, any.th.c, &f);
    for (int i = 0; i < n; i++) same_bits(&any, splits[i], 1 + i % 2, T, &f);
    same_bits(&any, 1, 2, T, &f);
  }
  cw_field_destroy(&f);
  free(T);
}
static void test_splits(void **state) {
  (void)state;
  for_all(splits_and_threads_agree);
}

/* The lattices above reach every number of lanes per configuration, so that the test of bits means
 * something. */
static void test_splits_are_covered(void **state) {
  (void)state;
  bool seen[CW_LANES + 1] = {false};
  for (int l = 0; l < N_LATTICES; l++) {
    int splits[5], n = cw_geometry_splits(&lattices[l], splits);
    for (int i = 0; i < n; i++) seen[splits[i]] = true;
  }
  for (int V = 1; V <= CW_LANES; V *= 2) assert_true(seen[V]);
}

/* ------------------------------------------------------------------ registry */

static void test_registry(void **state) {
  (void)state;
  for (int t = 0; cw_theories[t] != NULL; t++) {
    const cw_theory_ops *ops = cw_theories[t];
    assert_ptr_equal(cw_theory_find(ops->name), ops);
    assert_true(strlen(ops->title) > 0 && strlen(ops->source) > 0);
    assert_in_range(ops->n_terms, 1, CW_MAX_TERMS);
    assert_true(ops->bond_term < ops->n_terms);
    for (int form = 0; ops->forms[form] != NULL; form++)
      for (int i = 0; ops->params[form][i].name != NULL; i++) {
        assert_true(i < CW_MAX_PARAMS);
        assert_true(ops->params[form][i].min <= ops->params[form][i].max);
      }
  }
  assert_null(cw_theory_find("no such theory"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_registry),  cmocka_unit_test(test_oracle),
      cmocka_unit_test(test_force),     cmocka_unit_test(test_translation),
      cmocka_unit_test(test_gauge),     cmocka_unit_test(test_signs),
      cmocka_unit_test(test_linearity), cmocka_unit_test(test_other_parameters),
      cmocka_unit_test(test_splits),    cmocka_unit_test(test_splits_are_covered),
  };
  return cmocka_run_group_tests_name("theory contract", tests, NULL, NULL);
}
