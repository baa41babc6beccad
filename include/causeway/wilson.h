/* causeway/wilson.h - the Wilson action of U(1), SU(2) and SU(3), and what an update that knows the
 * staples of a link needs of it.
 *
 *   S = sum_k c_k T_k,   T_k = -(1/N) sum_{P in class k} Re tr P,
 *   class = (0: spatial plane, 1: a plane with the last direction, time) + 2 * (defect links of P).
 *
 * The link U at (x, mu) appears as -(scale/N) Re tr U V^+ with the weighted sum of its staples
 *   V = sum_nu  r_(2i)   U_nu(x) U_mu(x+nu) U_nu(x+mu)^+
 *             + r_(2i+1) U_nu(x-nu)^+ U_mu(x-nu) U_nu(x-nu+mu),
 * i = 0 .. dim-2 numbering the directions nu != mu in ascending order. Where a link has no defect
 * nearby and the couplings are isotropic, every r is exactly 1 and may be left out. Multiplying by
 * this 1 changes no bit: fast code without weights and slow code with them agree, as long as a
 * weight multiplies a factor or a whole staple and nothing else differs. */
#ifndef CAUSEWAY_WILSON_H
#define CAUSEWAY_WILSON_H

#include "causeway/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  CW_WILSON_CLASSES = 6,                   /* terms of the action */
  CW_WILSON_STAPLES = 2 * (CW_MAX_DIM - 1) /* of a link, at most */
};

typedef struct {
  int outer, mu, nu; /* mu < nu */
} cw_wilson_plaquette;

/* One with defect links, in the lanes of one sub-lattice. */
typedef struct {
  long link[4]; /* (x, mu), (x + mu, nu), (x, nu), (x + nu, mu), as in cw_link_set */
  long piece;   /* slice of its outer site */
  int group;    /* v */
  int term;     /* class of the plaquette */
} cw_wilson_lone;

/* The links (outer site, mu) that have a defect link in one of their staples' plaquettes or are one
 * themselves, in any lane. th->own of a Wilson theory; immutable. */
typedef struct {
  int *row; /* (n_outer, dim): row of defects, or -1: no defect nearby. NULL: no defect at all. */
  /* (n_rows, staple, lane): defect links in the plaquette that the staple closes: 0, 1 or 2 */
  uint8_t (*defects)[CW_WILSON_STAPLES][CW_LANES];
  long n_rows;
  cw_wilson_plaquette *touched; /* (n_touched) that have a defect link in any lane, ascending */
  long n_touched;
  cw_wilson_lone *lone; /* (n_lone) the same sub-lattice by sub-lattice, in that order */
  long n_lone;
} cw_wilson;

/* Couplings c = scale * ratio; ratio is 1 for temporal planes without defect, except where that
 * coupling is 0. */
typedef struct {
  double scale;
  double ratio[CW_WILSON_CLASSES];
  bool isotropic; /* links without a defect nearby have r = 1 on all staples */
} cw_wilson_weights;

/* Is this a theory of this header: of its terms, couplings and tables? */
bool cw_is_wilson(const cw_theory_ops *ops);

cw_wilson_weights cw_wilson_weigh(const cw_lattice *lat, const double c[CW_WILSON_CLASSES]);

/* defects (staple, lane) of link (outer, mu); NULL: no defect nearby. */
static inline const uint8_t (*cw_wilson_defects(const cw_theory *th, long outer,
                                                int mu))[CW_LANES] {
  const cw_wilson *w = (const cw_wilson *)th->own;
  if (w->row == NULL) return NULL;
  int row = w->row[outer * th->geom->lat.dim + mu];
  return row < 0 ? NULL : (const uint8_t(*)[CW_LANES])w->defects[row];
}

/* r (2*(dim-1), CW_LANES): weights of the staples of a link in direction mu. defects: of
 * cw_wilson_defects, NULL allowed. */
static inline void cw_wilson_staple_weights(const cw_wilson_weights *w, int dim, int mu,
                                            const uint8_t (*defects)[CW_LANES],
                                            double r[][CW_LANES]) {
  for (int s = 0; s < 2 * (dim - 1); s++) {
    int nu = s / 2 + (s / 2 >= mu), temporal = mu == dim - 1 || nu == dim - 1;
    for (int l = 0; l < CW_LANES; l++)
      r[s][l] = w->ratio[temporal + (defects != NULL ? 2 * defects[s][l] : 0)];
  }
}

#ifdef __cplusplus
}
#endif
#endif
