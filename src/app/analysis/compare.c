#include "app/analysis/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"

cw_kinship cw_runs_kinship(const cw_analysis *a, const cw_analysis *b) {
  if (strcmp(a->plans.text, b->plans.text) == 0) return CW_RUNS_SAME;
  return a->seed == b->seed ? CW_RUNS_SAME_SEED : CW_RUNS_APART;
}

/* The row of that name, made if there is none; NULL: no memory. */
static cw_compared_row *have_row(cw_comparison *cmp, const char *name) {
  for (int i = 0; i < cmp->n_rows; i++)
    if (strcmp(cmp->row[i].name, name) == 0) return &cmp->row[i];
  const int n = cmp->n_rows;
  if ((n & (n - 1)) == 0) { /* room for the next power of two */
    cw_compared_row *grown = realloc(cmp->row, (size_t)(n > 0 ? 2 * n : 1) * sizeof *grown);
    if (grown == NULL) return NULL;
    cmp->row = grown;
  }
  cw_compared_row *row = &cmp->row[cmp->n_rows++];
  *row = (cw_compared_row){.n = 0};
  snprintf(row->name, sizeof row->name, "%s", name);
  return row;
}

typedef struct {
  cw_context *ctx;
  cw_comparison *cmp;
  int run; /* whose results are added */
} adder;

static cw_status add(void *self, const cw_analysis_case *c, const cw_analysis_stage *s,
                     const cw_result *r) {
  const adder *to = self;
  char name[CW_FULL_NAME];
  cw_full_name(c, r, name);
  cw_compared_row *row = have_row(to->cmp, name);
  if (row == NULL) return cw_no_memory(to->ctx);
  cw_compared *x = &row->of[to->run];
  *x = (cw_compared){.c = c, .stage = s, .result = r, .sigma = NAN};
  x->seconds = s != NULL ? cw_seconds_of(c, s->part.stage) : NAN;
  x->training = s != NULL ? cw_seconds_of(c, s->part.training) : NAN;
  const bool known = r->e.error > 0 && x->seconds > 0;
  x->cost = known ? r->e.error * r->e.error * x->seconds : NAN;
  x->cost_with_training = known ? r->e.error * r->e.error * (x->seconds + x->training) : NAN;
  row->n++;
  return CW_OK;
}

static void judge(cw_compared_row *row, int n, cw_analysis *const *list) {
  int first = 0;
  while (row->of[first].result == NULL) first++;
  const cw_estimate *base = &row->of[first].result->e;
  for (int i = first + 1; i < n; i++) {
    if (row->of[i].result == NULL || cw_runs_kinship(list[first], list[i]) == CW_RUNS_SAME)
      continue;
    const cw_estimate *e = &row->of[i].result->e;
    const double sigma = (e->value - base->value) / hypot(e->error, base->error);
    row->of[i].sigma = isfinite(sigma) ? sigma : NAN;
  }
}

cw_status cw_compare(cw_context *ctx, int n, cw_analysis *const *list, cw_comparison *out) {
  CW_REQUIRE(n >= 1 && n <= CW_MOST_COMPARED);
  *out = (cw_comparison){.n_runs = n};
  for (int i = 0; i < n; i++)
    CW_TRY(cw_analysis_visit(list[i], add, &(adder){.ctx = ctx, .cmp = out, .run = i}));
  for (int i = 0; i < out->n_rows; i++) judge(&out->row[i], n, list);
  return CW_OK;
}

void cw_comparison_clear(cw_comparison *cmp) {
  free(cmp->row);
  *cmp = (cw_comparison){.n_runs = 0};
}
