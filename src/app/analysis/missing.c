/* What the job asks for and the store does not hold. */
#include "app/analysis/fill.h"

static cw_status note_stage(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  const cw_part *p = &s->part;
  const bool whole = s->n_step >= p->wanted;
  if (cw_stage_is(s, CW_IS_TRAINING) && p->wanted == 0) return CW_OK; /* of no steps */
  if (!s->stored)
    return cw_add_line(ctx, &c->missing, &c->n_missing, "%s has not started", p->label);
  if (!s->present && whole)
    return cw_add_line(ctx, &c->missing, &c->n_missing, "%s has too few %s for an estimate, %ld",
                       p->label, p->unit, s->n_step);
  if (!s->present)
    return cw_add_line(ctx, &c->missing, &c->n_missing,
                       "%s has begun, but holds no measurements yet", p->label);
  if (s->shortfall[0] != '\0')
    return cw_add_line(ctx, &c->missing, &c->n_missing, "%s %s", p->label, s->shortfall);
  if (whole) return CW_OK;
  return cw_add_line(ctx, &c->missing, &c->n_missing, "%s is at %ld of %ld %s", p->label, s->n_step,
                     p->wanted, p->unit);
}

cw_status cw_note_missing(cw_context *ctx, cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++)
    if (!cw_stage_is(&c->stage[i], CW_IS_INNER)) CW_TRY(note_stage(ctx, c, &c->stage[i]));
  return CW_OK;
}
