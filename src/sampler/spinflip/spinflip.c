/* Local updates of Ising spins, many of them in the bits of a word.
 *
 * A step packs each configuration into a string of bits in the order of its sites, sweeps over it
 * so many times, and unpacks it. A sweep first compares a random number of every site, digit by
 * digit, with the few probabilities that a local field can ask for, until all comparisons are
 * decided: the probabilities are exact to 2^-64. Then it visits colour after colour of sites that
 * are not neighbours, counts the neighbours of all of them at once, and takes the comparison that
 * belongs to each. Numbers depend on chain, site, step and sweep alone, and the string on the
 * lattice alone: lane splits, threads and instruction sets give the same bits.
 *
 * Words of spins as in G. Bhanot, D. Duke and R. Salvador, Phys. Rev. B 33 (1986) 7841; N.
 * Metropolis et al., J. Chem. Phys. 21 (1953) 1087. */
#include "sampler/spinflip/spinflip.h"

#include <stdlib.h>

#include "sampler/hmc/hmc.h"

enum { UPDATE_HEATBATH, UPDATE_METROPOLIS };
enum { PARAM_SWEEPS };

static const cw_param params[] = {{"sweeps", "sweeps per step", 4, 1, 1e6, CW_WHOLE}, {0}};
static const char *const updates[] = {"heatbath", "metropolis", NULL};
static const char *const choices_name[] = {"update", NULL};
static const char *const *const choices[] = {updates, NULL};

static bool fits(const cw_theory *th, const double *param) {
  const cw_theory_ops *ops = th->ops;
  (void)param;
  return ops->kind == CW_SITE_SPIN && ops->bond_term >= 0 &&
         ops->n_terms == 1 + (ops->field_term > 0);
}

/* ------------------------------------------------------------------- work memory */

/* Strings of all configurations of a block, and the comparisons of so many chains that vectors are
 * full. */
typedef struct {
  long n_together, stride; /* chains; of below_stride */
  uint64_t *string, *below;
} work_area;

static long chains_together(const cw_spin_layout *l) {
  return l->n_pairs < CW_SPIN_PAD ? CW_SPIN_PAD / l->n_pairs : 1;
}

/* Words per threshold. */
static long below_stride(const cw_spin_layout *l) {
  return chains_together(l) * l->n_words + CW_SPIN_PAD;
}

static work_area divide(const cw_spin_layout *l, int B, void *area) {
  work_area w = {.n_together = chains_together(l), .stride = below_stride(l), .string = area};
  w.below = w.string + B * l->length;
  return w;
}

static size_t work_size(const cw_theory *th) {
  const cw_spin_layout l = cw_spin_layout_of(&th->geom->lat);
  const int B = CW_LANES / th->geom->V;
  return (size_t)(B * l.length + CW_SPIN_COUNTS * below_stride(&l)) * sizeof(uint64_t);
}

static cw_status init(cw_sampler *s) {
  s->own = cw_spin_tables_create(&s->th->geom->lat);
  return s->own != NULL ? CW_OK : cw_fail(s->ctx, CW_ENOMEM, "no memory for the masks of spins");
}

static void release(cw_sampler *s) { free(s->own); }

/* ---------------------------------------------------------------- packing a block */

/* Where the bits of configuration b begin. */
static uint64_t *string_of(const cw_spin_layout *l, const work_area *w, int b) {
  return w->string + b * l->length + l->margin;
}

/* Outer sites from o on whose sites follow each other in every lane; at most 64. */
static int run_from(const cw_geometry *g, long o) {
  long row = g->piece[g->lat.dim - 1], left = row - o % row;
  return left < 64 ? (int)left : 64;
}

/* bad[CW_LANES]: not zero where a number is no spin. */
static void pack_block(const cw_spin_kernels *k, const cw_spin_layout *l, const cw_field *x,
                       const work_area *w, uint64_t *bad) {
  const cw_geometry *g = x->geom;
  for (long o = 0, n; o < g->n_outer; o += n) {
    uint64_t word[CW_LANES];
    n = run_from(g, o);
    k->pack(x->data + o * CW_LANES, (int)n, word, bad);
    for (int lane = 0; lane < CW_LANES; lane++)
      cw_spin_put(string_of(l, w, lane % x->B), g->site[o * g->V + lane / x->B], word[lane],
                  (int)n);
  }
  for (int b = 0; b < x->B; b++) cw_spin_wrap(l, string_of(l, w, b));
}

static void unpack_block(const cw_spin_kernels *k, const cw_spin_layout *l, const work_area *w,
                         const cw_field *x) {
  const cw_geometry *g = x->geom;
  for (long o = 0, n; o < g->n_outer; o += n) {
    uint64_t word[CW_LANES];
    n = run_from(g, o);
    for (int lane = 0; lane < CW_LANES; lane++)
      word[lane] =
          cw_spin_get(string_of(l, w, lane % x->B), g->site[o * g->V + lane / x->B], (int)n);
    k->unpack(word, (int)n, x->data + o * CW_LANES);
  }
}

/* ------------------------------------------------------------------------- sweeps */

/* One sweep over configurations [b, b + n) of a block, or its reversal: the sites of a colour do not
 * see each other, and each is updated by a rule that is its own reversal. flipped[b]: adds the spins
 * that changed. */
static void sweep(const cw_spin_kernels *k, const cw_spin_tables *t, const cw_spin_rule *rule,
                  const cw_spin_draws *draws, const work_area *w, bool back, int b, long n,
                  long *flipped) {
  const cw_spin_layout *l = &t->layout;
  k->compare(draws, rule, l->n_pairs, n, w->below, w->stride);
  for (long i = 0; i < n; i++)
    for (int turn = 0; turn < t->n_colours; turn++) {
      const int colour = back ? t->n_colours - 1 - turn : turn;
      uint64_t *string = string_of(l, w, b + (int)i);
      flipped[b + i] += k->flip(t, colour, rule, w->below + i * l->n_words, w->stride, string);
      cw_spin_wrap(l, string);
    }
}

static cw_status check_spins(const cw_sampler *s, const cw_field *x, uint32_t step,
                             const uint64_t *bad) {
  for (int lane = 0; lane < CW_LANES; lane++)
    if (bad[lane] != 0 && lane % x->B < x->n_config)
      return cw_fail(s->ctx, CW_ENUMERIC, "spinflip: step %u: a spin of chain %ld is not +1 or -1",
                     (unsigned)step, x->first_chain + lane % x->B);
  return CW_OK;
}

static cw_status update_block(const cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                              uint32_t step, bool back, void *area, double *accept, double *dH) {
  const cw_theory_ops *ops = s->th->ops;
  const cw_spin_kernels *k = CW_DISPATCH(s->th->isa, cw_spin_kernels);
  const cw_spin_tables *t = s->own;
  const cw_spin_layout *l = &t->layout;
  const bool metropolis = s->choice[0] == UPDATE_METROPOLIS;
  const cw_spin_rule rule = cw_spin_rule_make(
      l->lat.dim, c[ops->bond_term], ops->field_term > 0 ? c[ops->field_term] : 0, metropolis);
  const work_area w = divide(l, x->B, area);
  const int n_sweeps = (int)s->param[PARAM_SWEEPS], n_config = (int)x->n_config;
  uint64_t bad[CW_LANES] = {0};
  long flipped[CW_LANES] = {0};
  pack_block(k, l, x, &w, bad);
  CW_TRY(check_spins(s, x, step, bad));
  for (int b = 0; b < n_config; b += (int)w.n_together) {
    cw_spin_draws draws = {.rng = rng, .first_chain = (uint32_t)(x->first_chain + b), .step = step};
    const long n = n_config - b < w.n_together ? n_config - b : w.n_together;
    for (int i = 0; i < n_sweeps; i++, draws.draw += CW_SPIN_PLANES)
      sweep(k, t, &rule, &draws, &w, back, b, n, flipped);
  }
  unpack_block(k, l, &w, x);
  for (int b = 0; b < x->B; b++) {
    if (accept != NULL)
      accept[b] = metropolis ? (double)flipped[b] / ((double)l->n_sites * n_sweeps) : 1;
    if (dH != NULL) dH[b] = 0;
  }
  return CW_OK;
}

static cw_status spinflip_step(cw_sampler *s, const double *c, cw_field *x, cw_rng rng,
                               uint32_t step, const cw_step_stats *stats) {
  return cw_hmc_for_blocks(s, update_block, false, c, x, rng, step, stats);
}

static cw_status step_back(cw_sampler *s, const double *c, cw_field *x, cw_rng rng, uint32_t step,
                           const cw_step_stats *stats) {
  return cw_hmc_for_blocks(s, update_block, true, c, x, rng, step, stats);
}

extern const cw_sampler_ops cw_sampler_spinflip;
const cw_sampler_ops cw_sampler_spinflip = {
    .name = "spinflip",
    .label = "Spin flips",
    .title = "heat bath or Metropolis of Ising spins, in the bits of words",
    .source = "Bhanot, Duke and Salvador, PRB 33 (1986) 7841; Metropolis et al., J. Chem. Phys. 21 "
              "(1953) 1087",
    .params = params,
    .choices_name = choices_name,
    .choices = choices,
    .fits = fits,
    .n_state = 0,
    .work_size = work_size,
    .init = init,
    .step = spinflip_step,
    .step_back = step_back,
    .release = release,
};
