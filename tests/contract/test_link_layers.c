/* Every layer of the registry that moves links, on every group, against its definition: inverse of
 * forward, log-Jacobian against the determinant of the whole Jacobian on small tori, products against
 * differences, and equal bits for every split. */
#include <stdlib.h>
#include <string.h>

#include "causeway/model.h"
#include "group/rows.h"
#include "model/determinant.h"
#include "model/layers/implicit.h"
#include "support/check.h"
#include "support/relayout.h"

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_layer *L;
  cw_field_kind field;
  double *theta;
  float *theta_f;
  int B;
  cw_field x, w; /* links, and a random covector */
  double c[CW_LANES] CW_ALIGNED;
  cw_arena *tape;
} bench;

static cw_theta theta_of(const bench *b) { return (cw_theta){b->theta, b->theta_f}; }

static void set_theta(bench *b, double scale) {
  for (long i = 0; i < b->L->n_theta; i++) {
    b->theta[i] = scale * (0.11 - 0.05 * (double)i);
    b->theta_f[i] = (float)b->theta[i];
  }
}

/* Rough links, but no hot ones: sums of staples that nearly vanish have directions that no difference
 * follows. */
static void start(bench *b) {
  double eps[CW_LANES] CW_ALIGNED;
  for (int l = 0; l < CW_LANES; l++) eps[l] = 0.4;
  cw_field_normal(CW_ISA_BASE, &b->w, cw_rng_stream(5, "x"), 0, 0);
  cw_kind(b->field)->cold(&b->x);
  cw_kind(b->field)->drift(CW_ISA_BASE, &b->x, &b->w, eps, 0, b->geom->n_outer);
}

static void open_bench(bench *b, cw_field_kind field, cw_lattice lat, int V,
                       const cw_layer_spec *spec) {
  *b = (bench){.ctx = test_context(1), .field = field, .B = CW_LANES / V};
  check_ok(b->ctx, cw_geometry_create(b->ctx, &lat, V, &b->geom));
  check_ok(b->ctx, cw_layer_create(b->ctx, spec, field, b->geom, &b->L));
  b->theta = cw_alloc((size_t)b->L->n_theta * sizeof(double));
  b->theta_f = cw_alloc((size_t)b->L->n_theta * sizeof(float));
  set_theta(b, 1);
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, b->L->n_comp, b->B, &b->x));
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, b->L->n_tangent, b->B, &b->w));
  start(b);
  cw_field_normal(CW_ISA_BASE, &b->w, cw_rng_stream(5, "w"), 0, 0);
  for (int l = 0; l < b->B; l++) b->c[l] = 0.3 + 0.1 * l;
  b->tape = cw_arena_create(1 << 20);
}

static void close_bench(bench *b) {
  b->L->ops->destroy(b->L);
  cw_field_destroy(&b->x);
  cw_field_destroy(&b->w);
  cw_geometry_destroy(b->geom);
  free(b->theta);
  free(b->theta_f);
  cw_arena_destroy(b->tape);
  cw_context_destroy(b->ctx);
}

static cw_field like(const bench *b, const cw_field *x) {
  cw_field y;
  check_ok(b->ctx, cw_field_create(b->ctx, b->geom, x->n_comp, x->n_config, &y));
  cw_field_copy(&y, x);
  return y;
}

/* y = f(x), or of the inverse; logj from zero. The tape is left as it was if frame is NULL. */
static void apply(bench *b, bool inverse, const cw_field *x, cw_field *y, double *logj,
                  void **frame) {
  void *unused;
  cw_arena_mark mark = cw_arena_save(b->tape);
  cw_field_copy(y, x);
  memset(logj, 0, CW_LANES * sizeof *logj);
  check_ok(b->ctx, (inverse ? b->L->ops->inverse : b->L->ops->forward)(
                       b->L, theta_of(b), y->data, logj, b->tape, frame ? frame : &unused));
  if (frame == NULL) cw_arena_rewind(b->tape, mark);
}

static void inverse_undoes_forward(bench *b) {
  cw_field y = like(b, &b->x), back = like(b, &b->x);
  double lj[CW_LANES] CW_ALIGNED, lk[CW_LANES] CW_ALIGNED, moved = 0;
  const size_t n = cw_field_block_size(&y);
  apply(b, false, &b->x, &y, lj, NULL);
  apply(b, true, &y, &back, lk, NULL);
  for (size_t i = 0; i < n; i++) {
    check_close(back.data[i], b->x.data[i], b->L->n_theta > 0 ? 5e-15 : 1e-13); /* of many steps */
    moved = fmax(moved, fabs(y.data[i] - b->x.data[i]));
  }
  assert_true(moved > 0.01);
  for (int l = 0; l < b->B; l++) check_close(lk[l], -lj[l], 1e-13);
  cw_field_destroy(&y);
  cw_field_destroy(&back);
}

/* ------------------------------------------------------------------------ Jacobians */

/* x moved by s along every tangent direction p, all configurations. */
static void drift(const bench *b, const cw_field *x, const cw_field *p, double s, cw_field *to) {
  double eps[CW_LANES] CW_ALIGNED;
  for (int l = 0; l < CW_LANES; l++) eps[l] = s;
  cw_field_copy(to, x);
  cw_kind(b->field)->drift(CW_ISA_BASE, to, p, eps, 0, b->geom->n_outer);
}

/* Coordinates of log(to from^+) of every link, added with a factor to t, of the tangent shape. */
static void add_difference(const bench *b, const cw_field *to, const cw_field *from, double factor,
                           double *t) {
  const cw_row_ops *op = &CW_DISPATCH(CW_ISA_BASE, cw_row_kernels)->kind[b->field];
  const int n = cw_kind(b->field)->n_real, d = cw_kind(b->field)->n_algebra;
  double turn[18][CW_LANES] CW_ALIGNED, w[8][CW_LANES] CW_ALIGNED;
  for (long link = 0; link < b->geom->n_outer * b->geom->lat.dim; link++) {
    op->mul_nd(turn[0], to->data + link * n * CW_LANES, from->data + link * n * CW_LANES);
    op->log(turn[0], w[0]);
    for (int a = 0; a < d; a++)
      for (int l = 0; l < CW_LANES; l++) t[(link * d + a) * CW_LANES + l] += factor * w[a][l];
  }
}

static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12}, at[4] = {-2, -1, 1, 2};

/* All configurations become configuration `one`. */
static cw_field copies_of(const bench *b, int one) {
  cw_field x = like(b, &b->x);
  for (size_t i = 0; i < cw_field_block_size(&x); i += CW_LANES)
    for (int l = 0; l < CW_LANES; l++)
      x.data[i + (size_t)l] = b->x.data[i + (size_t)(l / b->B * b->B + one)];
  return x;
}

/* Columns j, j + 1, ... of the Jacobian at x, which has the same configuration B times: four of them are
 * moved for each. y: the image. t: room of the tangent shape. */
static void columns_at(bench *b, const cw_field *x, const cw_field *y, int n, int j, double *A,
                       double *t) {
  const int V = b->geom->V, B = b->B;
  const double h = 2e-4;
  double unused[CW_LANES] CW_ALIGNED;
  cw_field p = like(b, &b->w), to = like(b, x), z = like(b, x);
  memset(p.data, 0, cw_field_block_size(&p) * sizeof *p.data);
  memset(t, 0, cw_field_block_size(&p) * sizeof *t);
  for (int c = 0; c < B && j + c / 4 < n; c++)
    p.data[(j + c / 4) / V * CW_LANES + (j + c / 4) % V * B + c] = at[c % 4];
  drift(b, x, &p, h, &to);
  apply(b, false, &to, &z, unused, NULL);
  add_difference(b, &z, y, 1 / h, t);
  for (int c = 0; c < B && j + c / 4 < n; c++)
    for (int i = 0; i < n; i++)
      A[i * n + j + c / 4] += weight[c % 4] * t[i / V * CW_LANES + i % V * B + c];
  cw_field_destroy(&p);
  cw_field_destroy(&to);
  cw_field_destroy(&z);
}

/* The Jacobian of configuration 1, which in lanes 1, 1 + B, ... has all links of the lattice. */
static void log_jacobian_is_the_determinant(bench *b) {
  const int one = 1 % b->B, n = (int)b->geom->n_sites * b->L->n_tangent;
  if (n > (SANITIZED ? 100 : 600)) return; /* of larger ones the time goes with the third power */
  assert_true(b->B >= 4);
  double *A = cw_alloc((size_t)n * (size_t)n * sizeof *A), lj[CW_LANES] CW_ALIGNED;
  double *t = cw_alloc(cw_field_block_size(&b->w) * sizeof *t);
  cw_field x = copies_of(b, one), y = like(b, &b->x);
  apply(b, false, &x, &y, lj, NULL);
  for (int j = 0; j < n; j += b->B / 4) columns_at(b, &x, &y, n, j, A, t);
  assert_true(fabs(lj[one]) > 1e-3);
  check_close(cw_log_abs_det(A, n), lj[one], 1e-9);
  cw_field_destroy(&x);
  cw_field_destroy(&y);
  free(A);
  free(t);
}

/* ------------------------------------------------------------------------ products */

/* g and the gradient of each configuration from the product of a pass. */
static void product(bench *b, bool inverse, const void *frame, double *g, cw_gradient_of *gtheta) {
  memcpy(g, b->w.data, cw_field_block_size(&b->w) * sizeof *g);
  check_ok(b->ctx, (inverse ? cw_layer_inverse_vjp : b->L->ops->forward_vjp)(
                       b->L, theta_of(b), frame, g, b->c, gtheta, b->tape));
}

/* F = c . logj + the links' components times fixed numbers, at x moved by s along p, and at theta +
 * s dtheta. */
static double value(bench *b, bool inverse, const cw_field *p, double s, double theta_step,
                    const double *f) {
  cw_field x = like(b, &b->x), y = like(b, &b->x);
  double lj[CW_LANES] CW_ALIGNED, was[64];
  memcpy(was, b->theta, (size_t)b->L->n_theta * sizeof *was);
  for (long i = 0; i < b->L->n_theta; i++) b->theta[i] += theta_step;
  drift(b, &b->x, p, s, &x);
  apply(b, inverse, &x, &y, lj, NULL);
  memcpy(b->theta, was, (size_t)b->L->n_theta * sizeof *was);
  const double F = cw_dot(f, y.data, cw_field_block_size(&y)) + cw_dot(b->c, lj, (size_t)b->B);
  cw_field_destroy(&x);
  cw_field_destroy(&y);
  return F;
}

/* g = derivatives of f . y along T_a of y. */
static void covector_at(bench *b, const cw_field *y, const double *f, double *g) {
  const int d = b->L->n_tangent;
  const double h = 1e-3;
  const size_t n = cw_field_block_size(y);
  cw_field p = like(b, &b->w), z = like(b, y);
  const int n_real = cw_kind(b->field)->n_real, n_algebra = cw_kind(b->field)->n_algebra;
  memset(g, 0, (size_t)(b->geom->n_outer * d) * CW_LANES * sizeof *g);
  for (int a = 0; a < n_algebra; a++) {
    memset(p.data, 0, cw_field_block_size(&p) * sizeof *p.data);
    for (long r = a; r < b->geom->n_outer * d; r += n_algebra)
      for (int l = 0; l < CW_LANES; l++) p.data[r * CW_LANES + l] = 1;
    for (int k = 0; k < 4; k++) {
      drift(b, y, &p, at[k] * h, &z);
      for (size_t i = 0; i < n; i++) {
        const size_t r = i / CW_LANES / (size_t)n_real, l = i % CW_LANES;
        g[(r * (size_t)n_algebra + (size_t)a) * CW_LANES + l] += weight[k] / h * f[i] * z.data[i];
      }
    }
  }
  cw_field_destroy(&p);
  cw_field_destroy(&z);
}

static void vjp_matches_differences(bench *b, bool inverse) {
  cw_field y = like(b, &b->x), f = like(b, &b->x), p = like(b, &b->w);
  const size_t n = cw_field_block_size(&b->w), n_theta = (size_t)b->L->n_theta;
  double lj[CW_LANES] CW_ALIGNED, *g = cw_alloc(n * sizeof *g);
  double *sum = cw_alloc(n_theta * sizeof *sum),
         *each = cw_alloc(n_theta * CW_LANES * sizeof *each);
  double slope = 0, slope_theta = 0, exact = 0;
  const double h = 2e-4, h_theta = 2e-5; /* small against bounds of coefficients */
  void *frame;
  cw_field_normal(CW_ISA_BASE, &f, cw_rng_stream(6, "f"), 0, 0);
  apply(b, inverse, &b->x, &y, lj, &frame);
  covector_at(b, &y, f.data, b->w.data);
  for (size_t i = 0; i < n_theta; i++) sum[i] = 0.5; /* it is added to */
  product(b, inverse, frame, g, &(cw_gradient_of){sum, b->L->ops->each ? each : NULL});
  cw_field_normal(CW_ISA_BASE, &p, cw_rng_stream(7, "p"), 0, 0);
  for (int k = 0; k < 4; k++) {
    slope += weight[k] / h * value(b, inverse, &p, at[k] * h, 0, f.data);
    slope_theta += weight[k] / h_theta * value(b, inverse, &p, 0, at[k] * h_theta, f.data);
  }
  for (size_t i = 0; i < n_theta; i++) exact += sum[i] - 0.5;
  const double norm = sqrt(cw_dot(g, g, n));
  check_close(slope / norm, cw_dot(g, p.data, n) / norm, 1e-8);
  check_close(slope_theta / norm, exact / norm, 1e-9);
  assert_true(fabs(exact) > 1e-6 * norm);
  for (size_t i = 0; b->L->ops->each && i < n_theta; i++)
    check_close(cw_sum(each + i * CW_LANES, CW_LANES) / norm, (sum[i] - 0.5) / norm, 1e-14);
  cw_field_destroy(&y);
  cw_field_destroy(&f);
  cw_field_destroy(&p);
  free(g);
  free(sum);
  free(each);
}

static void vjps_match_differences(bench *b) {
  if (b->L->ops->forward_vjp == NULL) return;
  vjp_matches_differences(b, false);
  vjp_matches_differences(b, true);
}

static double largest(const double *g, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs(g[i]));
  return most;
}

/* Frames of x -> y and of y -> x serve both products. */
static void frames_serve_both_products(bench *b) {
  if (b->L->ops->forward_vjp == NULL) return;
  cw_field y = like(b, &b->x), back = like(b, &b->x);
  const size_t n = cw_field_block_size(&b->w);
  double lj[CW_LANES] CW_ALIGNED, *g[2] = {cw_alloc(n * sizeof **g), cw_alloc(n * sizeof **g)};
  void *frame[2];
  apply(b, false, &b->x, &y, lj, &frame[0]);
  apply(b, true, &y, &back, lj, &frame[1]);
  for (int inverse = 0; inverse < 2; inverse++) {
    for (int k = 0; k < 2; k++) product(b, inverse == 1, frame[k], g[k], NULL);
    const double size = largest(g[1], n);
    for (size_t i = 0; i < n; i++) check_close(g[0][i] / size, g[1][i] / size, 1e-12);
  }
  free(g[0]);
  free(g[1]);
  cw_field_destroy(&y);
  cw_field_destroy(&back);
}

/* ------------------------------------------------------------------------ cases */

static const cw_lattice lattices[] = {
    {2, {2, 2}}, {2, {4, 4}}, {3, {4, 2, 2}}, {4, {4, 2, 2, 2}}, {4, {2, 2, 2, 2}}};
enum { N_LATTICES = sizeof lattices / sizeof *lattices - SANITIZED };

static cw_layer_spec preset(const cw_layer_kind *kind, int number, int choice) {
  cw_layer_spec spec = cw_layer_presets(kind);
  spec.number = number;
  for (int i = 0; kind->choices_name && kind->choices_name[i]; i++) spec.choice[i] = choice;
  return spec;
}

static bool refuses(const cw_layer_kind *kind, const cw_layer_spec *spec, const cw_lattice *lat) {
  cw_layer_fault fault;
  return kind->refuse != NULL && kind->refuse(spec, lat, &fault);
}

/* Layers without products are fitted by quadrature whenever one is made: short tests see the smallest lattice, and one group in
 * all splits. */
static bool is_slow(const cw_layer_kind *kind) {
  return !test_is_long() && kind->ops->forward_vjp == NULL;
}

/* Kinds of the registry on all links that they fit, on the lattice, if they take it, and split: classes 1
 * and 2 of the first value of each word key, and of the second. SU(3) in four dimensions takes the longest
 * by far: the sanitizers see it with the first. */
static void for_kinds(cw_lattice lat, int V, void (*test)(bench *)) {
  for (int i = 0; cw_layers[i] != NULL; i++)
    for (cw_field_kind field = CW_LINK_U1; field <= CW_LINK_SU3; field++) {
      if (!cw_layer_fits(cw_layers[i], field)) continue;
      if (is_slow(cw_layers[i]) && lat.extent[0] > 2) continue;
      const bool one = SANITIZED && field == CW_LINK_SU3 && lat.dim == 4;
      for (int choice = 0; choice < (cw_layers[i]->choices_name && !one ? 2 : 1); choice++) {
        const cw_layer_spec spec = preset(cw_layers[i], 1 + choice, choice);
        bench b;
        if (refuses(cw_layers[i], &spec, &lat)) continue;
        open_bench(&b, field, lat, V, &spec);
        test(&b);
        close_bench(&b);
      }
    }
}

/* Split as far as it goes; of lattices that can be, long tests see both, and test_splits what all splits give. */
static void for_cases(void (*test)(bench *)) {
  for (int i = 0; i < N_LATTICES; i++) {
    int splits[5], n = cw_geometry_splits(&lattices[i], splits);
    for (int s = test_is_long() ? 0 : n - 1; s<n; s += n> 1 ? n - 1 : 1)
      for_kinds(lattices[i], splits[s], test);
  }
}

static void test_inverse(void **state) { (void)state, for_cases(inverse_undoes_forward); }
static void test_jacobian(void **state) { (void)state, for_cases(log_jacobian_is_the_determinant); }
static void test_vjps(void **state) { (void)state, for_cases(vjps_match_differences); }
static void test_frames(void **state) { (void)state, for_cases(frames_serve_both_products); }

/* ------------------------------------------------------------------------ splits */

/* What all passes and products give for configuration 0: y, log-Jacobians, adjoints by site, and
 * gradients, whatever the split. */
typedef struct {
  double *y, *g[2], logj[2], theta;
} outcome;

static outcome outcome_of(bench *b) {
  outcome o = {0};
  cw_field y = like(b, &b->x), g = like(b, &b->w);
  const long n_y = b->geom->n_sites * b->L->n_comp, n_g = b->geom->n_sites * b->L->n_tangent;
  double lj[CW_LANES] CW_ALIGNED, sum[64] = {0}, each[64 * CW_LANES] = {0};
  void *frame[2];
  apply(b, false, &b->x, &y, lj, &frame[0]);
  o.logj[0] = lj[0];
  o.y = cw_alloc((size_t)n_y * sizeof *o.y);
  for (long i = 0; i < n_y; i++)
    o.y[i] = cw_field_get(&y, 0, i / b->L->n_comp, (int)(i % b->L->n_comp));
  apply(b, true, &b->x, &y, lj, &frame[1]);
  o.logj[1] = lj[0];
  for (int k = 0; k < 2; k++) {
    if (b->L->ops->forward_vjp != NULL)
      product(b, k == 1, frame[k], g.data, &(cw_gradient_of){sum, each});
    o.g[k] = cw_alloc((size_t)n_g * sizeof **o.g);
    for (long i = 0; i < n_g; i++)
      o.g[k][i] = cw_field_get(&g, 0, i / b->L->n_tangent, (int)(i % b->L->n_tangent));
  }
  o.theta = each[0];
  cw_field_destroy(&y);
  cw_field_destroy(&g);
  return o;
}

/* In 6^2 sub-lattices are 3^2: lanes of a row are of different classes. */
static void test_splits(void **state) {
  (void)state;
  const cw_lattice lats[] = {{2, {6, 6}}, {4, {4, 2, SANITIZED ? 2 : 4, 2}}};
  for (int i = 0; cw_layers[i] != NULL; i++)
    for (int k = 0; k < 6; k++) {
      const cw_field_kind field = CW_LINK_U1 + (cw_field_kind)(k % 3);
      if (!cw_layer_fits(cw_layers[i], field) || !cw_layers[i]->split) continue;
      if (is_slow(cw_layers[i]) && field != CW_LINK_U1) continue;
      const cw_layer_spec spec = preset(cw_layers[i], 2, 0);
      if (refuses(cw_layers[i], &spec, &lats[k / 3])) continue;
      int splits[5], n = cw_geometry_splits(&lats[k / 3], splits);
      outcome o[5];
      assert_true(n > 1);
      for (int s = 0; s < n; s++) {
        bench b;
        open_bench(&b, field, lats[k / 3], splits[s], &spec);
        o[s] = outcome_of(&b);
        const size_t n_y = (size_t)(b.geom->n_sites * b.L->n_comp) * sizeof(double);
        const size_t n_g = (size_t)(b.geom->n_sites * b.L->n_tangent) * sizeof(double);
        assert_memory_equal(o[s].y, o[0].y, n_y);
        assert_memory_equal(o[s].logj, o[0].logj, sizeof o[0].logj);
        for (int j = 0; j < 2; j++) assert_memory_equal(o[s].g[j], o[0].g[j], n_g);
        assert_true(o[s].theta == o[0].theta);
        close_bench(&b);
      }
      for (int s = 0; s < n; s++) {
        free(o[s].y);
        free(o[s].g[0]);
        free(o[s].g[1]);
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_inverse),
                                     cmocka_unit_test(test_jacobian), cmocka_unit_test(test_vjps),
                                     cmocka_unit_test(test_frames), cmocka_unit_test(test_splits)};
  return cmocka_run_group_tests_name("link layers", tests, NULL, NULL);
}
