/* Links of neighbouring sites on lanes. A place is an outer site seen from the lanes of another
 * one: from is NULL where lanes are the same, else the source of each lane (see cw_lanes_from). */
#ifndef CW_GROUP_WALK_H
#define CW_GROUP_WALK_H

#include "causeway/lattice.h"

typedef struct {
  long outer;
  const int64_t *from;
} cw_place;

/* Directions: 2*mu forward, 2*mu + 1 backward, as in cw_geometry. */
static inline cw_place cw_step(const cw_geometry *g, long outer, int direction) {
  long i = outer * 2 * g->lat.dim + direction;
  int turn = g->turn[i];
  return (cw_place){g->neighbour[i], turn ? cw_lanes_from(g, turn, 0) : NULL};
}
static inline cw_place cw_step2(const cw_geometry *g, long outer, int first, int second) {
  long i = outer * 2 * g->lat.dim + first, j = (long)g->neighbour[i] * 2 * g->lat.dim + second;
  int t = g->turn[i], u = g->turn[j];
  return (cw_place){g->neighbour[j], t | u ? cw_lanes_from(g, t, u) : NULL};
}

#endif
