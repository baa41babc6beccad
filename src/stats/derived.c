#include "stats/derived.h"

#include <float.h>
#include <string.h>

enum { SHORTENINGS = 6 };

double cw_derived_value(cw_derived f, const void *arg, const double *mean) {
  return f ? f(mean, arg) : mean[0];
}

/* df/dmean_k. Steps are small beside the error, so that a quantity which bends within it, or has a
 * kink there, is still linearised where it is; but not so small that rounding shows. The
 * differences x+ - x and x - x- are taken as rounded, so that f = mean_k has slope 1 exactly. */
static double slope(cw_derived f, const void *arg, double *point, int k, double error) {
  const double middle = point[k];
  double step = fmin(error, fmax(error / 1024, 1e-9 * fabs(middle)));
  double result = NAN;
  for (int i = 0; i <= SHORTENINGS && !isfinite(result); i++, step /= 8) {
    const double up = middle + step, down = middle - step;
    if (!(up > down)) break;
    point[k] = up;
    const double f_up = cw_derived_value(f, arg, point);
    point[k] = down;
    const double f_down = cw_derived_value(f, arg, point);
    result = (f_up - f_down) / (up - down);
  }
  point[k] = middle;
  return result;
}

void cw_derived_gradient(cw_derived f, const void *arg, const double *mean, const double *step,
                         int n_primary, double *point, double *gradient) {
  memcpy(point, mean, (size_t)n_primary * sizeof *point);
  for (int k = 0; k < n_primary; k++) {
    const bool fluctuates = step[k] > 0 && mean[k] + step[k] > mean[k] - step[k];
    gradient[k] = fluctuates ? slope(f, arg, point, k, step[k]) : 0;
  }
}

double cw_derived_project(const double *row, const double *mean, const double *gradient,
                          int n_primary) {
  double sum = 0;
  for (int k = 0; k < n_primary; k++) {
    if (gradient[k] != 0) sum += gradient[k] * (row[k] - mean[k]);
  }
  return sum;
}

cw_estimate cw_estimate_undefined(long n) {
  return (cw_estimate){.value = NAN,
                       .error = NAN,
                       .error2 = NAN,
                       .tau_int = NAN,
                       .tau_error = NAN,
                       .rhat = NAN,
                       .ess = NAN,
                       .scatter = NAN,
                       .scatter_sigma = NAN,
                       .n = n};
}

bool cw_is_rounding(double deviation, double value) {
  return deviation <= 16 * DBL_EPSILON * fabs(value);
}

const char *const cw_why_constant = "all measurements are equal, which says nothing of the error";
const char *const cw_why_few =
    "fewer than three samples carry the weight, and their scatter says nothing of the error";
const char *const cw_why_alike =
    "the samples that carry the weight are alike, which says nothing of the error";
