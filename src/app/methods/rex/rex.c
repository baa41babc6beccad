/* Replica exchange on the ladder. */
#include "app/methods/rex/rex.h"

#include <stdio.h>

static const cw_mcmc_plan *chains(const cw_section *s) {
  return &((const cw_rex_plan *)s->own)->mcmc;
}

/* The last rung, which has the results of the section, and if they are measured the others. */
static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_rex_plan *x = s->own;
  const int last = p->ladder.n - 1;
  int n = 0;
  for (int rung = last; rung >= (x->all_rungs ? 0 : last); rung -= cw_rex_stride(x)) {
    cw_part *part = &out[n++];
    *part = cw_part_of(s, CW_IS_CHAINS | CW_IS_MEASURED, "steps", cw_measured_rows(p, &x->mcmc));
    part->rung = rung;
    part->param = p->ladder.param[rung];
    cw_part_by_flows(p, cw_rex_flow(x), part);
    if (rung == last) continue;
    part->is = CW_IS_CHAINS | CW_IS_INNER;
    snprintf(part->name, sizeof part->name, "%s.rung%d", s->kind.name, rung);
    snprintf(part->label, sizeof part->label, "%s, rung %d", s->kind.label, rung);
  }
  return n;
}

static const cw_growth grows[] = {{.key = "steps"}, {0}};

static const cw_section *takes(const cw_section *s) { return cw_rex_flow(s->own); }

/* Of every replica. */
static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  const double replicas = cw_rex_pairs(p, s->own) + 1;
  t->held *= replicas;
  t->state *= replicas;
  if (((const cw_rex_plan *)s->own)->all_rungs) t->rows *= replicas;
}

static const cw_given given[] = {{.quantity = "lnZ_ratio"}, {0}};

static const cw_shared_figure figures[] = {
    {"ladder.swaps", "Acceptance of swaps", "between rungs k and k+1, at k + ½", "acceptance",
     "Replicas travel fastest where all pairs accept alike.", CW_DRAW_POINTS},
    {"ladder.K", "Works of swaps", "between rungs k and k+1, at k + ½", "K",
     "Mean works of proposals up and down together: 0 where all are accepted.", CW_DRAW_POINTS},
    {0}};

extern const cw_method cw_method_rex;
const cw_method cw_method_rex = {.name = "rex",
                                 .needs = CW_NEEDS_LADDER | CW_MEASURES_ALL_GROUPS,
                                 .plan_size = sizeof(cw_rex_plan),
                                 .kind = cw_rex_kind,
                                 .read = cw_read_rex,
                                 .run = cw_run_rex,
                                 .parts = parts,
                                 .chains = chains,
                                 .given = given,
                                 .takings = takings,
                                 .grows = grows,
                                 .takes = takes,
                                 .fill = cw_fill_rex,
                                 .warn = cw_warn_rex,
                                 .chapter = CW_CHAPTER_LADDER,
                                 .draw = cw_draw_rex,
                                 .figures = figures};
