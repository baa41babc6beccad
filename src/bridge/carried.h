/* Inside of bridge: configurations under way along a ladder, whoever owns them, and what the moves
 * that change weights do to them. */
#ifndef CW_BRIDGE_CARRIED_H
#define CW_BRIDGE_CARRIED_H

#include "causeway/bridge.h"

enum { CW_CARRY_WORK = 3 };

/* Arrays of lanes are (n_blocks*B). All is borrowed. */
typedef struct {
  cw_context *ctx;
  const cw_ladder *ladder;
  cw_field *x;
  double *c;                  /* (CW_MAX_TERMS) couplings that they are at */
  double *lw;                 /* lanes: log-weights, which moves add to */
  double *T;                  /* (lanes, n_terms) terms at x, of those whose bit is set in known */
  unsigned *known;            /* x changed by other means than these moves: 0 */
  unsigned wanted;            /* terms that the owner will ask for: found whenever others are */
  double *work;               /* (CW_CARRY_WORK, lanes) scratch */
  const cw_theory_part *part; /* the links that maps move; NULL: all, or there are none */
} cw_carried;

/* All terms of a ladder's theory, as a set. */
unsigned cw_all_terms(const cw_ladder *ladder);
/* Terms whose couplings differ. */
unsigned cw_terms_changed(const cw_ladder *ladder, const double *a, const double *b);
/* T of the terms in a set at x, unless they are known. */
void cw_know_terms(cw_carried *at, unsigned set);
/* lw += ln|det J| - S(y) + S(x), y = f(x) or f^-1(x). */
cw_status cw_carry(cw_carried *at, const cw_map *map, bool back);
/* lw -= (to - c).T(x); c = to. */
void cw_retarget_to(cw_carried *at, const double *to);

#endif
