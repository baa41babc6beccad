/* Sections named after samplers, and `excursion`: Markov chains of the job's theory. */
#include <stdio.h>
#include <string.h>

#include "app/methods/mcmc/mcmc.h"

static cw_section_kind kind(int i) {
  static const int colours[] = {CW_BLUE, CW_RED, CW_ORANGE, CW_BROWN};
  for (int k = 0; k < i; k++)
    if (cw_samplers[k] == NULL) return (cw_section_kind){.name = NULL};
  const cw_sampler_ops *ops = cw_samplers[i];
  if (ops == NULL) return cw_excursion_kind;
  return (cw_section_kind){ops->name, ops->label, ops->title, colours[i % 4]};
}

static cw_status read(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_chains_plan *plan = s->own;
  (void)root;
  if (strcmp(s->kind.name, cw_excursion_kind.name) == 0) return cw_read_excursion(map, p, plan);
  plan->mcmc.ops = cw_sampler_find(s->kind.name);
  return cw_read_mcmc(map, p, &plan->mcmc);
}

static const cw_mcmc_plan *chains(const cw_section *s) {
  return &((const cw_chains_plan *)s->own)->mcmc;
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const unsigned is = CW_IS_CHAINS | CW_IS_MEASURED | CW_IS_REFERENCE;
  out[0] = cw_part_of(s, is, "steps", cw_measured_rows(p, chains(s)));
  return 1;
}

static const cw_growth grows[] = {
    {.key = "steps", .taken = true}, {.key = "keep", .taken = true}, {0}};

/* The kept rows are spread over all rows: only a denser or a longer run of the same density keeps those that
 * are kept. */
static bool refuse_growth(const cw_section *was, const cw_section *is, char *why, size_t size) {
  const cw_mcmc_plan *a = chains(was), *b = chains(is);
  const long rows = a->steps / a->every, more = b->steps / b->every;
  const long kept = cw_kept_rows(a), all = cw_kept_rows(b);
  if ((double)kept * (double)more == (double)all * (double)rows) return false;
  if (kept * more % rows == 0 && a->keep > 0)
    snprintf(why, size, "configurations are kept at equal distances: with %ld steps 'keep' is %ld",
             b->steps, kept * more / rows * a->chains);
  else
    snprintf(why, size, "configurations are kept at equal distances, which would be others");
  return true;
}

static const cw_given given[] = {
    {.quantity = "acceptance"}, {.quantity = "exp_mdH"}, {.quantity = "sampler_acceptance"}, {0}};

extern const cw_method cw_method_mcmc;
const cw_method cw_method_mcmc = {.name = "mcmc",
                                  .needs = CW_KEEPS | CW_MEASURES_ALL_GROUPS,
                                  .plan_size = sizeof(cw_chains_plan),
                                  .kind = kind,
                                  .read = read,
                                  .run = cw_run_mcmc,
                                  .parts = parts,
                                  .chains = chains,
                                  .given = given,
                                  .grows = grows,
                                  .refuse_growth = refuse_growth,
                                  .fill = cw_fill_mcmc,
                                  .warn = cw_warn_mcmc};
