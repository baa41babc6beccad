/* From the plan of an exchange to its replicas. */
#include <stdlib.h>

#include "app/methods/rex/rex.h"
#include "app/run/stage.h"

static cw_status make_ways(cw_case *c, const cw_rex_plan *plan, cw_rex_setup *s) {
  const cw_section *of_way = plan->way.flow;
  CW_TRY(cw_case_ladder(c, cw_rex_stride(plan), &s->ladder));
  return cw_make_ways(c->ctx, &plan->way, &c->plan->ladder,
                      of_way != NULL ? cw_case_flows(c, of_way)->map : NULL, &s->way);
}

cw_status cw_rex_open(cw_case *c, const cw_rex_plan *plan, cw_rng rng, cw_rex_setup *out) {
  *out = (cw_rex_setup){0};
  CW_TRY(cw_agree(c->ctx, make_ways(c, plan, out)));
  const cw_rex_options options = {.sampler = plan->mcmc.ops,
                                  .param = plan->mcmc.param,
                                  .choice = plan->mcmc.choice,
                                  .mutations = plan->mutations,
                                  .multiple = plan->n_multiples > 0 ? plan->multiple : NULL,
                                  .order = plan->order,
                                  .map =
                                      plan->flow != NULL ? cw_case_flows(c, plan->flow)->map : NULL,
                                  .way = out->way,
                                  .way_levels = plan->way.levels,
                                  .levels = plan->levels,
                                  .periodic = plan->translate ? out->ladder.n - 1 : -1,
                                  .chains = plan->mcmc.chains,
                                  .rng = rng};
  return cw_rex_create(c->ctx, &out->ladder, &options, &out->rex);
}

void cw_rex_close(cw_rex_setup *s) {
  cw_rex_destroy(s->rex);
  free(s->way);
  cw_ladder_destroy(&s->ladder);
  *s = (cw_rex_setup){0};
}
