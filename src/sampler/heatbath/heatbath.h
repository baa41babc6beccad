/* Heat bath and over-relaxation of gauge links: what the driver, the lane kernels and the oracle
 * share. Private to this folder and to the tests. */
#ifndef CW_SAMPLER_HEATBATH_H
#define CW_SAMPLER_HEATBATH_H

#include "causeway/sampler.h"
#include "causeway/wilson.h"
#include "simd/dispatch.h"

/* Numbers of draws: a step has at most this many heat-bath sweeps, and each of the subgroups of a
 * link has tries of two draws. */
enum { CW_HEATBATH_SWEEPS = 1000, CW_HEATBATH_TRY_BITS = 18 };

static inline uint32_t cw_heatbath_draw(int sweep, int mu, int subgroup) {
  return (((uint32_t)sweep * CW_MAX_DIM + (uint32_t)mu) * 4 + (uint32_t)subgroup)
         << CW_HEATBATH_TRY_BITS;
}

/* alpha below which a0 of SU(2), and kappa below which the angle of U(1), is drawn uniformly and
 * accepted with its weight; Kennedy-Pendleton and Best-Fisher take over above. */
#define CW_HEATBATH_SMALL 1.0
#define CW_HEATBATH_HUGE                                                                           \
  1e150 /* from here on squares overflow: not a field, and nothing is drawn */
/* Staples whose square is smaller leave a link to the Haar measure, or as it is. */
#define CW_HEATBATH_ZERO 1e-200

/* One sweep over the links of a field. */
typedef struct {
  const cw_theory *th;
  cw_wilson_weights weights;
  cw_rng rng;
  uint32_t step;
  int sweep;        /* number in the step: keys the draws */
  bool relax;       /* over-relaxation; else heat bath */
  bool back;        /* of the reversal of a step: links and subgroups in descending order */
  bool project;     /* remove rounding errors from every updated link */
  uint16_t present; /* lanes of a block, bit by bit, that hold configurations */
} cw_sweep;

typedef struct cw_set_plan cw_set_plan;   /* set.h */
typedef struct cw_set_block cw_set_block; /* set.h */

typedef struct {
  /* Updates the links that start at inner sites [begin, begin + n) of one block x, site after site,
   * at each in all directions in turn, in the lanes that are present; back: from the last one. Returns the lanes (bits) where
   * not-a-number was met. Indexed by cw_field_kind. */
  unsigned (*update[CW_LINK_SU3 + 1])(const cw_sweep *s, const cw_field *x, long begin, long n);
  /* Updates the links of a set in one block, class after class. Returns the chains of the block
   * (bits) where not-a-number was met. */
  unsigned (*update_set[CW_LINK_SU3 + 1])(const cw_sweep *s, const cw_set_plan *set,
                                          const cw_set_block *b);
} cw_heatbath_kernels;
CW_ISA_TABLES(cw_heatbath_kernels, cw_heatbath_kernels);

/* The oracle: the same sweep on one configuration x (n_sites, dim*n_real), link after link in the
 * order of updates, plain complex numbers, for chain number chain, over the links of a set (NULL:
 * all). */
void cw_heatbath_reference(const cw_sweep *s, const cw_set_plan *set, double *x, uint32_t chain);

#endif
