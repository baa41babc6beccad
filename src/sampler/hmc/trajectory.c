/* Symplectic, time-reversible integrators for H = p^2/2 + S(x), of second and fourth order. */
#include "sampler/hmc/hmc.h"

#include "simd/dispatch.h"

CW_ISA_TABLES(cw_hmc_kernels, cw_hmc_kernels);

const char *const cw_hmc_integrators[] = {"omelyan", "leapfrog", "omelyan4", NULL};

typedef struct {
  const cw_theory *th;
  const double *c, *eps;
  cw_field *x, *p, *f;
  double step[CW_LANES] CW_ALIGNED; /* of the present move */
} motion;

static void set_step(motion *m, double a) {
  for (int l = 0; l < CW_LANES; l++) m->step[l] = a * m->eps[l];
}

static void kick_slice(void *arg, long begin, long end) {
  motion *m = arg;
  long first = begin * m->p->n_comp, last = end * m->p->n_comp;
  CW_DISPATCH(m->th->isa, cw_hmc_kernels)
      ->add_scaled(m->p->data + first * CW_LANES, m->step, m->f->data + first * CW_LANES,
                   last - first);
}

/* p += a eps F(x) */
static void kick(motion *m, double a) {
  set_step(m, a);
  m->th->ops->force(m->th, m->x, m->c, m->f);
  cw_hmc_for_slices(m->th, kick_slice, m);
}

static void drift_slice(void *arg, long begin, long end) {
  motion *m = arg;
  cw_kind(m->th->ops->kind)->drift(m->th->isa, m->x, m->p, m->step, begin, end);
}

/* x -> exp(a eps p) x; reals: x += a eps p */
static void drift(motion *m, double a) {
  set_step(m, a);
  cw_hmc_for_slices(m->th, drift_slice, m);
}

/* The kicks between two steps are merged. */
static void leapfrog(motion *m, int n_steps) {
  kick(m, 0.5);
  for (int i = 0; i < n_steps; i++) {
    drift(m, 1);
    kick(m, i + 1 < n_steps ? 1 : 0.5);
  }
}

/* Omelyan, Mryglod, Folk, Comput. Phys. Commun. 151 (2003) 272: minimum-norm integrator of second
 * order, velocity version; its use in HMC: Takaishi and de Forcrand, hep-lat/0505020. */
static void omelyan(motion *m, int n_steps) {
  const double lambda = 0.1931833275037836;
  kick(m, lambda);
  for (int i = 0; i < n_steps; i++) {
    drift(m, 0.5);
    kick(m, 1 - 2 * lambda);
    drift(m, 0.5);
    kick(m, i + 1 < n_steps ? 2 * lambda : lambda);
  }
}

/* Omelyan, Mryglod, Folk, Comput. Phys. Commun. 146 (2002) 188: the position-extended scheme like
 * Forest and Ruth's, of fourth order with four forces. The drifts between two steps are merged. */
static void omelyan4(motion *m, int n_steps) {
  const double xi = 0.1786178958448091, lambda = -0.2123418310626054, chi = -0.06626458266981849;
  drift(m, xi);
  for (int i = 0; i < n_steps; i++) {
    kick(m, (1 - 2 * lambda) / 2);
    drift(m, chi);
    kick(m, lambda);
    drift(m, 1 - 2 * (chi + xi));
    kick(m, lambda);
    drift(m, chi);
    kick(m, (1 - 2 * lambda) / 2);
    drift(m, i + 1 < n_steps ? 2 * xi : xi);
  }
}

void cw_hmc_trajectory(const cw_theory *th, const double *c, const cw_hmc_path *path, cw_field *x,
                       cw_field *p, cw_field *f) {
  motion m = {.th = th, .c = c, .eps = path->eps, .x = x, .p = p, .f = f};
  if (path->integrator == CW_HMC_LEAPFROG_CHOICE)
    leapfrog(&m, path->n_steps);
  else if (path->integrator == CW_HMC_OMELYAN4_CHOICE)
    omelyan4(&m, path->n_steps);
  else
    omelyan(&m, path->n_steps);
}
