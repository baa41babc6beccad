/* Hybrid Monte Carlo (Duane, Kennedy, Pendleton, Roweth, Phys. Lett. B 195 (1987) 216), many chains
 * in lanes.
 *
 * A fixed trajectory length can sit on a half period of some mode and never mix it, so that each
 * chain and trajectory has its own step size: eps = r * length / n_steps, r uniform in [1-jitter,
 * 1+jitter]. The draw of r depends on nothing of the chain's past, so detailed balance holds for
 * each r, and <r> = 1 keeps the mean length. */
#include "sampler/hmc/hmc.h"
#include "group/normal.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "simd/dispatch.h"

CW_ISA_TABLES(cw_hmc_kernels, cw_hmc_kernels);

enum { PARAM_FLIP = CW_HMC_N_PARAM, MAX_STEPS = 10000 };

static const cw_param params[] = {
    CW_HMC_PARAMS,
    {"flip", "1: after each trajectory, a global sign flip with probability 1/2", 0, 0, 1,
     CW_WHOLE},
    {0}};
static const char *const choices_name[] = {"integrator", NULL};
static const char *const *const choices[] = {cw_hmc_integrators, NULL};

static bool fits(const cw_theory *th, const double *param) {
  return th->ops->force != NULL &&
         (param[PARAM_FLIP] == 0 || (th->ops->even && th->ops->kind == CW_SITE_REAL));
}

/* ------------------------------------------------------------- one update */

static size_t block_doubles(const cw_theory *th, int n_comp) {
  return (size_t)th->geom->n_outer * (size_t)n_comp * CW_LANES;
}

/* Momenta, forces and the old fields. */
size_t cw_hmc_work_size(const cw_theory *th) {
  return (2 * block_doubles(th, th->n_tangent) + block_doubles(th, th->n_comp)) * sizeof(double);
}

void cw_hmc_for_slices(const cw_theory *th, cw_hmc_work work, void *arg) {
  const cw_geometry *g = th->geom;
  int threads = cw_theory_threads(th);
  if (!cw_kind(th->ops->kind)->on_links || threads == 1 || omp_in_parallel()) {
    work(arg, 0, g->n_outer);
    return;
  }
  long n = cw_slice_count(g);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long i = 0; i < n; i++) work(arg, cw_slice_begin(g, i), cw_slice_begin(g, i + 1));
}

/* p^2/2 of each configuration: out[CW_LANES], the first B are set. Reals have one partial sum per
 * canonical sub-lattice, links one per slice. */
static void kinetic_energy(const cw_theory *th, const cw_field *p, double *out) {
  const cw_hmc_kernels *k = CW_DISPATCH(th->isa, cw_hmc_kernels);
  const cw_geometry *g = p->geom;
  const bool on_links = cw_kind(th->ops->kind)->on_links;
  const int per_sub = on_links ? cw_slices(g) : 1, threads = on_links ? cw_theory_threads(th) : 1;
  double part[CW_LANES * CW_SLICES][CW_LANES] __attribute__((aligned(64)));
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long i = 0; i < g->n_sub / g->V * per_sub; i++) {
    long begin = per_sub == 1 ? i * g->n_inner : cw_slice_begin(g, i);
    long end = per_sub == 1 ? begin + g->n_inner : cw_slice_begin(g, i + 1);
    k->kinetic(p->data + begin * p->n_comp * CW_LANES, (end - begin) * p->n_comp, part[i]);
  }
  cw_sum_parts(g, part[0], per_sub, out);
}

/* H = p^2/2 + S(x; c) of each configuration: H[CW_LANES], the first B are set. */
static void energy(const cw_theory *th, const double *c, const cw_field *x, const cw_field *p,
                   double *H) {
  double T[CW_LANES * CW_MAX_TERMS], S[CW_LANES];
  kinetic_energy(th, p, H);
  cw_theory_action(th, x, c, T, S);
  for (int b = 0; b < x->B; b++) H[b] += S[b];
}

/* The path of this trajectory, and u[b] in (0,1) against which each configuration is accepted. */
static cw_hmc_path draw_path(const cw_sampler *s, const cw_field *x, cw_rng rng, uint32_t step,
                             double *u) {
  cw_hmc_path path = {.integrator = s->choice[0], .n_steps = (int)s->state[CW_HMC_STATE_STEPS]};
  double eps = s->state[CW_HMC_STATE_EPS];
  for (int b = 0; b < x->B; b++) {
    double pair[2];
    cw_uniform2(rng, 0, (uint32_t)(x->first_chain + b), step, CW_DRAW_ACCEPT, pair);
    u[b] = pair[0];
    double r = 1 + s->param[CW_HMC_JITTER] * (2 * pair[1] - 1);
    for (int v = 0; v < CW_LANES / x->B; v++) path.eps[v * x->B + b] = r * eps;
  }
  return path;
}

/* What is done slice by slice before and after a trajectory. */
typedef struct {
  const cw_theory *th;
  cw_field *x, old, p;
  cw_rng rng;
  uint32_t step;
  bool keep[CW_LANES]; /* accepted */
} attempt;

static void depart_slice(void *arg, long begin, long end) {
  attempt *m = arg;
  const size_t row = (size_t)m->x->n_comp * CW_LANES, at = (size_t)begin * row;
  memcpy(m->old.data + at, m->x->data + at, (size_t)(end - begin) * row * sizeof(double));
}

static void draw_slice(void *arg, long begin, long end) {
  attempt *m = arg;
  cw_normal_slice(m->th->isa, &m->p, m->rng, m->step, CW_DRAW_MOMENTUM, begin, end);
}

/* Keeps the old field, and draws momenta. Reals in rows of chains share Box-Muller pairs between
 * sites. */
static void depart(attempt *m) {
  const cw_theory *th = m->th;
  cw_hmc_for_slices(th, depart_slice, m);
  if (cw_kind(th->ops->kind)->on_links || m->p.geom->V > 1)
    cw_hmc_for_slices(th, draw_slice, m);
  else
    cw_field_normal(th->isa, &m->p, m->rng, m->step, CW_DRAW_MOMENTUM);
}

/* Rounding errors have moved links out of their group. */
static void project_slice(void *arg, long begin, long end) {
  attempt *m = arg;
  cw_kind(m->th->ops->kind)->project(m->th->isa, m->x, begin, end);
}

static void restore_slice(void *arg, long begin, long end) {
  attempt *m = arg;
  cw_field_restore(m->x, &m->old, m->keep, begin, end);
}

static void restore(attempt *m) {
  bool all = true;
  for (int l = 0; l < CW_LANES; l++) all &= m->keep[l];
  if (!all) cw_hmc_for_slices(m->th, restore_slice, m);
}

cw_status cw_hmc_update(const cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                        uint32_t step, void *area, double *accept, double *dH) {
  const cw_theory *th = s->th;
  attempt m = {.th = th, .x = x, .old = *x, .p = *x, .rng = rng, .step = step};
  m.p.n_comp = th->n_tangent;
  m.p.data = area;
  cw_field f = m.p;
  f.data = m.p.data + cw_field_block_size(&m.p);
  m.old.data = f.data + cw_field_block_size(&f);

  double u[CW_LANES], before[CW_LANES], after[CW_LANES];
  bool all = s->state[CW_HMC_STATE_ACCEPT_ALL] != 0;
  cw_hmc_path path = draw_path(s, x, rng, step, u);
  depart(&m);
  energy(th, c, x, &m.p, before);
  for (int b = 0; b < x->n_config; b++)
    if (!isfinite(before[b]))
      return cw_fail(s->ctx, CW_ENUMERIC, "hmc: step %u: the action of chain %ld is not finite",
                     (unsigned)step, x->first_chain + b);
  cw_hmc_trajectory(th, c, &path, x, &m.p, &f);
  cw_hmc_for_slices(th, project_slice, &m);
  energy(th, c, x, &m.p, after);

  for (int b = 0; b < x->B; b++) {
    double d = after[b] - before[b];
    double a = d <= 0 ? 1 : d > 0 ? exp(-d) : 0; /* a trajectory that ran away has d = nan: 0 */
    for (int v = 0; v < CW_LANES / x->B; v++)
      m.keep[v * x->B + b] = u[b] < a || (all && isfinite(d));
    if (accept != NULL) accept[b] = a;
    if (dH != NULL) dH[b] = d;
  }
  restore(&m);
  return CW_OK;
}

void cw_hmc_sign_flip(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step) {
  const cw_hmc_kernels *k = CW_DISPATCH(isa, cw_hmc_kernels);
  double sign[CW_LANES] __attribute__((aligned(64)));
  for (int b = 0; b < x->B; b++) {
    double u[2];
    cw_uniform2(rng, 0, (uint32_t)(x->first_chain + b), step, CW_DRAW_FLIP, u);
    for (int v = 0; v < CW_LANES / x->B; v++) sign[v * x->B + b] = u[0] < 0.5 ? -1 : 1;
  }
  k->scale(x->data, sign, x->geom->n_outer * x->n_comp);
}

/* --------------------------------------------------------------- all blocks */

cw_status cw_hmc_for_blocks(cw_sampler *s, cw_block_update update, bool back, const double *c,
                            cw_field *x, cw_rng rng, uint32_t step, const cw_step_stats *stats) {
  CW_REQUIRE(x->geom->V == s->th->geom->V && x->geom->n_sites == s->th->geom->n_sites);
  cw_status worst = CW_OK;
#pragma omp parallel for schedule(static) num_threads(s->n_areas)
  for (long block = 0; block < x->n_blocks; block++) {
    cw_field view = cw_field_block(x, block);
    char *area = (char *)s->work + (size_t)omp_get_thread_num() * s->area_size;
    double *accept = stats != NULL && stats->accept != NULL ? stats->accept + block * x->B : NULL;
    double *dH = stats != NULL && stats->dH != NULL ? stats->dH + block * x->B : NULL;
    cw_status st = update(s, c, &view, rng, step, back, area, accept, dH);
    if (st != CW_OK) {
#pragma omp atomic write
      worst = st;
    }
  }
  return worst;
}

/* A trajectory is its own reversal, and so is a sign flip, of which the action and the forces know
 * nothing: it may come before or after. */
static cw_status update_block(const cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                              uint32_t step, bool back, void *area, double *accept, double *dH) {
  (void)back;
  CW_TRY(cw_hmc_update(s, c, x, rng, step, area, accept, dH));
  if (s->param[PARAM_FLIP] != 0) cw_hmc_sign_flip(s->th->isa, x, rng, step);
  return CW_OK;
}

static cw_status hmc_step(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                          const cw_step_stats *stats) {
  return cw_hmc_for_blocks(s, update_block, false, c, x, rng, step, stats);
}

/* ------------------------------------------------------------------- tuning */

/* As many steps of at most eps as the mean trajectory length takes. */
static double steps_for(const cw_sampler *s, double eps) {
  return fmin(fmax(ceil(s->param[CW_HMC_LENGTH] / eps - 1e-9), 1), MAX_STEPS);
}

cw_status cw_hmc_init(cw_sampler *s) {
  double n = fmin(fmax(round(s->param[CW_HMC_STEPS]), 1), MAX_STEPS);
  s->state[CW_HMC_STATE_STEPS] = n;
  s->state[CW_HMC_STATE_EPS] = s->param[CW_HMC_LENGTH] / n;
  s->state[CW_HMC_STATE_LOG_EPS_SUM] = 0;
  s->state[CW_HMC_STATE_ACCEPT_ALL] = 0;
  return CW_OK;
}

/* Robbins and Monro, Ann. Math. Stat. 22 (1951) 400, on log eps, with falling gain; the result is
 * the mean over the second half of tuning (Polyak and Juditsky, SIAM J. Control Optim. 30 (1992)
 * 838), rounded down so that a whole number of steps makes the length asked for: acceptance comes
 * out at the target or above.
 *
 * Links far from equilibrium are another matter: on a large lattice the energy violation on the way
 * there is large at any step size, and tuning for it would end in steps of no length. Their first
 * half of thermalisation accepts every trajectory, with the step size of the start. */
void cw_hmc_tune(cw_sampler *s, double mean_accept, uint32_t step, uint32_t n_tune) {
  double target = s->param[CW_HMC_TARGET], length = s->param[CW_HMC_LENGTH];
  if (step >= n_tune) return;
  if (cw_kind(s->th->ops->kind)->on_links) {
    uint32_t approach = n_tune / 2;
    s->state[CW_HMC_STATE_ACCEPT_ALL] = step + 1 < approach;
    if (step < approach) return;
    step -= approach;
    n_tune -= approach;
  }
  if (target <= 0) return;
  double *n_steps = &s->state[CW_HMC_STATE_STEPS], *eps = &s->state[CW_HMC_STATE_EPS];
  double *sum = &s->state[CW_HMC_STATE_LOG_EPS_SUM];
  double gain = pow(1 + step / 5.0, -0.75);
  double log_eps = log(*eps) + gain * ((isfinite(mean_accept) ? mean_accept : 0) - target);
  log_eps = fmin(fmax(log_eps, log(length / MAX_STEPS)), log(length));
  uint32_t half = n_tune / 2;
  if (step >= half) *sum += log_eps;
  bool last = step + 1 == n_tune;
  *eps = exp(last ? *sum / (n_tune - half) : log_eps);
  *n_steps = steps_for(s, *eps);
  if (last) *eps = length / *n_steps;
}

const char *cw_hmc_doubt(const cw_theory_ops *theory, const double *param) {
  if (theory->force == NULL || param[CW_HMC_JITTER] >= CW_HMC_ENOUGH_JITTER) return NULL;
  return "trajectories of nearly one length can be half a period of a mode, whose size then never "
         "changes: a jitter of 0.1 or more rules that out.";
}

extern const cw_sampler_ops cw_sampler_hmc;
const cw_sampler_ops cw_sampler_hmc = {
    .name = "hmc",
    .label = "HMC",
    .title = "hybrid Monte Carlo",
    .source = "Duane et al., PLB 195 (1987) 216; integrators: Omelyan et al., CPC 146 (2002) "
              "188 and 151 (2003) 272",
    .params = params,
    .choices_name = choices_name,
    .choices = choices,
    .fits = fits,
    .doubt = cw_hmc_doubt,
    .n_state = CW_HMC_N_STATE,
    .work_size = cw_hmc_work_size,
    .init = cw_hmc_init,
    .step = hmc_step,
    .step_back = hmc_step,
    .tune = cw_hmc_tune,
};
