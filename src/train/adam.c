#include "train/adam.h"

#include <math.h>

void cw_adam_step(const cw_train_options *opt, double rate, long t, long n, const double *gradient,
                  double *m, double *v, double *theta) {
  double unbias_m = 1 / (1 - pow(opt->beta1, (double)t)),
         unbias_v = 1 / (1 - pow(opt->beta2, (double)t));
  for (long i = 0; i < n; i++) {
    double g = gradient[i];
    m[i] = opt->beta1 * m[i] + (1 - opt->beta1) * g;
    v[i] = opt->beta2 * v[i] + (1 - opt->beta2) * g * g;
    theta[i] -= rate * unbias_m * m[i] / (sqrt(unbias_v * v[i]) + opt->epsilon);
  }
}
