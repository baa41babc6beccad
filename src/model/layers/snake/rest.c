/* What a map of classes leaves of the density of a link, and a step along its gradient.
 *
 * U(1): the loops beyond are wrapped sums of n angles, of weight K(phi) = sum_r u_r^n e^{i r phi}, and the
 * map takes exp(b_n cos phi) for it: phi' = phi + c d/dphi [ln(K + floor) - b_n cos phi].
 * SU(3): A = V H, and the map takes kappa for H: U' = e^X U, X = -c TA(U V^+ D), D = A V^+ - kappa, c = 1/(6 +
 * 1.2 kappa), which leaves the smallest variances of several numbers that were tried at beta = 4 and 6.
 * No change of U changes X by more than c |D| < 4/5 of itself. */
#include <math.h>
#include <string.h>

#include "model/layers/snake/path.h"

enum { TRIES = 200 };

/* ---- U(1) ---- */

static const double floor_of_K = 1e-6;

/* First and second derivative of what is left. */
static void slopes_of_rest(const cw_path *p, long n, double phi, double *first, double *second) {
  double K = 1 + floor_of_K, K1 = 0, K2 = 0;
  for (int r = 1; r < CW_PATH_MODES; r++) {
    const double a = 2 * pow(p->u[r], (double)n);
    if (!(a > 1e-17)) break;
    K += a * cos(r * phi);
    K1 -= a * r * sin(r * phi);
    K2 -= a * r * r * cos(r * phi);
  }
  *first = K1 / K + p->far[n] * sin(phi);
  *second = K2 / K - (K1 / K) * (K1 / K) + p->far[n] * cos(phi);
}

/* Below 1/(1 + beta + b_n), and such that no angle overtakes another. */
static double length_of_steps(const cw_path *p, long n) {
  enum { POINTS = 720 };
  double c = 0.7 / (1 + p->beta + p->far[n]);
  for (int i = 0; i < POINTS; i++) {
    double first, second;
    slopes_of_rest(p, n, 2 * M_PI * i / POINTS, &first, &second);
    c = fmin(c, 0.8 / fmax(-second, 1e-6));
  }
  return c;
}

void cw_rest_prepare(cw_path *p) {
  enum { POINTS = 512 };
  if (p->classes.n_colours != 1) return;
  double total = 0;
  memset(p->u, 0, sizeof p->u);
  for (int i = 0; i < POINTS; i++) {
    const double phi = 2 * M_PI * i / POINTS, w = exp(p->beta * (cos(phi) - 1));
    total += w;
    for (int r = 0; r < CW_PATH_MODES; r++) p->u[r] += w * cos(r * phi);
  }
  for (int r = 0; r < CW_PATH_MODES; r++) p->u[r] = fmax(p->u[r] / total, 0);
  for (long n = 2; n <= p->n_far; n++) p->rest[n] = length_of_steps(p, n);
}

/* The angle that the step carries to phi, by halves of an interval around it. */
static double step_from(const cw_path *p, long n, double phi) {
  const double c = p->rest[n];
  double first, second, width = 1e-3, low, high;
  do {
    width *= 2;
    slopes_of_rest(p, n, low = phi - width, &first, &second);
    low = low + c * first <= phi ? low : NAN;
    slopes_of_rest(p, n, high = phi + width, &first, &second);
    high = high + c * first >= phi ? high : NAN;
  } while (isnan(low + high));
  for (int i = 0; i < TRIES && high - low > 0; i++) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    slopes_of_rest(p, n, middle, &first, &second);
    *(middle + c * first < phi ? &low : &high) = middle;
  }
  return 0.5 * (low + high);
}

static double turn_angle(const cw_path *p, const cw_path_place *at, bool inverse, double *u) {
  const double *b = at->b, c = p->rest[at->n];
  const double phi = atan2(u[1] * b[0] - u[0] * b[1], u[0] * b[0] + u[1] * b[1]);
  const double from = inverse ? step_from(p, at->n, phi) : phi;
  double first, second;
  slopes_of_rest(p, at->n, from, &first, &second);
  const double by = inverse ? from - phi : c * first, re = u[0];
  u[0] = re * cos(by) - u[1] * sin(by);
  u[1] = re * sin(by) + u[1] * cos(by);
  return inverse ? -log(1 + c * second) : log(1 + c * second);
}

/* ---- SU(3) ---- */

enum { REAL = CW_PATH_REAL, ALGEBRA = 8 };
typedef struct {
  double at[REAL][CW_LANES] CW_ALIGNED;
} link_rows; /* of one link, the same in all lanes */
typedef struct {
  double at[ALGEBRA][CW_LANES] CW_ALIGNED;
} algebra_rows;
typedef struct {
  double at[ALGEBRA * ALGEBRA][CW_LANES] CW_ALIGNED;
} matrix_rows;

/* d = V^+ D = A^+ - kappa V^+, and c. */
static double rest_of(const cw_path_place *at, double *d) {
  const double c = 1 / (6 + 1.2 * at->kappa);
  double norm = 0;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      const int to = 2 * (i * 3 + j), from = 2 * (j * 3 + i);
      d[to] = at->a[from] - at->kappa * at->v[from];
      d[to + 1] = at->kappa * at->v[from + 1] - at->a[from + 1];
      norm += d[to] * d[to] + d[to + 1] * d[to + 1];
    }
  return fmin(c, 0.8 / fmax(sqrt(norm), 1e-6));
}

/* w of X at u, and the rows of U V^+ D. */
static void field_at(const cw_path *p, const double *u, const double *d, double c, link_rows *z,
                     algebra_rows *w) {
  double ud[REAL];
  cw_path_product(3, u, false, d, false, ud);
  for (int i = 0; i < REAL; i++)
    for (int l = 0; l < CW_LANES; l++) z->at[i][l] = ud[i];
  p->rows->to_algebra(z->at[0], w->at[0]);
  for (int a = 0; a < ALGEBRA; a++)
    for (int l = 0; l < CW_LANES; l++) w->at[a][l] *= -c;
}

/* out = e^{sign X} u. */
static void turned(const cw_path *p, const algebra_rows *w, double sign, const double *u,
                   double *out) {
  algebra_rows signed_w;
  link_rows e;
  double g[REAL];
  for (int a = 0; a < ALGEBRA; a++)
    for (int l = 0; l < CW_LANES; l++) signed_w.at[a][l] = sign * w->at[a][l];
  p->rows->exp(e.at[0], signed_w.at[0]);
  for (int i = 0; i < REAL; i++) g[i] = e.at[i][0];
  cw_path_product(3, g, false, u, false, out);
}

/* from with e^X(from) from = u; false: it does not converge. */
static bool solve(const cw_path *p, const double *d, double c, const double *u, double *from) {
  algebra_rows w, was = {{{0}}};
  double last = INFINITY;
  memcpy(from, u, REAL * sizeof *u);
  for (int i = 0; i < TRIES; i++) {
    link_rows z;
    double moved = 0;
    field_at(p, from, d, c, &z, &w);
    for (int a = 0; a < ALGEBRA; a++) moved = fmax(moved, fabs(w.at[a][0] - was.at[a][0]));
    was = w;
    turned(p, &w, -1, u, from);
    if (moved < 1e-15 || (moved < 1e-13 && moved >= last)) return true;
    last = moved;
  }
  return false;
}

static double turn_matrix(const cw_path *p, const cw_path_place *at, bool inverse, double *u) {
  double d[REAL], from[REAL], logdet[CW_LANES] CW_ALIGNED;
  const double c = rest_of(at, d);
  link_rows z;
  algebra_rows w;
  matrix_rows dx;
  if (!inverse)
    memcpy(from, u, sizeof from);
  else if (!solve(p, d, c, u, from))
    return NAN;
  field_at(p, from, d, c, &z, &w);
  p->jacobian->slopes(z.at[0], dx.at[0]);
  for (int i = 0; i < ALGEBRA * ALGEBRA; i++)
    for (int l = 0; l < CW_LANES; l++) dx.at[i][l] *= -c;
  p->jacobian->map(w.at[0], dx.at[0], NULL, logdet);
  if (inverse)
    memcpy(u, from, sizeof from);
  else
    turned(p, &w, 1, from, u);
  return inverse ? -logdet[0] : logdet[0];
}

/* ---- together ---- */

double cw_rest_map(const cw_path *p, const cw_path_place *at, bool inverse, double *u) {
  if (at->n > p->n_far) return 0;
  if (p->classes.n_colours == 1 && p->rest[at->n] > 0) return turn_angle(p, at, inverse, u);
  return p->classes.n_colours == 3 ? turn_matrix(p, at, inverse, u) : 0;
}
