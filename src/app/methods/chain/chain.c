/* Free energy by chain integration in the hopping parameter. */
#include "app/methods/chain/chain.h"

static cw_section_kind kind(int i) {
  if (i > 0) return (cw_section_kind){.name = NULL};
  return (cw_section_kind){"chain", "Chain integration",
                           "ln Z by integration along the hopping parameter", CW_ORANGE};
}

static cw_status read(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_chain_plan *h = s->own;
  if (p->theory->bond_term < 0)
    return cw_job_fail(root, s->kind.name, "theory '%s' has no hopping term to integrate along",
                       p->theory->name);
  CW_TRY(cw_job_long(map, "nodes", 10, 2, CW_CHAIN_NODES, &h->nodes));
  CW_TRY(cw_read_which_sampler(map, &h->mcmc));
  CW_TRY(cw_read_mcmc(map, p, &h->mcmc));
  if (h->mcmc.keep > 0) return cw_job_fail(map, "keep", "configurations at nodes are not kept");
  return CW_OK;
}

static const cw_mcmc_plan *chains(const cw_section *s) {
  return &((const cw_chain_plan *)s->own)->mcmc;
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_chain_plan *h = s->own;
  (void)p;
  out[0] = cw_part_of(s, 0, "nodes", h->nodes);
  return 1;
}

static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  const cw_chain_plan *h = s->own;
  (void)p;
  t->state = 0; /* of a node, when it is done, there are only its rows */
  t->rows = (double)h->nodes * (double)(h->mcmc.steps / h->mcmc.every) * (double)h->mcmc.chains;
}

/* The entropy takes the action of chains on the target, too. */
static bool with_action(const cw_plan *p, const cw_section *s) {
  (void)s;
  return cw_plan_has(p, CW_MEASURES_ALL_GROUPS) && cw_entropy_primary(p->group[0].ops) != NULL;
}

static const cw_given given[] = {
    {.quantity = "F_chain", .of_case = true},
    {.quantity = "F_chain_per_site", .of_case = true, .exact = "free_energy"},
    {.quantity = "entropy_chain", .of_case = true, .when = with_action, .exact = "entropy"},
    {0}};

extern const cw_method cw_method_chain;
const cw_method cw_method_chain = {.name = "chain",
                                   .plan_size = sizeof(cw_chain_plan),
                                   .kind = kind,
                                   .read = read,
                                   .run = cw_run_chain,
                                   .parts = parts,
                                   .chains = chains,
                                   .given = given,
                                   .takings = takings,
                                   .fill = cw_fill_chain,
                                   .conclude = cw_conclude_chain,
                                   .warn = cw_warn_chain,
                                   .chapter = CW_CHAPTER_FREE_ENERGY,
                                   .draw = cw_draw_chain};
