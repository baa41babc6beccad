/* The order in which the sites of a lattice are drawn. Private to src/model. */
#ifndef CW_MODEL_ORDER_H
#define CW_MODEL_ORDER_H

#include "causeway/model.h"

typedef struct {
  int n;
  int *site;     /* (n) global site of the i-th that is drawn */
  int *position; /* (n) when a global site is drawn */
  int *group;    /* (n) of the i-th: sites of one group may share weights */
  int n_group;
} cw_order;

/* The order of the spec's kind. CW_EINVAL: there is none of that name; CW_ENOMEM. The caller
 * destroys *out in any case. */
cw_status cw_order_create(cw_context *ctx, const cw_autoregressive_spec *spec,
                          const cw_lattice *lat, cw_order *out);
void cw_order_destroy(cw_order *order);

/* Neighbours of a global site drawn before position `before`, with their multiplicity where extents
 * are 2, none for extents of 1; out (2*dim). Returns how many. */
int cw_order_drawn_neighbours(const cw_order *order, const cw_lattice *lat, int site, int before,
                              int *out);
/* Positions before i, ascending, of the drawn spins that touch the undrawn ones which are connected
 * with site i: given these, s_i depends on no others. work (2n): cleared before the first call for
 * this order, then left as it is; out (n). Returns how many. */
int cw_order_frontier(const cw_order *order, const cw_lattice *lat, int i, int *work, int *out);

#endif
