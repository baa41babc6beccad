/* Heat bath and over-relaxation of gauge links.
 *
 * A step is so many heat-bath sweeps and then so many over-relaxation sweeps. A sweep over all links
 * visits the sites in the order of cw_wavefront, and at each the links in all directions in turn:
 * neighbours are found in the cache, threads need no barriers, and one sweep begins before the last
 * one ends. A sweep over a set of links is that of set.h. The reversal of a step has the same
 * sweeps, each through its links and their subgroups in the opposite order, the last one first. */
#include <omp.h>

#include "sampler/heatbath/set.h"

enum { PARAM_HEATBATH, PARAM_OVERRELAX, PARAM_PROJECT };

static const cw_param params[] = {
    {"heatbath", "heat-bath sweeps per step", 1, 1, CW_HEATBATH_SWEEPS, CW_WHOLE},
    {"overrelax", "over-relaxation sweeps per step, after the heat bath", 4, 0, 1e6, CW_WHOLE},
    {"project", "links are made group elements again every so many sweeps; 0: never", 1, 0, 1e6,
     CW_WHOLE},
    {0}};

static bool fits(const cw_theory *th, const double *param) {
  return cw_is_wilson(th->ops) && param[PARAM_HEATBATH] + param[PARAM_OVERRELAX] >= 1;
}

static size_t work_size(const cw_theory *th) {
  (void)th;
  return 0;
}

/* What a sampler owns: the set of links that it is restricted to; NULL: all. */
static void release(cw_sampler *s) {
  cw_set_plan_destroy(s->own);
  s->own = NULL;
}

static cw_status restrict_on_patch(cw_sampler *s, const cw_link_set *links, const cw_patch *patch) {
  cw_set_plan *set = NULL;
  if (links != NULL) CW_TRY(cw_set_plan_create(s->ctx, s->th, links, patch, s->n_areas, &set));
  release(s);
  s->own = set;
  return CW_OK;
}

static cw_status restrict_to(cw_sampler *s, const cw_link_set *links) {
  return restrict_on_patch(s, links, NULL);
}

static cw_status init(cw_sampler *s) {
  (void)s;
  return CW_OK;
}

/* ------------------------------------------------------------------------ sweeps */

static long n_sweeps(const cw_sampler *s) {
  return (long)(s->param[PARAM_HEATBATH] + s->param[PARAM_OVERRELAX]);
}

/* The sweep of a step, or of its reversal, that comes after so many. */
static cw_sweep sweep_after(const cw_sampler *s, cw_sweep sweep, long so_many) {
  const int i = (int)(sweep.back ? n_sweeps(s) - 1 - so_many : so_many);
  int n_heat = (int)s->param[PARAM_HEATBATH], n_relax = (int)s->param[PARAM_OVERRELAX];
  int project = (int)s->param[PARAM_PROJECT];
  uint64_t done = (uint64_t)sweep.step * (uint64_t)(n_heat + n_relax) + (uint64_t)i + 1;
  sweep.sweep = i;
  sweep.relax = i >= n_heat;
  sweep.project = project > 0 && done % (uint64_t)project == 0;
  return sweep;
}

/* Lanes of a block that hold configurations; the last block may have fewer than the others. */
static uint16_t present_lanes(const cw_field *x) {
  int lanes = 0;
  for (int l = 0; l < CW_LANES; l++)
    if (l % x->B < x->n_config) lanes |= 1 << l;
  return (uint16_t)lanes;
}

/* The first lane, or chain, of those whose bit is set. */
static int first_bit(unsigned bits) { return __builtin_ctz(bits); }

/* The reflection of all coordinates of a canonical sub-lattice turns the order of a pass around, and
 * leaves those neighbours that were: threads may share out a reflected pass as they share out a pass.
 */
static long first_site(const cw_sweep *sweep, const cw_geometry *g, const cw_stretch *t) {
  return sweep->back ? g->n_inner - t->begin - t->n : t->begin;
}

/* Returns the first chain where not-a-number was met; -1: none. */
static long sweep_all(const cw_sampler *s, cw_sweep sweep, const cw_field *x) {
  const cw_heatbath_kernels *k = CW_DISPATCH(s->th->isa, cw_heatbath_kernels);
  unsigned bad = 0, chains = 0;
  cw_wavefront wave;
  cw_wavefront_begin(&wave, x->geom);
  sweep.present = present_lanes(x);
#pragma omp parallel num_threads(s->th->threads) reduction(| : bad)
  {
    cw_stretch t = {0};
    while (cw_wavefront_next(&wave, n_sweeps(s), &t)) {
      const cw_sweep now = sweep_after(s, sweep, t.pass);
      bad |= k->update[s->th->ops->kind](&now, x, first_site(&now, x->geom, &t), t.n);
    }
  }
  for (int l = 0; l < CW_LANES; l++) chains |= (bad >> l & 1) << l % x->B;
  return chains != 0 ? x->first_chain + first_bit(chains) : -1;
}

/* The same for a set of links, with patch number so and so. */
static long sweep_set(const cw_sampler *s, cw_sweep sweep, const cw_field *x, int patch) {
  const cw_heatbath_kernels *k = CW_DISPATCH(s->th->isa, cw_heatbath_kernels);
  const cw_set_plan *set = s->own;
  const cw_set_block block = cw_set_load(set, x, patch);
  unsigned bad = 0;
  for (long i = 0, n = n_sweeps(s); i < n; i++) {
    const cw_sweep now = sweep_after(s, sweep, i);
    bad |= k->update_set[s->th->ops->kind](&now, set, &block);
  }
  cw_set_store(set, &block, x);
  return bad != 0 ? x->first_chain + first_bit(bad) : -1;
}

static long step_block(const cw_sampler *s, const cw_sweep *sweep, const cw_field *x, int thread) {
  return s->own != NULL ? sweep_set(s, *sweep, x, thread) : sweep_all(s, *sweep, x);
}

static void fill_stats(const cw_field *x, const cw_step_stats *stats) {
  for (long i = 0; stats != NULL && i < x->n_blocks * x->B; i++) {
    if (stats->accept != NULL) stats->accept[i] = 1;
    if (stats->dH != NULL) stats->dH[i] = 0;
  }
}

/* Blocks side by side; a single one has all the threads to itself. */
static long step_blocks(const cw_sampler *s, const cw_sweep *sweep, const cw_field *x) {
  if (x->n_blocks == 1) return step_block(s, sweep, x, 0);
  long bad = -1;
#pragma omp parallel for schedule(static) num_threads(s->n_areas)
  for (long block = 0; block < x->n_blocks; block++) {
    cw_field view = cw_field_block(x, block);
    long chain = step_block(s, sweep, &view, omp_get_thread_num());
    if (chain < 0) continue;
#pragma omp critical(cw_heatbath_bad)
    if (bad < 0 || chain < bad) bad = chain;
  }
  return bad;
}

static cw_status run(cw_sampler *s, const double *c, cw_field *x, const cw_sweep *kind,
                     const cw_step_stats *stats) {
  CW_REQUIRE(x->geom->V == s->th->geom->V && x->geom->n_sites == s->th->geom->n_sites);
  cw_sweep sweep = *kind;
  sweep.th = s->th;
  sweep.weights = cw_wilson_weigh(&x->geom->lat, c);
  long bad = step_blocks(s, &sweep, x);
  fill_stats(x, stats);
  if (bad >= 0)
    return cw_fail(s->ctx, CW_ENUMERIC, "heatbath: step %u: a link of chain %ld is not a number",
                   (unsigned)sweep.step, bad);
  return CW_OK;
}

static cw_status heatbath_step(cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                               uint32_t step, const cw_step_stats *stats) {
  return run(s, c, x, &(cw_sweep){.rng = rng, .step = step}, stats);
}

static cw_status step_back(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                           const cw_step_stats *stats) {
  return run(s, c, x, &(cw_sweep){.rng = rng, .step = step, .back = true}, stats);
}

extern const cw_sampler_ops cw_sampler_heatbath;
const cw_sampler_ops cw_sampler_heatbath = {
    .name = "heatbath",
    .label = "Heat bath",
    .title = "heat bath and over-relaxation of links",
    .source = "Cabibbo and Marinari, PLB 119 (1982) 387; Kennedy and Pendleton, PLB 156 (1985) 393",
    .params = params,
    .fits = fits,
    .n_state = 0,
    .work_size = work_size,
    .init = init,
    .step = heatbath_step,
    .step_back = step_back,
    .restrict_to = restrict_to,
    .restrict_on_patch = restrict_on_patch,
    .release = release,
};
