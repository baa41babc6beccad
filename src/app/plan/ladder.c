/* Ladders of theories and what walks them: sections `ladder`, `rex`, `ptbc`, and the walks `ais`,
 * `smc`, `snf`, `craft`, `walk`. */
#include <stdio.h>
#include <string.h>

#include "app/plan/plan.h"

/* ---- the ladder ---- */

/* Parameters of the first rung: those that `from` names, and else the job's. Whole numbers are not
 * couplings but say where a defect is, which all rungs share. */
static cw_status read_from(cw_node *ladder, const cw_plan *p, double *from) {
  cw_param table[CW_MAX_PARAMS + 1] = {{0}};
  cw_node *map;
  const cw_param *own = p->theory->params[p->form];
  for (int i = 0; i < CW_MAX_PARAMS && own[i].name != NULL; i++) {
    table[i] = own[i];
    table[i].preset = p->param[i];
  }
  CW_TRY(cw_job_map(ladder, "from", CW_JOB_MUST, &map));
  CW_TRY(cw_job_params(map, table, from));
  for (int i = 0; i < CW_MAX_PARAMS && own[i].name != NULL; i++)
    if (own[i].numbers == CW_WHOLE && from[i] != p->param[i])
      return cw_job_fail(map, own[i].name, "expected %g, as on the last rung, found %g",
                         p->param[i], from[i]);
  return CW_OK;
}

static cw_status read_positions(cw_node *ladder, cw_ladder_plan *l) {
  long rungs;
  if (cw_job_has(ladder, "positions")) {
    if (cw_job_has(ladder, "rungs"))
      return cw_job_fail(ladder, "rungs", "there are 'positions' too: one of the two");
    CW_TRY(cw_job_double_list(ladder, "positions", NULL, 0, 0, 1, CW_MAX_RUNGS, l->t, &l->n));
    bool good = l->n >= 2 && l->t[0] == 0 && l->t[l->n - 1] == 1;
    for (int r = 1; r < l->n; r++) good = good && l->t[r] > l->t[r - 1];
    return good ? CW_OK
                : cw_job_fail(ladder, "positions",
                              "expected ascending numbers from 0 to 1, both of "
                              "them included");
  }
  CW_TRY(cw_job_long(ladder, "rungs", 8, 2, CW_MAX_RUNGS, &rungs));
  l->n = (int)rungs;
  for (int r = 0; r < l->n; r++) l->t[r] = (double)r / (double)(l->n - 1);
  return CW_OK;
}

static cw_status read_rungs(cw_node *root, cw_plan *p) {
  cw_node *map;
  cw_ladder_plan *l = &p->ladder;
  double from[CW_MAX_PARAMS] = {0};
  CW_TRY(cw_job_map(root, "ladder", CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  CW_TRY(read_from(map, p, from));
  CW_TRY(read_positions(map, l));
  for (int r = 0; r < l->n; r++) {
    for (int k = 0; k < CW_MAX_PARAMS; k++)
      l->param[r][k] = r == l->n - 1 ? p->param[k] : from[k] + l->t[r] * (p->param[k] - from[k]);
    const char *why = p->theory->refuse ? p->theory->refuse(p->form, &p->lat, l->param[r]) : NULL;
    if (why != NULL) return cw_job_fail(map, NULL, "rung %d: %s", r, why);
  }
  return CW_OK;
}

static cw_status needs_ladder(cw_node *root, const cw_plan *p, const char *section) {
  if (p->ladder.n > 0) return CW_OK;
  CW_TRY(cw_job_suspect(root, "ladder"));
  return cw_job_fail(root, section, "needs a section 'ladder'");
}

/* ---- walks ---- */

static const char *const scheme_words[] = {"systematic", "multinomial", NULL};
/* In the order of cw_walk_stage. */
static const char *const stage_words[] = {"transport", "retarget", "resample", "mutate", NULL};

/* A section, and its program; `walk` has that in its key `stages`. */
static const struct {
  const char *name;
  int n;
  cw_walk_stage stage[CW_MAX_WALK_STAGES];
} programs[CW_MAX_WALKS] = {
    {"ais", 2, {CW_WALK_RETARGET, CW_WALK_MUTATE}},
    {"smc", 3, {CW_WALK_RETARGET, CW_WALK_RESAMPLE, CW_WALK_MUTATE}},
    {"snf", 3, {CW_WALK_TRANSPORT, CW_WALK_RETARGET, CW_WALK_MUTATE}},
    {"craft", 4, {CW_WALK_TRANSPORT, CW_WALK_RETARGET, CW_WALK_RESAMPLE, CW_WALK_MUTATE}},
    {"walk", 0, {0}}};

static cw_status read_stages(cw_node *map, cw_walk_plan *w) {
  int stage[CW_MAX_WALK_STAGES];
  CW_TRY(
      cw_job_choices(map, "stages", "stage", stage_words, CW_MAX_WALK_STAGES, stage, &w->n_stages));
  for (int i = 0; i < w->n_stages; i++) w->stage[i] = (cw_walk_stage)stage[i];
  if (cw_count_stages(w, CW_WALK_RETARGET) != 1)
    return cw_job_fail(map, "stages", "expected one 'retarget', found %d",
                       cw_count_stages(w, CW_WALK_RETARGET));
  if (cw_count_stages(w, CW_WALK_TRANSPORT) > 1)
    return cw_job_fail(map, "stages", "expected at most one 'transport'");
  for (int i = 0; w->stage[i] != CW_WALK_RETARGET; i++)
    if (w->stage[i] == CW_WALK_TRANSPORT) return CW_OK;
  if (cw_count_stages(w, CW_WALK_TRANSPORT) == 0) return CW_OK;
  return cw_job_fail(map, "stages", "a 'transport' carries to the next rung before 'retarget'");
}

static cw_status read_resampling(cw_node *map, cw_walk_plan *w) {
  int scheme = 0;
  CW_TRY(cw_job_double(map, "threshold", 0.3, 0, 1, &w->threshold));
  CW_TRY(cw_job_choice(map, "resampling", "scheme", scheme_words, 0, &scheme));
  w->scheme = (cw_resampling)scheme;
  return CW_OK;
}

/* Walks, of the population and of those that train, have 2^32 numbers for the sampler steps in
 * them. */
static cw_status check_steps(const cw_node *map, const cw_plan *p, const cw_walk_plan *w) {
  const cw_mcmc_plan *m = &w->mcmc;
  const double most = UINT32_MAX, rungs = p->ladder.n;
  double per_rung = (double)w->mutations * cw_count_stages(w, CW_WALK_MUTATE) + w->n_stages;
  double on_first = (double)m->steps * (double)m->every + (double)m->thermalise;
  if (on_first > most || ((double)m->steps + 1) * rungs * per_rung > most)
    return cw_job_fail(map, "walks", "more than 2^32 sampler steps");
  if (!w->has_flow) return CW_OK;
  double training = (double)w->flow.train.steps;
  if (training * (double)w->flow.every + (double)m->thermalise > most ||
      (training + 1) * rungs * per_rung > most)
    return cw_job_fail(map, "train", "more than 2^32 sampler steps");
  return CW_OK;
}

static cw_status read_walk(cw_node *root, cw_plan *p, int which) {
  cw_node *map;
  const char *name = programs[which].name;
  CW_TRY(cw_job_map(root, name, CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  cw_walk_plan *w = &p->walk[p->n_walks++];
  cw_mcmc_plan *m = &w->mcmc;
  w->name = name;
  w->n_stages = programs[which].n;
  memcpy(w->stage, programs[which].stage, sizeof w->stage);
  CW_TRY(needs_ladder(root, p, name));
  if (w->n_stages == 0) CW_TRY(read_stages(map, w));
  CW_TRY(cw_read_which_sampler(map, m));
  CW_TRY(cw_job_long(map, "particles", 1024, 2, 1L << 30, &m->chains));
  CW_TRY(cw_job_long(map, "walks", 16, 2, 1000000, &m->steps));
  CW_TRY(cw_job_long(map, "thermalise", 500, 0, 100000000, &m->thermalise));
  CW_TRY(cw_job_long(map, "every", 10, 1, 1000000, &m->every));
  CW_TRY(cw_job_long(map, "mutations", 1, 0, 1000000, &w->mutations));
  CW_TRY(cw_job_long(map, "tuning", 20, 0, 1000000, &w->tuning));
  CW_TRY(cw_job_bool(map, "reverse", 0, &w->reverse));
  CW_TRY(cw_job_bool(map, "pimh", 0, &w->pimh));
  if (cw_count_stages(w, CW_WALK_RESAMPLE) > 0) CW_TRY(read_resampling(map, w));
  CW_TRY(cw_read_sampler(map, p, m));
  if ((w->has_flow = cw_count_stages(w, CW_WALK_TRANSPORT) > 0))
    CW_TRY(cw_read_flow(map, p, &w->flow));
  CW_TRY(check_steps(map, p, w));
  return cw_job_finish(map);
}

/* ---- replica exchange ---- */

static const char *const order_words[] = {"alternate", "random", NULL};
static const char *const measure_words[] = {"last", "all", NULL};

/* The value of a parameter of the job's theory; NAN: it has none of that name. */
static double parameter(const cw_plan *p, const char *name) {
  const cw_param *table = p->theory->params[p->form];
  for (int i = 0; i < CW_MAX_PARAMS && table[i].name != NULL; i++)
    if (strcmp(table[i].name, name) == 0) return p->param[i];
  return NAN;
}

/* Sites within so many of the defect: of its slices, and beside its edges. */
static cw_box box_around_defect(const cw_plan *p, int margin) {
  cw_box box = {.size = {0}};
  int direction = (int)parameter(p, "direction");
  for (int d = 0; d < p->lat.dim; d++) {
    char name[16];
    snprintf(name, sizeof name, "edge_%d", d);
    int size = d == direction ? 0 : (int)parameter(p, name), extent = p->lat.extent[d];
    bool all = size + 2 * margin >= extent;
    box.origin[d] = all ? 0 : extent - margin;
    box.size[d] = all ? extent : size + 2 * margin;
  }
  return box;
}

/* levels: [{margin: 2, sweeps: 2}, ...], each within the one before. */
static cw_status read_levels(cw_node *map, const cw_plan *p, cw_levels *levels) {
  cw_node *list;
  CW_TRY(cw_job_list(map, "levels", CW_JOB_MAY, &list));
  if (list != NULL && isnan(parameter(p, "factor")))
    return cw_job_fail(map, "levels", "needs a theory with a defect, form 'defect'");
  for (cw_node *n = list ? cw_job_first(list) : NULL; n != NULL; n = cw_job_next(n)) {
    long margin, sweeps;
    if (levels->n == CW_MAX_LEVELS) return cw_job_fail(map, "levels", "at most %d", CW_MAX_LEVELS);
    CW_TRY(cw_job_as_map(n));
    CW_TRY(cw_job_long(n, "margin", 1, 1, 1 << 20, &margin));
    CW_TRY(cw_job_long(n, "sweeps", 1, 1, 1000, &sweeps));
    levels->box[levels->n] = box_around_defect(p, (int)margin);
    levels->count[levels->n++] = (int)sweeps;
  }
  return CW_OK;
}

/* flow: none, or the section whose flows take part in swaps. */
static cw_status read_swap_flow(cw_node *map, const cw_plan *p, int *flow) {
  const char *words[CW_MAX_WALKS + 2] = {"none"};
  int walk[CW_MAX_WALKS + 1] = {-1}, n = 1, chosen;
  for (int i = 0; i < p->n_walks; i++) {
    if (!p->walk[i].has_flow) continue;
    walk[n] = i;
    words[n++] = p->walk[i].name;
  }
  CW_TRY(cw_job_choice(map, "flow", "section with flows", words, 0, &chosen));
  *flow = walk[chosen];
  return CW_OK;
}

static cw_status read_rex(cw_node *root, cw_plan *p, const char *name) {
  cw_node *map;
  int order, measured;
  bool ptbc = strcmp(name, "ptbc") == 0;
  CW_TRY(cw_job_map(root, name, CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  cw_rex_plan *x = &p->rex[p->n_rex++];
  x->name = name;
  CW_TRY(needs_ladder(root, p, name));
  CW_TRY(cw_read_which_sampler(map, &x->mcmc));
  CW_TRY(cw_read_mcmc(map, p, &x->mcmc));
  CW_TRY(cw_job_long(map, "mutations", 1, 1, 1000000, &x->mutations));
  CW_TRY(cw_job_choice(map, "order", "order of swaps", order_words, CW_SWAP_ALTERNATE, &order));
  CW_TRY(cw_job_choice(map, "measure", "choice of rungs", measure_words, 0, &measured));
  x->order = (cw_swap_order)order;
  x->all_rungs = measured == 1;
  x->flow = -1;
  if (x->mcmc.keep > 0) return cw_job_fail(map, "keep", "replicas are not kept");
  if (!ptbc) {
    CW_TRY(read_swap_flow(map, p, &x->flow));
    return cw_job_finish(map);
  }
  if (parameter(p, "factor") != 1)
    return cw_job_fail(root, "ptbc",
                       "needs a ladder that ends on a periodic lattice: theory form 'defect' with "
                       "factor 1");
  CW_TRY(cw_job_bool(map, "translate", 1, &x->translate));
  CW_TRY(read_levels(map, p, &x->levels));
  return cw_job_finish(map);
}

cw_status cw_read_ladder(cw_node *root, cw_plan *p) {
  CW_TRY(read_rungs(root, p));
  for (int i = 0; i < CW_MAX_WALKS; i++) CW_TRY(read_walk(root, p, i));
  CW_TRY(read_rex(root, p, "rex"));
  CW_TRY(read_rex(root, p, "ptbc"));
  if (p->ladder.n > 0 && p->n_rex + p->n_walks == 0)
    return cw_job_fail(root, "ladder",
                       "nothing walks it: add a section 'rex', 'ptbc', 'ais', 'smc', 'snf', "
                       "'craft' or 'walk'");
  return CW_OK;
}
