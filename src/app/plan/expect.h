/* Section `expect` of a job: what a result should be.
 *
 *   expect:
 *     plaquette: {value: 0.593678, error: 0.000024, source: hep-lat/9602007}
 *     hmc.potential[2]: {value: 0.4}
 *
 * A key is a quantity, of every section that measures it, or SECTION.QUANTITY; of sections that estimate
 * derivatives (CW_GIVES_DERIVATIVES), d_QUANTITY is that of a quantity. */
#ifndef CW_APP_EXPECT_H
#define CW_APP_EXPECT_H

#include "causeway/core.h"

enum { CW_MAX_EXPECT = 64, CW_EXPECT_NAME = 64, CW_EXPECT_SOURCE = 160 };

typedef struct {
  char section[CW_EXPECT_NAME];  /* or the name of a part: "smc.pimh"; "": any */
  char quantity[CW_EXPECT_NAME]; /* without its index, and without "d_" */
  bool derivative;
  int index; /* of a vector quantity; -1: a scalar */
  double value, error;
  char source[CW_EXPECT_SOURCE]; /* "" if the job does not say */
} cw_expect;

#endif
