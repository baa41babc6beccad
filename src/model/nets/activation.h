/* Activations of the conditioner networks. Only for kernel files (*.isa.c). */
#ifndef CW_MODEL_ACTIVATION_H
#define CW_MODEL_ACTIVATION_H

#include "model/nets/net.h"
#include "simd/simd.h"

/* A loop over part of a register tile: unrolled early, or gcc keeps the tile in memory. */
#define EACH(i, n) _Pragma("GCC unroll 16") for (int i = 0; i < (n); i++)

static inline cw_vf clamp(cw_vf x, float a) {
  return cw_vf_max(cw_vf_min(x, cw_vf_set1(a)), cw_vf_set1(-a));
}

static inline cw_vf quotient(cw_vf a, cw_vf b) {
#if CW_VBYTES == 64
  cw_vf r = (cw_vf)_mm512_rcp14_ps((__m512)b);
  r = cw_vf_fma(r, cw_vf_fma(-b, r, cw_vf_set1(1)), r); /* Newton: 14 -> 28 bits */
  return a * r;
#else
  return a / b;
#endif
}

/* tanh as the continued fraction of Lambert cut after x^2/13, which reaches 1 at the clamp and is
 * off by 1e-4 there, by less than 1e-7 for |x| < 2.4: it need not be tanh, only smooth, odd and the
 * same in every pass. Its derivative is taken as 1 - y^2. */
static inline cw_vf tanh_like(cw_vf x) {
  x = clamp(x, 4.97178f);
  cw_vf q = x * x;
  cw_vf p = cw_vf_fma(cw_vf_fma(q + cw_vf_set1(378), q, cw_vf_set1(17325)), q, cw_vf_set1(135135));
  cw_vf d =
      cw_vf_fma(cw_vf_fma(cw_vf_fma(cw_vf_set1(28), q, cw_vf_set1(3150)), q, cw_vf_set1(62370)), q,
                cw_vf_set1(135135));
  return quotient(x * p, d);
}

static const float SLOPE = 0.01f; /* of the leaky ReLU */

static inline cw_vf activate(cw_net_activation act, cw_vf x) {
  if (act == CW_NET_TANH) return tanh_like(x);
  if (act == CW_NET_LEAKY_RELU) return cw_vf_max(x, x * cw_vf_set1(SLOPE));
  return x;
}

#endif
