/* Reweighting to other parameters: the row, and what is short of it.
 *
 *   hmc: {steps: 2000, keep: 8192}
 *   reweight: {data: hmc, to: {kappa: 0.21}} */
#include "app/methods/reweight/reweight.h"

static cw_section_kind kind(int i) {
  if (i > 0) return (cw_section_kind){.name = NULL};
  return (cw_section_kind){"reweight", "Reweighting",
                           "kept configurations, weighted to other parameters of the theory",
                           CW_TEAL};
}

static cw_status read(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_reweight_plan *r = s->own;
  CW_TRY(cw_read_data(root, map, p, &r->data));
  return cw_read_other_params(map, "to", p, r->to);
}

/* One stage, which is its own only part. Its results are of other parameters than the job's, so that
 * it is not CW_IS_MEASURED: nobody may compare them with those of other methods. */
static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_reweight_plan *r = s->own;
  (void)p;
  out[0] = cw_part_of(s, 0, "configurations per chain", cw_kept_rows(cw_section_chains(r->data)));
  out[0].param = r->to;
  return 1;
}

/* Besides observables; a job may expect them as reweight.ess and reweight.lnZ_ratio. */
static const cw_given given[] = {{.quantity = "ess"}, {.quantity = "lnZ_ratio"}, {0}};

extern const cw_method cw_method_reweight;
const cw_method cw_method_reweight = {.name = "reweight",
                                      .needs = CW_MEASURES_ELSEWHERE,
                                      .plan_size = sizeof(cw_reweight_plan),
                                      .kind = kind,
                                      .read = read,
                                      .run = cw_run_reweight,
                                      .parts = parts,
                                      .given = given,
                                      .fill = cw_fill_reweight,
                                      .warn = cw_warn_reweight,
                                      .chapter = CW_CHAPTER_OWN,
                                      .draw = cw_draw_reweight};
