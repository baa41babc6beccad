/* What the job asks for and the store does not hold. */
#include <string.h>

#include "app/analysis/parts.h"

static long sampler_rows(const cw_plan *p, const char *name) {
  for (int i = 0; i < p->n_mcmc; i++)
    if (strcmp(p->mcmc[i].ops->name, name) == 0)
      return p->mcmc[i].steps / p->mcmc[i].every / p->group[0].every;
  return 0;
}

/* The walk section whose stage, or part of one, has that name. */
static const cw_walk_plan *walk_plan(const cw_plan *p, const char *name) {
  size_t length = strcspn(name, ".");
  for (int i = 0; i < p->n_walks; i++)
    if (strlen(p->walk[i].name) == length && strncmp(p->walk[i].name, name, length) == 0)
      return &p->walk[i];
  return NULL;
}

static const cw_mcmc_plan *rex_plan(const cw_plan *p, const char *name) {
  for (int i = 0; i < p->n_rex; i++)
    if (strncmp(p->rex[i].name, name, strlen(p->rex[i].name)) == 0) return &p->rex[i].mcmc;
  return NULL;
}

long cw_wanted_steps(const cw_analysis_case *c, const cw_analysis_stage *s) {
  switch (s->kind) {
  case CW_STAGE_SAMPLER:
    return sampler_rows(c->plan, s->name);
  case CW_STAGE_TRAIN:
    return c->plan->train.steps;
  case CW_STAGE_NIS:
    return c->plan->nis_samples;
  case CW_STAGE_NMCMC:
    return c->plan->nmcmc_steps;
  case CW_STAGE_FORWARD:
    return cw_forward_rows(c->plan);
  case CW_STAGE_CHAIN:
    return c->plan->chain.nodes;
  case CW_STAGE_FLOWS:
    return walk_plan(c->plan, s->name)->flow.train.steps;
  case CW_STAGE_WALK:
  case CW_STAGE_PIMH:
    return walk_plan(c->plan, s->name)->mcmc.steps;
  case CW_STAGE_REX:
    return rex_plan(c->plan, s->name)->steps / rex_plan(c->plan, s->name)->every /
           c->plan->group[0].every;
  }
  return 0;
}

static const char *unit_of(const cw_analysis_stage *s) {
  switch (s->kind) {
  case CW_STAGE_NIS:
    return "samples";
  case CW_STAGE_FORWARD:
    return "configurations per chain";
  case CW_STAGE_FLOWS:
  case CW_STAGE_WALK:
    return "walks";
  default:
    return "steps";
  }
}

static cw_status note_stage(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s) {
  long all = cw_wanted_steps(c, s);
  bool whole = s->n_step >= all;
  if (s->kind == CW_STAGE_CHAIN && s->present) return CW_OK; /* noted where F_chain is made */
  bool trains = s->kind == CW_STAGE_TRAIN || s->kind == CW_STAGE_FLOWS;
  if (trains && all == 0) return CW_OK; /* a training of no steps */
  if (!s->stored)
    return cw_add_line(ctx, &c->missing, &c->n_missing, "%s has not started", s->label);
  if (!s->present && whole)
    return cw_add_line(ctx, &c->missing, &c->n_missing, "%s has too few %s for an estimate, %ld",
                       s->label, unit_of(s), s->n_step);
  if (!s->present)
    return cw_add_line(ctx, &c->missing, &c->n_missing,
                       "%s has begun, but holds no measurements yet", s->label);
  if (whole) return CW_OK;
  return cw_add_line(ctx, &c->missing, &c->n_missing, "%s is at %ld of %ld %s", s->label, s->n_step,
                     all, unit_of(s));
}

/* The last rung speaks for all of its ladder. */
cw_status cw_note_missing(cw_context *ctx, cw_analysis_case *c) {
  for (int i = 0; i < c->n_stages; i++) {
    const cw_analysis_stage *s = &c->stage[i];
    bool inner = s->kind == CW_STAGE_REX && s->rung != c->plan->ladder.n - 1;
    if (!inner) CW_TRY(note_stage(ctx, c, s));
  }
  return CW_OK;
}
