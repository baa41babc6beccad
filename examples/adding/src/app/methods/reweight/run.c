/* One row of kept configurations a step: their log-weights and primaries, which is all of the state.
 * A run that was stopped goes on with the next row. */
#include "app/methods/reweight/reweight.h"
#include "app/run/stage.h"

typedef struct {
  cw_field kept; /* row by row over the chains */
  cw_field x;    /* one row of them */
  long n_chain;
  cw_theory to;         /* borrows from the theory of the case */
  cw_observer observer; /* of the first group, for that theory */
  cw_record lw, primary;
} reweight;

/* lw = S(x; c) - S(x; c'), both linear in their couplings. */
static cw_status weigh(cw_case *c, const reweight *r, const cw_field *x, double *lw) {
  double change[CW_MAX_TERMS];
  for (int k = 0; k < c->theory.ops->n_terms; k++) change[k] = r->to.c[k] - c->theory.c[k];
#pragma omp parallel for num_threads(cw_block_threads(c, x)) schedule(static)
  for (long b = 0; b < x->n_blocks; b++) {
    double T[CW_LANES * CW_MAX_TERMS], dS[CW_LANES];
    cw_field block = cw_field_block(x, b);
    cw_theory_action(&c->theory, &block, change, T, dS);
    for (long i = 0; i < block.n_config; i++) lw[b * x->B + i] = -dS[i];
  }
  for (long i = 0; i < x->n_config; i++)
    if (!isfinite(lw[i]))
      return cw_fail(c->ctx, CW_ENUMERIC, "reweight: a log-weight is not finite");
  return CW_OK;
}

static cw_status step(cw_stage *s, cw_case *c, long row) {
  reweight *r = s->self;
  const int n_primary = r->observer.ops->n_primary(&r->observer);
  double *lw = cw_record_row(&r->lw, r->n_chain),
         *primary = cw_record_row(&r->primary, r->n_chain * n_primary);
  if (lw == NULL || primary == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  cw_kept_row(&r->kept, row, &r->x);
  CW_TRY(weigh(c, r, &r->x, lw));
  return cw_measure(c->ctx, &r->observer, &r->x, primary, c->work);
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  reweight *r = s->self;
  const long dim[3] = {r->primary.n, r->n_chain, r->primary.width / r->n_chain};
  CW_TRY(cw_record_put(c, set, "lw", &r->lw, 2));
  CW_TRY(cw_arrays_put(c->ctx, set, "primary", 3, dim, r->primary.data));
  r->primary.n = 0;
  return CW_OK;
}

cw_status cw_run_reweight(cw_case *c, const cw_section *s) {
  const cw_reweight_plan *plan = s->own;
  const cw_measure_plan *first = &c->plan->group[0];
  reweight r = {.n_chain = cw_section_chains(plan->data)->chains,
                .to = cw_theory_at(&c->theory, plan->to)};
  r.observer = cw_observer_make(first->ops, &r.to, first->param);
  cw_stage stage = {
      .name = s->kind.name, .self = &r, .step = step, .save = save, .load = cw_nothing_to_load};
  cw_status st = cw_kept_configurations(c, plan->data, CW_KEPT_ALL, &r.kept);
  if (st == CW_OK) st = cw_field_create(c->ctx, c->geom, c->theory.n_comp, r.n_chain, &r.x);
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) {
    stage.n_steps = r.kept.n_config / r.n_chain;
    st = cw_stage_run(c, &stage);
  }
  cw_field_destroy(&r.kept);
  cw_field_destroy(&r.x);
  cw_record_free(&r.lw);
  cw_record_free(&r.primary);
  return st;
}
