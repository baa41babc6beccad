/* Populations that walk a ladder against integrals that are known by other means: exp(lnz), and
 * with it weighted sums, have the right expectation on any ladder, with any map, resampled or not.
 * And ln Z where theories know it. */
#include "support/check.h"
#include "support/exact_gauge.h"
#include "support/toys.h"

#include <stdlib.h>

#include "causeway/stats.h"
#include "physics/quadrature_2x2.h"

static cw_context *context(void **state) { return *state; }

/* ------------------------------------------------------------------ experiments */

enum { MAX_RUNGS = 16, MAX_MOVES = 8, MAX_SCORES = 1 + CW_MAX_TERMS, GROUPS = 40 };

/* A ladder on a straight line of parameters, a sampler, and what is known of both ends. */
typedef struct {
  const char *what;
  const cw_theory_ops *theory;
  int form;
  cw_lattice lat;
  int rungs;
  double from[CW_MAX_PARAMS], to[CW_MAX_PARAMS];
  const cw_sampler_ops *sampler;
  /* independent draws from rung 0 */
  void (*start)(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step);
  double lnz;                /* ln Z(to)/Z(from) */
  double mean[CW_MAX_TERMS]; /* <T_k>/sites on the last rung; NAN: not known */
  cw_map map;                /* .apply NULL: none */
  cw_program program;        /* of its own, resampling apart; none: the usual one */
  long n;                    /* particles */
  int walks;                 /* a multiple of GROUPS */
  double error; /* of exp(lnz) relative to its expectation, at most: the test's teeth */
} experiment;

typedef struct {
  const experiment *e;
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_ladder ladder;
  cw_population p;
  cw_field start;
  cw_map map[MAX_RUNGS];
  cw_walk *walk;
  double *T; /* (particles, n_terms) */
} laboratory;

static void open_laboratory(cw_context *ctx, const experiment *e, cw_resampling scheme,
                            double threshold, laboratory *l) {
  double params[MAX_RUNGS][CW_MAX_PARAMS];
  *l = (laboratory){.e = e, .ctx = ctx};
  for (int r = 0; r < e->rungs; r++) {
    double t = (double)r / (e->rungs - 1);
    for (int k = 0; k < CW_MAX_PARAMS; k++) params[r][k] = (1 - t) * e->from[k] + t * e->to[k];
    l->map[r] = e->map;
  }
  check_ok(ctx, cw_geometry_create(ctx, &e->lat, 1, &l->geom));
  check_ok(ctx, cw_theory_create(ctx, e->theory, l->geom, e->form, e->to, &l->th));
  check_ok(ctx, cw_ladder_create(ctx, &l->th, e->rungs, (const double(*)[CW_MAX_PARAMS])params,
                                 &l->ladder));
  check_ok(ctx, cw_population_create(ctx, &l->ladder, e->n, &l->p));
  check_ok(ctx, cw_field_create(ctx, l->geom, l->th.n_comp, e->n, &l->start));
  const bool maps = e->map.apply != NULL;
  cw_move move[MAX_MOVES];
  cw_walk_options options = {.sampler = e->sampler,
                             .program = cw_usual_walk(maps, 1, threshold, scheme, move),
                             .map = maps ? l->map : NULL};
  if (e->program.n > 0) options.program = (cw_program){e->program.n, move};
  for (int i = 0; i < e->program.n; i++) {
    move[i] = e->program.move[i];
    move[i].threshold = threshold;
    move[i].scheme = scheme;
  }
  check_ok(ctx, cw_walk_create(ctx, &l->ladder, &options, &l->p, &l->walk));
  l->T = cw_alloc((size_t)(l->p.x.n_blocks * CW_LANES * e->theory->n_terms) * sizeof *l->T);
}

static void close_laboratory(laboratory *l) {
  free(l->T);
  cw_walk_destroy(l->walk);
  cw_field_destroy(&l->start);
  cw_population_destroy(&l->p);
  cw_ladder_destroy(&l->ladder);
  cw_theory_destroy(&l->th);
  cw_geometry_destroy(l->geom);
}

/* score[0] = exp(lnz)/exact - 1; score[1 + k] = sum_i of weights times T_k(x_i)/sites -
 * <T_k>/sites, in units of the exact exp(lnz): the expectation of all is 0. */
static void one_walk(laboratory *l, uint32_t number, double score[MAX_SCORES]) {
  const experiment *e = l->e;
  cw_population *p = &l->p;
  int n_terms = e->theory->n_terms;
  e->start(cw_context_isa(l->ctx), &l->start, cw_rng_stream(5, "start"), number);
  cw_population_start(p, &l->start);
  check_ok(l->ctx, cw_walk_run(l->walk, p, cw_rng_stream(5, "walk"), number, NULL, NULL));
  assert_int_equal(p->rung, e->rungs - 1);
  l->th.ops->terms(&l->th, &p->x, l->T);
  memset(score, 0, MAX_SCORES * sizeof *score);
  score[0] = exp(cw_population_lnz(p) - e->lnz) - 1;
  for (long i = 0; i < e->n; i++)
    for (int k = 0; k < n_terms; k++)
      score[1 + k] += exp(p->lnz + p->lw[i] - e->lnz) / (double)e->n *
                      (l->T[i * n_terms + k] / (double)l->geom->n_sites - e->mean[k]);
}

/* score (walks, MAX_SCORES): the mean of all walks is 0 within 4 sigma, and means of GROUPS groups
 * scatter as independent walks do: their mean square, in units of what the scatter of single walks
 * says, is 1 with an error of sqrt(2/40) = 0.22, and must lie in [0.4, 1.9]. */
static void check_scores(const experiment *e, const char *how, const double *score, int k) {
  double sum = 0, square = 0, groups = 0, n = e->walks, in_group = n / GROUPS;
  for (int w = 0; w < e->walks; w++) {
    sum += score[w * MAX_SCORES + k];
    square += pow(score[w * MAX_SCORES + k], 2);
  }
  double variance = (square - sum * sum / n) / (n - 1), error = sqrt(variance / n);
  for (int g = 0; g < GROUPS; g++) {
    double mean = 0;
    for (int w = 0; w < in_group; w++)
      mean += score[(g * (int)in_group + w) * MAX_SCORES + k] / in_group;
    groups += mean * mean / (variance / in_group) / GROUPS;
  }
  if (!(fabs(sum / n) <= 4 * error && groups > 0.4 && groups < 1.9 && (k > 0 || error < e->error)))
    print_error("%s, %s: score %d is %.3g +- %.2g, mean square of groups %.2f\n", e->what, how, k,
                sum / n, error, groups);
  check_sigma(sum / n, error, 0, 4);
  assert_true(groups > 0.4 && groups < 1.9);
  if (k == 0) assert_true(error < e->error);
}

static void run_walks(cw_context *ctx, const experiment *e, const char *how, cw_resampling scheme,
                      double threshold) {
  laboratory l;
  double *score = calloc((size_t)e->walks * MAX_SCORES, sizeof *score);
  bool resampled = false;
  open_laboratory(ctx, e, scheme, threshold, &l);
  for (int w = 0; w < e->walks; w++) {
    one_walk(&l, (uint32_t)w, score + w * MAX_SCORES);
    resampled |= l.p.lnz != 0;
  }
  assert_true(resampled == (threshold > 0));
  check_scores(e, how, score, 0);
  for (int k = 0; k < e->theory->n_terms; k++)
    if (!isnan(e->mean[k])) check_scores(e, how, score, 1 + k);
  free(score);
  close_laboratory(&l);
}

/* Annealed importance sampling, and sequential Monte Carlo of both schemes; of experiments with a map, the latter alone where tests
 * are short. */
static void run_all(cw_context *ctx, const experiment *e) {
  const bool all = test_is_long() || e->map.apply == NULL;
  if (all) run_walks(ctx, e, "never resampled", CW_RESAMPLE_SYSTEMATIC, 0);
  if (all) run_walks(ctx, e, "systematic at 0.9", CW_RESAMPLE_SYSTEMATIC, 0.9);
  run_walks(ctx, e, "multinomial always", CW_RESAMPLE_MULTINOMIAL, 1);
}

/* ------------------------------------------------------------------------ reals */

static void normal_start(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step) {
  cw_field_normal(isa, x, rng, step, 0);
}

static const toy_bend bend = {.scale = 0.9, .shift = 0.05, .bend = 0.15};

/* Three sites, from the normal distribution to something with two unequal maxima and a skew. */
static void test_tilted(void **state) {
  experiment e = {.what = "tilted",
                  .theory = &toy_tilted,
                  .lat = {1, {3}},
                  .rungs = 9,
                  .from = {0, 0.5, 0, 0},
                  .to = {0.4, -0.6, 0.3, 0.3},
                  .sampler = cw_sampler_find("hmc"),
                  .start = normal_start,
                  .n = 57,
                  .walks = 1000,
                  .error = 0.01};
  double start[TILTED_TERMS], lnz = tilted_exact(e.to, e.mean);
  e.lnz = 3 * (lnz - tilted_exact(e.from, start));
  run_all(context(state), &e);
  e.what = "tilted, with a map";
  e.map = (cw_map){.self = &bend, .apply = bend_apply};
  run_all(context(state), &e);
}

/* Moves in other orders than the usual one, and more of them. */
static void test_programs(void **state) {
  static const cw_move mutate = {.kind = CW_MOVE_MUTATE, .steps = 1, .level = -1},
                       transport = {.kind = CW_MOVE_TRANSPORT},
                       retarget = {.kind = CW_MOVE_RETARGET, .t = 1},
                       third = {.kind = CW_MOVE_RETARGET, .t = 0.3},
                       resample = {.kind = CW_MOVE_RESAMPLE};
  const cw_move on_both[] = {mutate, transport, mutate, retarget, mutate, resample};
  const cw_move before[] = {resample, mutate, resample, retarget};
  const cw_move stops[] = {third, resample, mutate, retarget, resample, mutate};
  experiment e = {.what = "mutated on both rungs",
                  .theory = &toy_tilted,
                  .lat = {1, {3}},
                  .rungs = 5,
                  .from = {0, 0.5, 0, 0},
                  .to = {0.4, -0.6, 0.3, 0.3},
                  .sampler = cw_sampler_find("hmc"),
                  .start = normal_start,
                  .map = {.self = &bend, .apply = bend_apply},
                  .n = 57,
                  .walks = 1000,
                  .error = 0.02,
                  .program = {6, on_both}};
  double start[TILTED_TERMS], lnz = tilted_exact(e.to, e.mean);
  e.lnz = 3 * (lnz - tilted_exact(e.from, start));
  run_walks(context(state), &e, "resampled last", CW_RESAMPLE_SYSTEMATIC, 0.9);
  experiment early = e;
  early.what = "resampled before the move";
  early.map = (cw_map){0};
  early.program = (cw_program){4, before};
  run_walks(context(state), &early, "twice", CW_RESAMPLE_MULTINOMIAL, 1);
  early.what = "with stops between rungs";
  early.program = (cw_program){6, stops};
  run_walks(context(state), &early, "twice", CW_RESAMPLE_SYSTEMATIC, 0.8);
}

/* phi ~ exp(-phi^2) on every site */
static void free_start(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step) {
  cw_field_normal(isa, x, rng, step, 0);
  for (size_t i = 0; i < (size_t)x->n_blocks * cw_field_block_size(x); i++) x->data[i] *= sqrt(0.5);
}

static void test_phi4_2x2(void **state) {
  experiment e = {.what = "phi4 on 2x2",
                  .theory = cw_theory_find("phi4"),
                  .form = 1, /* kappa, lambda */
                  .lat = {2, {2, 2}},
                  .rungs = 9,
                  .from = {0, 0},
                  .to = {0.35, 0.6},
                  .sampler = cw_sampler_find("hmc"),
                  .start = free_start,
                  .n = 64,
                  .walks = 1000,
                  .error = 0.01};
  moments_2x2 m = quadrature_2x2(-2 * e.to[0], 1 - 2 * e.to[1], e.to[1]);
  e.lnz = m.lnZ - e.theory->known_lnz(e.form, &e.lat, e.from);
  e.mean[0] = m.nn;
  e.mean[1] = m.phi2;
  e.mean[2] = m.phi4;
  run_all(context(state), &e);
  e.what = "phi4 on 2x2, with a map";
  e.map = (cw_map){.self = &bend, .apply = bend_apply};
  run_all(context(state), &e);
}

/* ------------------------------------------------------------------------ spins */

static void test_spins(void **state) {
  static const double half_a_turn = M_PI;
  experiment e = {.what = "spins",
                  .theory = &toy_spins,
                  .lat = {2, {4, 4}},
                  .rungs = 11,
                  .from = {0, 0},
                  .to = {0.3, 0.1},
                  .sampler = &toy_metropolis,
                  .start = spin_start,
                  .n = 64,
                  .walks = 600,
                  .error = 0.01};
  e.lnz = spin_exact(e.to, e.mean) - 16 * M_LN2;
  run_all(context(state), &e);
  e.what = "spins, with a map";
  e.rungs = 4;
  e.to[0] = 0.1;
  e.lnz = spin_exact(e.to, e.mean) - 16 * M_LN2;
  e.error = 0.05;
  e.map = (cw_map){.self = &half_a_turn, .apply = turn_apply};
  run_all(context(state), &e);
}

/* ----------------------------------------------------------------- gauge theories */

static void gauge_experiment(experiment *e, const char *name, int n_colours) {
  e->what = name;
  e->theory = cw_theory_find(name);
  e->sampler = cw_sampler_find("heatbath");
  e->start = cw_kind(e->theory->kind)->hot;
  e->lnz = e->theory->known_lnz(e->form, &e->lat, e->to) -
           e->theory->known_lnz(e->form, &e->lat, e->from);
  for (int k = 0; k < e->theory->n_terms; k++) e->mean[k] = NAN;
  if (e->form == 0)
    e->mean[1] = -exact_plaquette_2d(n_colours, e->to[0], cw_lattice_sites(&e->lat));
}

static void test_u1(void **state) {
  static const double angle = 0.1;
  experiment e = {.lat = {2, {4, 4}}, .rungs = 9, .to = {2}, .n = 32, .walks = 600, .error = 0.05};
  gauge_experiment(&e, "u1", 1);
  run_all(context(state), &e);
  e.what = "u1, with a map";
  e.error = 0.1;
  e.map = (cw_map){.self = &angle, .apply = turn_apply};
  run_all(context(state), &e);
}

/* The defect's links switched on, in the middle of strong coupling: form 2 has parameters beta,
 * factor, direction, edges. */
static void test_u1_defect(void **state) {
  experiment e = {.form = 2,
                  .lat = {2, {4, 6}},
                  .rungs = 9,
                  .from = {0, 0, 0, 1, 3, 1, 1},
                  .to = {1.5, 0.7, 0, 1, 3, 1, 1},
                  .n = 32,
                  .walks = 400,
                  .error = 0.02};
  gauge_experiment(&e, "u1", 1);
  run_walks(context(state), &e, "a defect", CW_RESAMPLE_SYSTEMATIC, 0.5);
}

static void test_su2_and_su3(void **state) {
  experiment e = {.lat = {2, {2, 4}}, .rungs = 7, .to = {3}, .n = 32, .walks = 400, .error = 0.02};
  gauge_experiment(&e, "su2", 2);
  run_walks(context(state), &e, "systematic at 0.9", CW_RESAMPLE_SYSTEMATIC, 0.9);
  e.to[0] = 4;
  e.lat.extent[1] = 2;
  gauge_experiment(&e, "su3", 3);
  run_walks(context(state), &e, "systematic at 0.9", CW_RESAMPLE_SYSTEMATIC, 0.9);
}

/* ------------------------------------------------------------------- known ln Z */

static double known(const char *theory, int form, cw_lattice lat, double p0, double p1) {
  double p[CW_MAX_PARAMS] = {p0, p1, 0, 1, 1, 1, 1};
  return cw_theory_find(theory)->known_lnz(form, &lat, p);
}

/* kappa = 0: per site (1/2) sqrt((1-2 lambda)/lambda) e^y K_{1/4}(y), y = (1-2 lambda)^2/(8
 * lambda); at lambda = 0.022 0.57827797685697 (arXiv:2007.07115 calls -F_0/V). At lambda = 1/2 the
 * integral of exp(-x^4/2): Gamma(1/4) 2^(-3/4). */
static void test_known_phi4(void **state) {
  (void)state;
  const cw_lattice lat = {2, {16, 8}}, chain = {1, {3}}, square = {2, {2, 2}}, point = {1, {1}};
  check_close(known("phi4", 1, lat, 0, 0.022) / 128, 0.57827797685697, 1e-13);
  check_close(known("phi4", 1, point, 0, 0.5), log(tgamma(0.25) * pow(2, -0.75)), 1e-13);
  check_close(known("phi4", 1, point, 0, 0), 0.5 * log(M_PI), 1e-13);
  check_close(known("phi4", 0, square, 2, 0), quadrature_2x2(-2, 6, 0).lnZ, 1e-10);
  /* three sites: det of 1 on the diagonal and -kappa beside it is (1 - 2 kappa)(1 + kappa)^2 */
  check_close(known("phi4", 1, chain, 0.2, 0), 1.5 * log(M_PI) - 0.5 * log(0.6 * 1.44), 1e-13);
  const double c[3] = {-3, 0.4, 0.3}, unbound[3] = {0, 0.4, 0.3}; /* a site knows no bonds */
  check_close(cw_one_site_lnz(cw_theory_find("phi4"), 1, c),
              cw_one_site_lnz(cw_theory_find("phi4"), 1, unbound), 0);
  assert_true(isnan(known("phi4", 1, lat, 0.2, 0.022)));
  assert_true(isnan(known("phi4", 1, lat, 0.6, 0))); /* unbounded */
  assert_true(isnan(known("phi4", 1, lat, 0, 1e6))); /* too narrow for the quadrature */
}

/* Its slope in beta is V <P>, and it is 0 at beta = 0. */
static void test_known_torus(void **state) {
  (void)state;
  const char *const name[] = {"u1", "su2", "su3"};
  const cw_lattice lat = {2, {2, 3}}, large = {2, {20, 30}}, four = {4, {4, 4, 2, 2}};
  for (int g = 0; g < 3; g++) {
    double x[40], w[40], integral = 0;
    cw_gauss_legendre(40, 0, 5, x, w);
    for (int i = 0; i < 40; i++) integral += w[i] * 6 * exact_plaquette_2d(g + 1, x[i], 6);
    check_close(known(name[g], 0, lat, 5, 0), integral, 1e-10);
    check_close(known(name[g], 0, lat, 0, 0), 0, 0);
    check_close(known(name[g], 0, lat, 1e-6, 0), 0, 1e-11);
    check_close(known(name[g], 0, large, 5, 0) + known(name[g], 0, large, 5, 0),
                known(name[g], 0, (cw_lattice){2, {40, 30}}, 5, 0), 1e-12);
    check_close(known(name[g], 0, four, 0, 0), 0, 0);
    assert_true(isnan(known(name[g], 0, four, 1, 0)));
    assert_true(isnan(known(name[g], 0, lat, 200, 0)));
    assert_true(isnan(known("su3", 0, lat, 80, 0))); /* too many representations count */
  }
}

/* A defect's plaquettes: to second order ln Z = sum_P beta_P^2/4 for U(1), and T_k = -n_k on cold
 * links. */
static void test_known_defect(void **state) {
  cw_context *ctx = context(state);
  const int shape[][5] = {{4, 6, 0, 1, 3}, {4, 6, 1, 4, 1}, {2, 3, 1, 1, 1}, {5, 2, 0, 1, 2}};
  for (int i = 0; i < 4; i++) {
    const int *s = shape[i];
    const double p[CW_MAX_PARAMS] = {0.02, 0.5, s[2], s[3], s[4], 1, 1};
    const cw_lattice lat = {2, {s[0], s[1]}};
    double T[CW_LANES * CW_MAX_TERMS], sum = 0;
    cw_geometry *geom;
    cw_theory th;
    cw_field x;
    check_ok(ctx, cw_geometry_create(ctx, &lat, 1, &geom));
    check_ok(ctx, cw_theory_create(ctx, cw_theory_find("u1"), geom, 2, p, &th));
    check_ok(ctx, cw_field_create(ctx, geom, th.n_comp, 1, &x));
    cw_kind(th.ops->kind)->cold(&x);
    th.ops->terms(&th, &x, T);
    for (int k = 0; k < th.ops->n_terms; k++) sum -= T[k] * th.c[k] * th.c[k] / 4;
    check_close(th.ops->known_lnz(2, &lat, p) / sum, 1, 1e-4);
    cw_field_destroy(&x);
    cw_theory_destroy(&th);
    cw_geometry_destroy(geom);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_phi4),   cmocka_unit_test(test_known_torus),
      cmocka_unit_test(test_known_defect), cmocka_unit_test(test_tilted),
      cmocka_unit_test(test_programs),     cmocka_unit_test(test_phi4_2x2),
      cmocka_unit_test(test_spins),        cmocka_unit_test(test_u1),
      cmocka_unit_test(test_u1_defect),    cmocka_unit_test(test_su2_and_su3),
  };
  return cmocka_run_group_tests_name("walks against exact integrals", tests, test_open_context_1,
                                     test_close_context);
}
