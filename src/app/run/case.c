/* A case while it runs. */
#include <stdlib.h>
#include <string.h>

#include "app/run/stage.h"

/* Less work than it takes to wake the other threads. Measured: half the links of one direction of a
 * block, one parallel region, must be worth some 20 microseconds. */
static bool block_is_small(const cw_geometry *geom, const cw_theory_ops *theory) {
  return geom->n_outer * cw_kind(theory->kind)->n_real < 2048;
}

static cw_status open_case(cw_context *ctx, const cw_plan *plan, cw_case *out) {
  long threads = (long)cw_ranks(ctx) * cw_threads(ctx);
  CW_TRY(cw_geometry_create(ctx, &plan->lat, cw_plan_split(plan, threads), &out->geom));
  CW_TRY(cw_theory_create(ctx, plan->theory, out->geom, plan->form, plan->param, &out->theory));
  if (block_is_small(out->geom, plan->theory)) out->theory.threads = 1;
  for (int g = 0; g < plan->n_groups; g++)
    out->observer[g] = cw_observer_make(plan->group[g].ops, &out->theory, plan->group[g].param);
  out->work = cw_arena_create(0);
  if (out->work == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for measurements");
  if (!plan->has_model) return CW_OK;
  CW_TRY(cw_model_create(ctx, &plan->model, out->geom, &out->model));
  cw_model_init(out->model, plan->seed);
  cw_model_set_couplings(out->model, out->theory.ops, out->theory.c);
  return CW_OK;
}

cw_status cw_case_open(cw_context *ctx, const cw_plan *plan, cw_store *store, cw_case *out) {
  *out = (cw_case){.ctx = ctx, .plan = plan, .store = store};
  CW_TRY(cw_agree(ctx, open_case(ctx, plan, out)));
  if (!plan->has_model) return CW_OK;
  return cw_start_parameters(out, &plan->start, NULL, &plan->model, 1, &out->model);
}

void cw_case_close(cw_case *c) {
  for (int i = 0; i < CW_MAX_SECTIONS; i++) cw_flows_destroy(&c->flows[i]);
  cw_model_destroy(c->model);
  cw_arena_destroy(c->work);
  cw_theory_destroy(&c->theory);
  cw_geometry_destroy(c->geom);
  *c = (cw_case){0};
}

cw_rng cw_case_rng(const cw_case *c, const char *stage) {
  char name[160];
  cw_stage_name(c->plan, stage, name);
  return cw_rng_stream(c->plan->seed, name);
}

cw_flows *cw_case_flows(cw_case *c, const cw_section *s) { return &c->flows[s - c->plan->section]; }

cw_status cw_case_ladder(const cw_case *c, int stride, cw_ladder *out) {
  const cw_ladder_plan *l = &c->plan->ladder;
  const int n = stride < 0 ? l->n : (l->n - 1) / stride + 1;
  *out = (cw_ladder){0};
  double(*param)[CW_MAX_PARAMS] = malloc((size_t)n * sizeof *param);
  if (param == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a ladder");
  for (int r = 0; r < n; r++)
    memcpy(param[r], l->param[stride < 0 ? n - 1 - r : r * stride], sizeof *param);
  cw_status st =
      cw_ladder_create(c->ctx, &c->theory, n, (const double(*)[CW_MAX_PARAMS])param, out);
  free(param);
  return st;
}

cw_status cw_flows_create(cw_case *c, const cw_model_spec *spec, cw_flows *f) {
  *f = (cw_flows){0};
  f->model = calloc((size_t)c->plan->ladder.n, sizeof *f->model);
  f->map = calloc((size_t)c->plan->ladder.n, sizeof *f->map);
  if (f->model == NULL || f->map == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for flows");
  cw_ladder ladder;
  cw_status st = cw_case_ladder(c, 1, &ladder);
  while (st == CW_OK && f->n < ladder.n - 1) {
    cw_model **m = &f->model[f->n];
    st = cw_model_create(c->ctx, spec, c->geom, m);
    if (st != CW_OK) break;
    cw_model_init_identity(*m, c->plan->seed + (uint32_t)f->n);
    cw_model_between(*m, c->theory.ops, ladder.c[f->n], ladder.c[f->n + 1]);
    f->map[f->n++] = cw_map_of_model(*m);
  }
  cw_ladder_destroy(&ladder);
  return st;
}

void cw_flows_destroy(cw_flows *f) {
  for (int k = 0; k < f->n; k++) cw_model_destroy(f->model[k]);
  free(f->model);
  free(f->map);
  *f = (cw_flows){0};
}
