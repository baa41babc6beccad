/* Inside of the solvers: what they share. A state belongs to one call of cw_dirac_solve. */
#ifndef CW_DIRAC_SOLVE_H
#define CW_DIRAC_SOLVE_H

#include "dirac/operator.h"

enum { CW_UPDATE_GRID = 4 }; /* iterations between two looks at the residuals */

/* M y = c, M the matrix of cw_dirac_run_matrix, with gamma5 in front of both sides if Hermitian. The solution gathers in
 * double; iterations correct it in float. Rows: one for each right-hand side, the same number in all lanes of a
 * configuration. */
typedef struct {
  const cw_dirac *d;
  const cw_solver *solver;
  cw_dirac_range range; /* the right-hand sides with a configuration that is not done */
  int index[CW_DIRAC_MAX_RHS];
  bool hermitian;
  double *c, *y, *rest;         /* in double; rest: room for c - M y */
  float *part, *r;              /* correction of y so far, and the residual, in float */
  cw_dirac_row *wanted;         /* |rest|^2 to be reached */
  cw_dirac_row *reference, *rr; /* |r|^2 at the last update, and now */
  cw_dirac_row *done;           /* 1: reached, or nobody's */
  cw_dirac_row *mask;
  long iteration, limit; /* of the iterations of this solver */
  cw_solve_report *report;
} cw_solve_state;

/* After an iteration: where the residual has shrunk enough, or the end is reached, the correction goes to y, and r
 * becomes the residual computed in double. false: nothing is left to do. */
bool cw_solve_update(cw_solve_state *s);
/* Rows from the arena (n_rhs) and vectors in float; NULL: no memory. */
cw_dirac_row *cw_solve_rows(const cw_solve_state *s, int of_one, cw_arena *arena);
float *cw_solve_vector(const cw_solve_state *s, cw_arena *arena);
void cw_solve_matrix(const cw_solve_state *s, const float *in, float *out, cw_dirac_row *norm);

cw_status cw_solve_cg(cw_solve_state *s, cw_arena *arena);
cw_status cw_solve_bicgstab(cw_solve_state *s, cw_arena *arena);

#endif
