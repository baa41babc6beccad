/* Metropolis chains with independent proposals of the model. */
#include "app/methods/nmcmc/nmcmc.h"

#include <stdio.h>

static cw_section_kind kind(int i) {
  if (i > 0) return (cw_section_kind){.name = NULL};
  return (cw_section_kind){"nmcmc", "NMCMC", "independence Metropolis with proposals of the model",
                           CW_GREEN};
}

/* Each chain starts from a kept configuration of its own. */
static cw_status read_start_data(cw_node *root, cw_node *map, const cw_plan *p, cw_nmcmc_plan *n) {
  CW_TRY(cw_read_data_section(root, map, p, &n->data));
  const cw_mcmc_plan *m = cw_section_chains(n->data);
  const char *name = n->data->kind.name;
  const long kept = m->keep > 0 ? cw_fair_rows(p, n->data) * m->chains : 0;
  if (kept >= n->chains) return CW_OK;
  return cw_job_fail(
      map, "start", "%ld chains need a kept configuration of '%s' each%s, found %ld; set %s.keep",
      n->chains, name, cw_trained_on(p, n->data) ? " that the model was not trained on" : "", kept,
      name);
}

static cw_status read(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  static const char *const words[] = {"model", "data", NULL};
  enum { FROM_MODEL, FROM_DATA };
  cw_nmcmc_plan *n = s->own;
  int start;
  CW_TRY(cw_job_long(map, "chains", 64, 1, 1000000, &n->chains));
  CW_TRY(cw_job_choice(map, "start", "start", words, FROM_MODEL, &start));
  if (start == FROM_DATA)
    CW_TRY(read_start_data(root, map, p, n));
  else if (cw_job_has(map, "data"))
    return cw_job_fail(map, "data", "chains start from the model: expected 'start: data'");
  CW_TRY(
      cw_job_long(map, "thermalise", start == FROM_DATA ? 0 : 500, 0, 100000000, &n->thermalise));
  return cw_job_long(map, "steps", 1000, 1, 1L << 31, &n->steps);
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_nmcmc_plan *n = s->own;
  cw_training t;
  out[0] = cw_part_of(s, CW_IS_CHAINS | CW_IS_MEASURED, "steps", n->steps);
  out[0].discarded = n->thermalise;
  if (cw_plan_training(p, &t)) snprintf(out[0].training, sizeof out[0].training, "%s", t.stage);
  return 1;
}

static const cw_growth grows[] = {{.key = "steps"}, {0}};

static const cw_section *takes(const cw_section *s) {
  return ((const cw_nmcmc_plan *)s->own)->data;
}

static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  const cw_nmcmc_plan *n = s->own;
  *t = (cw_takings){.held = (double)n->chains,
                    .rows = (double)n->chains * (double)n->steps * (2 + cw_numbers_per_row(p)),
                    .key = "chains"};
}

static const cw_given given[] = {{.quantity = "acceptance"}, {0}};

extern const cw_method cw_method_nmcmc;
const cw_method cw_method_nmcmc = {.name = "nmcmc",
                                   .needs = CW_NEEDS_MODEL | CW_MEASURES_FIRST_GROUP,
                                   .plan_size = sizeof(cw_nmcmc_plan),
                                   .kind = kind,
                                   .read = read,
                                   .run = cw_run_nmcmc,
                                   .parts = parts,
                                   .given = given,
                                   .takings = takings,
                                   .grows = grows,
                                   .takes = takes,
                                   .fill = cw_fill_nmcmc,
                                   .warn = cw_warn_nmcmc,
                                   .chapter = CW_CHAPTER_MODEL,
                                   .draw = cw_draw_nmcmc};
