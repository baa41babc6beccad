/* Sections `rex` and `ptbc`. */
#include <string.h>

#include "app/methods/rex/rex.h"

static const char *const order_words[] = {"alternate", "random", NULL};
static const char *const measure_words[] = {"last", "all", NULL};

/* Does the ladder end on a theory that is invariant under translations? */
static bool ends_periodic(const cw_plan *p) {
  cw_box box;
  double c[CW_MAX_TERMS];
  if (!cw_find_defect(p, 0, &box)) return false;
  p->theory->couplings(p->form, &p->lat, p->param, c);
  return cw_theory_is_homogeneous(p->theory, c);
}

/* levels: [{margin: 2, sweeps: 2}, ...], each swept within every sweep of the one before. */
static cw_status read_sweeps(cw_node *map, int l, void *self) {
  cw_levels *levels = self;
  long sweeps;
  CW_TRY(cw_job_long(map, "sweeps", 1, 1, 1000, &sweeps));
  levels->level[l].count = (int)sweeps;
  return CW_OK;
}

/* multiples: [4, 1, 1], one of every replica. */
static cw_status read_multiples(cw_node *map, const cw_plan *p, cw_rex_plan *x) {
  const int replicas = cw_rex_pairs(p, x) + 1;
  if (!cw_job_has(map, "multiples")) return CW_OK;
  CW_TRY(cw_job_int_list(map, "multiples", NULL, 0, 1, 1000, CW_MAX_RUNGS, x->multiple,
                         &x->n_multiples));
  if (x->n_multiples == replicas) return CW_OK;
  return cw_job_fail(map, "multiples", "%d numbers for %d replicas", x->n_multiples, replicas);
}

/* Sampler steps, and sweeps of every level, are numbered with 32 bits. */
static cw_status check_numbers(const cw_node *map, const cw_rex_plan *x) {
  int most = 1;
  for (int k = 0; k < x->n_multiples; k++) most = x->multiple[k] > most ? x->multiple[k] : most;
  const double steps = ((double)x->mcmc.thermalise + (double)x->mcmc.steps) * most;
  double sweeps = steps;
  bool fits = steps * (double)x->mutations <= UINT32_MAX;
  double passes = 2 * steps;
  for (int l = 0; l < x->levels.n; l++) passes *= 1 + (double)x->levels.level[l].count;
  fits = fits && passes * (double)x->way.steps * (double)x->way.mutations <= UINT32_MAX;
  for (int l = 0; l < x->levels.n; l++)
    fits = fits && (sweeps *= x->levels.level[l].count) <= UINT32_MAX;
  return fits ? CW_OK : cw_job_fail(map, "steps", "more than 2^32 sampler steps");
}

static const cw_section_kind kinds[] = {
    {"rex", "Replica exchange", "swaps between the rungs of a ladder", CW_TEAL},
    {"ptbc", "PTBC", "parallel tempering on boundary conditions", CW_AQUA},
    {.name = NULL}};

cw_section_kind cw_rex_kind(int i) { return kinds[i]; }

cw_status cw_read_rex(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_rex_plan *x = s->own;
  int order, measured;
  x->name = s->kind.name;
  CW_TRY(cw_read_which_sampler(map, &x->mcmc));
  CW_TRY(cw_read_mcmc(map, p, &x->mcmc));
  CW_TRY(cw_job_long(map, "mutations", 1, 1, 1000000, &x->mutations));
  CW_TRY(cw_job_choice(map, "order", "order of swaps", order_words, CW_SWAP_ALTERNATE, &order));
  CW_TRY(cw_job_choice(map, "measure", "choice of rungs", measure_words, 0, &measured));
  x->order = (cw_swap_order)order;
  x->all_rungs = measured == 1;
  if (x->mcmc.keep > 0) return cw_job_fail(map, "keep", "replicas are not kept");
  CW_TRY(cw_read_way(map, p, &x->mcmc, CW_JOB_MAY, true, &x->way));
  CW_TRY(read_multiples(map, p, x));
  if (strcmp(x->name, "ptbc") != 0) {
    CW_TRY(cw_read_flow_section(map, p, &x->flow));
    if (x->flow != NULL && x->way.steps > 0)
      return cw_job_fail(map, "way",
                         "swaps go by a flow or by a way, of which flows are a "
                         "key too: not by both");
    return check_numbers(map, x);
  }
  if (!ends_periodic(p))
    return cw_job_fail(root, "ptbc",
                       "needs a ladder that ends on a periodic lattice: theory form 'defect' with "
                       "factor 1");
  CW_TRY(cw_job_bool(map, "translate", 1, &x->translate));
  CW_TRY(cw_read_levels(map, p, &x->mcmc, &x->levels, read_sweeps, &x->levels));
  return check_numbers(map, x);
}
