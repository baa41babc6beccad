/* The stages that know the free energy of a case, side by side. */
#include "app/analysis/analysis.h"

int cw_list_free_energies(const cw_analysis_case *c, cw_free_energy list[CW_MOST_FREE_ENERGIES]) {
  int n = 0;
  for (int i = 0; i < c->n_stages && n < CW_MOST_FREE_ENERGIES; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    if (!s->present || !isfinite(s->lnZ.value)) continue;
    const cw_analysis_stage *training = cw_analysis_find_stage(c, s->part.training);
    list[n++] = (cw_free_energy){.stage = s,
                                 .training = training != NULL ? training->seconds : 0,
                                 .cost = s->seconds > 0 ? s->lnZ.error * sqrt(s->seconds) : NAN};
  }
  return n;
}
