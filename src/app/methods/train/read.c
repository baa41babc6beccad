/* Section `train`. */
#include "app/methods/train/train.h"

static const char *const loss_words[] = {"reverse_kl", "forward_kl", NULL};

static const char *const optimizer_words[] = {"adam", "natural_gradient", NULL};

static bool spins(const cw_plan *p) { return p->model.kind == CW_MODEL_AUTOREGRESSIVE; }

static cw_gradient preset_gradient(const cw_plan *p, cw_loss loss) {
  if (!spins(p)) return CW_GRADIENT_PATH;
  return loss == CW_LOSS_REVERSE_KL ? CW_GRADIENT_REINFORCE : CW_GRADIENT_PLAIN;
}

/* What starts from trained parameters is where annealing would take it. */
static cw_status read_annealing(cw_node *map, const cw_plan *p, cw_train_options *t) {
  const long preset = cw_has_start(&p->start) ? 0 : t->steps / 10;
  CW_TRY(cw_job_long(map, "anneal", preset, 0, 1000000000, &t->anneal));
  if (t->anneal > t->steps)
    return cw_job_fail(map, "anneal", "%ld steps of annealing, but %ld steps in all", t->anneal,
                       t->steps);
  return cw_job_double(map, "anneal_from", 0.5, 0, 1, &t->anneal_from);
}

cw_status cw_read_train(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  int loss, optimizer;
  cw_train_plan *plan = s->own;
  cw_train_options *t = &plan->options;
  CW_TRY(cw_job_choice(map, "loss", "loss", loss_words, CW_LOSS_REVERSE_KL, &loss));
  t->loss = (cw_loss)loss;
  CW_TRY(cw_job_long(map, "steps", 2000, 0, 1000000000, &t->steps));
  CW_TRY(cw_job_long(map, "batch", 1024, CW_LANES, 1L << 24, &t->batch));
  if (t->batch % CW_LANES != 0)
    return cw_job_fail(map, "batch", "expected a multiple of %d, found %ld", CW_LANES, t->batch);
  CW_TRY(
      cw_job_choice(map, "optimizer", "optimizer", optimizer_words, CW_OPTIMIZER_ADAM, &optimizer));
  if (optimizer == CW_OPTIMIZER_NATURAL_GRADIENT && spins(p))
    return cw_job_fail(map, "optimizer", "natural_gradient is for flows, not for spins");
  if (optimizer == CW_OPTIMIZER_NATURAL_GRADIENT)
    return cw_read_natural_gradient(map, &p->model, t);
  CW_TRY(cw_read_descent(map, preset_gradient(p, t->loss), 100, t));
  if (spins(p) && t->gradient == CW_GRADIENT_PATH)
    return cw_job_fail(map, "gradient", "there is no path gradient for spins; expected plain");
  if (spins(p) && t->loss == CW_LOSS_REVERSE_KL) CW_TRY(read_annealing(map, p, t));
  if (p->model.z2_mixture && t->loss == CW_LOSS_FORWARD_KL && t->gradient == CW_GRADIENT_PATH)
    return cw_job_fail(
        map, "gradient",
        "the path gradient of the forward KL needs a single flow; with z2_mixture use plain");
  return t->loss == CW_LOSS_FORWARD_KL ? cw_read_data(root, map, p, &plan->data) : CW_OK;
}
