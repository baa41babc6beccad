/* How far the densities of a flow are off whose log-Jacobian is an integral. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/determinant.h"
#include "model/model.h"

enum { ROWS_AT_ONCE = 8 }; /* rows of lanes for one pass: one row of the matrix in each lane */

typedef struct {
  const cw_model *m;
  double *x;      /* a block with the latent of one draw in every lane */
  double *matrix; /* (n, n): row i is the derivative of number i of the image */
  long n;
} jacobian;

static cw_status latent_of(const cw_model *m, cw_rng rng, uint32_t step, long chain, double *x,
                           cw_arena *work) {
  cw_model_pass pass;
  CW_TRY(cw_model_sample_block(m, rng, step, chain, &pass, work));
  for (long i = 0; i < m->geom->n_outer; i++)
    for (int l = 0; l < CW_LANES; l++) x[i * CW_LANES + l] = pass.z[i * CW_LANES];
  return CW_OK;
}

/* Lane l pulls back the adjoint that is 1 at number first + l of the image. */
static cw_status fill_rows(const jacobian *J, const cw_model_pass *pass, long first, double *g,
                           cw_arena *work) {
  const long n = J->n;
  memset(g, 0, (size_t)n * CW_LANES * sizeof *g);
  for (int l = 0; l < CW_LANES && first + l < n; l++) g[(first + l) * CW_LANES + l] = 1;
  CW_TRY(cw_model_sample_vjp(J->m, pass, g, NULL, NULL, work));
  for (int l = 0; l < CW_LANES && first + l < n; l++)
    for (long i = 0; i < n; i++) J->matrix[(first + l) * n + i] = g[i * CW_LANES + l];
  return CW_OK;
}

static cw_status some_rows(const void *self, long part, cw_arena *work) {
  const jacobian *J = self;
  cw_model_pass pass;
  double *g = cw_arena_alloc(work, (size_t)J->n * CW_LANES * sizeof *g);
  if (g == NULL) return CW_ENOMEM;
  CW_TRY(cw_model_forward_block(J->m, J->x, &pass, work));
  for (long row = part * ROWS_AT_ONCE; row < (part + 1) * ROWS_AT_ONCE; row++)
    if (row * CW_LANES < J->n) CW_TRY(fill_rows(J, &pass, row * CW_LANES, g, work));
  return CW_OK;
}

static cw_status off_of_draw(cw_context *ctx, const jacobian *J, double *off) {
  const long in_part = ROWS_AT_ONCE * CW_LANES;
  cw_model_pass pass;
  CW_TRY(cw_model_forward_block(J->m, J->x, &pass, J->m->work));
  *off = pass.logq[0];
  CW_TRY(cw_for_blocks(cw_threads(ctx), (J->n + in_part - 1) / in_part, J->m->work, some_rows, J));
  *off += cw_log_abs_det(J->matrix, J->n);
  return CW_OK;
}

static cw_status by_determinant(cw_context *ctx, const jacobian *J, cw_rng rng, uint32_t step,
                                int n, double *off) {
  for (int i = 0; i < n; i++) {
    cw_arena_mark mark = cw_arena_save(J->m->work);
    cw_status st = latent_of(J->m, rng, step, (long)i * CW_LANES, J->x, J->m->work);
    cw_arena_rewind(J->m->work, mark);
    if (st == CW_OK) st = off_of_draw(ctx, J, &off[i]);
    cw_arena_rewind(J->m->work, mark);
    if (st != CW_OK) return st;
  }
  return CW_OK;
}

/* ln q of a block's first draw at CW_PRECISE, minus that with twice the steps. */
static cw_status by_steps(cw_model *m, cw_rng rng, uint32_t step, long chain, double *off) {
  cw_model_pass drawn, again;
  cw_arena_mark mark = cw_arena_save(m->work);
  cw_status st = cw_model_sample_block(m, rng, step, chain, &drawn, m->work);
  cw_model_set_precision(m, CW_FINER);
  if (st == CW_OK) st = cw_model_log_prob_block(m, drawn.x, &again, m->work);
  cw_model_set_precision(m, CW_PRECISE);
  if (st == CW_OK) *off = drawn.logq[0] - again.logq[0];
  cw_arena_rewind(m->work, mark);
  return st;
}

static cw_status find_errors(cw_context *ctx, cw_model *m, cw_rng rng, uint32_t step, int n,
                             double *off) {
  const long sites = m->geom->n_sites;
  if (sites > CW_DETERMINANT_SITES) {
    for (int i = 0; i < n; i++) CW_TRY(by_steps(m, rng, step, (long)i * CW_LANES, &off[i]));
    return CW_OK;
  }
  double *x = cw_alloc((size_t)sites * CW_LANES * sizeof *x);
  double *matrix = cw_alloc((size_t)(sites * sites) * sizeof *matrix);
  const jacobian J = {m, x, matrix, sites};
  cw_status st =
      x != NULL && matrix != NULL ? by_determinant(ctx, &J, rng, step, n, off) : CW_ENOMEM;
  free(x);
  free(matrix);
  return st;
}

cw_status cw_model_density_error(cw_context *ctx, cw_model *m, cw_rng rng, uint32_t step, int n,
                                 double *off) {
  CW_REQUIRE(m->geom->V == 1 && m->n_comp == 1 && m->products);
  for (int i = 0; i < n; i++) off[i] = 0;
  cw_status st = m->exact ? CW_OK : find_errors(ctx, m, rng, step, n, off);
  return st == CW_OK
             ? CW_OK
             : cw_fail(ctx, st, "how far the density of the model is off cannot be found: %s",
                       st == CW_ENOMEM ? "no memory" : "an iteration does not converge");
}
