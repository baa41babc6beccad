/* The methods that know the free energy of a case, side by side. */
#include "app/analysis/analysis.h"

/* Seconds spent in a stage; 0: there is no such stage. */
static double seconds_of(const cw_analysis_case *c, const char *name) {
  const cw_analysis_stage *s = cw_analysis_find_stage(c, name);
  return s != NULL ? s->seconds : 0;
}

static cw_free_energy of_walk(const cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_result *absolute = cw_stage_result(s, "lnZ", -1);
  char train[CW_RESULT_NAME + 8];
  snprintf(train, sizeof train, "%s.train", s->name);
  return (cw_free_energy){.is_ratio = absolute == NULL,
                          .units = "walks",
                          .e = absolute != NULL ? absolute->e : s->lnZ,
                          .training = seconds_of(c, train)};
}

static bool find(const cw_analysis_case *c, const cw_analysis_stage *s, cw_free_energy *out) {
  const cw_result *lnZ = cw_case_result(c, "lnZ"), *F = cw_case_result(c, "F_chain");
  if (s->present && s->kind == CW_STAGE_WALK) {
    *out = of_walk(c, s);
  } else if (s->present && s->kind == CW_STAGE_NIS && lnZ != NULL) {
    *out = (cw_free_energy){.units = "samples", .e = lnZ->e, .training = seconds_of(c, "train")};
  } else if (s->present && s->kind == CW_STAGE_CHAIN && F != NULL) {
    *out = (cw_free_energy){.units = "samples", .e = F->e};
    out->e.value = -F->e.value;
  } else {
    return false;
  }
  out->stage = s;
  out->cost = s->seconds > 0 ? out->e.error * sqrt(s->seconds) : NAN;
  return true;
}

int cw_list_free_energies(const cw_analysis_case *c, cw_free_energy list[CW_MOST_FREE_ENERGIES]) {
  int n = 0;
  for (int i = 0; i < c->n_stages && n < CW_MOST_FREE_ENERGIES; i++)
    n += find(c, &c->stage[i], &list[n]);
  return n;
}
