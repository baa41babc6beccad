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
  bool project;     /* remove rounding errors from every updated link */
  uint16_t present; /* lanes of a block, bit by bit, that hold configurations */
} cw_sweep;

/* Links that one thread updates without waiting: (site[i], mu), 0 <= i < n. No two of a colour
 * share a plaquette. */
typedef struct {
  const int *site;
  long n;
  int mu;
} cw_run;

typedef struct {
  /* Updates a run of links of one block x in the lanes of active[site] (bits) that are present.
   * next: the run after it, to be fetched from memory in time. Returns the lanes (bits) where
   * not-a-number was met. Indexed by cw_field_kind. */
  unsigned (*update[CW_LINK_SU3 + 1])(const cw_sweep *s, const cw_field *x, const uint16_t *active,
                                      const cw_run *run, const cw_run *next);
} cw_heatbath_kernels;
CW_ISA_TABLES(cw_heatbath_kernels, cw_heatbath_kernels);

/* Slabs: sites with the same first depth coordinates within the canonical sub-lattices, numbered in
 * lexicographic order. A function of the lattice alone. */
typedef struct {
  int depth, n;
  int piece[CW_MAX_DIM]; /* extents of a canonical sub-lattice */
} cw_slabs;
cw_slabs cw_slabs_of(const cw_geometry *g);
int cw_slab(const cw_slabs *s, const int coord[]);

/* The outer sites to visit: colour 2*slab + parity has site[colour[c] .. colour[c + 1]). */
typedef struct {
  int n_colours;
  int *site;
  long *colour;     /* (n_colours + 1) */
  uint16_t *active; /* (n_outer) lanes to update, bit by bit */
} cw_visits;
/* g has a checkerboard. box: see cw_sampler_ops.restrict_to. CW_ENOMEM. The caller destroys *out.
 */
cw_status cw_visits_create(cw_context *ctx, const cw_geometry *g, const cw_box *box,
                           cw_visits **out);
void cw_visits_destroy(cw_visits *v);

/* The oracle: the same sweep on one configuration x (n_sites, dim*n_real), global sites in order,
 * plain complex numbers, for chain number chain, over the links that start in box (NULL: all). */
void cw_heatbath_reference(const cw_sweep *s, const cw_box *box, double *x, uint32_t chain);

#endif
