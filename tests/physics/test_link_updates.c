/* The heat bath of a single link between frozen neighbours: its distribution against direct
 * integration over the group. */
#include "physics/link_updates.h"
#include "physics/links.h"
#include "sampler/heatbath/heatbath.h"

/* ---------------------------------------------------- the distribution of a link */

static void same_configuration(links *k) {
  for (long c = 1; c < k->x.n_config; c++)
    for (long s = 0; s < k->geom->n_sites; s++)
      for (int i = 0; i < k->x.n_comp; i++)
        cw_field_set(&k->x, c, s, i, cw_field_get(&k->x, 0, s, i));
}

/* v (N, N, 2) = the sum of staples of the link, by finite differences: Re tr U V^+ is linear in U,
 * so that V_ij is what the plaquettes gain when U_ij is 1 and all its other elements are 0. */
static void staples(const links *k, double *v) {
  int N = cw_kind(k->th.ops->kind)->n_colours;
  const cw_lattice *lat = &k->geom->lat;
  memset(v, 0, 18 * sizeof *v);
  for (int down = 0; down < 2; down++)
    for (int nu = 0; nu < lat->dim; nu++) {
      int y[CW_MAX_DIM];
      double a[18], b[18], c[18];
      if (nu == MU) continue;
      cw_lattice_coord(lat, SITE, y);
      y[nu] -= down;
      get_link(k, 0, cw_lattice_site(lat, y), nu, a);
      y[nu] += 1 - down;
      get_link(k, 0, cw_lattice_site(lat, y), MU, b);
      y[nu] -= 1 - down;
      y[MU]++;
      get_link(k, 0, cw_lattice_site(lat, y), nu, c);
      for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
          for (int l = 0; l < N; l++)
            for (int m = 0; m < N; m++) { /* up: a_il b_lm c*_jm; down: a*_li b_lm c_mj */
              const double *p = down ? a + 2 * (l * N + i) : a + 2 * (i * N + l);
              const double *q = b + 2 * (l * N + m);
              const double *r = down ? c + 2 * (m * N + j) : c + 2 * (j * N + m);
              double sp = down ? -1 : 1, sr = down ? 1 : -1;
              double re = p[0] * q[0] - sp * p[1] * q[1], im = p[0] * q[1] + sp * p[1] * q[0];
              v[2 * (i * N + j)] += re * r[0] - im * sr * r[1];
              v[2 * (i * N + j) + 1] += re * sr * r[1] + im * r[0];
            }
    }
}

/* Re tr U V^+ / |V|, |V|^2 = tr V V^+ / N: in [-N, N] and for N < 3 all that the weight depends on.
 */
static double projection(const links *k, long config, const double *v) {
  int N = cw_kind(k->th.ops->kind)->n_colours;
  double u[18], dot = 0, norm = 0;
  get_link(k, config, SITE, MU, u);
  for (int i = 0; i < 2 * N * N; i++) dot += u[i] * v[i], norm += v[i] * v[i];
  return norm > 0 ? dot / sqrt(norm / N) : 0;
}

static double length(const links *k, const double *v) {
  int N = cw_kind(k->th.ops->kind)->n_colours;
  double norm = 0;
  for (int i = 0; i < 2 * N * N; i++) norm += v[i] * v[i];
  return sqrt(norm / N);
}

/* Weights exp(strength * projection) on a fine grid: the angle of U(1), and of SU(2) with its
 * measure sin^2; strength = scale |V| / N. */
static long grid_points(int N, double strength, point *p, long n) {
  double width = fmin(M_PI, 40 / sqrt(fmax(strength, 1)));
  for (long i = 0; i < n; i++) {
    double t = width * ((double)i + 0.5) / (double)n;
    p[i].at = N * cos(t);
    p[i].weight = exp(strength * N * (cos(t) - 1)) * (N == 2 ? sin(t) * sin(t) : 1);
  }
  return n;
}

static void test_direct_integration(void **state) {
  enum { N_GRID = 400000 };
  const double scales[] = {0, 1e-12, 0.05, 0.4, 0.7, 2.5, 30, 3000, -1.5};
  point *p = cw_alloc(N_GRID * sizeof *p);
  double *sample = cw_alloc(N_SAMPLE * sizeof *sample);
  for (int g = 0; g < 2; g++)
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
      links k;
      open_links(&k, *state, groups[g], (cw_lattice){2, {4, 4}}, 1, N_SAMPLE, ISOTROPIC, beta_8, 1,
                 0, 0);
      double v[18], sign = scales[i] < 0 ? -1 : 1;
      same_configuration(&k);
      staples(&k, v);
      update_link(&k, scales[i], 1, false);
      for (long c = 0; c < N_SAMPLE; c++) sample[c] = sign * projection(&k, c, v);
      long n = grid_points(g + 1, sign * scales[i] * length(&k, v) / (g + 1), p, N_GRID);
      check_distribution(groups[g], scales[i], sample, N_SAMPLE, p, n);
      close_links(&k);
    }
  free(p);
  free(sample);
}

/* The rest of a phase or quaternion about its staple is symmetric: the sign of its sine, and the
 * directions of SU(2) on the sphere, tested by their components against uniform ones. */
static void test_directions(void **state) {
  double *sample = cw_alloc(N_SAMPLE * sizeof *sample);
  point *p = cw_alloc(N_SAMPLE * sizeof *p);
  links k;
  open_links(&k, *state, "su2", (cw_lattice){2, {4, 4}}, 1, N_SAMPLE, ISOTROPIC, beta_8, 1, 0, 0);
  cw_kind(CW_LINK_SU2)->cold(&k.x);
  update_link(&k, 1.3, 1, false);
  for (int axis = 1; axis < 4; axis++) {
    for (long c = 0; c < N_SAMPLE; c++) {
      double a[4], r = 0;
      for (int i = 0; i < 4; i++) a[i] = cw_field_get(&k.x, c, SITE, MU * 4 + i);
      for (int i = 1; i < 4; i++) r += a[i] * a[i];
      sample[c] = a[axis] / sqrt(r);
      p[c] = (point){-1 + 2 * ((double)c + 0.5) / N_SAMPLE, 1};
    }
    check_distribution("direction", axis, sample, N_SAMPLE, p, N_SAMPLE);
  }
  close_links(&k);
  open_links(&k, *state, "u1", (cw_lattice){2, {4, 4}}, 1, N_SAMPLE, ISOTROPIC, beta_8, 1, 0, 0);
  cw_kind(CW_LINK_U1)->cold(&k.x);
  for (int strong = 0; strong < 2; strong++) {
    update_link(&k, strong ? 3 : 0.2, 1, false);
    double up = 0;
    for (long c = 0; c < N_SAMPLE; c++) up += cw_field_get(&k.x, c, SITE, MU * 2 + 1) > 0;
    check_sigma(up, sqrt(N_SAMPLE / 4.0), N_SAMPLE / 2.0, 4);
  }
  close_links(&k);
  free(sample);
  free(p);
}

/* SU(3) around any V, which is no multiple of a group element: Haar elements weighted with
 * exp(scale/3 Re tr U V^+) against heat baths. */
static void test_weighted_haar(void **state) {
  const double scale = 2.5;
  links k;
  open_links(&k, *state, "su3", (cw_lattice){2, {4, 4}}, 1, N_SAMPLE, ISOTROPIC, beta_8, 1, 0, 0);
  double v[18], *sample = cw_alloc(N_SAMPLE * sizeof *sample);
  point *p = cw_alloc(64 * N_SAMPLE * sizeof *p);
  staples(&k,
          v); /* of configuration 0; then one link of every configuration serves as Haar sample */
  for (int turn = 0; turn < 64; turn++) {
    cw_kind(CW_LINK_SU3)->hot(k.th.isa, &k.x, cw_rng_stream(5, "haar"), (uint32_t)turn);
    for (long c = 0; c < N_SAMPLE; c++) {
      double t = projection(&k, c, v);
      p[turn * N_SAMPLE + c] = (point){t, exp(scale / 3 * t * length(&k, v))};
    }
  }
  cw_kind(CW_LINK_SU3)->hot(k.th.isa, &k.x, cw_rng_stream(3, "hot"), 0);
  same_configuration(&k);
  update_link(&k, scale, 20, false);
  for (long c = 0; c < N_SAMPLE; c++) sample[c] = projection(&k, c, v);
  check_distribution("su3 at random staples", scale, sample, N_SAMPLE, p, 64 * N_SAMPLE);
  free(p);
  free(sample);
  close_links(&k);
}

/* ------------------------------------------------------------- vanishing staples */

/* Moments 1, 2 and 4 of weighted points. */
enum { N_MOMENT = 3 };
static double power(double t, int moment) {
  return moment == 0 ? t : moment == 1 ? t * t : t * t * t * t;
}

static void moments_of(const point *p, long n, double exact[N_MOMENT]) {
  double total = 0;
  for (int m = 0; m < N_MOMENT; m++) exact[m] = 0;
  for (long i = 0; i < n; i++) {
    total += p[i].weight;
    for (int m = 0; m < N_MOMENT; m++) exact[m] += p[i].weight * power(p[i].at, m);
  }
  for (int m = 0; m < N_MOMENT; m++) exact[m] /= total;
}

/* Re tr U for SU(3) with weight exp(strength Re tr U), from its eigenphases (Weyl). */
static long class_points(double strength, point *p) {
  enum { N_PHASE = 400 };
  for (int a = 0; a < N_PHASE; a++)
    for (int b = 0; b < N_PHASE; b++) {
      double s = 2 * M_PI * (a + 0.5) / N_PHASE, t = 2 * M_PI * (b + 0.5) / N_PHASE;
      double trace = cos(s) + cos(t) + cos(s + t);
      double gaps = (1 - cos(s - t)) * (1 - cos(2 * s + t)) * (1 - cos(s + 2 * t));
      p[a * N_PHASE + b] = (point){trace, gaps * exp(strength * (trace - 3))};
    }
  return (long)N_PHASE * N_PHASE;
}

/* The only link of a defect with factor c: both staples have weight c. Drawn N_DRAW times in each
 * of N_SAMPLE chains, whose scatter is the error. */
static void check_weak_link(cw_context *ctx, int g, double c, double beta, point *p) {
  enum { N_DRAW = 32 };
  const double defect[7] = {beta, c, MU, 1, 1, 1, 1};
  links k;
  double v[18], exact[N_MOMENT], sum[N_MOMENT] = {0}, square[N_MOMENT] = {0};
  double *chain = calloc((size_t)N_SAMPLE * N_MOMENT, sizeof *chain);
  open_links(&k, ctx, groups[g], (cw_lattice){2, {2, SITE}}, 1, N_SAMPLE, DEFECT, defect, 1, 0, 0);
  if (g == 2) cw_kind(CW_LINK_SU3)->cold(&k.x); /* around a multiple of 1: a class function */
  same_configuration(&k);
  staples(&k, v);
  for (uint32_t draw = 0; draw < N_DRAW; draw++) {
    update_link_at(&k, beta, draw, g == 2 ? 4 : 1, false);
    for (long i = 0; i < N_SAMPLE; i++)
      for (int m = 0; m < N_MOMENT; m++)
        chain[i * N_MOMENT + m] += power(projection(&k, i, v), m) / N_DRAW;
  }
  double strength = beta * c * length(&k, v) / (g + 1);
  long n = g == 2 ? class_points(strength, p) : grid_points(g + 1, strength, p, 160000);
  moments_of(p, n, exact);
  for (long i = 0; i < N_SAMPLE * N_MOMENT; i++) {
    sum[i % N_MOMENT] += chain[i] / N_SAMPLE;
    square[i % N_MOMENT] += chain[i] * chain[i] / N_SAMPLE;
  }
  for (int m = 0; m < N_MOMENT; m++) {
    double error = sqrt((square[m] - sum[m] * sum[m]) / N_SAMPLE);
    check_sigma(sum[m], error, exact[m], 4);
  }
  free(chain);
  close_links(&k);
}

/* Links of an open defect: Haar elements at factor 0; at any other factor its product with beta
 * counts, however small the staples are. */
static void test_weak_staples(void **state) {
  const double weak[][2] = {{0, 6.3},    {1e-12, 6.3}, {1e-12, 1e6}, {1e-6, 6.3},
                            {1e-6, 1e6}, {1e-3, 6.3},  {1e-3, 1e3},  {1e-3, 1e5}};
  point *p = cw_alloc(160000 * sizeof *p);
  for (int g = 0; g < 3; g++)
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++)
      check_weak_link(*state, g, weak[i][0], weak[i][1], p);
  free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_direct_integration),
      cmocka_unit_test(test_directions),
      cmocka_unit_test(test_weighted_haar),
      cmocka_unit_test(test_weak_staples),
  };
  return cmocka_run_group_tests_name("heat bath", tests, test_open_context_2, test_close_context);
}
