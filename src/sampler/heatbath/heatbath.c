/* Heat bath and over-relaxation of gauge links.
 *
 * A step is so many heat-bath sweeps and then so many over-relaxation sweeps. A sweep visits the
 * sites in the order of cw_wavefront, and at each the links in all directions in turn: neighbours
 * are found in the cache, threads need no barriers, and one sweep begins before the last one ends.
 */
#include "sampler/heatbath/heatbath.h"

#include <stdlib.h>

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
  free(s->own);
  s->own = NULL;
}

/* Lanes of an outer site whose sites lie in the box; NULL: all. */
static uint16_t lanes_inside(const cw_geometry *g, const cw_box *box, long outer) {
  int B = CW_LANES / g->V, lanes = 0, coord[CW_MAX_DIM];
  if (box == NULL) return 0xFFFF;
  for (int v = 0; v < g->V; v++) {
    cw_lattice_coord(&g->lat, g->site[outer * g->V + v], coord);
    if (cw_box_contains(&g->lat, box, coord)) lanes |= ((1 << B) - 1) << (v * B);
  }
  return (uint16_t)lanes;
}

/* What a sampler owns: (n_outer) lanes to update, bit by bit. */
static cw_status restrict_to(cw_sampler *s, const cw_box *box) {
  const cw_geometry *g = s->th->geom;
  uint16_t *active = cw_alloc((size_t)g->n_outer * sizeof *active);
  if (active == NULL)
    return cw_fail(s->ctx, CW_ENOMEM, "no memory for the sites of heat-bath sweeps");
  for (long o = 0; o < g->n_outer; o++) active[o] = lanes_inside(g, box, o);
  release(s);
  s->own = active;
  return CW_OK;
}

static cw_status init(cw_sampler *s) { return restrict_to(s, NULL); }

/* ------------------------------------------------------------------------ sweeps */

/* Sweep number i of the step as sweep tells. */
static cw_sweep sweep_number(const cw_sampler *s, cw_sweep sweep, int i) {
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

/* Returns the first chain where not-a-number was met; -1: none. */
static long step_block(const cw_sampler *s, cw_sweep sweep, const cw_field *x) {
  const cw_heatbath_kernels *k = CW_DISPATCH(s->th->isa, cw_heatbath_kernels);
  const long n_sweeps = (long)(s->param[PARAM_HEATBATH] + s->param[PARAM_OVERRELAX]);
  unsigned bad = 0;
  cw_wavefront wave;
  cw_wavefront_begin(&wave, x->geom);
  sweep.present = present_lanes(x);
#pragma omp parallel num_threads(s->th->threads) reduction(| : bad)
  {
    cw_stretch t = {0};
    while (cw_wavefront_next(&wave, n_sweeps, &t)) {
      const cw_sweep now = sweep_number(s, sweep, (int)t.pass);
      bad |= k->update[s->th->ops->kind](&now, x, s->own, t.begin, t.n);
    }
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
    .label = "Heat bath",
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
