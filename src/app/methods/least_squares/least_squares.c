/* Section `least_squares`: flows between neighbouring rungs of the ladder, without descent. */
#include "app/methods/least_squares/least_squares.h"

#include <stdio.h>

static cw_section_kind kind(int i) {
  if (i > 0) return (cw_section_kind){.name = NULL};
  return (cw_section_kind){"least_squares", "Least squares",
                           "flows between rungs, fitted on chains in between", CW_TEAL};
}

static const cw_mcmc_plan *chains(const cw_section *s) {
  return &((const cw_least_squares_plan *)s->own)->mcmc;
}

/* Steps of all chains: of every pair and round. */
static long all_steps(const cw_plan *p, const cw_least_squares_plan *f) {
  return (p->ladder.n - 1) * f->rounds * (f->mcmc.thermalise + f->mcmc.steps);
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  out[0] = cw_part_of(s, CW_IS_TRAINING, "steps", all_steps(p, s->own));
  return 1;
}

static bool trains(const cw_plan *p, const cw_section *s, cw_training *out) {
  const cw_least_squares_plan *f = s->own;
  (void)p;
  *out = (cw_training){.model = &f->model,
                       .start = &f->start,
                       .is_ladder = true,
                       .configurations = f->rounds > 0 ? cw_fit_rows(f) * f->mcmc.chains : 0};
  snprintf(out->stage, sizeof out->stage, "%s", s->kind.name);
  return true;
}

/* ---- reading ---- */

static cw_status check_layers(cw_node *map, const cw_model_spec *model) {
  for (int i = 0; i < model->n_layers; i++)
    if (!cw_layer_find(model->layer[i].kind)->ops->each)
      return cw_job_fail(map, "flow",
                         "layer '%s' has no gradients of single configurations, which least "
                         "squares take",
                         model->layer[i].kind);
  return CW_OK;
}

cw_status cw_read_least_squares(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_least_squares_plan *f = s->own;
  f->name = s->kind.name;
  (void)root;
  CW_TRY(cw_read_flow(map, p, &f->model, &f->start));
  CW_TRY(check_layers(map, &f->model));
  CW_TRY(cw_job_long(map, "rounds", 1, 0, 100, &f->rounds));
  if (f->rounds == 0 && !cw_has_start(&f->start))
    return cw_job_fail(map, "rounds", "without fits flows stay as they start: needs 'flow.start'");
  CW_TRY(cw_job_long(map, "folds", 8, 2, 1000, &f->folds));
  f->joint = cw_job_has(map, "degree");
  if (f->joint) CW_TRY(cw_job_long(map, "degree", 0, 0, CW_MOST_DEGREES, &f->degree));
  CW_TRY(cw_read_which_sampler(map, &f->mcmc));
  CW_TRY(cw_read_mcmc(map, p, &f->mcmc));
  if (f->mcmc.keep > 0) return cw_job_fail(map, "keep", "chains of a fit are not kept");
  if (cw_fit_rows(f) * f->mcmc.chains < 2 * f->folds)
    return cw_job_fail(map, "folds", "expected two configurations of each fold, found %ld in all",
                       cw_fit_rows(f) * f->mcmc.chains);
  return CW_OK;
}

static const cw_growth grows[] = {{.key = "rounds", .taken = true}, {0}};

static bool refuse_growth(const cw_section *was, const cw_section *is, char *why, size_t size) {
  (void)is;
  if (((const cw_least_squares_plan *)was->own)->rounds > 0) return false;
  snprintf(why, size, "its flows were stored as they start");
  return true;
}

static const cw_given given[] = {{.quantity = "rho"},
                                 {.quantity = "K"},
                                 {.quantity = "K_without"},
                                 {.quantity = "acceptance"},
                                 {.quantity = "acceptance_without"},
                                 {0}};

static const cw_shared_figure figures[] = {
    {"ladder.rho", "What a flow leaves of the variance of the work",
     "between rungs k and k+1, at k + ½", "ρ", "Of configurations that the fit did not see.",
     CW_DRAW_POINTS},
    {0}};

extern const cw_method cw_method_least_squares;
const cw_method cw_method_least_squares = {.name = "least_squares",
                                           .needs = CW_NEEDS_LADDER,
                                           .plan_size = sizeof(cw_least_squares_plan),
                                           .kind = kind,
                                           .read = cw_read_least_squares,
                                           .run = cw_run_least_squares,
                                           .parts = parts,
                                           .chains = chains,
                                           .trains = trains,
                                           .given = given,
                                           .grows = grows,
                                           .refuse_growth = refuse_growth,
                                           .fill = cw_fill_least_squares,
                                           .warn = cw_warn_least_squares,
                                           .chapter = CW_CHAPTER_LADDER,
                                           .draw = cw_draw_least_squares,
                                           .figures = figures};
