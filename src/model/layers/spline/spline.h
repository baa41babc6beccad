/* Rational-quadratic splines: the coupling, and what it shares with layer `mean`. Private to
 * src/model/layers. */
#ifndef CW_MODEL_SPLINE_H
#define CW_MODEL_SPLINE_H

#include "model/layers/coupling/coupling.h"

enum { CW_SPLINE_KEEP = 1, CW_SPLINE_MAX_BINS = 32 };
#define CW_SPLINE_GAIN 0.1 /* width of the raw parameters at the start */
CW_ISA_TABLES(cw_transform_kernels, cw_spline_kernels);

/* The keys after z2, and what they and z2 say. */
enum { CW_SPLINE_BINS = CW_COUPLING_Z2 + 1, CW_SPLINE_RANGE };
#define CW_SPLINE_PARAMS                                                                           \
  {"bins", "pieces of the spline", 8, 2, CW_SPLINE_MAX_BINS, CW_WHOLE}, {                          \
    "range", "the spline is the identity outside of [-range, range]", 4, 1e-3, 1e6, CW_REAL        \
  }
cw_transform_spec cw_spline_constants(const cw_layer_spec *spec);
/* Raw parameters: widths, heights and the slopes at the free knots, which are the interior ones,
 * and with z2 also the one at zero. */
int cw_spline_n_out(int bins, bool z2);

#endif
