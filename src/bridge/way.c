/* Ways: how configurations travel from a rung to the next, and back. A program run forwards has a
 * kernel F(x -> y) and, run backwards, R(y -> x); what each of its moves adds to the log-weight
 * makes up ln [p_to(y) R(y -> x)] / [p_from(x) F(x -> y)] (Jarzynski, cond-mat/9610209; Crooks, PRE
 * 60 (1999) 2721), so that swaps through it are exact (Ballard and Jarzynski, PNAS 106 (2009)
 * 12224; with maps arXiv:2210.14104). */
#include "bridge/way.h"

static cw_status transport(void *self, const cw_move *m, bool back) {
  cw_passage *on = self;
  const double began = cw_wall_seconds();
  CW_TRY(cw_carry(&on->at, m->map != NULL ? m->map : on->map, back));
  on->seconds[CW_MOVE_TRANSPORT] += cw_wall_seconds() - began;
  return CW_OK;
}

static cw_status retarget(void *self, const cw_move *m, bool back) {
  cw_passage *on = self;
  double c[CW_MAX_TERMS];
  (void)back;
  cw_ladder_at(on->at.ladder, on->pair, m->t, c);
  cw_retarget_to(&on->at, c);
  return CW_OK;
}

static cw_status mutate(void *self, const cw_move *m, bool back) {
  cw_passage *on = self;
  cw_sampler *s = m->level >= 0 ? on->samplers->level[m->level] : on->samplers->everywhere;
  const double began = cw_wall_seconds();
  for (long t = 0; t < m->steps; t++)
    CW_TRY((back ? s->ops->step_back : s->ops->step)(s, on->at.c, on->at.x, on->rng, on->step++,
                                                     NULL));
  if (m->steps > 0) *on->at.known = 0;
  on->seconds[CW_MOVE_MUTATE] += cw_wall_seconds() - began;
  return CW_OK;
}

static const cw_runner runner = {
    "way",
    {[CW_MOVE_TRANSPORT] = transport, [CW_MOVE_RETARGET] = retarget, [CW_MOVE_MUTATE] = mutate}};

cw_status cw_way_check(cw_context *ctx, const cw_program *way, const cw_sampler_ops *sampler,
                       bool has_map, int n_levels) {
  CW_TRY(cw_program_check(ctx, way, &runner, n_levels));
  if (cw_program_count(way, CW_MOVE_RETARGET) == 0)
    return cw_fail(ctx, CW_EINVAL, "way: it ends at 0: expected 1, the next rung");
  for (int i = 0; i < way->n && !has_map; i++)
    if (way->move[i].kind == CW_MOVE_TRANSPORT && way->move[i].map == NULL)
      return cw_fail(ctx, CW_EINVAL, "way: a transport needs a map");
  if (cw_program_count(way, CW_MOVE_MUTATE) > 0 && sampler->step_back == NULL)
    return cw_fail(ctx, CW_EINVAL,
                   "way: the steps of sampler '%s' cannot be run backwards, as a way back needs",
                   sampler->name);
  return CW_OK;
}

bool cw_way_is_local(const cw_program *way, const cw_theory_ops *th, const cw_map *map) {
  for (int i = 0; i < way->n; i++) {
    const cw_move *m = &way->move[i];
    if (m->kind == CW_MOVE_MUTATE && m->level < 0) return false;
    if (m->kind != CW_MOVE_TRANSPORT) continue;
    if (th->part_open == NULL || (m->map != NULL ? m->map : map)->moves == NULL) return false;
  }
  return true;
}

cw_status cw_way_run(const cw_program *way, cw_passage *on, bool back) {
  return cw_program_run(way, &runner, on, back);
}
