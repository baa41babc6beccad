/* Symplectic, time-reversible integrators of second order for H = p^2/2 + S(x). */
#include "sampler/hmc/hmc.h"

#include "simd/dispatch.h"

CW_ISA_TABLES(cw_hmc_kernels, cw_hmc_kernels);

const char *const cw_hmc_integrators[] = {"omelyan", "leapfrog", NULL};

typedef struct {
  const cw_theory *th;
  const double *c, *eps;
  cw_field *x, *p, *f;
  const cw_hmc_kernels *kernels;
  long n_rows;
} motion;

/* p += a eps F(x) */
static void kick(const motion *m, double a) {
  double step[CW_LANES] __attribute__((aligned(64)));
  for (int l = 0; l < CW_LANES; l++) step[l] = a * m->eps[l];
  m->th->ops->force(m->th, m->x, m->c, m->f);
  m->kernels->add_scaled(m->p->data, step, m->f->data, m->n_rows);
}

/* x += a eps p */
static void drift(const motion *m, double a) {
  double step[CW_LANES] __attribute__((aligned(64)));
  for (int l = 0; l < CW_LANES; l++) step[l] = a * m->eps[l];
  m->kernels->add_scaled(m->x->data, step, m->p->data, m->n_rows);
}

/* The kicks between two steps are merged. */
static void leapfrog(const motion *m, int n_steps) {
  kick(m, 0.5);
  for (int i = 0; i < n_steps; i++) {
    drift(m, 1);
    kick(m, i + 1 < n_steps ? 1 : 0.5);
  }
}

/* Omelyan, Mryglod, Folk, Comput. Phys. Commun. 151 (2003) 272: minimum-norm integrator of second
 * order, velocity version; its use in HMC: Takaishi and de Forcrand, hep-lat/0505020. */
static void omelyan(const motion *m, int n_steps) {
  const double lambda = 0.1931833275037836;
  kick(m, lambda);
  for (int i = 0; i < n_steps; i++) {
    drift(m, 0.5);
    kick(m, 1 - 2 * lambda);
    drift(m, 0.5);
    kick(m, i + 1 < n_steps ? 2 * lambda : lambda);
  }
}

void cw_hmc_trajectory(const cw_theory *th, const double *c, const cw_hmc_path *path, cw_field *x,
                       cw_field *p, cw_field *f) {
  motion m = {.th = th, .c = c, .eps = path->eps, .x = x, .p = p, .f = f};
  m.kernels = CW_DISPATCH(th->isa, cw_hmc_kernels);
  m.n_rows = x->geom->n_outer * x->n_comp;
  if (path->integrator == CW_HMC_LEAPFROG_CHOICE)
    leapfrog(&m, path->n_steps);
  else
    omelyan(&m, path->n_steps);
}
