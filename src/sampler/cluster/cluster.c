/* Cluster updates of Ising spins, or of the signs of a scalar field, embedded as in Brower and
 * Tamayo, PRL 62 (1989) 1087: at fixed |phi| the signs are an Ising model with bond energies c_bond
 * phi_x phi_y. Of a field of several components, those of its projection on a random direction r
 * (Wolff, PRL 62 (1989) 361): a flip is the reflection phi -> phi - 2 (r . phi) r, and r is drawn for
 * each Wolff cluster or each Swendsen-Wang update. A bond is active with probability 1 - exp(min(0, 2 c_bond phi_x phi_y)): aligned
 * weight e^-K against e^K, K = c_bond phi_x phi_y < 0. Wolff (PRL 62 (1989) 361) grows single
 * clusters from random sites and flips them; Swendsen and Wang (PRL 58 (1987) 86) flip every
 * cluster with probability 1/2. A magnetic field acts on each cluster as on one spin, whose energy
 * is c_field times the sum of its members: it is flipped with the Metropolis probability (Wolff) or
 * that of the heat bath. An HMC update before them moves |phi|; spins have none. A global sign flip
 * with probability 1/2 ends the step, where the action is even.
 *
 * A cluster is as likely to be grown and flipped as it is to be flipped back, a number of clusters
 * that no configuration has a say in is drawn before any is grown, and flips of all signs commute
 * with both: of spins a step is its own reversal. That of reals begins with the clusters, HMC ends it.
 *
 * The number of Wolff clusters in a step is itself drawn, even or odd with probability 1/2. At weak
 * coupling clusters are single sites, and a fixed number of them would tie the parity of the sites
 * that point up to the number of the step: half of the configurations would never be visited, or
 * only in every other step. Deep in the broken phase every cluster is the whole lattice, and its
 * sign would be tied in the same way. The number does not depend on the configuration, so that a
 * step is a mixture of products of kernels that each leave the target invariant.
 *
 * Growth walks over the lattice in an order that is set by geometry alone and draws number after
 * number of the chain's sequence for this step, so that bits do not depend on the lane split. */
#include <math.h>

#include "sampler/hmc/hmc.h"

enum { PARAM_CLUSTERS = CW_HMC_N_PARAM };
enum { UPDATE_WOLFF = 0, UPDATE_SWENDSEN_WANG = 1 };

static const cw_param params[] = {
    CW_HMC_PARAMS,
    {"clusters", "mean number of Wolff clusters per step", 4, 0, 1e6, CW_WHOLE},
    {0}};
static const char *const updates[] = {"wolff", "swendsen-wang", NULL};
static const char *const choices_name[] = {"integrator", "update", NULL};
static const char *const *const choices[] = {cw_hmc_integrators, updates, NULL};

static bool fits(const cw_theory *th, const double *param) {
  (void)param;
  const bool moduli = th->ops->kind == CW_SITE_REAL && th->ops->force != NULL;
  if (th->n_comp > 1 && th->ops->field_term > 0) return false;
  return (moduli || th->ops->kind == CW_SITE_SPIN) && th->ops->bond_term >= 0;
}

/* Without clusters what is left is HMC, which reaches all reals, or nothing. */
static const char *refuse(const cw_theory_ops *theory, const double *param, const int *choice) {
  if (theory->kind != CW_SITE_SPIN || choice[1] != UPDATE_WOLFF || param[PARAM_CLUSTERS] > 0)
    return NULL;
  return "without clusters no spin is ever updated: expected clusters of 1 or more";
}

/* Uniforms of one chain in one step, in sequence. */
typedef struct {
  cw_rng rng;
  uint32_t chain, step, next;
  double pair[2];
} sequence;

static double draw(sequence *q) {
  if (q->next % 2 == 0)
    cw_uniform2(q->rng, q->next / 2, q->chain, q->step, CW_DRAW_CLUSTER, q->pair);
  return q->pair[q->next++ % 2];
}

/* One configuration of a block seen as (outer site, v) places, and the cluster being grown on it.
 */
typedef struct {
  const cw_geometry *geom;
  double *phi; /* place i of this configuration is phi[i * B], of one component */
  int n_comp;
  double axis[CW_MAX_COMPONENTS]; /* of several: the direction r */
  int B, v_bits, b_bits;          /* V and B are powers of two */
  double bond;                    /* coupling of sum_{x,mu} phi_x phi_{x+mu} */
  double field;                   /* of sum_x phi_x */
  double part;                    /* spins: probability that aligned neighbours part; reals: 0 */
  int *member;                    /* (n_sites) places of the cluster, in the order of joining */
  uint8_t *visited;               /* (n_sites) by place */
} sign_model;

static int place_of(const cw_geometry *g, long site) {
  return g->outer[site] * g->V + g->group[site];
}

static int neighbour_place(const sign_model *m, int place, int direction) {
  const cw_geometry *g = m->geom;
  const long entry = (long)(place >> m->v_bits) * 2 * g->lat.dim + direction;
  if (g->V == 1) return g->neighbour[entry];
  const int lane = (place & (g->V - 1)) << m->b_bits;
  return (g->neighbour[entry] << m->v_bits) +
         ((int)cw_lanes_from(g, g->turn[entry], 0)[lane] >> m->b_bits);
}

/* The first component at a place; the others follow CW_LANES apart. */
static double *field_at(const sign_model *m, int place) {
  const long outer = place >> m->v_bits, lane = (place & (m->geom->V - 1)) << m->b_bits;
  return m->phi + outer * m->n_comp * CW_LANES + lane;
}

/* The number whose sign is flipped. */
static double number_at(const sign_model *m, int place) {
  if (m->n_comp == 1) return m->phi[(long)place * m->B];
  const double *phi = field_at(m, place);
  double sum = 0;
  for (int c = 0; c < m->n_comp; c++) sum += m->axis[c] * phi[c * CW_LANES];
  return sum;
}

/* Uniform on the sphere: a direction of independent normal numbers. */
static void draw_axis(sign_model *m, sequence *q) {
  double square = 0;
  for (int c = 0; c < m->n_comp && m->n_comp > 1; c++) {
    const double size = sqrt(-2 * log(draw(q)));
    m->axis[c] = size * cos(2 * M_PI * draw(q));
    square += m->axis[c] * m->axis[c];
  }
  for (int c = 0; c < m->n_comp && m->n_comp > 1; c++) m->axis[c] /= sqrt(square);
}

/* Grows the cluster of seed over sites not yet visited; returns its size. A bond between a member
 * and a site that was visited before has been decided already, or does not matter. */
static long grow(const sign_model *m, int seed, sequence *q) {
  long size = 1;
  m->member[0] = seed;
  m->visited[seed] = 1;
  for (long i = 0; i < size; i++)
    for (int d = 0; d < 2 * m->geom->lat.dim; d++) {
      int here = m->member[i], there = neighbour_place(m, here, d);
      if (m->visited[there]) continue;
      double energy = m->bond * number_at(m, here) * number_at(m, there);
      if (energy >= 0 || draw(q) < (m->part > 0 ? m->part : exp(2 * energy))) continue;
      m->visited[there] = 1;
      m->member[size++] = there;
    }
  return size;
}

static void flip(const sign_model *m, long size) {
  for (long i = 0; i < size; i++) {
    const double twice = 2 * number_at(m, m->member[i]);
    double *phi = field_at(m, m->member[i]);
    if (m->n_comp == 1) *phi = -*phi;
    for (int c = 0; c < m->n_comp && m->n_comp > 1; c++) phi[c * CW_LANES] -= twice * m->axis[c];
  }
}

/* S of the cluster in the field: minus what its flip would take to. */
static double field_energy(const sign_model *m, long size) {
  double sum = 0;
  for (long i = 0; i < size && m->field != 0; i++) sum += number_at(m, m->member[i]);
  return m->field * sum;
}

/* mean, or with probability 1/4 each one less or one more: the least scatter with which even and
 * odd numbers are equally likely. */
static int draw_number(sequence *q, int mean) {
  double u = draw(q);
  return mean + (u >= 0.75) - (u < 0.25);
}

/* Returns the mean acceptance probability. */
static double wolff(sign_model *m, sequence *q, int mean_clusters) {
  if (mean_clusters == 0) return 1;
  const int n_clusters = draw_number(q, mean_clusters);
  double accept = 0;
  for (int k = 0; k < n_clusters; k++) {
    draw_axis(m, q);
    long seed = (long)(draw(q) * (double)m->geom->n_sites);
    long size = grow(m, place_of(m->geom, seed), q);
    double a = exp(fmin(2 * field_energy(m, size), 0));
    if (a == 1 || draw(q) < a) flip(m, size);
    for (long i = 0; i < size; i++) m->visited[m->member[i]] = 0;
    accept += a / n_clusters;
  }
  return n_clusters > 0 ? accept : 1;
}

static void swendsen_wang(sign_model *m, sequence *q) {
  draw_axis(m, q);
  for (long s = 0; s < m->geom->n_sites; s++) {
    int seed = place_of(m->geom, s);
    if (m->visited[seed]) continue;
    long size = grow(m, seed, q);
    if (draw(q) < 1 / (1 + exp(-2 * field_energy(m, size)))) flip(m, size);
  }
}

/* Bytes of work memory for the HMC of moduli, before that of clusters. */
static size_t hmc_work_size(const cw_theory *th) {
  return th->ops->force != NULL ? cw_hmc_work_size(th) : 0;
}

static size_t work_size(const cw_theory *th) {
  return hmc_work_size(th) + (size_t)th->geom->n_sites * (sizeof(int) + 1);
}

/* What HMC does for reals: it looks for not-a-number and fills accept and dH. */
static cw_status check_spins(const cw_sampler *s, const cw_field *x, uint32_t step, double *accept,
                             double *dH) {
  for (int b = 0; b < x->B; b++) {
    if (accept != NULL) accept[b] = 1;
    if (dH != NULL) dH[b] = 0;
  }
  for (long i = 0; i < x->geom->n_outer * CW_LANES; i++)
    if (i % x->B < x->n_config && fabs(x->data[i]) != 1)
      return cw_fail(s->ctx, CW_ENUMERIC, "cluster: step %u: a spin of chain %ld is not +1 or -1",
                     (unsigned)step, x->first_chain + i % x->B);
  return CW_OK;
}

/* All clusters of a step, and the flip of all signs after them. accept: (B) of spins, or NULL. */
static void update_signs(const cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                         uint32_t step, void *area, double *accept) {
  const cw_geometry *g = x->geom;
  const cw_theory_ops *ops = s->th->ops;
  const bool spins = ops->kind == CW_SITE_SPIN;
  int *member = (int *)((char *)area + hmc_work_size(s->th));
  for (int b = 0; b < x->n_config; b++) {
    sign_model m = {.geom = g,
                    .phi = x->data + b,
                    .n_comp = x->n_comp,
                    .B = x->B,
                    .v_bits = __builtin_ctz((unsigned)g->V),
                    .b_bits = __builtin_ctz((unsigned)x->B),
                    .part = spins ? exp(2 * c[ops->bond_term]) : 0,
                    .bond = c[ops->bond_term],
                    .field = ops->field_term > 0 ? c[ops->field_term] : 0,
                    .member = member,
                    .visited = (uint8_t *)(member + g->n_sites)};
    sequence q = {.rng = rng, .chain = (uint32_t)(x->first_chain + b), .step = step};
    for (long i = 0; i < g->n_sites; i++) m.visited[i] = 0;
    double a = 1;
    if (s->choice[1] == UPDATE_SWENDSEN_WANG)
      swendsen_wang(&m, &q);
    else
      a = wolff(&m, &q, (int)s->param[PARAM_CLUSTERS]);
    if (accept != NULL) accept[b] = a;
  }
  if (cw_theory_is_even(ops, c)) cw_hmc_sign_flip(s->th->isa, x, rng, step);
}

static cw_status update_block(const cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                              uint32_t step, bool back, void *area, double *accept, double *dH) {
  const bool spins = s->th->ops->kind == CW_SITE_SPIN;
  if (spins) CW_TRY(check_spins(s, x, step, accept, dH));
  if (spins || back) update_signs(s, c, x, rng, step, area, spins ? accept : NULL);
  if (!spins) CW_TRY(cw_hmc_update(s, c, x, rng, step, area, accept, dH));
  if (!spins && !back) update_signs(s, c, x, rng, step, area, NULL);
  return CW_OK;
}

static cw_status cluster_step(cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                              uint32_t step, const cw_step_stats *stats) {
  return cw_hmc_for_blocks(s, update_block, false, c, x, rng, step, stats);
}

static cw_status step_back(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                           const cw_step_stats *stats) {
  return cw_hmc_for_blocks(s, update_block, true, c, x, rng, step, stats);
}

static void tune(cw_sampler *s, double mean_accept, uint32_t step, uint32_t n_tune) {
  if (s->th->ops->force != NULL) cw_hmc_tune(s, mean_accept, step, n_tune);
}

extern const cw_sampler_ops cw_sampler_cluster;
const cw_sampler_ops cw_sampler_cluster = {
    .name = "cluster",
    .label = "Cluster",
    .title = "Wolff or Swendsen-Wang clusters of spins, or of signs with HMC of the moduli",
    .source = "Brower and Tamayo, PRL 62 (1989) 1087; Wolff, PRL 62 (1989) 361",
    .params = params,
    .choices_name = choices_name,
    .choices = choices,
    .fits = fits,
    .refuse = refuse,
    .doubt = cw_hmc_doubt,
    .n_state = CW_HMC_N_STATE,
    .work_size = work_size,
    .init = cw_hmc_init,
    .step = cluster_step,
    .step_back = step_back,
    .tune = tune,
};
