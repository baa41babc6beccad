/* Gaussian fields slice by slice. */
#ifndef CW_GROUP_NORMAL_H
#define CW_GROUP_NORMAL_H

#include "causeway/lattice.h"

/* The numbers of cw_field_normal, with the same bits, for outer sites [begin, end) of one block:
 * fast for every V, and threads may share out the sites. */
void cw_normal_slice(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step, uint32_t draw, long begin,
                     long end);

#endif
