/* The path, and the map of each of its links. */
#include "model/layers/snake/path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_MAX = CW_CLASS_COLOURS, REAL = CW_PATH_REAL };

/* ---- matrices (N, N, 2) ---- */

void cw_path_product(int N, const double *a, bool a_dagger, const double *b, bool b_dagger,
                     double *c) {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      double re = 0, im = 0;
      for (int k = 0; k < N; k++) {
        const double *p = a + 2 * (a_dagger ? k * N + i : i * N + k);
        const double *q = b + 2 * (b_dagger ? j * N + k : k * N + j);
        const double pi = a_dagger ? -p[1] : p[1], qi = b_dagger ? -q[1] : q[1];
        re += p[0] * q[0] - pi * qi;
        im += p[0] * qi + pi * q[0];
      }
      c[2 * (i * N + j)] = re;
      c[2 * (i * N + j) + 1] = im;
    }
}

static double norm2(int N, const double *a) {
  double sum = 0;
  for (int i = 0; i < 2 * N * N; i++) sum += a[i] * a[i];
  return sum;
}

static void identity(int N, double *a) {
  memset(a, 0, (size_t)(2 * N * N) * sizeof *a);
  for (int i = 0; i < N; i++) a[2 * (i * N + i)] = 1;
}

/* Matrix of cofactors C of 3x3: a^-1 = C^T/det; *det. */
static void cofactors(const double *a, double *c, double det[2]) {
  det[0] = det[1] = 0;
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      const int r = (i + 1) % 3, s = (i + 2) % 3, k = (j + 1) % 3, l = (j + 2) % 3;
      const double *p = a + 2 * (r * 3 + k), *q = a + 2 * (s * 3 + l), *m = a + 2 * (r * 3 + l),
                   *n = a + 2 * (s * 3 + k);
      double *to = c + 2 * (i * 3 + j);
      to[0] = p[0] * q[0] - p[1] * q[1] - m[0] * n[0] + m[1] * n[1];
      to[1] = p[0] * q[1] + p[1] * q[0] - m[0] * n[1] - m[1] * n[0];
      if (i > 0) continue;
      det[0] += a[2 * j] * to[0] - a[2 * j + 1] * to[1];
      det[1] += a[2 * j] * to[1] + a[2 * j + 1] * to[0];
    }
}

/* A unitary matrix near v, by Newton's x <- (x + x^-+)/2, without the phase of its determinant. */
static void to_group_3(double *v) {
  enum { TRIES = 60 };
  double c[REAL], det[2];
  for (int t = 0; t < TRIES; t++) {
    double moved = 0;
    cofactors(v, c, det);
    const double d = det[0] * det[0] + det[1] * det[1];
    if (!(d > 1e-60)) return identity(3, v);
    for (int i = 0; i < 9; i++) { /* x^-+ = conj(C)/conj(det) */
      const double re = (c[2 * i] * det[0] + c[2 * i + 1] * det[1]) / d,
                   im = (c[2 * i] * det[1] - c[2 * i + 1] * det[0]) / d;
      const double dr = 0.5 * (re - v[2 * i]), di = 0.5 * (im - v[2 * i + 1]);
      v[2 * i] += dr;
      v[2 * i + 1] += di;
      moved += dr * dr + di * di;
    }
    if (moved < 1e-28) break;
  }
  cofactors(v, c, det);
  const double phase = -atan2(det[1], det[0]) / 3, re = cos(phase), im = sin(phase);
  for (int i = 0; i < 9; i++) {
    const double was = v[2 * i];
    v[2 * i] = re * was - im * v[2 * i + 1];
    v[2 * i + 1] = re * v[2 * i + 1] + im * was;
  }
}

/* V of the group near a, and kappa = Re tr(a V^+)/N. Sums of elements of U(1) and SU(2) are multiples of
 * some. */
static double nearest(int N, const double *a, double *v) {
  const double norm = sqrt(norm2(N, a) / N);
  double kappa = 0;
  if (!(norm > 1e-100)) {
    identity(N, v);
    return 0;
  }
  for (int i = 0; i < 2 * N * N; i++) v[i] = a[i] / norm;
  if (N == 3) to_group_3(v);
  for (int i = 0; i < 2 * N * N; i++) kappa += a[i] * v[i] / N;
  return fmax(kappa, 0);
}

/* ---- eigenvectors of a unitary matrix ---- */

/* m <- rotated in rows and columns p and q, so that the Hermitian m has no element there. */
static void rotate(int N, double *m, double *q, int i, int j) {
  const double *at = m + 2 * (i * N + j);
  const double r = hypot(at[0], at[1]);
  if (!(r > 1e-300)) return;
  const double er = at[0] / r, ei = at[1] / r; /* m_ij = r e */
  const double tau = (m[2 * (j * N + j)] - m[2 * (i * N + i)]) / (2 * r);
  const double t = (tau >= 0 ? 1 : -1) / (fabs(tau) + sqrt(1 + tau * tau));
  const double c = 1 / sqrt(1 + t * t), s = t * c;
  /* columns: i <- c i - s conj(e) j, j <- s e i + c j */
  for (int pass = 0; pass < 2; pass++) {
    double *x = pass == 0 ? m : q;
    for (int k = 0; k < N; k++) {
      double *a = x + 2 * (k * N + i), *b = x + 2 * (k * N + j);
      const double ar = a[0], ai = a[1], br = b[0], bi = b[1];
      a[0] = c * ar - s * (er * br + ei * bi);
      a[1] = c * ai - s * (er * bi - ei * br);
      b[0] = s * (er * ar - ei * ai) + c * br;
      b[1] = s * (er * ai + ei * ar) + c * bi;
    }
  }
  for (int k = 0; k < N; k++) { /* rows of m, conjugated */
    double *a = m + 2 * (i * N + k), *b = m + 2 * (j * N + k);
    const double ar = a[0], ai = a[1], br = b[0], bi = b[1];
    a[0] = c * ar - s * (er * br - ei * bi);
    a[1] = c * ai - s * (er * bi + ei * br);
    b[0] = s * (er * ar + ei * ai) + c * br;
    b[1] = s * (er * ai - ei * ar) + c * bi;
  }
}

/* p = q diag(e^{i theta}) q^+: q diagonalises the Hermitian part of a fixed phase times p (Jacobi). */
static void eigenvectors(int N, const double *p, double *q, double *theta) {
  enum { SWEEPS = 12 };
  const double re = cos(0.7), im = sin(0.7);
  double m[REAL], pq[REAL];
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      const double *a = p + 2 * (i * N + j), *b = p + 2 * (j * N + i);
      m[2 * (i * N + j)] = 0.5 * (re * (a[0] + b[0]) + im * (a[1] + b[1]));
      m[2 * (i * N + j) + 1] = 0.5 * (re * (a[1] - b[1]) - im * (a[0] - b[0]));
    }
  identity(N, q);
  for (int s = 0; s < SWEEPS; s++) {
    double off = 0;
    for (int i = 0; i < N; i++)
      for (int j = i + 1; j < N; j++) off += hypot(m[2 * (i * N + j)], m[2 * (i * N + j) + 1]);
    if (off < 1e-17) break;
    for (int i = 0; i < N; i++)
      for (int j = i + 1; j < N; j++) rotate(N, m, q, i, j);
  }
  cw_path_product(N, p, false, q, false, pq);
  for (int j = 0; j < N; j++) {
    double c = 0, d = 0;
    for (int i = 0; i < N; i++) {
      const double *a = q + 2 * (i * N + j), *b = pq + 2 * (i * N + j);
      c += a[0] * b[0] + a[1] * b[1];
      d += a[0] * b[1] - a[1] * b[0];
    }
    theta[j] = atan2(d, c);
  }
}

/* ---- the path ---- */

static long link_at(const cw_lattice *lat, long x, long y, int mu) {
  const long X = lat->extent[0], Y = lat->extent[1];
  return 2 * ((x % X) * Y + y % Y) + mu;
}

/* From plaquette (x, y) to the one ahead in direction 0, through the link between them in direction 1. */
static cw_path_turn ahead(const cw_lattice *lat, long x, long y) {
  return (cw_path_turn){
      .link = link_at(lat, x + 1, y, 1),
      .own = {{link_at(lat, x, y, 0), link_at(lat, x, y, 1), link_at(lat, x, y + 1, 0)},
              {true, false, false}},
      .next = {
          {link_at(lat, x + 1, y, 0), link_at(lat, x + 2, y, 1), link_at(lat, x + 1, y + 1, 0)},
          {false, false, true}}};
}

/* The same in direction 1. */
static cw_path_turn up(const cw_lattice *lat, long x, long y) {
  return (cw_path_turn){
      .link = link_at(lat, x, y + 1, 0),
      .own = {{link_at(lat, x, y, 1), link_at(lat, x, y, 0), link_at(lat, x + 1, y, 1)},
              {true, false, false}},
      .next = {
          {link_at(lat, x, y + 1, 1), link_at(lat, x, y + 2, 0), link_at(lat, x + 1, y + 1, 1)},
          {false, false, true}}};
}

static void list_turns(const cw_lattice *lat, cw_path *p) {
  const long X = lat->extent[0];
  long x = 0, y = 0;
  for (long k = 0; k < p->n; k++) {
    const bool ends_row = k % X == X - 1;
    p->turn[k] = ends_row ? up(lat, x, y) : ahead(lat, x, y);
    if (ends_row)
      y++;
    else
      x++;
  }
  for (long k = 0; k < p->n; k++) {
    p->turn[k].turn = -1;
    for (int i = 0; i < 3 && k + 1 < p->n; i++)
      if (p->turn[k].next.link[i] == p->turn[k + 1].link) p->turn[k].turn = i;
  }
}

/* b_n with u_1(b_n) = u_1(beta)^n, until it is nothing. */
static void list_far(cw_path *p, long most) {
  const int N = p->classes.n_colours;
  const double u = cw_classes_mean(N, p->beta);
  double power = 1;
  p->far[0] = 0;
  for (p->n_far = 0; p->n_far < most;) {
    double low = 0, high = p->beta;
    power *= u;
    for (int i = 0; i < 50 && high - low > 1e-10; i++) {
      const double middle = 0.5 * (low + high);
      *(cw_classes_mean(N, middle) < power ? &low : &high) = middle;
    }
    if (high < 1e-3) return;
    p->far[++p->n_far] = 0.5 * (low + high);
  }
}

cw_status cw_path_create(cw_isa isa, const cw_lattice *lat, cw_field_kind kind, double beta,
                         long far, cw_path *out) {
  *out = (cw_path){.n = (long)lat->extent[0] * lat->extent[1] - 1,
                   .beta = beta,
                   .rows = &CW_DISPATCH(isa, cw_row_kernels)->kind[kind],
                   .jacobian = &CW_DISPATCH(isa, cw_jacobian_kernels)->kind[kind]};
  if (far > out->n) far = out->n;
  out->turn = malloc((size_t)out->n * sizeof *out->turn);
  out->far = calloc((size_t)far + 1, sizeof *out->far);
  out->rest = calloc((size_t)far + 1, sizeof *out->rest);
  if (out->turn == NULL || out->far == NULL || out->rest == NULL) return CW_ENOMEM;
  list_turns(lat, out);
  if (beta == 0) return CW_OK;
  CW_TRY(cw_classes_fit(cw_kind(kind)->n_colours, 2 * beta, &out->classes));
  list_far(out, far);
  cw_rest_prepare(out);
  return CW_OK;
}

void cw_path_destroy(cw_path *p) {
  free(p->turn);
  free(p->far);
  free(p->rest);
}

/* ---- maps ---- */

static void staple_of(int N, const cw_path_staple *s, const double *u, int turn, const double *path,
                      double *out) {
  const double *m[3];
  double ab[REAL];
  for (int i = 0; i < 3; i++) m[i] = i == turn ? path : u + s->link[i] * 2 * N * N;
  cw_path_product(N, m[0], s->dagger[0], m[1], s->dagger[1], ab);
  cw_path_product(N, ab, false, m[2], s->dagger[2], out);
}

/* b of link k: link after link is replaced by the path round what comes after it. */
static void way_round(const cw_path *p, long k, const double *u, double *b) {
  const int N = p->classes.n_colours;
  double path[REAL];
  for (long j = p->n - 1; j >= k; j--) {
    staple_of(N, &p->turn[j].next, u, p->turn[j].turn, path, b);
    memcpy(path, b, sizeof path);
  }
}

static void place_of(const cw_path *p, long k, const double *u, cw_path_place *at) {
  const int N = p->classes.n_colours, n_real = 2 * N * N;
  at->n = p->n - k;
  staple_of(N, &p->turn[k].own, u, -1, NULL, at->a);
  for (int i = 0; i < n_real; i++) at->a[i] *= p->beta;
  if (at->n <= p->n_far) {
    way_round(p, k, u, at->b);
    for (int i = 0; i < n_real; i++) at->a[i] += p->far[at->n] * at->b[i];
  }
  at->kappa = nearest(N, at->a, at->v);
}

static double map_class(const cw_path *p, const cw_path_place *at, bool inverse, double *u) {
  const int N = p->classes.n_colours;
  double m[REAL], q[REAL], g[REAL], theta[N_MAX], was[N_MAX];
  cw_path_product(N, u, false, at->v, true, m);
  eigenvectors(N, m, q, theta);
  memcpy(was, theta, sizeof was);
  const double logj = cw_classes_map(&p->classes, at->kappa, inverse, theta);
  for (int i = 0; i < N; i++) /* g = q diag(e^{i (theta - was)}) q^+ */
    for (int j = 0; j < N; j++) {
      const double c = cos(theta[j] - was[j]), s = sin(theta[j] - was[j]);
      const double *from = q + 2 * (i * N + j);
      m[2 * (i * N + j)] = c * from[0] - s * from[1];
      m[2 * (i * N + j) + 1] = c * from[1] + s * from[0];
    }
  cw_path_product(N, m, false, q, true, g);
  cw_path_product(N, g, false, u, false, m);
  memcpy(u, m, (size_t)(2 * N * N) * sizeof *m);
  return logj;
}

double cw_path_map(const cw_path *p, bool inverse, double *u) {
  const int N = p->classes.n_colours;
  double logj = 0;
  if (p->beta == 0) return 0;
  for (long i = 0; i < p->n; i++) {
    const long k = inverse ? p->n - 1 - i : i;
    double *link = u + p->turn[k].link * 2 * N * N;
    cw_path_place at;
    place_of(p, k, u, &at);
    if (inverse) logj += cw_rest_map(p, &at, true, link);
    logj += map_class(p, &at, inverse, link);
    if (!inverse) logj += cw_rest_map(p, &at, false, link);
  }
  return logj;
}
