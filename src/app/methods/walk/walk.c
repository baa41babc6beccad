/* Walks of a population along the ladder. */
#include "app/methods/walk/walk.h"

#include <stdio.h>

static const cw_mcmc_plan *chains(const cw_section *s) {
  return &((const cw_walk_plan *)s->own)->mcmc;
}

void cw_flow_stage_name(const cw_walk_plan *walk, char name[64]) {
  snprintf(name, 64, "%s.train", walk->name);
}

/* Of its own flows, or of those of another section. */
static void name_training(const cw_plan *p, const cw_walk_plan *w, char name[64]) {
  cw_training t;
  if (w->has_flow && w->flow.trained) cw_flow_stage_name(w, name);
  if (w->fitted == NULL || !w->fitted->method->trains(p, w->fitted, &t)) return;
  snprintf(name, 64, "%s", t.stage);
}

/* The training of flows, a stage of its own; the walks; the Markov chain of walks, a part of their
 * stage. */
static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_walk_plan *w = s->own;
  cw_part *part = out;
  if (w->has_flow && w->flow.trained) {
    *part = cw_part_of(s, CW_IS_TRAINING, "walks", w->flow.train.steps);
    cw_flow_stage_name(w, part->name);
    cw_flow_stage_name(w, part->stage);
    snprintf(part->label, sizeof part->label, "Training of %s", s->kind.label);
    part++;
  }
  *part = cw_part_of(s, CW_IS_MEASURED, "walks", w->mcmc.steps);
  name_training(p, w, part->training);
  part++;
  if (w->pimh) {
    *part = cw_part_of(s, CW_IS_CHAINS | CW_IS_MEASURED, "steps", w->mcmc.steps);
    part->discarded = part->every = 0; /* the section's chains are where each walk begins */
    snprintf(part->name, sizeof part->name, "%s.pimh", s->kind.name);
    snprintf(part->label, sizeof part->label, "PIMH of %s", s->kind.label);
    name_training(p, w, part->training);
    part++;
  }
  return (int)(part - out);
}

static bool trains(const cw_plan *p, const cw_section *s, cw_training *out) {
  const cw_walk_plan *w = s->own;
  (void)p;
  *out = (cw_training){.model = &w->flow.model,
                       .start = &w->flow.start,
                       .is_ladder = true,
                       .configurations = w->flow.train.steps * w->flow.train.batch};
  cw_flow_stage_name(w, out->stage);
  return w->has_flow;
}

static const cw_given given[] = {{.quantity = "lnZ_ratio"}, {.quantity = "lnZ"}, {0}};

static const cw_shared_figure figures[] = {
    {"ladder.lnZ", "Free energy along the ladder", "position", "ln Z(t)/Z(0)",
     "From the mean weight of the walks at each rung.", CW_DRAW_BAND},
    {"ladder.ess", "Effective sample size along the ladder", "position", "ESS per particle",
     "Mean over walks, before resampling.", CW_DRAW_BAND},
    {"ladder.train_ess", "Effective sample size of transitions", "position", "ESS per particle",
     "Of every flow between two rungs, over the last tenth of its training.", CW_DRAW_POINTS},
    {"train.work", "Training of flows: work", "training walk", "Σ ⟨W⟩",
     "Sum of the mean works of the transitions; the free energy difference is its lower bound.",
     CW_DRAW_BAND},
    {"train.ess", "Training of flows: effective sample size", "training walk", "smallest ESS",
     "Of the transition that has the smallest.", CW_DRAW_BAND},
    {0}};

static const cw_growth grows[] = {
    {.key = "walks"}, {.key = "train.steps", .taken = true, .before = true}, {0}};

enum { MOST_WORKS = 1 << 20 }; /* works of single particles that are kept, over all walks */

bool cw_walk_keeps_works(const cw_walk_plan *w) {
  const cw_program program = cw_walk_program(w);
  return cw_program_count(&program, CW_MOVE_RESAMPLE) == 0 &&
         w->mcmc.chains * w->mcmc.steps <= MOST_WORKS;
}

static bool refuse_growth(const cw_section *was, const cw_section *is, char *why, size_t size) {
  const cw_walk_plan *a = was->own, *b = is->own;
  if (a->flow.train.steps != b->flow.train.steps)
    return cw_refuse_more_training(&b->flow.train, why, size);
  if (cw_walk_keeps_works(a) == cw_walk_keeps_works(b)) return false;
  snprintf(why, size, "works of single particles are kept of at most %d", MOST_WORKS);
  return true;
}

/* Chains on the first rung and the particles that walk, each way. */
static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  const cw_walk_plan *w = s->own;
  const double ways = w->reverse ? 2 : 1, particles = (double)w->mcmc.chains;
  (void)p;
  *t = (cw_takings){.held = 2 * ways * particles, .state = ways * particles, .key = "particles"};
  if (cw_walk_keeps_works(w)) t->rows = ways * particles * (double)w->mcmc.steps;
}

static const cw_section *takes(const cw_section *s) {
  return ((const cw_walk_plan *)s->own)->fitted;
}

extern const cw_method cw_method_walk;
const cw_method cw_method_walk = {.name = "walk",
                                  .needs = CW_NEEDS_LADDER | CW_MEASURES_FIRST_GROUP,
                                  .plan_size = sizeof(cw_walk_plan),
                                  .kind = cw_walk_kind,
                                  .read = cw_read_walk,
                                  .run = cw_run_walk,
                                  .parts = parts,
                                  .chains = chains,
                                  .trains = trains,
                                  .given = given,
                                  .takings = takings,
                                  .grows = grows,
                                  .refuse_growth = refuse_growth,
                                  .takes = takes,
                                  .fill = cw_fill_walk,
                                  .warn = cw_warn_walk,
                                  .chapter = CW_CHAPTER_LADDER,
                                  .draw = cw_draw_walk,
                                  .figures = figures};
