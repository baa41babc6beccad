/* Conjugate gradients on the normal equations, for the Hermitian matrix Q = gamma5 M: minimises |c - Q y| over the
 * Krylov space of Q^2 (CGLS; M. R. Hestenes and E. Stiefel, J. Res. Natl. Bur. Stand. 49 (1952) 409, section 10), so that
 * the residual itself is at hand in every iteration. */
#include "dirac/solve.h"

#include <string.h>

typedef struct {
  float *p, *q, *s;        /* direction, Q p, Q r */
  cw_dirac_row *qq, *ss;   /* |q|^2, |s|^2 */
  cw_dirac_row *older, *a; /* |s|^2 before, coefficient */
} cg;

static cw_status open_cg(cg *c, const cw_solve_state *s, cw_arena *arena) {
  c->p = cw_solve_vector(s, arena);
  c->q = cw_solve_vector(s, arena);
  c->s = cw_solve_vector(s, arena);
  c->qq = cw_solve_rows(s, 1, arena);
  c->ss = cw_solve_rows(s, 1, arena);
  c->older = cw_solve_rows(s, 1, arena);
  c->a = cw_solve_rows(s, 1, arena);
  return c->p && c->q && c->s && c->qq && c->ss && c->older && c->a ? CW_OK : CW_ENOMEM;
}

/* a = above/below, 0 for those that are done. */
static void divide(const cw_solve_state *s, cw_dirac_row *a, const cw_dirac_row *above,
                   const cw_dirac_row *below) {
  for (int i = 0; i < s->range.n; i++) {
    const int k = s->range.index[i];
    for (int l = 0; l < CW_LANES; l++)
      a[k][l] = s->done[k][l] != 0 || !(below[k][l] > 0) ? 0 : above[k][l] / below[k][l];
  }
}

cw_status cw_solve_cg(cw_solve_state *s, cw_arena *arena) {
  const cw_dirac_kernels_of *kernels = cw_dirac_kernels_in(s->d, CW_FLOAT);
  cg c;
  if (open_cg(&c, s, arena) != CW_OK) return CW_ENOMEM;
  cw_solve_matrix(s, s->r, c.s, c.ss);
  cw_dirac_vectors direction = {.range = s->range, .re = c.a, .x = c.s, .y = c.p};
  memset(c.p, 0,
         (size_t)s->d->geom->n_outer * (size_t)s->range.n_rhs * CW_SPINOR * CW_LANES * sizeof *c.p);
  cw_dirac_run_vectors(s->d, kernels->turn, &direction, 1, NULL); /* p = s */
  while (s->iteration < s->limit) {
    s->iteration++;
    cw_solve_matrix(s, c.p, c.q, c.qq);
    divide(s, c.a, c.ss, c.qq);
    const cw_dirac_vectors advance = {s->range, c.a, NULL, c.p, c.q, s->part, s->r};
    cw_dirac_run_vectors(s->d, kernels->advance, &advance, 1, s->rr);
    if (!cw_solve_update(s)) break;
    memcpy(c.older, c.ss, (size_t)s->range.n_rhs * sizeof *c.ss);
    cw_solve_matrix(s, s->r, c.s, c.ss);
    divide(s, c.a, c.ss, c.older);
    direction.range = s->range;
    cw_dirac_run_vectors(s->d, kernels->turn, &direction, 1, NULL);
  }
  return CW_OK;
}
