/* Training of the job's model. */
#include "app/methods/train/train.h"

#include <stdio.h>
#include <string.h>

static cw_section_kind kind(int i) {
  if (i > 0) return (cw_section_kind){.name = NULL};
  return (cw_section_kind){"train", "Training", "training of the model, reverse or forward KL",
                           CW_ORANGE};
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_train_plan *t = s->own;
  (void)p;
  out[0] = cw_part_of(s, CW_IS_TRAINING, "steps", t->options.steps);
  return 1;
}

enum { TITLE = sizeof((cw_training *)NULL)->text };

/* "reverse KL, path gradient, batch 1024, 2000 steps", "reverse KL, natural gradient, batch 256, 200 steps" */
static void describe(const cw_train_options *train, char text[TITLE]) {
  const bool natural = train->optimizer == CW_OPTIMIZER_NATURAL_GRADIENT;
  static const char *const gradients[] = {"path gradient", "plain gradient", "REINFORCE"};
  int at = snprintf(text, TITLE, "%s KL, %s, batch %ld, %ld step%s",
                    train->loss == CW_LOSS_REVERSE_KL ? "reverse" : "forward",
                    natural ? "natural gradient" : gradients[train->gradient], train->batch,
                    train->steps, train->steps == 1 ? "" : "s");
  if (train->anneal > 0 && at < TITLE)
    snprintf(text + at, (size_t)(TITLE - at), ", couplings annealed for %ld", train->anneal);
}

static bool trains(const cw_plan *p, const cw_section *s, cw_training *out) {
  const cw_train_plan *t = s->own;
  *out = (cw_training){.model = &p->model, .data = t->data};
  snprintf(out->stage, sizeof out->stage, "%s", s->kind.name);
  describe(&t->options, out->text);
  return true;
}

static const cw_growth grows[] = {{.key = "steps", .taken = true}, {0}};

static bool refuse_growth(const cw_section *was, const cw_section *is, char *why, size_t size) {
  (void)was;
  return cw_refuse_more_training(&((const cw_train_plan *)is->own)->options, why, size);
}

static const cw_section *takes(const cw_section *s) {
  return ((const cw_train_plan *)s->own)->data;
}

static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  const cw_section *data = ((const cw_train_plan *)s->own)->data;
  const cw_mcmc_plan *m = data != NULL ? cw_section_chains(data) : NULL;
  (void)p;
  if (m == NULL) return;
  const double kept = (double)cw_kept_rows(m) * (double)m->chains;
  *t = (cw_takings){.held = 2.5 * kept, .key = "keep", .of = data};
}

extern const cw_method cw_method_train;
const cw_method cw_method_train = {.name = "train",
                                   .needs = CW_NEEDS_MODEL,
                                   .plan_size = sizeof(cw_train_plan),
                                   .kind = kind,
                                   .read = cw_read_train,
                                   .run = cw_run_train,
                                   .parts = parts,
                                   .trains = trains,
                                   .takings = takings,
                                   .grows = grows,
                                   .refuse_growth = refuse_growth,
                                   .takes = takes,
                                   .fill = cw_fill_train,
                                   .warn = cw_warn_train,
                                   .chapter = CW_CHAPTER_TRAINING,
                                   .draw = cw_draw_train};
