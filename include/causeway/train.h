/* causeway/train.h - fitting a model to a theory: losses, gradient estimators, Adam, schedules. */
#ifndef CAUSEWAY_TRAIN_H
#define CAUSEWAY_TRAIN_H

#include "causeway/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  CW_LOSS_REVERSE_KL = 0,
  CW_LOSS_FORWARD_KL,
  CW_LOSS_TRANSITION /* of given configurations to other couplings, by the layers alone */
} cw_loss;
typedef enum {
  CW_GRADIENT_PATH = 0,
  CW_GRADIENT_PLAIN,
  /* <(w - b) d ln q/dtheta> of spins, w = ln q + S, b the mean over the other configurations of a
     block (R. J. Williams, Mach. Learn. 8 (1992) 229): the only one of the reverse KL where nothing
     can be differentiated in the configurations. */
  CW_GRADIENT_REINFORCE
} cw_gradient;
typedef enum {
  CW_OPTIMIZER_ADAM = 0, /* arXiv:1412.6980 */
  /* Of the reverse KL: -F^-1 of its gradient, F = <s s^T> of the scores s = d ln q/dtheta of the batch, with a penalty
   * (S. Amari, Neural Comput. 10 (1998) 251). `gradient` is not read: the gradient is <(w - <w>) s>, w = ln q + S.
   * Models with per-sample gradients (cw_model_has_each). */
  CW_OPTIMIZER_NATURAL_GRADIENT
} cw_optimizer;
typedef enum { CW_SCHEDULE_CONSTANT = 0, CW_SCHEDULE_COSINE, CW_SCHEDULE_PLATEAU } cw_schedule;

typedef struct {
  cw_loss loss;
  cw_gradient gradient;
  cw_schedule schedule;
  cw_optimizer optimizer;
  long batch; /* configurations per step, over all ranks; a multiple of CW_LANES, but for
                 transitions any number */
  long steps;
  long warmup;     /* steps of linear rise of the rate */
  double rate;     /* peak learning rate; natural gradient: the fraction of a step that is taken */
  double rate_end; /* cosine: final rate, as a fraction of rate; plateau: floor, as a fraction */
  double
      clip; /* clip the gradient's norm to this; natural gradient: shorten steps that foretell a larger
                      change of ln q (root of the mean square); 0: never */
  double
      damping; /* natural gradient: penalty on the square of a step, in units of the variance of w */
  double patience; /* plateau: steps without gain before the rate is halved */
  long anneal;     /* reverse KL: for so many steps the target's couplings rise to their values, */
  double anneal_from;           /* from this fraction of them on a straight line */
  double beta1, beta2, epsilon; /* Adam */
} cw_train_options;

/* What a step reports: while couplings are annealed, of the target as it is then; of a mixture of
 * images, of the one density that is trained. */
typedef struct {
  double loss;       /* reverse: <ln q + S>; forward: <-ln q>; per configuration, lnZ not included.
                        transition: the mean work */
  double loss_error; /* of the batch mean */
  double ess; /* reverse: of this batch; forward: forward ESS of this batch; transition: of the
                 particles with the weights that they arrive with */
  double grad_norm;
  double rate;
} cw_train_report;

typedef struct cw_trainer cw_trainer;

/* model, theory: borrowed. Starts at the model's present parameters. Models of spins take the
 * theory's couplings (cw_model_set_couplings), and CW_GRADIENT_REINFORCE or, for the forward KL,
 * CW_GRADIENT_PLAIN; else CW_EINVAL, as for a theory of several reals per site. */
cw_status cw_trainer_create(cw_context *ctx, const cw_train_options *opt, cw_model *model,
                            const cw_theory *th, cw_rng rng, cw_trainer **out);
void cw_trainer_destroy(cw_trainer *t);
/* One step of a KL divergence. Collective. p_samples: for the forward KL, a field of configurations
 * of the target from which this step's batch is drawn with random indices (whole set on every
 * rank); NULL for the reverse KL. Not-a-number: CW_ENUMERIC, naming step and layer. */
cw_status cw_trainer_step(cw_trainer *t, const cw_field *p_samples, cw_train_report *report);

/* One step of the flow f that carries weighted particles from one rung of a ladder of theories to
 * the next. Lowers the mean work
 *   L = sum_i W_i w_i,   w_i = S(f(x_i); c_to) - S(x_i; c_from) - ln|det J_f(x_i)|,
 * which is the KL divergence of the flow's image of rung c_from from rung c_to, plus
 * F(c_to) - F(c_from): the loss of CRAFT with the weights of its population, that of stochastic
 * flows with W_i = 1/n (Matthews et al., arXiv:2201.13117). Neither x nor the weights are functions
 * of the parameters. The plain gradient is that of L; the path gradient leaves out what vanishes in
 * the mean if the particles are distributed as rung c_from.
 *   x: this rank's particles, in whole blocks as cw_rank_share deals them, batch of all ranks
 * together; weights (n_blocks*B): of x, with sum 1 over all ranks, lanes beyond n_config are not
 * read; c_from, c_to (n_terms): couplings of the trainer's theory.
 * report->ess: (sum u)^2 / sum u^2 / n of u_i = W_i e^{-w_i}. It and the loss are those of the
 * parameters before the step. Start from cw_model_init_identity. Not for models with z2_mixture.
 * Collective. Not-a-number: CW_ENUMERIC, naming step and layer. */
cw_status cw_trainer_transition(cw_trainer *t, const cw_field *x, const double *weights,
                                const double *c_from, const double *c_to, cw_train_report *report);

/* State for checkpoints: parameters first, then both moments and counters. */
long cw_trainer_state_size(const cw_trainer *t);
long cw_trainer_state_theta(
    long state_size); /* how many parameters a state of that size begins with */
void cw_trainer_save(const cw_trainer *t, double *state);
void cw_trainer_load(cw_trainer *t, const double *state);

/* ---- least squares: flows between near theories, without descent ---- */

/* Works of the layers f of a model on all configurations of x, and their derivatives by its parameters:
 *   work_i = S(f(x_i); c_to) - S(x_i; c_from) - ln|det J_f(x_i)|,                   (n_config)
 *   slope_i = d/dtheta [S(f(x_i); c_at) - ln|det J_f(x_i)|]                    (n_config, n_theta).
 * With c_at = c_to and configurations of c_from the parameters -b of the fit work ~ a + slope . b are
 * a step of Gauss and Newton on the variance of the work. With an f that is the identity,
 * configurations of c_at = (c_from + c_to)/2 and the mean of slope 0 (slope is then div v + v . d ln p of the
 * vector fields v that the parameters belong to), the step has no error of the second order in c_to -
 * c_from (M. Luescher, arXiv:0907.5491, section 3, for the equation that is fitted). Models that have
 * per-sample gradients (cw_model_has_each). Cost: a pass forwards and its product, which is cheap where
 * f is the identity. Parallel over blocks. Local. */
cw_status cw_works(cw_context *ctx, const cw_model *model, const cw_theory *th, const cw_field *x,
                   const double *c_from, const double *c_to, const double *c_at, double *work,
                   double *slope, cw_arena *scratch);

typedef struct {
  double ridge;    /* the penalty that was chosen */
  double variance; /* of y about its mean */
  double left_out; /* mean square of the residuals of rows that their fit did not see */
} cw_fit_report;

/* b (p) of least squares y ~ a + x . b: x (n, p), y (n), with a penalty ridge n sum_k (sd_k b_k)^2, sd_k the
 * standard deviation of column k. Folds of neighbouring rows are left out in turn, and the penalty is
 * that of 0, 1e-8, ..., 1 which leaves them the smallest residuals; residual (n): those. Rows of a
 * Markov chain come in its order. Constant columns get 0. CW_EINVAL: fewer than 2 p rows or two of a
 * fold; CW_ENUMERIC, CW_ENOMEM. Cost: ten times folds times n p^2. */
cw_status cw_least_squares(cw_context *ctx, long n, int p, const double *x, const double *y,
                           int folds, double *b, double *residual, cw_fit_report *report,
                           cw_arena *scratch);

#ifdef __cplusplus
}
#endif
#endif
