/* One step: a batch is cut into chunks of blocks; every chunk sums its gradient by itself, and the
 * chunks are added in order. Chunks depend on the batch alone, so that
 * the result has the same bits for any number of threads and ranks. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/train.h"
#include "train/adam.h"
#include "train/losses.h"
#include "train/natural_gradient.h"
#include "train/options.h"
#include "train/schedule.h"

enum { MAX_CHUNKS = 32, N_COUNTERS = 5 };

struct cw_trainer {
  cw_context *ctx;
  cw_train_options opt;
  cw_model *model;
  const cw_theory *th;
  cw_rng rng;
  int B; /* configurations of a block */
  long n_theta, n_blocks;
  int n_chunks;
  long step;
  cw_plateau plateau;
  double *theta, *m, *v, *gradient;
  double *chunk_gradient; /* (chunks of this rank, n_theta) */
  double *chunk_shared;   /* (n_chunks, n_theta), on several ranks only */
  double *lw, *logq;      /* (n_blocks*B) */
  double *score;          /* natural gradient: (batch, cw_score_stride), of all ranks */
  double *weights;        /* (n_blocks*B) transitions: of all particles, with mean 1 */
  int *owner;       /* transitions: ranks in whose chunks the blocks of this rank's particles are */
  cw_arena **arena; /* one per thread */
  double *batch_x;  /* forward KL: gathered configurations, one block per thread. Transitions: the
                       blocks of this rank's chunks, on several ranks only */
};

/* What a step works on; all NULL for the reverse KL. */
typedef struct {
  const cw_field *samples;     /* forward KL: of the target */
  const double *particles;     /* transition: the blocks of this rank's chunks */
  const double *c_from, *c_to; /* transition */
} step_input;

/* Blocks of chunk c, and chunks of this rank. */
static void chunk_blocks(const cw_trainer *t, int c, long *begin, long *end) {
  *begin = t->n_blocks * c / t->n_chunks;
  *end = t->n_blocks * (c + 1) / t->n_chunks;
}

static void my_chunks(const cw_trainer *t, int *begin, int *end) {
  long b, e;
  cw_rank_share(t->ctx, t->n_chunks, &b, &e);
  *begin = (int)b;
  *end = (int)e;
}

/* Blocks of this rank's chunks. */
static void my_blocks(const cw_trainer *t, long *begin, long *end) {
  int c0, c1;
  my_chunks(t, &c0, &c1);
  *begin = t->n_blocks * c0 / t->n_chunks;
  *end = t->n_blocks * c1 / t->n_chunks;
}

static size_t block_length(const cw_trainer *t) {
  return (size_t)(t->th->geom->n_outer * t->th->n_comp) * CW_LANES;
}

static bool is_natural(const cw_trainer *t) {
  return t->opt.optimizer == CW_OPTIMIZER_NATURAL_GRADIENT;
}

/* Which of n_parts has item i, where part p is [n*p/n_parts, n*(p+1)/n_parts). */
static long part_of(long i, long n, long n_parts) { return ((i + 1) * n_parts - 1) / n; }

static void find_owners(cw_trainer *t) {
  long begin, end;
  cw_rank_share(t->ctx, t->n_blocks, &begin, &end);
  for (long b = begin; b < end; b++)
    t->owner[b - begin] =
        (int)part_of(part_of(b, t->n_blocks, t->n_chunks), t->n_chunks, cw_ranks(t->ctx));
}

/* Blocks that batch_x must hold. */
static size_t blocks_kept(const cw_trainer *t) {
  long begin, end;
  my_blocks(t, &begin, &end);
  if (t->opt.loss == CW_LOSS_TRANSITION) return cw_ranks(t->ctx) > 1 ? (size_t)(end - begin) : 0;
  return t->opt.loss == CW_LOSS_FORWARD_KL ? (size_t)cw_threads(t->ctx) : 0;
}

static cw_status allocate(cw_trainer *t) {
  size_t n = (size_t)t->n_theta, threads = (size_t)cw_threads(t->ctx);
  size_t lanes = (size_t)(t->n_blocks * t->B);
  int begin, end;
  my_chunks(t, &begin, &end);
  t->theta = cw_alloc(n * sizeof(double));
  t->m = cw_alloc(n * sizeof(double));
  t->v = cw_alloc(n * sizeof(double));
  t->gradient = cw_alloc(n * sizeof(double));
  t->chunk_gradient = cw_alloc((size_t)(end - begin) * n * sizeof(double));
  t->chunk_shared =
      cw_ranks(t->ctx) > 1 ? cw_alloc((size_t)t->n_chunks * n * sizeof(double)) : NULL;
  t->lw = cw_alloc(lanes * sizeof(double));
  t->logq = cw_alloc(lanes * sizeof(double));
  t->weights = cw_alloc(lanes * sizeof(double));
  if (is_natural(t))
    t->score = cw_alloc((size_t)cw_score_stride(t->n_theta) * lanes * sizeof(double));
  t->owner = cw_alloc((size_t)t->n_blocks * sizeof(int));
  t->batch_x = cw_alloc(blocks_kept(t) * block_length(t) * sizeof(double));
  t->arena = cw_alloc(threads * sizeof *t->arena);
  if (!t->theta || !t->m || !t->v || !t->gradient || !t->chunk_gradient || !t->lw || !t->logq ||
      !t->weights || !t->owner || !t->batch_x || !t->arena || (is_natural(t) && !t->score) ||
      (cw_ranks(t->ctx) > 1 && !t->chunk_shared))
    return cw_fail(t->ctx, CW_ENOMEM, "no memory to train %ld parameters", t->n_theta);
  for (size_t i = 0; i < threads; i++)
    if ((t->arena[i] = cw_arena_create(1 << 22)) == NULL)
      return cw_fail(t->ctx, CW_ENOMEM, "no memory to train");
  find_owners(t);
  return CW_OK;
}

cw_status cw_trainer_create(cw_context *ctx, const cw_train_options *opt, cw_model *model,
                            const cw_theory *th, cw_rng rng, cw_trainer **out) {
  *out = NULL;
  CW_REQUIRE(th->geom->V == cw_model_geometry(model)->V && th->ops->kind == cw_model_field(model));
  const int moves = cw_kind_components(th->ops->kind, &th->geom->lat);
  if (th->n_comp != moves)
    return cw_fail(ctx, CW_EINVAL, "models move %d real per site, and theory '%s' has %d", moves,
                   th->ops->name, th->n_comp);
  CW_TRY(cw_train_check(ctx, opt, model));
  cw_trainer *t = calloc(1, sizeof *t);
  if (t == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory to train");
  *t = (cw_trainer){.ctx = ctx, .opt = *opt, .model = model, .th = th, .rng = rng};
  t->n_theta = cw_model_n_theta(model);
  t->B = CW_LANES / th->geom->V;
  t->n_blocks = (opt->batch + t->B - 1) / t->B;
  t->n_chunks = (int)(t->n_blocks < MAX_CHUNKS ? t->n_blocks : MAX_CHUNKS);
  t->plateau = (cw_plateau){1, INFINITY, 0, NAN};
  cw_status st = allocate(t);
  if (st != CW_OK) {
    cw_trainer_destroy(t);
    return st;
  }
  memcpy(t->theta, cw_model_theta(model), (size_t)t->n_theta * sizeof *t->theta);
  cw_model_set_couplings(model, th->ops, th->c);
  *out = t;
  return CW_OK;
}

void cw_trainer_destroy(cw_trainer *t) {
  if (t == NULL) return;
  for (int i = 0; t->arena && i < cw_threads(t->ctx); i++) cw_arena_destroy(t->arena[i]);
  free(t->arena);
  free(t->theta);
  free(t->m);
  free(t->v);
  free(t->gradient);
  free(t->chunk_gradient);
  free(t->chunk_shared);
  free(t->lw);
  free(t->logq);
  free(t->score);
  free(t->weights);
  free(t->owner);
  free(t->batch_x);
  free(t);
}

/* ---- gradients ---- */

/* Configurations of the target for one block of the batch, by random index. */
static void gather_samples(const cw_trainer *t, const cw_field *p, long first, double *x) {
  CW_REQUIRE(p->geom->V == t->th->geom->V && p->n_comp == t->th->n_comp);
  for (int b = 0; b < t->B; b++) {
    double u[2];
    cw_uniform2(t->rng, 0, (uint32_t)(first + b), (uint32_t)t->step, 1, u);
    long i = (long)(u[0] * (double)p->n_config);
    const double *from = p->data + (size_t)(i / t->B) * cw_field_block_size(p) + i % t->B;
    for (size_t at = 0; at < block_length(t); at += (size_t)t->B) x[at + (size_t)b] = from[at];
  }
}

/* The configurations of block b of the batch; NULL: the model draws them. */
static const double *input_block(const cw_trainer *t, const step_input *in, long b, int thread) {
  long first, unused;
  my_blocks(t, &first, &unused);
  if (in->particles) return in->particles + (size_t)(b - first) * block_length(t);
  if (in->samples == NULL) return NULL;
  double *x = t->batch_x + (size_t)thread * block_length(t);
  gather_samples(t, in->samples, b * t->B, x);
  return x;
}

/* Scores of block b, from lanes to rows. */
static void keep_scores(cw_trainer *t, long b, const double *each) {
  const long stride = cw_score_stride(t->n_theta);
  for (int l = 0; l < t->B; l++)
    for (long k = 0; k < stride; k++)
      t->score[(b * t->B + l) * stride + k] = k < t->n_theta ? each[k * CW_LANES + l] : 0;
}

static cw_status chunk_gradient(cw_trainer *t, const cw_loss_setup *setup, const step_input *in,
                                int c, double *gtheta, int thread) {
  long begin, end;
  chunk_blocks(t, c, &begin, &end);
  memset(gtheta, 0, (size_t)t->n_theta * sizeof *gtheta);
  for (long b = begin; b < end; b++) {
    double lw[CW_LANES], logq[CW_LANES];
    double *each = NULL;
    cw_arena_mark mark = cw_arena_save(t->arena[thread]);
    if (is_natural(t)) {
      const size_t bytes = (size_t)t->n_theta * CW_LANES * sizeof *each;
      if ((each = cw_arena_alloc(t->arena[thread], bytes)) == NULL) return CW_ENOMEM;
      memset(each, 0, bytes);
    }
    CW_TRY(cw_loss_block(setup, b * t->B, input_block(t, in, b, thread), lw, logq,
                         &(cw_gradient_of){gtheta, each}, t->arena[thread]));
    if (each != NULL) keep_scores(t, b, each);
    cw_arena_rewind(t->arena[thread], mark);
    memcpy(t->lw + b * t->B, lw, (size_t)t->B * sizeof *lw);
    memcpy(t->logq + b * t->B, logq, (size_t)t->B * sizeof *logq);
  }
  return CW_OK;
}

/* A fraction of the target's couplings, c (n_terms), also for the model. */
static void aim(cw_trainer *t, double fraction, double *c) {
  for (int k = 0; k < t->th->ops->n_terms; k++) c[k] = fraction * t->th->c[k];
  cw_model_set_couplings(t->model, t->th->ops, c);
}

static double annealed(const cw_trainer *t) {
  const cw_train_options *o = &t->opt;
  if (t->step >= o->anneal) return 1;
  return o->anneal_from + (1 - o->anneal_from) * (double)t->step / (double)o->anneal;
}

static cw_status my_gradients(cw_trainer *t, const step_input *in) {
  double target[CW_MAX_TERMS];
  aim(t, annealed(t), target);
  cw_loss_setup setup = {.model = t->model,
                         .th = t->th,
                         .loss = t->opt.loss,
                         .gradient = t->opt.gradient,
                         .scores = is_natural(t),
                         .rng = t->rng,
                         .step = (uint32_t)t->step,
                         .c = in->c_to ? in->c_to : target,
                         .c_from = in->c_from,
                         .weights = t->weights};
  int begin, end;
  my_chunks(t, &begin, &end);
  cw_status st = CW_OK;
#pragma omp parallel for num_threads(cw_threads(t->ctx)) schedule(dynamic)
  for (int c = begin; c < end; c++) {
    cw_status mine = chunk_gradient(t, &setup, in, c,
                                    t->chunk_gradient + (size_t)(c - begin) * (size_t)t->n_theta,
                                    omp_get_thread_num());
    if (mine != CW_OK) {
#pragma omp critical(cw_trainer_status)
      st = mine;
    }
  }
  if (st == CW_OK) return CW_OK;
  return cw_fail(t->ctx, st,
                 st == CW_ENOMEM
                     ? "no memory for a training step"
                     : "train: an iteration in a layer does not converge; a smaller rate or "
                       "clip, or more train_steps of a continuous flow, may help");
}

/* gradient = sum over chunks in order / batch; lw and logq are completed with those of the other
 * ranks. */
static void add_chunks(cw_trainer *t) {
  int begin, end;
  my_chunks(t, &begin, &end);
  long n = t->n_theta;
  double *shared = t->chunk_shared, scale = 1 / (double)t->opt.batch;
  if (shared) {
    double *mine = shared + (size_t)begin * (size_t)n;
    for (long i = 0; i < (long)(end - begin) * n; i++) mine[i] = t->chunk_gradient[i];
    cw_allgather(t->ctx, mine, (long)(end - begin) * n, shared);
    long b0, b1;
    my_blocks(t, &b0, &b1);
    cw_allgather(t->ctx, t->lw + b0 * t->B, (b1 - b0) * t->B, t->lw);
    cw_allgather(t->ctx, t->logq + b0 * t->B, (b1 - b0) * t->B, t->logq);
    const long block = t->B * cw_score_stride(t->n_theta);
    if (is_natural(t)) cw_allgather(t->ctx, t->score + b0 * block, (b1 - b0) * block, t->score);
  }
#pragma omp parallel for num_threads(cw_threads(t->ctx)) schedule(static)
  for (long i = 0; i < n; i++) {
    double sum = 0;
    for (int c = 0; c < t->n_chunks; c++) {
      size_t at = (size_t)c * (size_t)n + (size_t)i;
      sum += shared ? shared[at] : t->chunk_gradient[at];
    }
    t->gradient[i] = scale * sum;
  }
}

/* ---- the report of a step ---- */

static double mean_and_error(const double *x, long n, double *error) {
  double mean = cw_sum(x, (size_t)n) / (double)n, var = 0;
  for (long i = 0; i < n; i++) var += (x[i] - mean) * (x[i] - mean);
  *error = sqrt(var / ((double)n * (double)(n - 1)));
  return mean;
}

/* ESS of lw over q-samples and particles, or the forward ESS 1/(<w><1/w>) over p-samples; logq is
 * overwritten. */
static double batch_ess(cw_trainer *t) {
  bool forward = t->opt.loss == CW_LOSS_FORWARD_KL;
  size_t n = (size_t)(t->n_blocks * t->B);
  for (size_t i = 0; i < n; i++) t->logq[i] = (forward ? -1 : 2) * t->lw[i];
  double a = cw_logsumexp(t->lw, n), b = cw_logsumexp(t->logq, n),
         count = log((double)t->opt.batch);
  return forward ? exp(2 * count - a - b) : exp(2 * a - b - count);
}

static void report_kl(cw_trainer *t, cw_train_report *report) {
  double *loss = t->opt.loss == CW_LOSS_REVERSE_KL ? t->lw : t->logq;
  report->loss = -mean_and_error(loss, t->opt.batch, &report->loss_error);
  report->ess = batch_ess(t);
}

/* lw = -work becomes ln(weight e^-work). */
static void report_transition(cw_trainer *t, cw_train_report *report) {
  size_t n = (size_t)(t->n_blocks * t->B);
  double *part = t->logq, scale = 1 / (double)t->opt.batch;
  for (size_t i = 0; i < n; i++) part[i] = scale * t->weights[i] * -t->lw[i];
  report->loss = cw_sum(part, n);
  for (size_t i = 0; i < n; i++) part[i] = scale * t->weights[i] * (-t->lw[i] - report->loss);
  report->loss_error = sqrt(cw_dot(part, part, n));
  for (size_t i = 0; i < n; i++) t->lw[i] += log(t->weights[i]);
  report->ess = batch_ess(t);
}

/* Looks for the layer to blame in the blocks of the batch (transitions: of this rank's part of it):
 * one that gives not-a-number, or else the one that stretches most. */
static cw_status name_the_bad_layer(cw_trainer *t, const step_input *in) {
  int blame = -1;
  bool finite = true, inverse = in->samples != NULL;
  long begin = 0, end = t->n_blocks;
  if (in->particles) my_blocks(t, &begin, &end);
  for (long b = begin; finite && b < end; b++) {
    cw_arena_mark mark = cw_arena_save(t->arena[0]);
    int layer = cw_model_find_trouble(t->model, t->rng, (uint32_t)t->step, b * t->B,
                                      input_block(t, in, b, 0), inverse, t->arena[0], &finite);
    if (b == begin || !finite) blame = layer;
    cw_arena_rewind(t->arena[0], mark);
  }
  const char *name = blame >= 0 ? cw_model_layer_name(t->model, blame) : "none";
  if (!finite)
    return cw_fail(
        t->ctx, CW_ENUMERIC,
        "train: step %ld: layer %d (%s) gives not-a-number; a smaller rate or clip may help",
        t->step, blame, name);
  return cw_fail(t->ctx, CW_ENUMERIC,
                 "train: step %ld: the loss or its gradient overflows; layer %d (%s) stretches the "
                 "samples most; a smaller rate or clip may help",
                 t->step, blame, name);
}

/* ---- a step ---- */

/* The step along the natural gradient, into t->gradient; lw, which has been reported, is overwritten. */
static cw_status find_natural_step(cw_trainer *t, cw_natural_report *report) {
  for (long i = 0; i < t->opt.batch; i++) t->lw[i] = -t->lw[i];
  cw_scored_batch batch = {t->opt.batch, t->n_theta, t->lw, t->score};
  return cw_natural_gradient(t->ctx, &batch, t->opt.damping, t->gradient, report);
}

/* So much of it as the rate says, or less if it would change ln q by more than clip. */
static void natural_step(cw_trainer *t, double rate, double change) {
  const double most = t->opt.clip > 0 ? t->opt.clip : INFINITY;
  const double scale = rate * change > most ? most / change : rate;
  for (long k = 0; k < t->n_theta; k++) t->theta[k] += scale * t->gradient[k];
}

static void adam_step(cw_trainer *t, const cw_train_report *report) {
  if (t->opt.clip > 0 && report->grad_norm > t->opt.clip)
    for (long i = 0; i < t->n_theta; i++) t->gradient[i] *= t->opt.clip / report->grad_norm;
  cw_adam_step(&t->opt, report->rate, t->step, t->n_theta, t->gradient, t->m, t->v, t->theta);
}

static cw_status try_step(cw_trainer *t, const step_input *in, cw_train_report *report) {
  CW_TRY(cw_agree(t->ctx, my_gradients(t, in)));
  add_chunks(t);
  *report = (cw_train_report){.rate = cw_rate_at(&t->opt, t->step, &t->plateau)};
  if (t->opt.loss == CW_LOSS_TRANSITION)
    report_transition(t, report);
  else
    report_kl(t, report);
  cw_natural_report natural = {.grad_norm =
                                   sqrt(cw_dot(t->gradient, t->gradient, (size_t)t->n_theta))};
  cw_status st = is_natural(t) ? cw_agree(t->ctx, find_natural_step(t, &natural)) : CW_OK;
  if (st == CW_ENOMEM) return cw_fail(t->ctx, st, "no memory for a training step");
  report->grad_norm = st == CW_OK ? natural.grad_norm : NAN;
  if (!isfinite(report->loss) || !isfinite(report->grad_norm))
    return cw_agree(t->ctx, name_the_bad_layer(t, in));
  t->step++;
  if (is_natural(t))
    natural_step(t, report->rate, natural.change);
  else
    adam_step(t, report);
  cw_model_set_theta(t->model, t->theta);
  if (t->opt.schedule == CW_SCHEDULE_PLATEAU)
    cw_plateau_watch(&t->opt, t->step, report->loss, &t->plateau);
  return CW_OK;
}

/* Whatever comes of it, the model is left precise and with the couplings of the target. */
static cw_status take_step(cw_trainer *t, const step_input *in, cw_train_report *report) {
  cw_model_set_precision(t->model, CW_ROUGH);
  cw_status st = try_step(t, in, report);
  cw_model_set_precision(t->model, CW_PRECISE);
  cw_model_set_couplings(t->model, t->th->ops, t->th->c);
  return st;
}

cw_status cw_trainer_step(cw_trainer *t, const cw_field *p_samples, cw_train_report *report) {
  CW_REQUIRE(t->opt.loss != CW_LOSS_TRANSITION);
  CW_REQUIRE((p_samples != NULL) == (t->opt.loss == CW_LOSS_FORWARD_KL));
  return take_step(t, &(step_input){.samples = p_samples}, report);
}

/* Weights of all particles, with mean 1, and 0 for lanes that hold none. */
static void take_weights(cw_trainer *t, const cw_field *x, const double *weights) {
  long n = x->n_blocks * t->B;
  for (long i = 0; i < n; i++) t->lw[i] = i < x->n_config ? (double)t->opt.batch * weights[i] : 0;
  cw_allgather(t->ctx, t->lw, n, t->weights);
}

/* The blocks of this rank's chunks, from the ranks that have them. */
static cw_status take_particles(cw_trainer *t, const cw_field *x, const double **particles) {
  long begin, end;
  my_blocks(t, &begin, &end);
  *particles = cw_ranks(t->ctx) > 1 ? t->batch_x : x->data;
  if (cw_ranks(t->ctx) == 1) return CW_OK;
  return cw_deal(t->ctx, x->data, t->owner, x->n_blocks, (long)block_length(t), t->batch_x,
                 end - begin);
}

static void require_share(const cw_trainer *t, const cw_field *x) {
  long first, n;
  cw_field_share(t->ctx, t->opt.batch, t->B, cw_rank(t->ctx), &first, &n);
  CW_REQUIRE(x->geom->V == t->th->geom->V && x->n_comp == t->th->n_comp &&
             x->geom->n_outer == t->th->geom->n_outer);
  CW_REQUIRE(x->n_blocks == (n + t->B - 1) / t->B);
  CW_REQUIRE(x->n_config == n && x->first_chain == first);
}

cw_status cw_trainer_transition(cw_trainer *t, const cw_field *x, const double *weights,
                                const double *c_from, const double *c_to, cw_train_report *report) {
  CW_REQUIRE(t->opt.loss == CW_LOSS_TRANSITION);
  require_share(t, x);
  take_weights(t, x, weights);
  step_input in = {.c_from = c_from, .c_to = c_to};
  CW_TRY(take_particles(t, x, &in.particles));
  return take_step(t, &in, report);
}

/* ---- checkpoints ---- */

long cw_trainer_state_size(const cw_trainer *t) { return 3 * t->n_theta + N_COUNTERS; }

long cw_trainer_state_theta(long state_size) { return (state_size - N_COUNTERS) / 3; }

void cw_trainer_save(const cw_trainer *t, double *state) {
  size_t n = (size_t)t->n_theta;
  memcpy(state, t->theta, n * sizeof *state);
  memcpy(state + n, t->m, n * sizeof *state);
  memcpy(state + 2 * n, t->v, n * sizeof *state);
  double counters[N_COUNTERS] = {(double)t->step, t->plateau.rate, t->plateau.best,
                                 t->plateau.since, t->plateau.smooth};
  memcpy(state + 3 * n, counters, sizeof counters);
}

void cw_trainer_load(cw_trainer *t, const double *state) {
  size_t n = (size_t)t->n_theta;
  memcpy(t->theta, state, n * sizeof *state);
  memcpy(t->m, state + n, n * sizeof *state);
  memcpy(t->v, state + 2 * n, n * sizeof *state);
  const double *counters = state + 3 * n;
  t->step = (long)counters[0];
  t->plateau = (cw_plateau){counters[1], counters[2], counters[3], counters[4]};
  cw_model_set_theta(t->model, t->theta);
}
