/* y = x + t (NICE, Dinh et al., arXiv:1410.8516): volume preserving. */
#include "model/layers/additive/additive.h"
#include "simd/simd.h"

static void shift(const cw_sites *s, const float *h, double *x, double sign) {
  for (int i = 0; i < s->n; i++) {
    double *row = x + (size_t)s->row[i] * CW_LANES;
    for (int l = 0; l < CW_LANES; l++) row[l] += sign * (double)h[i * CW_LANES + l];
  }
}

static void forward(const cw_sites *s, const float *h, double *x, double *logj, double *keep) {
  (void)logj;
  (void)keep;
  shift(s, h, x, 1);
}

static void inverse(const cw_sites *s, const float *h, double *y, double *logj, double *keep) {
  (void)logj;
  (void)keep;
  shift(s, h, y, -1);
}

static void shift_vjp(const cw_sites *s, const double *g, double sign, float *gh) {
  for (int i = 0; i < s->n; i++)
    for (int l = 0; l < CW_LANES; l++)
      gh[i * CW_LANES + l] = (float)(sign * g[(size_t)s->row[i] * CW_LANES + (size_t)l]);
}

static void forward_vjp(const cw_sites *s, const float *h, const double *keep, double *g,
                        const double *glogj, float *gh) {
  (void)h;
  (void)keep;
  (void)glogj;
  shift_vjp(s, g, 1, gh);
}

static void inverse_vjp(const cw_sites *s, const float *h, const double *keep, double *g,
                        const double *glogj, float *gh) {
  (void)h;
  (void)keep;
  (void)glogj;
  shift_vjp(s, g, -1, gh);
}

const cw_transform_kernels CW_ISA_NAME(cw_additive_kernels) = {forward, inverse, forward_vjp,
                                                               inverse_vjp};
