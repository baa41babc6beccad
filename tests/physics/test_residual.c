/* Layers residual and repair on ensembles: first-order features of mean 0 in equilibrium, and the symmetries of a
 * pass and of its features.
 *
 * With theta = 0 the product of the forward pass with g = d ln p and adjoint 1 of log J gives, for each
 * parameter, F = div v + v . d ln p of the field v that it multiplies, every class at the same links.
 * Its mean over p is 0, as that of every divergence of v p. */
#include "physics/links.h"

#include "causeway/model.h"

enum { MOST_THETA = 32 };

static cw_layer *layer_for(const links *k, int mask, int coefficients) {
  cw_layer *L;
  cw_layer_spec spec = cw_layer_presets(cw_layer_find("residual"));
  spec.choice[0] = mask;
  spec.choice[1] = coefficients;
  check_ok(k->ctx, cw_layer_create(k->ctx, &spec, k->th.ops->kind, k->geom, &L));
  return L;
}

/* F (n_theta, n_config) of x; only_div: without v . d ln p. */
static void features(const links *k, const cw_layer *L, const cw_field *x, bool only_div,
                     double *F) {
  const double theta[MOST_THETA] = {0};
  cw_field f;
  cw_arena *work = cw_arena_create(0);
  check_ok(k->ctx, cw_field_create(k->ctx, k->geom, k->th.n_tangent, x->n_config, &f));
  if (!only_div) k->th.ops->force(&k->th, x, k->th.c, &f);
  for (long block = 0; block < x->n_blocks; block++) {
    cw_field y = cw_field_block(x, block), g = cw_field_block(&f, block);
    double logj[CW_LANES] CW_ALIGNED = {0}, one[CW_LANES] CW_ALIGNED, sum[MOST_THETA] = {0};
    double each[MOST_THETA * CW_LANES] = {0};
    void *frame;
    for (int l = 0; l < CW_LANES; l++) one[l] = 1;
    cw_arena_mark mark = cw_arena_save(work);
    check_ok(k->ctx, L->ops->forward(L, (cw_theta){theta, NULL}, y.data, logj, work, &frame));
    check_ok(k->ctx, L->ops->forward_vjp(L, (cw_theta){theta, NULL}, frame, g.data, one,
                                         &(cw_gradient_of){sum, each}, work));
    cw_arena_rewind(work, mark);
    for (long i = 0; i < L->n_theta; i++)
      for (int b = 0; b < x->B && block * x->B + b < x->n_config; b++)
        F[i * x->n_config + block * x->B + b] = each[i * CW_LANES + b];
  }
  cw_arena_destroy(work);
  cw_field_destroy(&f);
}

/* ------------------------------------------------------------------------ means */

/* n_even: numbers, at the end, of features that U(1) does not have; parts: errors by which the two parts of each
 * mean differ from 0 at least. */
static void vanish(const links *k_of, cw_layer *L, long n_even, double parts) {
  enum { N = 128, MEASUREMENTS = SANITIZED ? 2 : 6 };
  links k = *k_of;
  const char *theory = k.th.ops->name;
  double *F = cw_alloc(MOST_THETA * N * sizeof *F), *div = cw_alloc(MOST_THETA * N * sizeof *div);
  double *mean = cw_alloc(MOST_THETA * N * sizeof *mean);
  for (uint32_t step = 0; step < 10; step++) advance(&k, step);
  for (uint32_t m = 0; m < MEASUREMENTS; m++) {
    advance(&k, 10 + m);
    features(&k, L, &k.x, false, F);
    for (long i = 0; i < L->n_theta * N; i++) mean[i] += F[i] / MEASUREMENTS;
  }
  features(&k, L, &k.x, true, div);
  for (long i = 0; i < L->n_theta; i++) {
    const double *of = mean + i * N, average = cw_sum(of, N) / N, size = cw_sum(div + i * N, N) / N;
    double square = 0;
    for (int c = 0; c < N; c++) square += (of[c] - average) * (of[c] - average);
    const double error = sqrt(square / N / (N - 1));
    print_message("  %s, %d: F = %.4f(%.4f), of which div %.3f\n", theory, (int)i, average, error,
                  size);
    if (k.th.ops->kind == CW_LINK_U1 && i >= L->n_theta - n_even) {
      assert_true(average == 0 && size == 0); /* conj(tr P) P is real */
      continue;
    }
    check_sigma(average, error, 0, 4);
    assert_true(fabs(size) > parts * error); /* there are two parts, and they cancel */
  }
  free(F);
  free(div);
  free(mean);
  L->ops->destroy(L);
  close_links(&k);
}

static void means_vanish(cw_context *ctx, const char *theory, cw_lattice lat, double beta, int mask,
                         int coefficients) {
  links k;
  open_links(&k, ctx, theory, lat, 0, 128, ISOTROPIC, &beta, 4, 0, 1);
  vanish(&k, layer_for(&k, mask, coefficients), 1 + coefficients, 20);
}

/* A layer around a defect with a factor of a half. */
static void means_vanish_at_a_defect(cw_context *ctx, const char *theory, cw_lattice lat,
                                     double beta, int edge) {
  const double param[] = {beta, 0.5, 0, 1, edge, lat.dim > 2 ? edge : 1, lat.dim > 3 ? edge : 1};
  cw_layer_spec spec = cw_layer_presets(cw_layer_find("repair"));
  links k;
  cw_layer *L;
  cw_layer_set(&spec, "edge_1", edge);
  if (lat.dim > 2) cw_layer_set(&spec, "edge_2", edge);
  open_links(&k, ctx, theory, lat, 0, 128, DEFECT, param, 4, 0, 1);
  check_ok(ctx, cw_layer_create(ctx, &spec, k.th.ops->kind, k.geom, &L));
  L->ops->between(L, k.th.ops, k.th.c, k.th.c);
  vanish(&k, L, 3, 6);
}

static void test_defect(void **state) {
  means_vanish_at_a_defect(*state, "u1", (cw_lattice){2, {4, 4}}, 2, 1);
  means_vanish_at_a_defect(*state, "su2", (cw_lattice){3, {2, 4, 4}}, 2, 2);
}

static void test_u1(void **state) {
  means_vanish(*state, "u1", (cw_lattice){2, {4, 4}}, 1, CW_MASK_HALF, 0);
  means_vanish(*state, "u1", (cw_lattice){3, {2, 2, 4}}, 0.8, CW_MASK_EIGHTH, 0);
}
static void test_su2(void **state) {
  means_vanish(*state, "su2", (cw_lattice){3, {4, 2, 4}}, 1.8, CW_MASK_QUARTER, 0);
}
static void test_su3(void **state) {
  means_vanish(*state, "su3", (cw_lattice){4, {2, 2, 2, 4}}, 5, CW_MASK_HALF, 0);
}
static void test_planes(void **state) {
  means_vanish(*state, "su2", (cw_lattice){3, {2, 2, 4}}, 1.8, CW_MASK_HALF, 1);
}

/* ------------------------------------------------------------------------ symmetries */

typedef struct {
  cw_field_kind kind;
  int N, n_real;
  double at[18];
} small;

static small link_of(const links *k, const cw_field *x, long config, long site, int mu) {
  const cw_kind_ops *ops = cw_kind(k->th.ops->kind);
  small m = {k->th.ops->kind, ops->n_colours, ops->n_real, {0}};
  double link[18];
  for (int i = 0; i < m.n_real; i++) link[i] = cw_field_get(x, config, site, mu * m.n_real + i);
  cw_link_to_matrix(m.kind, link, m.at);
  return m;
}

static void put_link(cw_field *x, long config, long site, int mu, const small *m) {
  double link[18];
  cw_link_from_matrix(m->kind, m->at, link);
  for (int i = 0; i < m->n_real; i++) cw_field_set(x, config, site, mu * m->n_real + i, link[i]);
}

/* a b, or a b^+. */
static small product(small a, small b, bool dagger) {
  small c = a;
  for (int i = 0; i < a.N; i++)
    for (int j = 0; j < a.N; j++) {
      double re = 0, im = 0;
      for (int n = 0; n < a.N; n++) {
        const double *p = a.at + 2 * (i * a.N + n),
                     *q = b.at + 2 * (dagger ? j * a.N + n : n * a.N + j);
        const double qi = dagger ? -q[1] : q[1];
        re += p[0] * q[0] - p[1] * qi;
        im += p[0] * qi + p[1] * q[0];
      }
      c.at[2 * (i * a.N + j)] = re;
      c.at[2 * (i * a.N + j) + 1] = im;
    }
  return c;
}

static small adjoint(small a) {
  small one = a;
  for (int i = 0; i < 2 * a.N * a.N; i++) one.at[i] = i % 2 == 0 && i / 2 % (a.N + 1) == 0;
  return product(one, a, true);
}

static small conjugate(small a) {
  for (int i = 1; i < 2 * a.N * a.N; i += 2) a.at[i] = -a.at[i];
  return a;
}

typedef enum {
  GAUGE,
  CONJUGATION,
  SHIFT_0,
  SHIFT_LAST,
  EXCHANGE,
  REFLECTION,
  N_SYMMETRIES
} symmetry;

/* Link (coord, mu) of the transformed field; omega: elements of the group on sites. */
static small transformed(const links *k, const cw_field *x, const cw_field *omega, symmetry which,
                         long config, const int *coord, int mu) {
  const cw_lattice *lat = &k->geom->lat;
  int from[CW_MAX_DIM], dim = lat->dim;
  memcpy(from, coord, sizeof from);
  if (which == SHIFT_0) from[0]--;
  if (which == SHIFT_LAST) from[dim - 1]--;
  if (which == EXCHANGE) { /* of directions 0 and 1 */
    from[0] = coord[1];
    from[1] = coord[0];
    return link_of(k, x, config, cw_lattice_site(lat, from), mu < 2 ? 1 - mu : mu);
  }
  if (which == REFLECTION) { /* of direction 1 */
    from[1] = -coord[1] - (mu == 1);
    const small u = link_of(k, x, config, cw_lattice_site(lat, from), mu);
    return mu == 1 ? adjoint(u) : u;
  }
  small u = link_of(k, x, config, cw_lattice_site(lat, from), mu);
  if (which == CONJUGATION) return conjugate(u);
  if (which != GAUGE) return u;
  from[mu]++;
  const small here = link_of(k, omega, config, cw_lattice_site(lat, coord), 0),
              there = link_of(k, omega, config, cw_lattice_site(lat, from), 0);
  return product(product(here, u, false), there, true);
}

static void transform(const links *k, const cw_field *omega, symmetry which, const cw_field *x,
                      cw_field *y) {
  for (long i = 0; i < x->n_config; i++)
    for (long s = 0; s < k->geom->n_sites; s++)
      for (int mu = 0; mu < k->geom->lat.dim; mu++) {
        int coord[CW_MAX_DIM];
        cw_lattice_coord(&k->geom->lat, s, coord);
        const small u = transformed(k, x, omega, which, i, coord, mu);
        put_link(y, i, s, mu, &u);
      }
}

static cw_field like(const links *k, const cw_field *x) {
  cw_field y;
  check_ok(k->ctx, cw_field_create(k->ctx, k->geom, x->n_comp, x->n_config, &y));
  cw_field_copy(&y, x);
  return y;
}

/* Features are sums over all classes at one field: every symmetry of the lattice leaves them alone. */
static void features_are_invariant(const links *k, const cw_layer *L, const cw_field *omega,
                                   symmetry which) {
  const long n = L->n_theta * k->x.n_config;
  double *F = cw_alloc((size_t)n * sizeof *F), *G = cw_alloc((size_t)n * sizeof *G);
  cw_field y = like(k, &k->x);
  transform(k, omega, which, &k->x, &y);
  features(k, L, &k->x, false, F);
  features(k, L, &y, false, G);
  for (long i = 0; i < n; i++) check_close(G[i], F[i], 1e-11);
  free(F);
  free(G);
  cw_field_destroy(&y);
}

static void carry(const links *k, const cw_layer *L, cw_field *x, double *logj) {
  double theta[MOST_THETA];
  void *frame;
  cw_arena *work = cw_arena_create(0);
  for (int i = 0; i < MOST_THETA; i++) theta[i] = 0.004 * (1 - 0.2 * i);
  memset(logj, 0, CW_LANES * sizeof *logj);
  check_ok(k->ctx, L->ops->forward(L, (cw_theta){theta, NULL}, x->data, logj, work, &frame));
  cw_arena_destroy(work);
}

/* The pass of a transformed field is the transformed pass, where classes stay what they are: twice
 * the same shift. */
static void pass_is_covariant(const links *k, const cw_layer *L, const cw_field *omega,
                              symmetry which) {
  cw_field x = like(k, &k->x), y = like(k, &k->x), z = like(k, &k->x);
  double logj[2][CW_LANES] CW_ALIGNED, moved = 0;
  const bool shift = which == SHIFT_0 || which == SHIFT_LAST;
  transform(k, omega, which, &k->x, &y);
  if (shift) {
    transform(k, omega, which, &y, &z);
    cw_field_copy(&y, &z);
  }
  carry(k, L, &x, logj[0]);
  carry(k, L, &y, logj[1]);
  transform(k, omega, which, &x, &z);
  if (shift) {
    cw_field_copy(&x, &z);
    transform(k, omega, which, &x, &z);
  }
  for (size_t i = 0; i < cw_field_block_size(&y); i++) {
    check_close(y.data[i], z.data[i], 1e-13);
    moved = fmax(moved, fabs(x.data[i] - k->x.data[i]));
  }
  assert_true(moved > 1e-3);
  for (int b = 0; b < k->x.B; b++) check_close(logj[1][b], logj[0][b], 1e-12);
  cw_field_destroy(&x);
  cw_field_destroy(&y);
  cw_field_destroy(&z);
}

static void test_symmetries(void **state) {
  const struct {
    const char *theory;
    cw_lattice lat;
    int V, mask, coefficients;
  } cases[] = {{"u1", {2, {4, 4}}, 4, CW_MASK_HALF, 0},
               {"su2", {3, {4, 4, 2}}, 1, CW_MASK_QUARTER, 1},
               {"su3", {4, {2, 2, 4, 2}}, 2, CW_MASK_HALF, 0},
               {"su3", {4, {2, 2, 2, 4}}, 1, CW_MASK_EIGHTH, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const double beta = 4;
    links k;
    open_links(&k, *state, cases[i].theory, cases[i].lat, cases[i].V, CW_LANES / cases[i].V,
               ISOTROPIC, &beta, 2, 0, 1);
    cw_layer *L = layer_for(&k, cases[i].mask, cases[i].coefficients);
    cw_field omega = like(&k, &k.x);
    cw_kind(k.th.ops->kind)->hot(k.th.isa, &omega, cw_rng_stream(9, "omega"), 0);
    advance(&k, 0);
    for (int which = 0; which < N_SYMMETRIES; which++) {
      features_are_invariant(&k, L, &omega, which);
      if (which <= SHIFT_LAST) pass_is_covariant(&k, L, &omega, which);
    }
    cw_field_destroy(&omega);
    L->ops->destroy(L);
    close_links(&k);
  }
}

/* ------------------------------------------------------------------------ threads */

/* One and two threads do the same, bit by bit, forward, back and in products. */
static void test_threads(void **state) {
  (void)state;
  double logj[2][CW_LANES] CW_ALIGNED, F[2][MOST_THETA];
  cw_field y[2];
  links k[2];
  const double beta = 5.7;
  for (int t = 0; t < 2; t++) {
    open_links(&k[t], test_context(1 + t), "su3", (cw_lattice){4, {4, 4, 4, 4}}, CW_LANES, 1,
               ISOTROPIC, &beta, 2, 0, 1);
    cw_layer *L = layer_for(&k[t], CW_MASK_HALF, 0);
    advance(&k[t], 0);
    y[t] = like(&k[t], &k[t].x);
    carry(&k[t], L, &y[t], logj[t]);
    features(&k[t], L, &k[t].x, false, F[t]);
    L->ops->destroy(L);
  }
  assert_memory_equal(y[0].data, y[1].data, cw_field_block_size(&y[0]) * sizeof *y[0].data);
  assert_true(logj[0][0] == logj[1][0]);
  assert_memory_equal(F[0], F[1], 6 * sizeof F[0][0]);
  for (int t = 0; t < 2; t++) {
    cw_context *ctx = k[t].ctx;
    cw_field_destroy(&y[t]);
    close_links(&k[t]);
    cw_context_destroy(ctx);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_u1),     cmocka_unit_test(test_su2),
      cmocka_unit_test(test_su3),    cmocka_unit_test(test_planes),
      cmocka_unit_test(test_defect), cmocka_unit_test(test_symmetries),
      cmocka_unit_test(test_threads)};
  return cmocka_run_group_tests_name("residual", tests, test_open_context_2, test_close_context);
}
