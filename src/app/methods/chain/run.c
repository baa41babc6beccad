/* Free energy by chain integration: d ln Z/d kappa = 2 <sum phi phi_mu> integrated along the
 * hopping parameter, from independent sites (kappa = 0), where Z is a product of one-site
 * integrals, to the target. The classical alternative to a flow's direct estimate (Nicoli et al.,
 * arXiv:2007.07115). One Markov chain run per Gauss-Legendre node. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/chain/chain.h"
#include "app/run/stage.h"
#include "causeway/stats.h"

typedef struct {
  const cw_mcmc_plan *plan;
  cw_rng rng;
  double kappa[CW_CHAIN_NODES], weight[CW_CHAIN_NODES];
  double lnZ0;
  cw_chains chains;               /* of every node in turn */
  double fresh[CW_SAMPLER_STATE]; /* the sampler's state before it was tuned */
  cw_record slope;                /* rows of the last node */
  long node;
} chain;

static void couplings_at(const cw_case *c, double kappa, double *out) {
  memcpy(out, c->theory.c, sizeof c->theory.c);
  out[c->theory.ops->bond_term] = -2 * kappa;
}

static cw_status record_slope(cw_case *c, chain *h) {
  const cw_field *x = &h->chains.x;
  double *row = cw_record_row(&h->slope, x->n_config);
  int n_terms = c->theory.ops->n_terms, bond = c->theory.ops->bond_term;
  if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
#pragma omp parallel for num_threads(cw_threads(c->ctx)) schedule(static)
  for (long b = 0; b < x->n_blocks; b++) {
    double T[CW_LANES * CW_MAX_TERMS];
    cw_field block = cw_field_block(x, b);
    c->theory.ops->terms(&c->theory, &block, T);
    for (long i = 0; i < block.n_config; i++) row[b * x->B + i] = 2 * T[i * n_terms + bond];
  }
  return CW_OK;
}

/* Steps of all chains at a node's couplings; every so many a row. */
static cw_status sample_node(cw_case *c, chain *h, long node) {
  const cw_mcmc_plan *p = h->plan;
  const cw_rng rng = cw_rng_substream(h->rng, "node", (uint32_t)node);
  double coupling[CW_MAX_TERMS];
  couplings_at(c, h->kappa[node], coupling);
  CW_TRY(cw_sampler_run(&h->chains, coupling, rng, 0, p->thermalise, (uint32_t)p->thermalise));
  for (long t = 0; t + p->every <= p->steps; t += p->every) {
    CW_TRY(cw_sampler_run(&h->chains, coupling, rng, (uint32_t)(p->thermalise + t), p->every, 0));
    CW_TRY(cw_agree(c->ctx, record_slope(c, h)));
  }
  return CW_OK;
}

static cw_status step(cw_stage *s, cw_case *c, long node) {
  chain *h = s->self;
  h->node = node;
  memcpy(h->chains.sampler->state, h->fresh, sizeof h->fresh);
  CW_TRY(cw_agree(c->ctx, cw_start_field(c, h->plan, h->rng, (uint32_t)node, &h->chains.x)));
  return sample_node(c, h, node);
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  chain *h = s->self;
  long dim[3] = {1, h->slope.n, h->plan->chains}, one = 1;
  cw_arrays rows = {0};
  cw_status st = cw_put_chains(c, &rows, "slope", &h->slope, h->plan->chains, 0);
  if (st == CW_OK)
    st = cw_arrays_put(c->ctx, set, "slope", 3, dim, cw_arrays_get(&rows, "slope")->data);
  cw_arrays_clear(&rows);
  CW_TRY(st);
  CW_TRY(cw_arrays_put(c->ctx, set, "kappa", 1, &one, &h->kappa[h->node]));
  CW_TRY(cw_arrays_put(c->ctx, set, "weight", 1, &one, &h->weight[h->node]));
  return cw_arrays_put(c->ctx, set, "lnZ0", 1, &one, &h->lnZ0);
}

static cw_status open_chains(cw_case *c, chain *h) {
  const cw_mcmc_plan *p = h->plan;
  CW_TRY(cw_chains_open(c->ctx, &c->theory, p->ops, p->param, p->choice, p->chains, &h->chains));
  memcpy(h->fresh, h->chains.sampler->state, sizeof h->fresh);
  return CW_OK;
}

cw_status cw_run_chain(cw_case *c, const cw_section *s) {
  const cw_chain_plan *plan = s->own;
  chain h = {.plan = &plan->mcmc, .rng = cw_case_rng(c, s->kind.name)};
  cw_gauss_legendre((int)plan->nodes, 0, -0.5 * c->theory.c[c->theory.ops->bond_term], h.kappa,
                    h.weight);
  h.lnZ0 = (double)c->geom->n_sites * cw_one_site_lnz(c->theory.ops, c->theory.n_comp, c->theory.c);
  if (!isfinite(h.lnZ0))
    return cw_fail(c->ctx, CW_ENUMERIC,
                   "chain: ln Z of a single site at these couplings is beyond "
                   "numerical integration");
  cw_stage stage = {.name = s->kind.name,
                    .n_steps = plan->nodes,
                    .every_step = true,
                    .self = &h,
                    .step = step,
                    .save = save,
                    .load = cw_nothing_to_load};
  cw_status st = cw_agree(c->ctx, open_chains(c, &h));
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  cw_record_free(&h.slope);
  cw_chains_close(&h.chains);
  return st;
}
