/* The kernels of the Dirac operator, in double and in float. */
#include <string.h>

#include "group/template.h"
#include "group/walk.h"
#include "dirac/gamma.h"
#include "dirac/kernels.h"

/* Outer sites of a range, and where the spinor of the i-th of its right-hand sides lies. */
#define CW_EACH_SITE(o, r, begin, end)                                                             \
  for (long o = (begin); o < (end); o++)                                                           \
    if ((r)->which == CW_ALL_SITES || (r)->parity[o] == (r)->which)
CW_INLINE long cw_place_of(const cw_dirac_range *r, long o, int i) {
  return (o * r->n_rhs + r->index[i]) * (CW_SPINOR * CW_LANES);
}

#define NUMBER double
#define VECTOR vd
#define STEP   CW_VD
#include "dirac/hop_template.h"
#include "dirac/vectors_template.h"
#undef NUMBER
#undef VECTOR
#undef STEP
#define NUMBER float
#define VECTOR vf
#define STEP   CW_VF
#include "dirac/hop_template.h"
#include "dirac/vectors_template.h"
#undef NUMBER
#undef VECTOR
#undef STEP

/* Between the two precisions, lane by lane. */
static void gather(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *unused) {
  const cw_dirac_range *r = &v->range;
  double *y = v->y;
  float *x = v->w;
  (void)unused;
  CW_EACH_SITE(o, r, begin, end) for (int i = 0; i < r->n; i++) {
    const long at = cw_place_of(r, o, i);
    const double *c = v->re[r->index[i]];
    for (long k = at; k < at + CW_SPINOR * CW_LANES; k += CW_LANES)
      for (int l = 0; l < CW_LANES; l++) {
        y[k + l] += c[l] != 0 ? (double)x[k + l] : 0;
        x[k + l] = c[l] != 0 ? 0 : x[k + l];
      }
  }
}

static void lower(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *unused) {
  const cw_dirac_range *r = &v->range;
  const double *x = v->x;
  float *y = v->y;
  (void)unused;
  CW_EACH_SITE(o, r, begin, end) for (int i = 0; i < r->n; i++) {
    const long at = cw_place_of(r, o, i);
    const double *c = v->re[r->index[i]];
    for (long k = at; k < at + CW_SPINOR * CW_LANES; k += CW_LANES)
      for (int l = 0; l < CW_LANES; l++) y[k + l] = c[l] != 0 ? (float)x[k + l] : y[k + l];
  }
}

extern const cw_dirac_kernels CW_ISA_NAME(cw_dirac_kernels);
const cw_dirac_kernels CW_ISA_NAME(cw_dirac_kernels) = {
    .in_double = {hop_double, site_double, advance_double, turn_double, add_double, dot_double},
    .in_float = {hop_float, site_float, advance_float, turn_float, add_float, dot_float},
    .gather = gather,
    .lower = lower};
