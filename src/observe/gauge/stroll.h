/* Walks of any length over the lattice, on lanes: like cw_step and cw_step2, one step at a time. */
#ifndef CW_OBSERVE_STROLL_H
#define CW_OBSERVE_STROLL_H

#include "group/walk.h"

typedef struct {
  long outer;
  bool turned;
  int64_t from[CW_LANES] CW_ALIGNED; /* of the lanes where the walk began; read if turned */
} cw_stroll;

static inline void cw_stroll_begin(cw_stroll *s, long outer) {
  s->outer = outer;
  s->turned = false;
}

static inline void cw_stroll_step(cw_stroll *s, const cw_geometry *g, int direction) {
  cw_place next = cw_step(g, s->outer, direction);
  s->outer = next.outer;
  if (next.from == NULL) return;
  for (int lane = 0; lane < CW_LANES; lane++)
    s->from[lane] = next.from[s->turned ? s->from[lane] : lane];
  s->turned = true;
}

/* Valid until the next step. */
static inline cw_place cw_stroll_place(const cw_stroll *s) {
  return (cw_place){s->outer, s->turned ? s->from : NULL};
}

#endif
