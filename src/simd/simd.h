/* One thin header over vector types. Only for kernel files (*.isa.c): widths follow CW_ISA, so
 * nothing here may be passed between translation units. Lane loops run over CW_LANES in steps of
 * CW_VD doubles or CW_VF floats. */
#ifndef CW_SIMD_SIMD_H
#define CW_SIMD_SIMD_H

#include <math.h>
#include <sleef.h>
#include <string.h>

#include "simd/dispatch.h"

#if defined(__AVX512F__)
#define CW_VBYTES 64
#elif defined(__AVX2__)
#define CW_VBYTES 32
#else
#define CW_VBYTES 16
#endif
#define CW_VD (CW_VBYTES / 8)
#define CW_VF (CW_VBYTES / 4)

typedef double cw_vd __attribute__((vector_size(CW_VBYTES), may_alias));
typedef float cw_vf __attribute__((vector_size(CW_VBYTES), may_alias));
typedef int64_t cw_vl
    __attribute__((vector_size(CW_VBYTES), may_alias)); /* masks of cw_vd comparisons */
typedef int32_t cw_vi
    __attribute__((vector_size(CW_VBYTES), may_alias)); /* masks of cw_vf comparisons */

static inline cw_vd cw_vd_load(const double *p) {
  return *(const cw_vd *)p;
} /* aligned to CW_VBYTES */
static inline void cw_vd_store(double *p, cw_vd x) { *(cw_vd *)p = x; }
static inline cw_vd cw_vd_set1(double a) { return a - (cw_vd){0}; }
static inline cw_vf cw_vf_load(const float *p) { return *(const cw_vf *)p; }
static inline void cw_vf_store(float *p, cw_vf x) { *(cw_vf *)p = x; }
static inline cw_vf cw_vf_set1(float a) { return a - (cw_vf){0}; }

/* a where mask is set (all ones), else b. */
static inline cw_vd cw_vd_select(cw_vl mask, cw_vd a, cw_vd b) {
  return (cw_vd)((mask & (cw_vl)a) | (~mask & (cw_vl)b));
}
static inline cw_vf cw_vf_select(cw_vi mask, cw_vf a, cw_vf b) {
  return (cw_vf)((mask & (cw_vi)a) | (~mask & (cw_vi)b));
}
static inline cw_vd cw_vd_abs(cw_vd a) { return (cw_vd)((cw_vl)a & INT64_MAX); }
static inline cw_vd cw_vd_min(cw_vd a, cw_vd b) { return cw_vd_select(a < b, a, b); }
static inline cw_vd cw_vd_max(cw_vd a, cw_vd b) { return cw_vd_select(a > b, a, b); }

/* a*b + c with one rounding where the instruction set has it. The base build rounds twice: it is
 * the portable fall-back. */
#if CW_VBYTES == 64
#include <immintrin.h>
static inline cw_vf cw_vf_min(cw_vf a, cw_vf b) {
  return (cw_vf)_mm512_min_ps((__m512)a, (__m512)b);
}
static inline cw_vf cw_vf_max(cw_vf a, cw_vf b) {
  return (cw_vf)_mm512_max_ps((__m512)a, (__m512)b);
}
static inline cw_vd cw_vd_fma(cw_vd a, cw_vd b, cw_vd c) {
  return (cw_vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
static inline cw_vf cw_vf_fma(cw_vf a, cw_vf b, cw_vf c) {
  return (cw_vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
static inline cw_vd cw_vd_sqrt(cw_vd a) { return (cw_vd)_mm512_sqrt_pd((__m512d)a); }
static inline cw_vf cw_vf_sqrt(cw_vf a) { return (cw_vf)_mm512_sqrt_ps((__m512)a); }
#define CW_SLEEF_D(name, suffix, a) (cw_vd) Sleef_##name##d8_##suffix##avx512f((__m512d)(a))
#define CW_SLEEF_SINCOS(a)          Sleef_sincosd8_u10avx512f((__m512d)(a))
#define CW_SLEEF_ATAN2(a, b)        (cw_vd) Sleef_atan2d8_u10avx512f((__m512d)(a), (__m512d)(b))
typedef Sleef___m512d_2 cw_sleef_pair;
#elif CW_VBYTES == 32
#include <immintrin.h>
static inline cw_vf cw_vf_min(cw_vf a, cw_vf b) {
  return (cw_vf)_mm256_min_ps((__m256)a, (__m256)b);
}
static inline cw_vf cw_vf_max(cw_vf a, cw_vf b) {
  return (cw_vf)_mm256_max_ps((__m256)a, (__m256)b);
}
static inline cw_vd cw_vd_fma(cw_vd a, cw_vd b, cw_vd c) {
  return (cw_vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
static inline cw_vf cw_vf_fma(cw_vf a, cw_vf b, cw_vf c) {
  return (cw_vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
static inline cw_vd cw_vd_sqrt(cw_vd a) { return (cw_vd)_mm256_sqrt_pd((__m256d)a); }
static inline cw_vf cw_vf_sqrt(cw_vf a) { return (cw_vf)_mm256_sqrt_ps((__m256)a); }
#define CW_SLEEF_D(name, suffix, a) (cw_vd) Sleef_##name##d4_##suffix##avx2((__m256d)(a))
#define CW_SLEEF_SINCOS(a)          Sleef_sincosd4_u10avx2((__m256d)(a))
#define CW_SLEEF_ATAN2(a, b)        (cw_vd) Sleef_atan2d4_u10avx2((__m256d)(a), (__m256d)(b))
typedef Sleef___m256d_2 cw_sleef_pair;
#else
static inline cw_vf cw_vf_min(cw_vf a, cw_vf b) { return cw_vf_select(a < b, a, b); }
static inline cw_vf cw_vf_max(cw_vf a, cw_vf b) { return cw_vf_select(a > b, a, b); }
static inline cw_vd cw_vd_fma(cw_vd a, cw_vd b, cw_vd c) { return a * b + c; }
static inline cw_vf cw_vf_fma(cw_vf a, cw_vf b, cw_vf c) { return a * b + c; }
static inline cw_vd cw_vd_sqrt(cw_vd a) { return (cw_vd){sqrt(a[0]), sqrt(a[1])}; }
static inline cw_vf cw_vf_sqrt(cw_vf a) {
  return (cw_vf){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])};
}
#endif

/* c - a b, rounded like cw_vd_fma(-a, b, c), in one instruction. */
static inline cw_vd cw_vd_fnma(cw_vd a, cw_vd b, cw_vd c) {
#if CW_VBYTES == 64
  return (cw_vd)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif CW_VBYTES == 32
  return (cw_vd)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
  return c - a * b;
#endif
}

static inline cw_vf cw_vf_fnma(cw_vf a, cw_vf b, cw_vf c) {
#if CW_VBYTES == 64
  return (cw_vf)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif CW_VBYTES == 32
  return (cw_vf)_mm256_fnmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return c - a * b;
#endif
}

#if CW_VBYTES > 16
static inline cw_vd cw_vd_exp(cw_vd a) { return CW_SLEEF_D(exp, u10, a); }
static inline cw_vd cw_vd_log(cw_vd a) { return CW_SLEEF_D(log, u10, a); }
static inline cw_vd cw_vd_log1p(cw_vd a) { return CW_SLEEF_D(log1p, u10, a); }
static inline cw_vd cw_vd_tanh(cw_vd a) { return CW_SLEEF_D(tanh, u10, a); }
static inline cw_vd cw_vd_atan2(cw_vd y, cw_vd x) { return CW_SLEEF_ATAN2(y, x); }
static inline void cw_vd_sincos(cw_vd a, cw_vd *s, cw_vd *c) {
  cw_sleef_pair p = CW_SLEEF_SINCOS(a);
  *s = (cw_vd)p.x;
  *c = (cw_vd)p.y;
}
#else
#define CW_EACH_LANE(call)                                                                         \
  cw_vd r;                                                                                         \
  for (int i = 0; i < CW_VD; i++) r[i] = call(a[i]);                                               \
  return r
static inline cw_vd cw_vd_exp(cw_vd a) { CW_EACH_LANE(Sleef_exp_u10); }
static inline cw_vd cw_vd_log(cw_vd a) { CW_EACH_LANE(Sleef_log_u10); }
static inline cw_vd cw_vd_log1p(cw_vd a) { CW_EACH_LANE(Sleef_log1p_u10); }
static inline cw_vd cw_vd_tanh(cw_vd a) { CW_EACH_LANE(Sleef_tanh_u10); }
static inline cw_vd cw_vd_atan2(cw_vd y, cw_vd x) {
  cw_vd r;
  for (int i = 0; i < CW_VD; i++) r[i] = Sleef_atan2_u10(y[i], x[i]);
  return r;
}
static inline void cw_vd_sincos(cw_vd a, cw_vd *s, cw_vd *c) {
  for (int i = 0; i < CW_VD; i++) {
    Sleef_double2 p = Sleef_sincos_u10(a[i]);
    (*s)[i] = p.x;
    (*c)[i] = p.y;
  }
}
#endif

/* Lanes of a row of CW_LANES doubles: out[i] = row[from[i]], i < CW_VD. row and from are aligned.
 */
static inline cw_vd cw_vd_permute(const double *row, const int64_t *from) {
#if CW_VBYTES == 64
  return (cw_vd)_mm512_permutex2var_pd((__m512d)cw_vd_load(row), *(const __m512i *)from,
                                       (__m512d)cw_vd_load(row + 8));
#elif CW_VBYTES == 32
  return (cw_vd)_mm256_i64gather_pd(row, *(const __m256i *)from, 8);
#else
  return (cw_vd){row[from[0]], row[from[1]]};
#endif
}

/* The same of floats: out[i] = row[from[i]], i < CW_VF. */
static inline cw_vf cw_vf_permute(const float *row, const int64_t *from) {
#if CW_VBYTES == 64
  const __m256i low = _mm512_cvtepi64_epi32(*(const __m512i *)from);
  const __m256i high = _mm512_cvtepi64_epi32(*(const __m512i *)(from + 8));
  const __m512i index = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  return (cw_vf)_mm512_permutexvar_ps(index, (__m512)cw_vf_load(row));
#else
  cw_vf r;
  for (int i = 0; i < CW_VF; i++) r[i] = row[from[i]];
  return r;
#endif
}

/* even[i] = p[i][0] and odd[i] = p[i][1], i < CW_VD: pairs of neighbours from CW_VD places, and back
 * to the first n of them. Places are aligned to 16 bytes. */
static inline __attribute__((always_inline)) void
cw_vd_gather_pairs(const double *const p[CW_VD], long at, cw_vd *even, cw_vd *odd) {
#if CW_VBYTES == 64
  __m512d a = _mm512_castpd128_pd512(_mm_load_pd(p[0] + at));
  __m512d b = _mm512_castpd128_pd512(_mm_load_pd(p[1] + at));
  a = _mm512_insertf64x2(a, _mm_load_pd(p[2] + at), 1);
  b = _mm512_insertf64x2(b, _mm_load_pd(p[3] + at), 1);
  a = _mm512_insertf64x2(a, _mm_load_pd(p[4] + at), 2);
  b = _mm512_insertf64x2(b, _mm_load_pd(p[5] + at), 2);
  a = _mm512_insertf64x2(a, _mm_load_pd(p[6] + at), 3);
  b = _mm512_insertf64x2(b, _mm_load_pd(p[7] + at), 3);
  *even = (cw_vd)_mm512_unpacklo_pd(a, b);
  *odd = (cw_vd)_mm512_unpackhi_pd(a, b);
#elif CW_VBYTES == 32
  __m256d a = _mm256_castpd128_pd256(_mm_load_pd(p[0] + at));
  __m256d b = _mm256_castpd128_pd256(_mm_load_pd(p[1] + at));
  a = _mm256_insertf128_pd(a, _mm_load_pd(p[2] + at), 1);
  b = _mm256_insertf128_pd(b, _mm_load_pd(p[3] + at), 1);
  *even = (cw_vd)_mm256_unpacklo_pd(a, b);
  *odd = (cw_vd)_mm256_unpackhi_pd(a, b);
#else
  *even = (cw_vd){p[0][at], p[1][at]};
  *odd = (cw_vd){p[0][at + 1], p[1][at + 1]};
#endif
}
static inline void cw_vd_scatter_pairs(double *const p[CW_VD], long at, cw_vd even, cw_vd odd,
                                       int n) {
  for (int i = 0; i < n; i++) {
    p[i][at] = even[i];
    p[i][at + 1] = odd[i];
  }
}

#endif
