/* How many links or sites the samplers of an exchange visit: its cost, whatever the machine. */
#include "bridge/rex.h"

/* Links, or sites of theories without links. */
static double visits_everywhere(const cw_rex *rex) {
  const cw_theory *th = rex->ladder->th;
  const int on_site = cw_kind(th->ops->kind)->on_links ? th->geom->lat.dim : 1;
  return (double)th->geom->n_sites * on_site;
}

/* n (levels->n): links of each. */
static cw_status count_levels(const cw_rex *rex, const cw_levels *levels, double *n) {
  for (int l = 0; l < levels->n; l++) {
    cw_link_set links;
    cw_status st = cw_level_links(rex->ctx, rex->ladder->th, levels, l, &links);
    n[l] = (double)links.n;
    cw_link_set_destroy(&links);
    CW_TRY(st);
  }
  return CW_OK;
}

static double visits_on_way(const cw_rex *rex, const cw_program *way, const double *of_level) {
  double n = 0;
  for (int i = 0; i < way->n; i++) {
    const cw_move *m = &way->move[i];
    if (m->kind != CW_MOVE_MUTATE) continue;
    n += (double)m->steps * (m->level < 0 ? visits_everywhere(rex) : of_level[m->level]);
  }
  return n;
}

cw_status cw_rex_visits(const cw_rex *rex, double *of_step, double *of_proposal) {
  const cw_rex_options *o = &rex->options;
  double level[CW_MAX_LEVELS], on_way[CW_MAX_LEVELS], times = 1, replicas = 0;
  CW_TRY(count_levels(rex, &o->levels, level));
  CW_TRY(count_levels(rex, &o->way_levels, on_way));
  *of_step = (double)o->mutations * visits_everywhere(rex);
  for (int l = 0; l < o->levels.n; l++) *of_step += (times *= o->levels.level[l].count) * level[l];
  for (int k = 0; k < rex->ladder->n; k++) replicas += o->multiple != NULL ? o->multiple[k] : 1;
  *of_step *= replicas;
  for (int k = 0; k + 1 < rex->ladder->n; k++)
    of_proposal[k] = 2 * visits_on_way(rex, cw_rex_way(rex, k), on_way);
  return CW_OK;
}
