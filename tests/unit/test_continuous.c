/* The continuous flow against its definition: velocities site by site, kernels from lattice to lattice, and how
 * far densities are off. */
#include <stdlib.h>
#include <string.h>

#include "causeway/train.h"
#include "model/determinant.h"
#include "model/layers/continuous/velocity.h"
#include "support/check.h"

static cw_context *context(void **state) { return *state; }

static double noise(const char *what, long i) {
  double z[2];
  cw_normal2(CW_ISA_BASE, cw_rng_stream(3, what), (uint32_t)i, 0, 0, 0, z);
  return z[0];
}

/* ------------------------------------------------------------------- by definition */

enum { F = 4, H = 3, D = 2, N_TIMES = 5, TIME = 3 };
static const double RANGE = 2.5;

/* The distance of two sites in each direction, the shorter way round, sorted among equal extents. */
static void displacement(const cw_lattice *lat, long x, long y, int *out) {
  int a[CW_MAX_DIM], b[CW_MAX_DIM];
  cw_lattice_coord(lat, x, a);
  cw_lattice_coord(lat, y, b);
  for (int d = 0; d < lat->dim; d++) {
    out[d] = abs(a[d] - b[d]);
    if (out[d] > lat->extent[d] - out[d]) out[d] = lat->extent[d] - out[d];
  }
  for (int d = 0; d < lat->dim; d++)
    for (int e = 0; e < lat->dim; e++)
      if (lat->extent[d] == lat->extent[e] && (d < e) == (out[d] < out[e]) && out[d] != out[e]) {
        const int swap = out[e];
        out[e] = out[d];
        out[d] = swap;
      }
}

static int largest(const cw_lattice *lat, const int *x) {
  int most = 0;
  for (int d = 0; d < lat->dim; d++) most = x[d] > most ? x[d] : most;
  return most;
}

/* Does a come before b among orbits? By the largest component, then in the order of sites. */
static bool before(const cw_lattice *lat, const int *a, const int *b) {
  if (largest(lat, a) != largest(lat, b)) return largest(lat, a) < largest(lat, b);
  return cw_lattice_site(lat, a) < cw_lattice_site(lat, b);
}

/* The number of the orbit of a displacement: how many displacements that stand for theirs come before. */
static long orbit_of(const cw_lattice *lat, const int *x) {
  long n = 0;
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    int y[CW_MAX_DIM], own[CW_MAX_DIM];
    cw_lattice_coord(lat, s, y);
    displacement(lat, s, 0, own);
    n += cw_lattice_site(lat, own) == s && before(lat, y, x);
  }
  return n;
}

/* The numbers of the orbits, at the sites that stand for them. */
static long *orbits_of(const cw_lattice *lat) {
  long *orbit = cw_alloc((size_t)cw_lattice_sites(lat) * sizeof *orbit);
  for (long s = 0; s < cw_lattice_sites(lat); s++) {
    int own[CW_MAX_DIM];
    displacement(lat, s, 0, own);
    if (cw_lattice_site(lat, own) == s) orbit[s] = orbit_of(lat, own);
  }
  return orbit;
}

static double kernel_of(const cw_lattice *lat, const long *orbit, int radius, const double *theta,
                        const int *x, int f) {
  const double *k = theta + 1 + F * (H + 1) + (orbit[cw_lattice_site(lat, x)] * F + f) * D;
  if (radius > 0 && largest(lat, x) > radius) return 0;
  double sum = 0;
  for (int d = 0; d < D; d++) sum += k[d] * cos(M_PI * d * TIME / (N_TIMES - 1));
  return sum / sqrt(F);
}

static double feature(const double *theta, int f, double phi, double *slope) {
  const double omega = M_PI / RANGE * exp(theta[0]), *m = theta + 1 + f * (H + 1);
  double g = m[0] * phi;
  *slope = m[0];
  for (int k = 1; k <= H; k++) {
    g += m[k] / k * sin(k * omega * phi);
    *slope += m[k] * omega * cos(k * omega * phi);
  }
  return g;
}

typedef struct {
  cw_geometry *geom;
  cw_velocity v;
  double *theta, *x, *velocity, divergence[CW_LANES] __attribute__((aligned(64)));
  cw_arena *arena;
  cw_velocity_tables tables;
  cw_velocity_work work;
} subject;

static subject make(cw_context *ctx, const cw_lattice *lat, int radius) {
  subject s = {.arena = cw_arena_create(1 << 16)};
  check_ok(ctx, cw_geometry_create(ctx, lat, 1, &s.geom));
  s.v = (cw_velocity){.geom = s.geom,
                      .F = F,
                      .H = H,
                      .D = D,
                      .range = RANGE,
                      .waves = CW_DISPATCH(cw_context_isa(ctx), cw_fourier_kernels),
                      .sines = CW_DISPATCH(cw_context_isa(ctx), cw_sine_kernels)};
  check_ok(ctx, cw_fourier_create(ctx, lat, radius, &s.v.fourier));
  const size_t n = (size_t)s.geom->n_outer * CW_LANES;
  const long n_theta = cw_velocity_n_theta(&s.v);
  s.theta = cw_alloc((size_t)n_theta * sizeof *s.theta);
  s.x = cw_alloc(n * sizeof *s.x);
  s.velocity = cw_alloc(n * sizeof *s.x);
  for (long i = 0; i < n_theta; i++) s.theta[i] = 0.3 * noise("theta", i);
  for (size_t i = 0; i < n; i++) s.x[i] = noise("field", (long)i);
  return s;
}

static void move(cw_context *ctx, subject *s) {
  check_ok(ctx, cw_velocity_fill(&s->v, N_TIMES, s->theta, s->arena, &s->tables));
  check_ok(ctx, cw_velocity_open_work(&s->v, s->arena, &s->work));
  cw_velocity_at(&s->v, &s->tables, TIME, s->x, s->velocity, s->divergence, &s->work);
}

static void destroy(subject *s) {
  cw_fourier_destroy(&s->v.fourier);
  cw_geometry_destroy(s->geom);
  cw_arena_destroy(s->arena);
  free(s->theta);
  free(s->x);
  free(s->velocity);
}

static double at(const subject *s, const double *x, long site, int lane) {
  return x[(long)s->geom->outer[site] * CW_LANES + lane];
}

static void compare(cw_context *ctx, const cw_lattice *lat, int radius) {
  subject s = make(ctx, lat, radius);
  long *orbit = orbits_of(lat);
  move(ctx, &s);
  for (int lane = 0; lane < CW_LANES; lane += 5) {
    double divergence = 0;
    for (long x = 0; x < s.geom->n_sites; x++) {
      double v = 0, slope;
      for (long y = 0; y < s.geom->n_sites; y++) {
        int d[CW_MAX_DIM];
        displacement(lat, x, y, d);
        for (int f = 0; f < F; f++) {
          const double k = kernel_of(lat, orbit, radius, s.theta, d, f);
          v += k * feature(s.theta, f, at(&s, s.x, y, lane), &slope);
          if (x == y) divergence += k * slope;
        }
      }
      check_close(at(&s, s.velocity, x, lane), v, 1e-12);
    }
    check_close(s.divergence[lane], divergence, 1e-12);
  }
  free(orbit);
  destroy(&s);
}

/* Radices 4, 2, 3, 5, 7 and 11; equal and unequal extents; kernels that end. */
static void velocities_are_as_defined(void **state) {
  static const cw_lattice lat[] = {{2, {8, 8}}, {2, {6, 4}}, {1, {22}},    {3, {3, 2, 3}},
                                   {2, {5, 7}}, {2, {1, 4}}, {2, {12, 12}}};
  for (size_t i = 0; i < sizeof lat / sizeof *lat; i++)
    for (int radius = 0; radius < 3; radius += 2) {
      print_message("  lattice %zu, radius %d\n", i, radius);
      compare(context(state), &lat[i], radius);
    }
}

/* ------------------------------------------------------------- from lattice to lattice */

/* A field that repeats with the extents of a smaller lattice moves alike on a larger one. */
static void kernels_grow(void **state) {
  static const cw_lattice small = {2, {4, 6}}, large = {2, {8, 12}};
  subject s = make(context(state), &small, 0), l = make(context(state), &large, 0);
  const long kernels = 1 + F * (H + 1);
  check_ok(context(state), cw_fourier_carry(context(state), &l.v.fourier, &small, 0, F * D,
                                            s.theta + kernels, l.theta + kernels));
  move(context(state), &s);
  for (long x = 0; x < l.geom->n_sites; x++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(&large, x, coord);
    for (int lane = 0; lane < CW_LANES; lane++)
      l.x[(long)l.geom->outer[x] * CW_LANES + lane] =
          at(&s, s.x, cw_lattice_site(&small, coord), lane);
  }
  move(context(state), &l);
  for (long x = 0; x < l.geom->n_sites; x++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(&large, x, coord);
    check_close(at(&l, l.velocity, x, 3), at(&s, s.velocity, cw_lattice_site(&small, coord), 3),
                1e-12);
  }
  /* and back */
  double *again = cw_alloc((size_t)cw_velocity_n_theta(&s.v) * sizeof *again);
  check_ok(context(state), cw_fourier_carry(context(state), &s.v.fourier, &large, 0, F * D,
                                            l.theta + kernels, again + kernels));
  for (long i = kernels; i < cw_velocity_n_theta(&s.v); i++)
    check_close(again[i], s.theta[i], 1e-14);
  free(again);
  destroy(&s);
  destroy(&l);
}

/* ------------------------------------------------------------------ how far densities are off */

/* More rows than one part of the matrix has. */
static const cw_lattice LAT = {2, {12, 12}};
enum { SITES = 144 };

static cw_model *model_of(cw_context *ctx, const cw_geometry *g, int steps, int train_steps,
                          int block) {
  cw_model_spec spec = {.prior = {.kind = CW_PRIOR_NORMAL, .sigma = 0.8}, .n_layers = 2};
  cw_model *m;
  spec.layer[0] = cw_layer_presets(cw_layer_find("continuous"));
  spec.layer[1] = cw_layer_presets(cw_layer_find("scale"));
  spec.layer[0].block = block;
  assert_true(cw_layer_set(&spec.layer[0], "steps", steps) &&
              cw_layer_set(&spec.layer[0], "train_steps", train_steps));
  check_ok(ctx, cw_model_create(ctx, &spec, g, &m));
  double *theta = cw_alloc((size_t)cw_model_n_theta(m) * sizeof *theta);
  for (long i = 0; i < cw_model_n_theta(m); i++) theta[i] = 0.1 * noise("model", i);
  cw_model_set_theta(m, theta);
  free(theta);
  return m;
}

/* The image of latents x (SITES, CW_LANES), and ln |det J| of its first lane as it is computed. */
static double image(cw_context *ctx, const cw_model *m, const double *x, double *y,
                    cw_arena *work) {
  cw_model_pass pass;
  cw_arena_mark mark = cw_arena_save(work);
  check_ok(ctx, cw_model_forward_block(m, x, &pass, work));
  memcpy(y, pass.x, (size_t)SITES * CW_LANES * sizeof *y);
  cw_arena_rewind(work, mark);
  return -pass.logq[0];
}

/* By 4-point differences, those of four numbers of the latent in the lanes of one pass. */
static double off_by_differences(cw_context *ctx, const cw_model *m, const double *z) {
  static const double weight[4] = {1. / 12, -2. / 3, 2. / 3, -1. / 12}, at_[4] = {-2, -1, 1, 2};
  const double h = 1e-3;
  const size_t block = (size_t)SITES * CW_LANES;
  double *A = cw_alloc(SITES * SITES * sizeof *A);
  double *x = cw_alloc(block * sizeof *x), *y = cw_alloc(block * sizeof *y);
  cw_arena *work = cw_arena_create(1 << 16);
  for (int first = 0; first < SITES; first += 4) {
    for (int i = 0; i < SITES; i++)
      for (int l = 0; l < CW_LANES; l++)
        x[i * CW_LANES + l] = z[i] + (i == first + l / 4 ? at_[l % 4] * h : 0);
    image(ctx, m, x, y, work);
    for (int i = 0; i < SITES; i++)
      for (int l = 0; l < CW_LANES; l++)
        A[i * SITES + first + l / 4] += weight[l % 4] / h * y[i * CW_LANES + l];
  }
  for (size_t i = 0; i < block; i++) x[i] = z[i / CW_LANES];
  const double logj = image(ctx, m, x, y, work), off = cw_log_abs_det(A, SITES) - logj;
  cw_arena_destroy(work);
  free(x);
  free(y);
  free(A);
  return off;
}

static void densities_are_off_by_what_is_said(void **state) {
  cw_context *ctx = context(state);
  cw_geometry *g;
  check_ok(ctx, cw_geometry_create(ctx, &LAT, 1, &g));
  const cw_rng rng = cw_rng_stream(4, "draws");
  double off[2], fine[2], z[SITES];
  cw_model *m = model_of(ctx, g, 3, 8, 1), *better = model_of(ctx, g, 12, 8, 1);
  assert_false(cw_model_is_exact(m));
  check_ok(ctx, cw_model_density_error(ctx, m, rng, 0, 2, off));
  check_ok(ctx, cw_model_density_error(ctx, better, rng, 0, 2, fine));
  cw_model_pass pass;
  cw_arena *work = cw_arena_create(1 << 16);
  check_ok(ctx, cw_model_sample_block(m, rng, 0, CW_LANES, &pass, work));
  for (int k = 0; k < SITES; k++) z[k] = pass.z[k * CW_LANES];
  cw_arena_destroy(work);
  check_close(off[1], off_by_differences(ctx, m, z), 1e-8);
  for (int i = 0; i < 2; i++)
    assert_true(fabs(off[i]) > 1e-5 && fabs(fine[i]) < 0.02 * fabs(off[i]));
  cw_model_destroy(m);
  cw_model_destroy(better);
  cw_geometry_destroy(g);
}

/* ---------------------------------------------------------------------------- passes */

/* The adjoint of either product is the inverse of the other, to rounding; a configuration does not know its
 * neighbours in the block. */
static void passes_are_inverse_lane_by_lane(void **state) {
  cw_context *ctx = context(state);
  cw_geometry *g;
  check_ok(ctx, cw_geometry_create(ctx, &LAT, 1, &g));
  cw_layer_spec spec = cw_layer_presets(cw_layer_find("continuous"));
  cw_layer *L;
  assert_true(cw_layer_set(&spec, "steps", 6));
  check_ok(ctx, cw_layer_create(ctx, &spec, CW_SITE_REAL, g, &L));
  const size_t n = (size_t)SITES * CW_LANES;
  double *theta = cw_alloc((size_t)L->n_theta * sizeof *theta), *x = cw_alloc(n * sizeof *x);
  double *other = cw_alloc(n * sizeof *x), *u = cw_alloc(n * sizeof *u);
  double logj[CW_LANES] __attribute__((aligned(64))) = {0};
  cw_arena *arena = cw_arena_create(1 << 16);
  const cw_theta th = {theta, NULL};
  void *frame;
  for (long i = 0; i < L->n_theta; i++) theta[i] = 0.1 * noise("layer", i);
  for (size_t i = 0; i < n; i++) {
    x[i] = noise("field", (long)i);
    other[i] = i % CW_LANES == 3 ? x[i] : 2.5 * x[i];
    u[i] = noise("adjoint", (long)i);
  }
  check_ok(ctx, L->ops->inverse(L, th, x, logj, arena, &frame));
  check_ok(ctx, L->ops->inverse_vjp(L, th, frame, u, NULL, NULL, arena));
  check_ok(ctx, L->ops->forward_vjp(L, th, frame, u, NULL, NULL, arena));
  for (size_t i = 0; i < n; i++) check_close(u[i], noise("adjoint", (long)i), 1e-11);
  check_ok(ctx, L->ops->inverse(L, th, other, logj, arena, &frame));
  for (size_t i = 3; i < n; i += CW_LANES) assert_true(other[i] == x[i]);
  L->ops->destroy(L);
  cw_geometry_destroy(g);
  cw_arena_destroy(arena);
  free(theta);
  free(x);
  free(other);
  free(u);
}

/* A step of training, (n_theta). */
static double *trained(cw_context *ctx, const cw_geometry *g, cw_model *m) {
  const double param[] = {-4, 6};
  const cw_train_options opt = {.batch = 32,
                                .steps = 10,
                                .rate = 1e-2,
                                .gradient = CW_GRADIENT_PATH,
                                .beta1 = 0.9,
                                .beta2 = 0.999,
                                .epsilon = 1e-8};
  cw_theory theory;
  cw_trainer *t;
  cw_train_report report;
  check_ok(ctx, cw_theory_create(ctx, cw_theory_find("phi4"), g, 0, param, &theory));
  check_ok(ctx, cw_trainer_create(ctx, &opt, m, &theory, cw_rng_stream(7, "train"), &t));
  check_ok(ctx, cw_trainer_step(t, NULL, &report));
  cw_trainer_destroy(t);
  double *theta = cw_alloc((size_t)cw_model_n_theta(m) * sizeof *theta);
  memcpy(theta, cw_model_theta(m), (size_t)cw_model_n_theta(m) * sizeof *theta);
  return theta;
}

/* Draws before and after training take `steps`, training takes train_steps, on blocks as well. */
static void training_is_rough(void **state) {
  cw_context *ctx = context(state);
  cw_geometry *g;
  const cw_lattice small = {2, {6, 4}};
  check_ok(ctx, cw_geometry_create(ctx, &small, 1, &g));
  for (int block = 1; block <= 2; block++) {
    cw_model *fine = model_of(ctx, g, 9, 3, block), *rough = model_of(ctx, g, 3, 3, block);
    cw_model *never = model_of(ctx, g, 9, 9, block);
    double *a = trained(ctx, g, fine), *b = trained(ctx, g, rough), *c = trained(ctx, g, never);
    bool differs = false;
    for (long i = 0; i < cw_model_n_theta(fine); i++) {
      assert_true(a[i] == b[i]);
      differs = differs || a[i] != c[i];
    }
    assert_true(differs);
    cw_model_set_theta(never, a);
    cw_field x;
    double lnq[2][16];
    check_ok(ctx, cw_field_create(ctx, g, 1, 16, &x));
    check_ok(ctx, cw_model_sample(ctx, fine, cw_rng_stream(8, "draws"), 0, &x, lnq[0]));
    check_ok(ctx, cw_model_sample(ctx, never, cw_rng_stream(8, "draws"), 0, &x, lnq[1]));
    for (int i = 0; i < 16; i++) assert_true(lnq[0][i] == lnq[1][i]);
    cw_field_destroy(&x);
    cw_model_destroy(fine);
    cw_model_destroy(rough);
    cw_model_destroy(never);
    free(a);
    free(b);
    free(c);
  }
  cw_geometry_destroy(g);
}

static int open_context(void **state) {
  *state = test_context(2);
  return 0;
}
static int close_context(void **state) {
  cw_context_destroy(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(velocities_are_as_defined), cmocka_unit_test(kernels_grow),
      cmocka_unit_test(densities_are_off_by_what_is_said),
      cmocka_unit_test(passes_are_inverse_lane_by_lane), cmocka_unit_test(training_is_rough)};
  return cmocka_run_group_tests_name("continuous", tests, open_context, close_context);
}
