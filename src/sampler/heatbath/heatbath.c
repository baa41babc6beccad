/* Heat bath and over-relaxation of gauge links.
 *
 * A step is so many heat-bath sweeps and then so many over-relaxation sweeps. A sweep visits slab
 * after slab of the lattice, in each the directions, in each of these the even and then the odd
 * sites. Links of one slab, direction and parity share no plaquette, so that they are updated at
 * once: the order inside has no effect on the bits. Slabs keep the staples of a large lattice in
 * the cache. */
#include "sampler/heatbath/heatbath.h"

#include <omp.h>

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

static void release(cw_sampler *s) {
  cw_visits_destroy(s->own);
  s->own = NULL;
}

static cw_status restrict_to(cw_sampler *s, const cw_box *box) {
  cw_visits *v;
  CW_TRY(cw_visits_create(s->ctx, s->th->geom, box, &v));
  release(s);
  s->own = v;
  return CW_OK;
}

static cw_status init(cw_sampler *s) {
  const cw_geometry *g = s->th->geom;
  if (g->checkerboard != NULL) return restrict_to(s, NULL);
  for (int d = 0; d < g->lat.dim; d++)
    if (g->lat.extent[d] % 2 != 0)
      return cw_fail(
          s->ctx, CW_EINVAL,
          "sampler 'heatbath' updates even and odd sites in turn and needs even extents: "
          "extent %d is odd (hmc takes any)",
          g->lat.extent[d]);
  return cw_fail(s->ctx, CW_EINVAL,
                 "sampler 'heatbath' needs even sub-lattices, and with %d in lanes they are not",
                 g->V);
}

/* ------------------------------------------------------------------------ sweeps */

/* Run number i of a sweep, slab by slab, direction by direction, parity by parity: the share of the
 * calling thread. */
static cw_run run_of(const cw_visits *v, int dim, long i) {
  long me = omp_get_thread_num(), team = omp_get_num_threads();
  if (i >= (long)v->n_colours * dim) return (cw_run){0};
  const long *begin = v->colour + i / (2 * dim) * 2 + i % 2;
  long n = begin[1] - begin[0], first = n * me / team, last = n * (me + 1) / team;
  return (cw_run){v->site + begin[0] + first, last - first, (int)(i / 2 % dim)};
}

/* One sweep over a block, in the threads of the team that calls it together. Returns the lanes
 * where this thread met not-a-number. */
static unsigned sweep_block(const cw_sweep *s, const cw_field *x, const cw_visits *visits) {
  const cw_heatbath_kernels *k = CW_DISPATCH(s->th->isa, cw_heatbath_kernels);
  int dim = x->geom->lat.dim;
  long n_runs = (long)visits->n_colours * dim;
  cw_run next = run_of(visits, dim, 0);
  unsigned bad = 0;
  for (long i = 0; i < n_runs; i++) {
    cw_run run = next;
    next = run_of(visits, dim, i + 1);
    bad |= k->update[s->th->ops->kind](s, x, visits->active, &run, &next);
#pragma omp barrier
  }
  return bad;
}

/* Lanes of a block that hold configurations; the last block may have fewer than the others. */
static uint16_t present_lanes(const cw_field *x) {
  int lanes = 0;
  for (int l = 0; l < CW_LANES; l++)
    if (l % x->B < x->n_config) lanes |= 1 << l;
  return (uint16_t)lanes;
}

/* Returns the first chain where not-a-number was met; -1: none. */
static long step_block(const cw_sampler *s, cw_sweep sweep, const cw_field *x) {
  int n_heat = (int)s->param[PARAM_HEATBATH], n_relax = (int)s->param[PARAM_OVERRELAX];
  int project = (int)s->param[PARAM_PROJECT];
  unsigned bad = 0;
  sweep.present = present_lanes(x);
#pragma omp parallel num_threads(s->th->threads) firstprivate(sweep)
  {
    unsigned mine = 0;
    for (int i = 0; i < n_heat + n_relax; i++) {
      sweep.sweep = i;
      sweep.relax = i >= n_heat;
      uint64_t done = (uint64_t)sweep.step * (uint64_t)(n_heat + n_relax) + (uint64_t)i + 1;
      sweep.project = project > 0 && done % (uint64_t)project == 0;
      mine |= sweep_block(&sweep, x, s->own);
    }
#pragma omp atomic
    bad |= mine;
  }
  for (int b = 0; b < x->B; b++)
    for (int v = 0; v < x->geom->V; v++)
      if (bad >> (v * x->B + b) & 1) return x->first_chain + b;
  return -1;
}

static void fill_stats(const cw_field *x, const cw_step_stats *stats) {
  for (long i = 0; stats != NULL && i < x->n_blocks * x->B; i++) {
    if (stats->accept != NULL) stats->accept[i] = 1;
    if (stats->dH != NULL) stats->dH[i] = 0;
  }
}

/* Blocks side by side; a single one has all the threads to itself. */
static long step_blocks(const cw_sampler *s, const cw_sweep *sweep, const cw_field *x) {
  if (x->n_blocks == 1) return step_block(s, *sweep, x);
  long bad = -1;
#pragma omp parallel for schedule(static) num_threads(s->n_areas)
  for (long block = 0; block < x->n_blocks; block++) {
    cw_field view = cw_field_block(x, block);
    long chain = step_block(s, *sweep, &view);
    if (chain < 0) continue;
#pragma omp critical(cw_heatbath_bad)
    if (bad < 0 || chain < bad) bad = chain;
  }
  return bad;
}

static cw_status heatbath_step(cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                               uint32_t step, const cw_step_stats *stats) {
  CW_REQUIRE(x->geom->V == s->th->geom->V && x->geom->n_sites == s->th->geom->n_sites);
  cw_sweep sweep = {
      .th = s->th, .weights = cw_wilson_weigh(&x->geom->lat, c), .rng = rng, .step = step};
  long bad = step_blocks(s, &sweep, x);
  fill_stats(x, stats);
  if (bad >= 0)
    return cw_fail(s->ctx, CW_ENUMERIC, "heatbath: step %u: a link of chain %ld is not a number",
                   (unsigned)step, bad);
  return CW_OK;
}

extern const cw_sampler_ops cw_sampler_heatbath;
const cw_sampler_ops cw_sampler_heatbath = {
    .name = "heatbath",
    .title = "heat bath and over-relaxation of links",
    .source = "Cabibbo and Marinari, PLB 119 (1982) 387; Kennedy and Pendleton, PLB 156 (1985) 393",
    .params = params,
    .fits = fits,
    .n_state = 0,
    .work_size = work_size,
    .init = init,
    .step = heatbath_step,
    .restrict_to = restrict_to,
    .release = release,
};
