/* The same configurations in the layout of another V. */
#ifndef CW_TEST_RELAYOUT_H
#define CW_TEST_RELAYOUT_H

#include "causeway/lattice.h"

/* to, from: same lattice, components and number of configurations. */
static inline void relayout(cw_field *to, const cw_field *from) {
  CW_REQUIRE(to->n_config == from->n_config && to->n_comp == from->n_comp &&
             to->geom->n_sites == from->geom->n_sites);
  to->first_chain = from->first_chain;
  for (long i = 0; i < from->n_config; i++)
    for (long s = 0; s < from->geom->n_sites; s++)
      for (int c = 0; c < from->n_comp; c++) cw_field_set(to, i, s, c, cw_field_get(from, i, s, c));
}

#endif
