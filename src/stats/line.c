#include <math.h>

#include "causeway/stats.h"

/* About the weighted mean of x, so that the two parameters are independent there. */
cw_status cw_fit_line(cw_context *ctx, const double *x, const double *y, const double *dy, long n,
                      cw_line *out) {
  double w = 0, wx = 0, wy = 0, xx = 0, xy = 0;
  for (long i = 0; i < n; i++) {
    if (!(dy[i] > 0)) return cw_fail(ctx, CW_EINVAL, "a line through points without an error");
    w += 1 / (dy[i] * dy[i]);
    wx += x[i] / (dy[i] * dy[i]);
    wy += y[i] / (dy[i] * dy[i]);
  }
  const double middle = wx / w, height = wy / w;
  bool differ = false;
  for (long i = 0; i < n; i++) {
    const double d = (x[i] - middle) / dy[i];
    xx += d * d;
    xy += d * (y[i] - height) / dy[i];
    differ = differ || x[i] != x[0];
  }
  if (!differ) return cw_fail(ctx, CW_EINVAL, "a line through points that are not apart");
  *out = (cw_line){.slope = xy / xx, .slope_error = sqrt(1 / xx), .dof = n - 2};
  out->at_zero = height - out->slope * middle;
  out->at_zero_error = sqrt(1 / w + middle * middle / xx);
  for (long i = 0; i < n; i++) {
    const double off = (y[i] - out->at_zero - out->slope * x[i]) / dy[i];
    out->chi2 += off * off;
  }
  return CW_OK;
}
