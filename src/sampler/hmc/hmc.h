/* Hybrid Monte Carlo on one block of lanes: the parts that other samplers and the tests share. */
#ifndef CW_SAMPLER_HMC_H
#define CW_SAMPLER_HMC_H

#include "causeway/sampler.h"

/* A trajectory of one length can be half a period of a harmonic mode, whose energy then never
 * changes. With this much jitter even such a mode's energy has tau_int of 30 trajectories: the mean
 * of cos^2(pi r) over r in [0.9, 1.1] is 0.968. */
#define CW_HMC_ENOUGH_JITTER 0.1
/* Says so of less jitter, for samplers that contain HMC. */
const char *cw_hmc_doubt(const cw_theory_ops *theory, const double *param);

/* Samplers that contain HMC start their parameters, word keys and state with these, in this order.
 */
enum { CW_HMC_LENGTH, CW_HMC_STEPS, CW_HMC_TARGET, CW_HMC_JITTER, CW_HMC_N_PARAM };
#define CW_HMC_PARAMS                                                                              \
  {"length", "mean trajectory length", 1.0, 1e-6, 1e6, CW_REAL},                                   \
      {"md_steps", "integration steps per trajectory, before tuning", 10, 1, 10000, CW_WHOLE},     \
      {"target", "acceptance to tune the number of steps for; 0: do not tune", 0.9, 0, 0.999,      \
       CW_REAL},                                                                                   \
  {                                                                                                \
    "jitter", "each chain's step size is multiplied by a uniform in [1-jitter, 1+jitter]", 0.4, 0, \
        0.99, CW_REAL                                                                              \
  }
/* Of word key 0, "integrator". */
enum { CW_HMC_OMELYAN_CHOICE, CW_HMC_LEAPFROG_CHOICE, CW_HMC_OMELYAN4_CHOICE };
extern const char *const cw_hmc_integrators[];
/* Steps of mean size eps per trajectory, and while tuning the sum of log eps over its second half.
 */
enum {
  CW_HMC_STATE_STEPS,
  CW_HMC_STATE_EPS,
  CW_HMC_STATE_LOG_EPS_SUM,
  CW_HMC_STATE_ACCEPT_ALL, /* 1: on the way to equilibrium every trajectory is accepted */
  CW_HMC_N_STATE
};

/* Draw numbers of a step: disjoint, so that the same stream serves all purposes. */
enum { CW_DRAW_MOMENTUM, CW_DRAW_ACCEPT, CW_DRAW_FLIP, CW_DRAW_CLUSTER };

/* Kernels on rows of CW_LANES doubles. */
typedef struct {
  /* y[row][lane] += a[lane] * x[row][lane] */
  void (*add_scaled)(double *y, const double *a, const double *x, long n_rows);
  /* part[lane] = sum over rows of p^2/2 */
  void (*kinetic)(const double *p, long n_rows, double *part);
  /* x[row][lane] *= a[lane] */
  void (*scale)(double *x, const double *a, long n_rows);
} cw_hmc_kernels;

typedef struct {
  int integrator; /* index into cw_hmc_integrators */
  int n_steps;
  double eps[CW_LANES]; /* step size of each lane; lanes of one configuration have the same */
} cw_hmc_path;

/* Moves (x, p) along Hamilton's equations of H = p^2/2 + S(x; c), x' = p x on links (group.h);
 * reversible (p -> -p) and volume preserving. One block: x, p in/out, f scratch; p, f with
 * th->n_tangent components. Local. */
void cw_hmc_trajectory(const cw_theory *th, const double *c, const cw_hmc_path *path, cw_field *x,
                       cw_field *p, cw_field *f);

/* One HMC update of one block: momenta, trajectory, accept or reject each configuration. area:
 * cw_hmc_work_size(th) bytes. accept, dH: (B), or NULL. CW_ENUMERIC if the action of a
 * configuration is not finite. Local. */
cw_status cw_hmc_update(const cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                        uint32_t step, void *area, double *accept, double *dH);
size_t cw_hmc_work_size(const cw_theory *th);

/* Calls work on all outer sites [begin, end) of a block: fields on links slice by slice, shared out
 * over th->threads unless a parallel region is active already; reals in one piece. */
typedef void (*cw_hmc_work)(void *arg, long begin, long end);
void cw_hmc_for_slices(const cw_theory *th, cw_hmc_work work, void *arg);

/* Multiplies each configuration by -1 with probability 1/2. One block. Exact for even actions.
 * Local. */
void cw_hmc_sign_flip(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step);

cw_status cw_hmc_init(cw_sampler *s);
void cw_hmc_tune(cw_sampler *s, double mean_accept, uint32_t step, uint32_t n_tune);

/* Calls update for every block of x with the threads of s->ctx, each with its own work area. back: it
 * is to be the reversal of a step. */
typedef cw_status (*cw_block_update)(const cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                                     uint32_t step, bool back, void *area, double *accept,
                                     double *dH);
cw_status cw_hmc_for_blocks(cw_sampler *s, cw_block_update update, bool back, const double *c,
                            cw_field *x, cw_rng rng, uint32_t step, const cw_step_stats *stats);

#endif
