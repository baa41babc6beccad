/* Section `expect` of a job: what a result should be, and how far it is from that.
 *
 *   expect:
 *     plaquette: {value: 0.593678, error: 0.000024, source: hep-lat/9602007}
 *     hmc.potential[2]: {value: 0.4}
 *
 * A key is a quantity, of every stage that measures it, or STAGE.QUANTITY. */
#ifndef CW_APP_EXPECT_H
#define CW_APP_EXPECT_H

#include "causeway/core.h"

enum { CW_MAX_EXPECT = 64, CW_EXPECT_NAME = 64, CW_EXPECT_SOURCE = 160 };

typedef struct {
  char stage[CW_EXPECT_NAME];    /* "": any */
  char quantity[CW_EXPECT_NAME]; /* without its index */
  int index;                     /* of a vector quantity; -1: a scalar */
  double value, error;
  char source[CW_EXPECT_SOURCE]; /* "" if the job does not say */
} cw_expect;

#define CW_EXPECT_SIGMA 4 /* a result further away is warned of */

/* The expected value in words (size): with its error, or all digits that an exact one may need. */
void cw_expect_format(const cw_expect *e, char *text, size_t size);

typedef struct cw_analysis_case cw_analysis_case;

/* Finds the expectation of every result of a filled case, and warns. CW_ENOMEM. */
cw_status cw_expect_compare(cw_context *ctx, cw_analysis_case *c);

#endif
