/* BiCGStab (H. A. van der Vorst, SIAM J. Sci. Stat. Comput. 13 (1992) 631) for M itself. A coefficient that cannot be
 * computed is 0: then nothing moves any more, and the residual says so. */
#include "dirac/solve.h"

#include <math.h>
#include <string.h>

/* Complex numbers of a right-hand side are two rows, re and im, as the kernel dot leaves them. */

typedef struct {
  float *shadow, *p, *v, *t;
  cw_dirac_row *rho, *older, *rv, *tr; /* <shadow, r>, the one before, <shadow, v>, <t, r>: pairs */
  cw_dirac_row *tt;
  cw_dirac_row *re[3], *im[3]; /* coefficients: alpha, omega, beta */
} bicgstab;
enum { ALPHA, OMEGA, BETA };

static cw_status open_bicgstab(bicgstab *c, const cw_solve_state *s, cw_arena *arena) {
  float **vectors[] = {&c->shadow, &c->p, &c->v, &c->t};
  cw_dirac_row **pairs[] = {&c->rho, &c->older, &c->rv, &c->tr};
  for (int i = 0; i < 4; i++) {
    if ((*vectors[i] = cw_solve_vector(s, arena)) == NULL) return CW_ENOMEM;
    if ((*pairs[i] = cw_solve_rows(s, 2, arena)) == NULL) return CW_ENOMEM;
  }
  if ((c->tt = cw_solve_rows(s, 1, arena)) == NULL) return CW_ENOMEM;
  for (int i = 0; i < 3; i++) {
    c->re[i] = cw_solve_rows(s, 1, arena);
    c->im[i] = cw_solve_rows(s, 1, arena);
    if (c->re[i] == NULL || c->im[i] == NULL) return CW_ENOMEM;
  }
  return CW_OK;
}

/* (a + ib)/(c + id); 0 where that is no number */
static void divide(double a, double b, double c, double d, double *re, double *im) {
  const double norm = c * c + d * d, x = (a * c + b * d) / norm, y = (b * c - a * d) / norm;
  const bool good = norm > 0 && isfinite(x) && isfinite(y);
  *re = good ? x : 0;
  *im = good ? y : 0;
}

/* Coefficient number i of every right-hand side: above/below, 0 for those that are done. */
static void set_ratio(const cw_solve_state *s, bicgstab *c, int i, const cw_dirac_row *above,
                      const cw_dirac_row *below) {
  for (int n = 0; n < s->range.n; n++) {
    const int k = s->range.index[n];
    for (int l = 0; l < CW_LANES; l++) {
      divide(above[2 * k][l], above[2 * k + 1][l], below[2 * k][l], below[2 * k + 1][l],
             &c->re[i][k][l], &c->im[i][k][l]);
      if (s->done[k][l] != 0) c->re[i][k][l] = c->im[i][k][l] = 0;
    }
  }
}

/* omega = <t, r>/|t|^2 */
static void set_omega(const cw_solve_state *s, bicgstab *c) {
  for (int n = 0; n < s->range.n; n++) {
    const int k = s->range.index[n];
    for (int l = 0; l < CW_LANES; l++) {
      const bool good = s->done[k][l] == 0 && c->tt[k][l] > 0;
      c->re[OMEGA][k][l] = good ? c->tr[2 * k][l] / c->tt[k][l] : 0;
      c->im[OMEGA][k][l] = good ? c->tr[2 * k + 1][l] / c->tt[k][l] : 0;
    }
  }
}

/* beta = (rho/older) (alpha/omega) */
static void set_beta(const cw_solve_state *s, bicgstab *c) {
  set_ratio(s, c, BETA, c->rho, c->older);
  for (int n = 0; n < s->range.n; n++) {
    const int k = s->range.index[n];
    for (int l = 0; l < CW_LANES; l++) {
      double re, im;
      const double x = c->re[BETA][k][l], y = c->im[BETA][k][l];
      divide(c->re[ALPHA][k][l], c->im[ALPHA][k][l], c->re[OMEGA][k][l], c->im[OMEGA][k][l], &re,
             &im);
      c->re[BETA][k][l] = x * re - y * im;
      c->im[BETA][k][l] = x * im + y * re;
    }
  }
}

/* y += (coefficient i) x, with the other sign if subtract. */
static void add(const cw_solve_state *s, bicgstab *c, int i, bool subtract, const float *x,
                float *y, cw_dirac_row *norm) {
  cw_dirac_row re[CW_DIRAC_MAX_RHS], im[CW_DIRAC_MAX_RHS];
  for (int k = 0; k < s->range.n_rhs; k++)
    for (int l = 0; l < CW_LANES; l++) {
      re[k][l] = subtract ? -c->re[i][k][l] : c->re[i][k][l];
      im[k][l] = subtract ? -c->im[i][k][l] : c->im[i][k][l];
    }
  const cw_dirac_vectors v = {.range = s->range, .re = re, .im = im, .x = x, .y = y};
  cw_dirac_run_vectors(s->d, cw_dirac_kernels_in(s->d, CW_FLOAT)->add, &v, 1, norm);
}

/* <x, z> */
static void dot(const cw_solve_state *s, const float *x, const float *z, cw_dirac_row *out) {
  const cw_dirac_vectors v = {.range = s->range, .x = x, .z = z};
  cw_dirac_run_vectors(s->d, cw_dirac_kernels_in(s->d, CW_FLOAT)->dot, &v, 2, out);
}

cw_status cw_solve_bicgstab(cw_solve_state *s, cw_arena *arena) {
  const size_t n = (size_t)s->range.n_rhs,
               bytes = (size_t)s->d->geom->n_outer * n * CW_SPINOR * CW_LANES * sizeof(float);
  bicgstab c;
  if (open_bicgstab(&c, s, arena) != CW_OK) return CW_ENOMEM;
  memcpy(c.shadow, s->r, bytes);
  memcpy(c.p, s->r, bytes);
  dot(s, c.shadow, s->r, c.rho);
  while (s->iteration < s->limit) {
    s->iteration++;
    cw_solve_matrix(s, c.p, c.v, NULL);
    dot(s, c.shadow, c.v, c.rv);
    set_ratio(s, &c, ALPHA, c.rho, c.rv);
    add(s, &c, ALPHA, false, c.p, s->part, NULL);
    add(s, &c, ALPHA, true, c.v, s->r, NULL);
    cw_solve_matrix(s, s->r, c.t, c.tt);
    dot(s, c.t, s->r, c.tr);
    set_omega(s, &c);
    add(s, &c, OMEGA, false, s->r, s->part, NULL);
    add(s, &c, OMEGA, true, c.t, s->r, s->rr);
    if (!cw_solve_update(s)) break;
    memcpy(c.older, c.rho, 2 * n * sizeof *c.rho);
    dot(s, c.shadow, s->r, c.rho);
    set_beta(s, &c);
    add(s, &c, OMEGA, true, c.v, c.p, NULL);
    const cw_dirac_vectors direction = {
        .range = s->range, .re = c.re[BETA], .im = c.im[BETA], .x = s->r, .y = c.p};
    cw_dirac_run_vectors(s->d, cw_dirac_kernels_in(s->d, CW_FLOAT)->turn, &direction, 1, NULL);
  }
  return CW_OK;
}
