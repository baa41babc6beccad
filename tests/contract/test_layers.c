/* One suite over the registry of layers: inverse of forward, log-Jacobian against the brute-force
 * determinant, both vjps against finite differences, equivariance, and the same bits for every
 * build of the kernels on their own terms. */
#include <stdlib.h>
#include <string.h>

#include "causeway/model.h"
#include "contract/layer_cases.h"
#include "model/determinant.h"
#include "model/layers/implicit.h"
#include "model/nets/net.h"
#include "support/check.h"

/* A layer with lively parameters and a block of input. */
typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_layer *L;
  double *theta;
  float *theta_f;
  double *x, *w; /* input, and a random covector */
  double c[CW_LANES];
  cw_arena *tape;
  size_t n;                               /* doubles in a block */
  double step, parameter_step, tolerance; /* of finite differences */
  double translated;                      /* tolerance of equivariance */
} bench;

/* Hidden convolutions run on Winograd's tiles, with other roundings at other sites of a tile. */
static bool is_tiled(const layer_case *k) {
  const cw_net_spec *net = &k->spec.net;
  return net->kind == CW_NET_CONV && net->n_hidden > 1 && k->lat.extent[0] * k->lat.extent[1] >= 32;
}

/* Sums over the lattice are made in an order of their own at each site. */
static bool is_transformed(const layer_case *k) {
  return strcmp(k->spec.kind, "continuous") == 0 || strcmp(k->spec.kind, "free") == 0;
}

static bool has_key(const layer_case *k, const char *name) {
  cw_layer_spec spec = k->spec;
  return cw_layer_set(&spec, name, 0);
}

static cw_theta theta_of(const bench *b) { return (cw_theta){b->theta, b->theta_f}; }

static void fill(double *x, size_t n, uint32_t draw, double scale) {
  for (size_t i = 0; i < n; i++) {
    double z[2];
    cw_normal2(CW_ISA_BASE, cw_rng_stream(5, "fill"), (uint32_t)i, 0, 0, draw, z);
    x[i] = scale * z[0];
  }
}

static void open_bench(bench *b, const layer_case *k) {
  b->ctx = test_context(1);
  check_ok(b->ctx, cw_geometry_create(b->ctx, &k->lat, 1, &b->geom));
  check_ok(b->ctx, cw_layer_create(b->ctx, &k->spec, CW_SITE_REAL, b->geom, &b->L));
  b->n = (size_t)b->geom->n_outer * CW_LANES;
  b->theta = cw_alloc((size_t)b->L->n_theta * sizeof(double));
  b->theta_f = cw_alloc((size_t)b->L->n_theta * sizeof(float));
  bool dense = k->spec.net.kind == CW_NET_DENSE,
       kinks = k->spec.net.activation == CW_ACT_LEAKY_RELU || has_key(k, "bins");
  fill(b->theta, (size_t)b->L->n_theta, 1, dense || k->spec.net.kernel < 5 ? 0.2 : 0.05);
  b->step = kinks ? 1e-4 : 3e-3;
  b->parameter_step = kinks ? 3e-5 : 3e-3; /* moves all units at once: more meet a kink */
  b->tolerance = kinks ? 3e-3 : 3e-4;
  for (long i = 0; i < b->L->n_theta; i++) b->theta[i] = b->theta_f[i] = (float)b->theta[i];
  b->x = cw_alloc(b->n * sizeof(double));
  b->w = cw_alloc(b->n * sizeof(double));
  fill(b->x, b->n, 2, 1.0);
  fill(b->w, b->n, 3, 1.0);
  fill(b->c, CW_LANES, 4, 1.0);
  b->tape = cw_arena_create(1 << 16);
  /* The float network answers to 1e-6 or so, times the slope of the map in it. */
  b->translated = is_tiled(k) ? 1e-5 : is_transformed(k) ? 1e-12 : 1e-14;
}

static void close_bench(bench *b) {
  b->L->ops->destroy(b->L);
  cw_geometry_destroy(b->geom);
  free(b->theta);
  free(b->theta_f);
  free(b->x);
  free(b->w);
  cw_arena_destroy(b->tape);
  cw_context_destroy(b->ctx);
}

/* y = f(x) on a copy; logj from zero. */
static void apply(bench *b, bool inverse, const double *x, double *y, double *logj, void **frame) {
  memcpy(y, x, b->n * sizeof *y);
  memset(logj, 0, CW_LANES * sizeof *logj);
  check_ok(b->ctx, (inverse ? b->L->ops->inverse : b->L->ops->forward)(b->L, theta_of(b), y, logj,
                                                                       b->tape, frame));
}

static void inverse_undoes_forward(bench *b) {
  double *y = cw_alloc(b->n * sizeof *y), *back = cw_alloc(b->n * sizeof *y);
  double lj[CW_LANES] __attribute__((aligned(64))), lk[CW_LANES] __attribute__((aligned(64)));
  void *frame;
  apply(b, false, b->x, y, lj, &frame);
  apply(b, true, y, back, lk, &frame);
  for (size_t i = 0; i < b->n; i++) check_close(back[i], b->x[i], 1e-11);
  for (int l = 0; l < CW_LANES; l++) check_close(lk[l], -lj[l], 1e-10);
  free(y);
  free(back);
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *x, int n) {
  qsort(x, (size_t)n, sizeof *x, by_size);
  return x[n / 2];
}

/* The network is float: finite differences need steps large against its rounding, in 4-point form.
 * The dependence on active sites is smooth in double; frozen columns only enter the determinant
 * below the diagonal. Of lanes the median counts: some meet a kink. */
static void off_the_determinant(bench *b, double off[CW_LANES]) {
  const int n = (int)b->geom->n_outer;
  const size_t of_lane = (size_t)(n * n);
  double *A = cw_alloc(CW_LANES * of_lane * sizeof *A), *y = cw_alloc(b->n * sizeof *y),
         *x = cw_alloc(b->n * sizeof *x);
  double lj[CW_LANES] __attribute__((aligned(64))), unused[CW_LANES] __attribute__((aligned(64)));
  void *frame;
  apply(b, false, b->x, y, lj, &frame);
  static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12}, at[4] = {-2, -1, 1, 2};
  double h = 1e-3;
  for (int j = 0; j < n; j++)
    for (int k = 0; k < 4; k++) {
      memcpy(x, b->x, b->n * sizeof *x);
      for (int l = 0; l < CW_LANES; l++) x[j * CW_LANES + l] += at[k] * h;
      cw_arena_mark mark = cw_arena_save(b->tape);
      apply(b, false, x, y, unused, &frame);
      cw_arena_rewind(b->tape, mark);
      for (int i = 0; i < n * CW_LANES; i++)
        A[(size_t)(i % CW_LANES) * of_lane + (size_t)(i / CW_LANES * n + j)] +=
            weight[k] / h * y[i];
    }
  for (int l = 0; l < CW_LANES; l++) off[l] = lj[l] - cw_log_abs_det(A + (size_t)l * of_lane, n);
  free(A);
  free(y);
  free(x);
}

static void log_jacobian_is_the_determinant(bench *b) {
  double off[CW_LANES];
  off_the_determinant(b, off);
  for (int l = 0; l < CW_LANES; l++) off[l] = fabs(off[l]);
  check_close(median(off, CW_LANES), 0, 2e-6);
}

/* F = w . y + c . logj of a pass. */
static double value(bench *b, bool inverse, const double *x) {
  double *y = cw_alloc(b->n * sizeof *y), lj[CW_LANES] __attribute__((aligned(64)));
  void *frame;
  cw_arena_mark mark = cw_arena_save(b->tape);
  apply(b, inverse, x, y, lj, &frame);
  cw_arena_rewind(b->tape, mark);
  double F = cw_dot(b->w, y, b->n) + cw_dot(b->c, lj, CW_LANES);
  free(y);
  return F;
}

static void shift_theta(bench *b, const double *theta, double step, const double *direction) {
  for (long i = 0; i < b->L->n_theta; i++) {
    b->theta[i] = theta[i] + step * direction[i];
    b->theta_f[i] = (float)b->theta[i];
  }
}

/* Derivatives of F along dx and along dtheta by 4-point differences. Rounding in the float networks
 * is of order 1e-7/h, so steps are large. Where the map has kinks (leaky ReLU, second derivatives
 * of splines) they must be smaller, and a direction in which a kink is crossed says nothing: of
 * several directions the median deviation counts. */
static void differences(bench *b, bool inverse, const double *dx, const double *dtheta, double *fx,
                        double *ft) {
  static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12}, at[4] = {-2, -1, 1, 2};
  double *x = cw_alloc(b->n * sizeof *x), *theta = cw_alloc((size_t)b->L->n_theta * sizeof *theta);
  memcpy(theta, b->theta, (size_t)b->L->n_theta * sizeof *theta);
  const double h = b->step, h_theta = b->parameter_step;
  *fx = *ft = 0;
  for (int k = 0; k < 4; k++) {
    for (size_t i = 0; i < b->n; i++) x[i] = b->x[i] + at[k] * h * dx[i];
    *fx += weight[k] / h * value(b, inverse, x);
    shift_theta(b, theta, at[k] * h_theta, dtheta);
    *ft += weight[k] / h_theta * value(b, inverse, b->x);
    shift_theta(b, theta, 0, dtheta);
  }
  free(x);
  free(theta);
}

enum { N_TRIALS = 7 };

static void vjp_matches_differences(bench *b, bool inverse) {
  double *y = cw_alloc(b->n * sizeof *y), *g = cw_alloc(b->n * sizeof *g);
  double *dx = cw_alloc(b->n * sizeof *dx),
         *dtheta = cw_alloc((size_t)b->L->n_theta * sizeof *dtheta);
  double *gtheta = cw_alloc((size_t)b->L->n_theta * sizeof *gtheta);
  double *each = cw_alloc((size_t)b->L->n_theta * CW_LANES * sizeof *each);
  const double before = 0.5; /* gradients of parameters are added to what is there */
  double lj[CW_LANES] __attribute__((aligned(64))), c[CW_LANES] __attribute__((aligned(64)));
  void *frame;
  memcpy(c, b->c, sizeof c);
  apply(b, inverse, b->x, y, lj, &frame);
  memcpy(g, b->w, b->n * sizeof *g);
  for (long i = 0; i < b->L->n_theta; i++) gtheta[i] = before;
  check_ok(b->ctx, (inverse ? b->L->ops->inverse_vjp : b->L->ops->forward_vjp)(
                       b->L, theta_of(b), frame, g, c,
                       &(cw_gradient_of){gtheta, b->L->ops->each ? each : NULL}, b->tape));
  for (long i = 0; i < b->L->n_theta; i++) gtheta[i] -= before;
  for (long i = 0; b->L->ops->each && i < b->L->n_theta; i++) /* sums may be in float */
    check_close(cw_sum(each + i * CW_LANES, CW_LANES), gtheta[i], 1e-5);
  double off_x[N_TRIALS], off_t[N_TRIALS];
  for (uint32_t trial = 0; trial < N_TRIALS; trial++) {
    fill(dx, b->n, 10 + trial, 1);
    fill(dtheta, (size_t)b->L->n_theta, 30 + trial, 1);
    double fx, ft, exact_t = 0, norm_t = 0, norm_x = sqrt(cw_dot(g, g, b->n));
    for (long i = 0; i < b->L->n_theta; i++) {
      exact_t += gtheta[i] * dtheta[i];
      norm_t += gtheta[i] * gtheta[i];
    }
    differences(b, inverse, dx, dtheta, &fx, &ft);
    off_x[trial] = fabs(fx - cw_dot(g, dx, b->n)) / norm_x;
    off_t[trial] = fabs(ft - exact_t) / sqrt(norm_t);
  }
  check_close(median(off_x, N_TRIALS), 0, b->tolerance);
  check_close(median(off_t, N_TRIALS), 0, b->tolerance);
  free(y);
  free(g);
  free(dx);
  free(dtheta);
  free(gtheta);
  free(each);
}

static void vjps_match_differences(bench *b) {
  vjp_matches_differences(b, false);
  vjp_matches_differences(b, true);
}

/* g through a product of one pass with a frame of either. */
static void product(bench *b, bool inverse, const void *frame, double *g, double *gtheta) {
  double c[CW_LANES] __attribute__((aligned(64)));
  memcpy(c, b->c, sizeof c);
  memcpy(g, b->w, b->n * sizeof *g);
  memset(gtheta, 0, (size_t)b->L->n_theta * sizeof *gtheta);
  check_ok(b->ctx, (inverse ? b->L->ops->inverse_vjp : b->L->ops->forward_vjp)(
                       b->L, theta_of(b), frame, g, c, &(cw_gradient_of){.sum = gtheta}, b->tape));
}

/* Path gradients take the forward product after an inverse pass: the frames of x -> y and of y -> x
 * hold the same, up to the rounding of x. */
static void frames_serve_both_products(bench *b) {
  const size_t n_theta = (size_t)b->L->n_theta;
  double *y = cw_alloc(b->n * sizeof *y), *back = cw_alloc(b->n * sizeof *back);
  double *g[2] = {cw_alloc(b->n * sizeof *y), cw_alloc(b->n * sizeof *y)};
  double *gtheta[2] = {cw_alloc(n_theta * sizeof *y), cw_alloc(n_theta * sizeof *y)};
  double lj[CW_LANES] __attribute__((aligned(64)));
  void *frame[2];
  apply(b, false, b->x, y, lj, &frame[0]);
  apply(b, true, y, back, lj, &frame[1]);
  for (int inverse = 0; inverse < 2; inverse++) {
    for (int k = 0; k < 2; k++) product(b, inverse == 1, frame[k], g[k], gtheta[k]);
    for (size_t i = 0; i < b->n; i++) check_close(g[0][i], g[1][i], 1e-9);
    for (size_t i = 0; i < n_theta; i++) check_close(gtheta[0][i], gtheta[1][i], 1e-5);
  }
  for (int k = 0; k < 2; k++) {
    free(g[k]);
    free(gtheta[k]);
  }
  free(y);
  free(back);
}

/* Without a product of its own, the inverse pass gets the same one by solving, where the layer is so
 * near the identity that the iteration converges; parameters to the rounding of float sums. */
static void products_of_inverses_can_be_solved_for(bench *b) {
  const size_t n_theta = (size_t)b->L->n_theta;
  double *y = cw_alloc(b->n * sizeof *y), lj[CW_LANES] __attribute__((aligned(64)));
  double *g[2] = {cw_alloc(b->n * sizeof *y), cw_alloc(b->n * sizeof *y)};
  double *gtheta[2] = {cw_alloc(n_theta * sizeof *y), cw_alloc(n_theta * sizeof *y)};
  const cw_layer_ops *own = b->L->ops;
  cw_layer_ops solved = *own;
  void *frame;
  for (size_t i = 0; i < n_theta; i++) b->theta_f[i] = (float)(b->theta[i] *= 0.25);
  solved.inverse_vjp = NULL;
  apply(b, true, b->x, y, lj, &frame);
  for (int k = 0; k < 2; k++) {
    b->L->ops = k == 0 ? own : &solved;
    double c[CW_LANES] __attribute__((aligned(64)));
    memcpy(c, b->c, sizeof c);
    memcpy(g[k], b->w, b->n * sizeof *g[k]);
    check_ok(b->ctx, cw_layer_inverse_vjp(b->L, theta_of(b), frame, g[k], c,
                                          &(cw_gradient_of){.sum = gtheta[k]}, b->tape));
  }
  b->L->ops = own;
  const double size = sqrt(cw_dot(gtheta[0], gtheta[0], n_theta));
  for (size_t i = 0; i < b->n; i++) check_close(g[1][i], g[0][i], 1e-10);
  for (size_t i = 0; i < n_theta; i++) check_close(gtheta[1][i] / size, gtheta[0][i] / size, 1e-5);
  for (int k = 0; k < 2; k++) {
    free(g[k]);
    free(gtheta[k]);
  }
  free(y);
}

/* f(-x) = -f(x) and logj(-x) = logj(x), to the bit. */
static void z2_layers_are_odd(bench *b) {
  double *x = cw_alloc(b->n * sizeof *x), *y = cw_alloc(b->n * sizeof *y),
         *z = cw_alloc(b->n * sizeof *z);
  double lj[CW_LANES] __attribute__((aligned(64))), lk[CW_LANES] __attribute__((aligned(64)));
  void *frame;
  for (size_t i = 0; i < b->n; i++) x[i] = -b->x[i];
  apply(b, false, b->x, y, lj, &frame);
  apply(b, false, x, z, lk, &frame);
  for (size_t i = 0; i < b->n; i++) assert_true(z[i] == -y[i]);
  for (int l = 0; l < CW_LANES; l++) assert_true(lj[l] == lk[l]);
  free(x);
  free(y);
  free(z);
}

/* A translation by one site in both directions keeps the checkerboard: layers commute with it,
 * unless their network is dense: to the rounding of doubles if every site is computed alike, to that of the float network
 * if a site's place in its tile matters. */
static void layers_are_translation_equivariant(bench *b) {
  double *x = cw_alloc(b->n * sizeof *x), *y = cw_alloc(b->n * sizeof *y),
         *z = cw_alloc(b->n * sizeof *z);
  double lj[CW_LANES] __attribute__((aligned(64))), lk[CW_LANES] __attribute__((aligned(64)));
  void *frame;
  const cw_geometry *g = b->geom;
  apply(b, false, b->x, y, lj, &frame);
  for (int pass = 0; pass < 2; pass++)
    for (long s = 0; s < g->n_sites; s++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(&g->lat, s, coord);
      coord[0] += 1;
      coord[g->lat.dim - 1] += 1;
      long to = g->outer[cw_lattice_site(&g->lat, coord)], from = g->outer[s];
      if (pass == 0)
        memcpy(x + to * CW_LANES, b->x + from * CW_LANES, CW_LANES * sizeof *x);
      else
        for (int l = 0; l < CW_LANES; l++)
          check_close(z[to * CW_LANES + l], y[from * CW_LANES + l], b->translated);
      if (pass == 0 && s == g->n_sites - 1) apply(b, false, x, z, lk, &frame);
    }
  for (int l = 0; l < CW_LANES; l++) check_close(lk[l], lj[l], 10 * b->translated);
  free(x);
  free(y);
  free(z);
}

static bool any(const layer_case *k) { return k != NULL; }

static bool is_exact(const layer_case *k) { return cw_layer_find(k->spec.kind)->precision == NULL; }
static bool is_z2(const layer_case *k) { return has_key(k, "z2") && k->spec.param[0] != 0; }
/* Networks in float are no linear maps to the accuracy that an iteration needs. */
static bool is_double(const layer_case *k) { return !cw_layer_find(k->spec.kind)->net; }
static bool is_homogeneous(const layer_case *k) {
  return k->lat.dim > 1 && k->spec.net.kind == CW_NET_CONV && k->spec.stride + k->spec.block < 2;
}

static void try_case(const layer_case *k, void (*test)(bench *)) {
  print_message("  %s%s %s\n", k->spec.kind, is_z2(k) ? " z2" : "", k->what);
  bench b = {0};
  open_bench(&b, k);
  test(&b);
  close_bench(&b);
}

/* Every layer of the registry that moves reals, and those cases of the table. */
static void for_cases(bool (*fits)(const layer_case *), void (*test)(bench *)) {
  for (int i = 0; cw_layers[i] != NULL; i++)
    for (int z2 = 0; z2 < 2; z2++) {
      if (!cw_layer_fits(cw_layers[i], CW_SITE_REAL)) break;
      layer_case k = preset_case(cw_layers[i]);
      if (z2 && !cw_layer_set(&k.spec, "z2", 1)) continue;
      if (fits(&k)) try_case(&k, test);
    }
  for (int i = 0; i < N_CASES; i++)
    if (fits(&cases[i])) try_case(&cases[i], test);
}

static void test_inverse(void **state) { (void)state, for_cases(any, inverse_undoes_forward); }

static void test_jacobian(void **state) {
  (void)state, for_cases(is_exact, log_jacobian_is_the_determinant);
}

/* With twice the steps the error is a sixteenth or less, and it is small. */
static void the_error_is_of_fourth_order(const layer_case *k) {
  double size[2];
  print_message("  %s %s\n", k->spec.kind, k->what);
  for (int n = 0; n < 2; n++) {
    bench b = {0};
    layer_case more = *k;
    double off[CW_LANES];
    assert_true(cw_layer_set(&more.spec, cw_layer_find(k->spec.kind)->precision[0], 16 << n));
    open_bench(&b, &more);
    off_the_determinant(&b, off);
    close_bench(&b);
    size[n] = sqrt(cw_dot(off, off, CW_LANES) / CW_LANES);
  }
  check_close(size[0], 0, 1e-5);
  assert_true(size[0] > 14 * size[1]);
}

static void test_quadrature(void **state) {
  (void)state;
  for (int i = 0; i < N_CASES; i++)
    if (!is_exact(&cases[i])) the_error_is_of_fourth_order(&cases[i]);
}

static void test_vjps(void **state) { (void)state, for_cases(any, vjps_match_differences); }
static void test_frames(void **state) { (void)state, for_cases(any, frames_serve_both_products); }
static void test_solved(void **state) {
  (void)state, for_cases(is_double, products_of_inverses_can_be_solved_for);
}
static void test_z2(void **state) { (void)state, for_cases(is_z2, z2_layers_are_odd); }

static void test_translation(void **state) {
  (void)state, for_cases(is_homogeneous, layers_are_translation_equivariant);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_inverse),     cmocka_unit_test(test_jacobian),
      cmocka_unit_test(test_quadrature),  cmocka_unit_test(test_vjps),
      cmocka_unit_test(test_frames),      cmocka_unit_test(test_z2),
      cmocka_unit_test(test_translation), cmocka_unit_test(test_solved),
  };
  return cmocka_run_group_tests_name("layers", tests, NULL, NULL);
}
