/* Key `way`, and sets of links around a defect. */
#include <math.h>
#include <stdlib.h>

#include "app/plan/plan.h"

bool cw_find_defect(const cw_plan *p, int margin, cw_box *box) {
  const cw_theory_ops *ops = p->theory;
  return ops->defect != NULL && ops->defect(p->form, &p->lat, p->param, margin, box);
}

static cw_status read_extent(cw_node *map, const cw_plan *p, cw_level *level) {
  long margin = 0, hops = 0;
  if (!cw_find_defect(p, 0, &level->box))
    return cw_job_fail(map, NULL, "needs a theory with a defect, form 'defect'");
  level->around = cw_job_has(map, "hops");
  if (level->around && cw_job_has(map, "margin"))
    return cw_job_fail(map, "margin", "a level has either hops or a margin");
  if (level->around)
    CW_TRY(cw_job_long(map, "hops", 1, 0, 250, &hops));
  else
    CW_TRY(cw_job_long(map, "margin", 1, 1, 1 << 20, &margin));
  cw_find_defect(p, (int)margin, &level->box);
  level->hops = (int)hops;
  level->count = 1;
  return CW_OK;
}

cw_status cw_read_level(cw_node *map, const cw_plan *p, const cw_mcmc_plan *m, cw_levels *levels) {
  if (m->ops->restrict_to == NULL)
    return cw_job_fail(map, NULL, "sampler '%s' cannot be restricted to a set of links",
                       m->ops->name);
  if (levels->n == CW_MAX_LEVELS) return cw_job_fail(map, NULL, "at most %d levels", CW_MAX_LEVELS);
  return read_extent(map, p, &levels->level[levels->n++]);
}

cw_status cw_read_levels(cw_node *map, const cw_plan *p, const cw_mcmc_plan *m, cw_levels *levels,
                         cw_level_rest *rest, void *self) {
  cw_node *list;
  CW_TRY(cw_job_list(map, "levels", CW_JOB_MAY, &list));
  for (cw_node *n = list != NULL ? cw_job_first(list) : NULL; n != NULL; n = cw_job_next(n)) {
    CW_TRY(cw_job_as_map(n));
    CW_TRY(cw_read_level(n, p, m, levels));
    CW_TRY(rest(n, levels->n - 1, self));
  }
  return CW_OK;
}

cw_status cw_read_flow_section(cw_node *map, const cw_plan *p, const cw_section **flow) {
  const char *words[CW_MAX_SECTIONS + 2] = {"none"};
  const cw_section *section[CW_MAX_SECTIONS + 1] = {NULL};
  int n = 1, chosen;
  for (int i = 0; i < p->n_sections; i++) {
    const cw_section *s = &p->section[i];
    cw_training t;
    if (s->method->trains == NULL || !s->method->trains(p, s, &t) || !t.is_ladder) continue;
    section[n] = s;
    words[n++] = s->kind.name;
  }
  CW_TRY(cw_job_choice(map, "flow", "section with flows", words, 0, &chosen));
  *flow = section[chosen];
  return CW_OK;
}

/* levels: [{hops: 0, every: 1}, ...]: links around the defect that are updated after every so many
 * retargets; of several whose turn it is, the last of the list. */
static cw_status read_every(cw_node *map, int l, void *self) {
  cw_way_plan *w = self;
  return cw_job_long(map, "every", 1, 1, 1000000, &w->every[l]);
}

cw_status cw_read_way(cw_node *map, const cw_plan *p, const cw_mcmc_plan *m,
                      cw_job_presence presence, bool with_flows, cw_way_plan *w) {
  cw_node *way;
  CW_TRY(cw_job_map(map, "way", presence, &way));
  if (way == NULL) return CW_OK;
  if (m->ops->step_back == NULL)
    return cw_job_fail(way, NULL,
                       "sampler '%s' cannot run its steps backwards, as the way back needs",
                       m->ops->name);
  if (with_flows) CW_TRY(cw_read_flow_section(way, p, &w->flow));
  CW_TRY(cw_job_long(way, "steps", CW_JOB_REQUIRED_LONG, 1, CW_WAY_STEPS, &w->steps));
  CW_TRY(cw_job_long(way, "mutations", 1, 0, 1000, &w->mutations));
  CW_TRY(cw_read_levels(way, p, m, &w->levels, read_every, w));
  w->n_turns = w->levels.n;
  if (w->flow != NULL && cw_job_has(way, "power"))
    return cw_job_fail(way, "power", "with flows a way stops on the rungs of the ladder");
  if (w->flow != NULL && (p->ladder.n - 1) % w->steps != 0)
    return cw_job_fail(way, "steps",
                       "replicas on every so many rungs: expected a divisor of %d, "
                       "the steps of the ladder, found %ld",
                       p->ladder.n - 1, w->steps);
  if (w->flow == NULL) CW_TRY(cw_job_double(way, "power", 1, 0.01, 100, &w->power));
  return cw_job_finish(way);
}

/* The level that is updated after retarget k; -1: there are none, and all is. -2: it is no turn. */
static int level_after(const cw_way_plan *w, long k) {
  int found = w->n_turns > 0 ? -2 : -1;
  for (int i = 0; i < w->n_turns; i++)
    if (k % w->every[i] == 0) found = i;
  return found;
}

/* How far stop k is on the way from rung first to the one steps further. */
static double position(const cw_way_plan *w, const double *t, int first, long k) {
  if (k == w->steps) return 1;
  if (w->flow == NULL) return pow((double)k / (double)w->steps, w->power);
  return (t[first + k] - t[first]) / (t[first + w->steps] - t[first]);
}

/* From rung first of the ladder; map: the flow that starts there, NULL: none. */
static int make_way(const cw_way_plan *w, const cw_ladder_plan *ladder, int first,
                    const cw_map *map, cw_move *move) {
  int n = 0;
  for (long k = 1; k <= w->steps; k++) {
    if (map != NULL) move[n++] = (cw_move){.kind = CW_MOVE_TRANSPORT, .map = map + k - 1};
    move[n++] = (cw_move){.kind = CW_MOVE_RETARGET, .t = position(w, ladder->t, first, k)};
    if (k < w->steps && w->mutations > 0 && level_after(w, k) > -2)
      move[n++] =
          (cw_move){.kind = CW_MOVE_MUTATE, .steps = w->mutations, .level = level_after(w, k)};
  }
  return n;
}

cw_status cw_make_ways(cw_context *ctx, const cw_way_plan *w, const cw_ladder_plan *ladder,
                       const cw_map *flow, cw_program **out) {
  *out = NULL;
  if (w->steps == 0) return CW_OK;
  const int stride = w->flow != NULL ? (int)w->steps : 1, n_ways = (ladder->n - 1) / stride;
  const size_t programs = (size_t)n_ways * sizeof(cw_program), most = 3 * (size_t)w->steps;
  const size_t n_own = w->flow != NULL ? (size_t)n_ways : 1; /* without flows all are alike */
  cw_program *program = malloc(programs + n_own * most * sizeof(cw_move));
  if (program == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for ways between rungs");
  cw_move *move = (cw_move *)((char *)program + programs);
  for (int k = 0; k < n_ways; k++) {
    cw_move *own = n_own > 1 ? move + (size_t)k * most : move;
    program[k].n = make_way(w, ladder, k * stride, flow != NULL ? flow + k * stride : NULL, own);
    program[k].move = own;
  }
  *out = program;
  return CW_OK;
}
