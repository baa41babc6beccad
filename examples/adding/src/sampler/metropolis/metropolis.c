/* Metropolis updates of real fields, site after site: phi_x -> phi_x + width (2 u - 1), accepted
 * with min(1, e^-dS). It needs no forces, and no other number than the width, which is tuned.
 *
 * The action is taken to be the bonds of bond_term and terms of single sites, as cw_one_site_lnz
 * takes it: then dS knows nothing of the lattice but the neighbours. Sites are visited in the order
 * of their global numbers, of which neighbours are never updated together, whatever the extents. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/hmc/hmc.h" /* cw_hmc_for_blocks */

enum { PARAM_WIDTH, PARAM_SWEEPS, PARAM_TARGET };
enum { STATE_WIDTH, N_STATE };

static const cw_param params[] = {
    {"width", "largest change of a site that is proposed, before tuning", 1, 1e-6, 1e6, CW_REAL},
    {"sweeps", "sweeps per step", 4, 1, 10000, CW_WHOLE},
    {"target", "acceptance to tune the width for; 0: do not tune", 0.5, 0, 0.999, CW_REAL},
    {0}};

static bool fits(const cw_theory *th, const double *param) {
  (void)param;
  return th->ops->kind == CW_SITE_REAL && th->n_comp == 1;
}

/* ---------------------------------------------------------------------- tables */

typedef struct {
  cw_geometry *point; /* a lattice of one site */
  cw_theory alone;    /* the theory on it */
  int *neighbour;     /* (n_sites, 2 dim), global sites */
} tables;

static void release(cw_sampler *s) {
  tables *t = s->own;
  if (t == NULL) return;
  cw_theory_destroy(&t->alone);
  cw_geometry_destroy(t->point);
  free(t->neighbour);
  free(t);
}

static void find_neighbours(const cw_lattice *lat, int *neighbour) {
  for (long site = 0; site < cw_lattice_sites(lat); site++)
    for (int k = 0; k < 2 * lat->dim; k++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(lat, site, coord);
      coord[k / 2] += k % 2 == 0 ? 1 : -1;
      neighbour[site * 2 * lat->dim + k] = (int)cw_lattice_site(lat, coord);
    }
}

/* A failure leaves what there is to release, which the creator of the sampler calls then. */
static cw_status init(cw_sampler *s) {
  const cw_theory *th = s->th;
  tables *t = s->own = cw_alloc(sizeof *t);
  s->state[STATE_WIDTH] = s->param[PARAM_WIDTH];
  if (t == NULL) return cw_fail(s->ctx, CW_ENOMEM, "no memory for a sampler");
  CW_TRY(cw_geometry_create(s->ctx, &(cw_lattice){1, {1}}, 1, &t->point));
  CW_TRY(cw_theory_create(s->ctx, th->ops, t->point, th->form, th->param, &t->alone));
  t->neighbour = cw_alloc((size_t)(th->geom->n_sites * 2 * th->geom->lat.dim) * sizeof(int));
  if (t->neighbour == NULL) return cw_fail(s->ctx, CW_ENOMEM, "no memory for neighbours");
  find_neighbours(&th->geom->lat, t->neighbour);
  return CW_OK;
}

/* A visit works on a few rows of lanes, which the stack holds. */
static size_t work_size(const cw_theory *th) {
  (void)th;
  return 0;
}

/* ---------------------------------------------------------------------- updates */

/* A block on its way through a step. */
typedef struct {
  const cw_sampler *s;
  double c[CW_MAX_TERMS]; /* couplings without that of bonds */
  double bond;
  cw_field *x;
  cw_rng rng;
  uint32_t step;
  double *accept; /* (B) summed over the visits */
} update;

/* The B configurations at a global site. */
static double *row_of(const cw_field *x, long site) {
  return x->data + (long)x->geom->outer[site] * CW_LANES + x->geom->group[site] * x->B;
}

/* S of single sites without bonds, of CW_LANES values at once. */
static void actions(const update *m, double *phi, double *S) {
  const tables *t = m->s->own;
  double T[CW_LANES * CW_MAX_TERMS];
  const cw_field x = {.geom = t->point,
                      .n_comp = 1,
                      .B = CW_LANES,
                      .n_config = CW_LANES,
                      .n_blocks = 1,
                      .data = phi};
  cw_theory_action(&t->alone, &x, m->c, T, S);
}

/* The sum over neighbours that a change of the site sees. In a direction of extent 1 the site is its
 * own neighbour, and phi'^2 - phi^2 = (phi' - phi)(phi' + phi). */
static double sum_of_neighbours(const update *m, long site, int b, double old, double new) {
  const int n = 2 * m->x->geom->lat.dim;
  const int *neighbour = ((const tables *)m->s->own)->neighbour + site * n;
  double sum = 0;
  for (int k = 0; k < n; k++)
    sum += neighbour[k] == site ? 0.5 * (old + new) : row_of(m->x, neighbour[k])[b];
  return sum;
}

static cw_status visit(const update *m, uint32_t sweep, long site) {
  double old[CW_LANES] CW_ALIGNED = {0}, new[CW_LANES] CW_ALIGNED = {0};
  double u[CW_LANES], before[CW_LANES], after[CW_LANES], *phi = row_of(m->x, site);
  for (int b = 0; b < m->x->n_config; b++) {
    double pair[2];
    cw_uniform2(m->rng, (uint32_t)site, (uint32_t)(m->x->first_chain + b), m->step, sweep, pair);
    old[b] = phi[b];
    new[b] = phi[b] + m->s->state[STATE_WIDTH] * (2 * pair[0] - 1);
    u[b] = pair[1];
  }
  actions(m, old, before);
  actions(m, new, after);
  for (int b = 0; b < m->x->n_config; b++) {
    const double near = sum_of_neighbours(m, site, b, old[b], new[b]);
    const double dS = after[b] - before[b] + m->bond * (new[b] - old[b]) * near;
    const double p = dS <= 0 ? 1 : dS > 0 ? exp(-dS) : 0;
    if (!isfinite(before[b]))
      return cw_fail(m->s->ctx, CW_ENUMERIC,
                     "metropolis: step %u: the field of chain %ld is not finite", (unsigned)m->step,
                     m->x->first_chain + b);
    if (u[b] < p) phi[b] = new[b];
    m->accept[b] += p;
  }
  return CW_OK;
}

static cw_status update_block(const cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                              uint32_t step, bool back, void *area, double *accept, double *dH) {
  double sum[CW_LANES] = {0};
  update m = {.s = s, .x = x, .rng = rng, .step = step, .accept = sum};
  const int bond = s->th->ops->bond_term;
  const uint32_t sweeps = (uint32_t)s->param[PARAM_SWEEPS];
  const long n = x->geom->n_sites;
  (void)area;
  memcpy(m.c, c, (size_t)s->th->ops->n_terms * sizeof *c);
  if (bond >= 0) m.bond = c[bond], m.c[bond] = 0;
  for (uint32_t sweep = 0; sweep < sweeps; sweep++)
    for (long i = 0; i < n; i++) CW_TRY(visit(&m, sweep, back ? n - 1 - i : i));
  for (int b = 0; b < x->B; b++) {
    if (accept != NULL) accept[b] = sum[b] / ((double)sweeps * (double)n);
    if (dH != NULL) dH[b] = 0;
  }
  return CW_OK;
}

static cw_status step_all(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                          const cw_step_stats *stats) {
  return cw_hmc_for_blocks(s, update_block, false, c, x, rng, step, stats);
}

/* The visits in the opposite order; one visit is its own reversal. */
static cw_status step_back(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                           const cw_step_stats *stats) {
  return cw_hmc_for_blocks(s, update_block, true, c, x, rng, step, stats);
}

/* Robbins and Monro, Ann. Math. Stat. 22 (1951) 400, on the logarithm of the width. */
static void tune(cw_sampler *s, double mean_accept, uint32_t step, uint32_t n_tune) {
  const double target = s->param[PARAM_TARGET], gain = pow(1 + step / 5.0, -0.75);
  if (target <= 0 || step >= n_tune || !isfinite(mean_accept)) return;
  s->state[STATE_WIDTH] *= exp(gain * (mean_accept - target));
}

extern const cw_sampler_ops cw_sampler_metropolis;
const cw_sampler_ops cw_sampler_metropolis = {
    .name = "metropolis",
    .label = "Metropolis",
    .title = "Metropolis updates of real fields, site after site",
    .source = "N. Metropolis et al., J. Chem. Phys. 21 (1953) 1087",
    .params = params,
    .fits = fits,
    .n_state = N_STATE,
    .work_size = work_size,
    .init = init,
    .step = step_all,
    .step_back = step_back,
    .release = release,
    .tune = tune,
};
