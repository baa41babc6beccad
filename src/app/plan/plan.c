/* What can be asked about a plan. */
#include "app/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cw_stage_name(const cw_plan *plan, const char *stage, char name[160]) {
  snprintf(name, 160, "%s%s%s", plan->name, plan->name[0] ? "/" : "", stage);
}

bool cw_has_begun(const cw_plan *plan, const cw_store *store, const char *stage) {
  char name[160];
  cw_stage_name(plan, stage, name);
  return cw_store_segments(store, name) > 0;
}

long cw_kept_rows(const cw_mcmc_plan *m) { return (m->keep + m->chains - 1) / m->chains; }

long cw_kept_rows_of(const cw_mcmc_plan *m, long measured) {
  return measured * cw_kept_rows(m) / (m->steps / m->every);
}

long cw_measured_rows(const cw_plan *p, const cw_mcmc_plan *m) {
  const long rows = m->steps / m->every;
  return p->n_groups > 0 ? rows / p->group[0].every : rows;
}

void cw_probe_make(const cw_plan *plan, cw_probe *probe) {
  *probe = (cw_probe){
      .geom = {.lat = plan->lat, .n_sites = cw_lattice_sites(&plan->lat)},
      .theory = {.ops = plan->theory,
                 .n_comp = cw_theory_components(plan->theory, &plan->lat, plan->form, plan->param),
                 .n_tangent = cw_theory_tangent(plan->theory, &plan->lat, plan->form, plan->param),
                 .form = plan->form}};
  probe->theory.geom = &probe->geom;
  memcpy(probe->theory.param, plan->param, sizeof probe->theory.param);
  plan->theory->couplings(plan->form, &plan->lat, plan->param, probe->theory.c);
}

const cw_primary *cw_plan_sector(const cw_plan *plan, int *group) {
  for (int g = 0; g < plan->n_groups; g++) {
    *group = g;
    const cw_primary *p = plan->group[g].ops->notable;
    for (; p != NULL && p->name != NULL; p++)
      if (p->sector != CW_SECTOR_NONE) return p;
  }
  return NULL;
}

void cw_primary_name(const cw_plan *plan, int g, char name[64]) {
  snprintf(name, 64, "primary%s%.50s", g > 0 ? "." : "", g > 0 ? plan->group[g].ops->name : "");
}

int cw_plan_split(const cw_plan *plan, long threads) {
  long fewest = LONG_MAX;
  for (int i = 0; i < plan->n_sections; i++) {
    const cw_mcmc_plan *m = cw_section_chains(&plan->section[i]);
    if (m != NULL && m->chains < fewest) fewest = m->chains;
    if (plan->section[i].method->needs & CW_ONE_BY_ONE) fewest = 1;
  }
  const bool on_links =
      cw_kind(plan->theory->kind)->on_links; /* and their layers work on any split */
  if ((plan->has_model && !on_links) || plan->theory->kind == CW_SITE_REAL || fewest == LONG_MAX)
    return 1;
  long share = (fewest + threads - 1) / threads;
  const int n_comp = cw_theory_components(plan->theory, &plan->lat, plan->form, plan->param);
  return cw_geometry_choose(&plan->lat, n_comp, share);
}

void cw_rung_array(const cw_plan *plan, int rung, int g, char name[80]) {
  char primary[64];
  cw_primary_name(plan, g, primary);
  if (rung == plan->ladder.n - 1)
    snprintf(name, 80, "%s", primary);
  else
    snprintf(name, 80, "rung%d.%s", rung, primary);
}

static const char *network_difference(const cw_autoregressive_spec *a,
                                      const cw_autoregressive_spec *b) {
  if (strcmp(a->kind, b->kind) != 0) return "kind";
  if (a->n_hidden != b->n_hidden || memcmp(a->hidden, b->hidden, sizeof a->hidden) != 0)
    return "hidden";
  if (a->activation != b->activation) return "activation";
  if (a->gated != b->gated) return "gated";
  if (a->residual != b->residual) return "residual";
  if (a->share != b->share) return "share";
  if (a->kernel != b->kernel) return "kernel";
  if (a->periodic != b->periodic) return "periodic";
  if (a->z2 != b->z2) return "z2";
  return a->bonds != b->bonds ? "bonds" : NULL;
}

const char *cw_model_difference(const cw_model_spec *a, const cw_model_spec *b) {
  if (a->kind != b->kind) return "kind";
  if (a->kind == CW_MODEL_AUTOREGRESSIVE)
    return network_difference(&a->autoregressive, &b->autoregressive);
  for (int i = 0; i < a->n_layers && i < b->n_layers; i++)
    if (!cw_layer_alike(&a->layer[i], &b->layer[i])) return "layers";
  return a->n_layers != b->n_layers ? "layers" : NULL;
}
