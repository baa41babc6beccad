/* Links of a set in lanes, for heatbath.isa.c: what the groups share. */
#ifndef CW_HEATBATH_BATCH_H
#define CW_HEATBATH_BATCH_H

#include "sampler/heatbath/draws.h"
#include "sampler/heatbath/set.h"

/* (Link, chain) pairs of a class; lanes from n on repeat the first one. In place: the chains of one
 * link. */
typedef struct {
  int n, n_vec;
  long link[CW_LANES]; /* places */
  size_t chain[CW_LANES];
  long next; /* the place after link[0], if there is one */
} cw_batch;

/* From pair number first of a class on, and whose draws they need. */
CW_INLINE void cw_batch_find(cw_batch *t, const cw_set_plan *set, const cw_set_block *b,
                             const cw_link_class *class, long first, cw_draws *d) {
  const long chains = set->in_place ? CW_LANES : b->n_chains;
  const long link0 = class->begin + first / chains, chain0 = first % chains;
  long link = link0, chain = chain0;
  int64_t active[CW_LANES] CW_ALIGNED;
  const long left = class->n * chains - first;
  t->n = set->in_place ? b->n_chains : left < CW_LANES ? (int)left : CW_LANES;
  t->n_vec = (t->n + CW_VD - 1) / CW_VD;
  for (int l = 0; l < CW_LANES; l++) {
    t->link[l] = l < t->n ? link : link0;
    t->chain[l] = (size_t)(l < t->n ? chain : chain0);
    d->site[l] = set->site[t->link[l]];
    d->chain[l] = (uint64_t)b->first_chain + t->chain[l];
    active[l] = l < t->n ? -1 : 0;
    if (++chain == chains) chain = 0, link++;
  }
  t->next = link0 + 1 < set->n ? link0 + 1 : link0;
  memcpy(d->active, active, sizeof active);
}

CW_INLINE void cw_batch_weights(const cw_sweep *s, const cw_set_plan *set, const cw_batch *t,
                                double r[][CW_LANES]) {
  for (int i = 0; i < set->n_staples; i++)
    for (int l = 0; l < CW_LANES; l++)
      r[i][l] = s->weights.ratio[set->plaquette[i * set->n + t->link[l]]];
}

/* The chains (bits) of lanes of a mask. */
CW_INLINE unsigned cw_batch_chains(const cw_batch *t, const cw_vl *mask) {
  unsigned lanes = 0, chains = 0;
  cw_vl any = mask[0];
  for (int k = 1; k < CW_N_VEC; k++) any |= mask[k];
  if (!cw_any(any)) return 0;
  lanes = cw_lane_bits(mask);
  for (int l = 0; l < t->n; l++) chains |= (lanes >> l & 1) << t->chain[l];
  return chains;
}

#endif
