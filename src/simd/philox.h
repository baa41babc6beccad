/* Philox4x32-10 on lanes, the bits of cw_random_bits, with a site and a chain of its own in every
 * lane. Words are the low halves of 64-bit lanes; what stands in the high halves has no meaning.
 * Only for kernel files (*.isa.c). */
#ifndef CW_SIMD_PHILOX_H
#define CW_SIMD_PHILOX_H

#include "simd/simd.h"

typedef uint64_t cw_vu __attribute__((vector_size(CW_VBYTES), may_alias));

static inline cw_vu cw_vu_set1(uint64_t a) { return a - (cw_vu){0}; }

/* Is any bit of any lane set? */
static inline bool cw_vu_any(cw_vu a) {
#if CW_VBYTES == 64
  return _mm512_test_epi64_mask((__m512i)a, (__m512i)a) != 0;
#elif CW_VBYTES == 32
  return !_mm256_testz_si256((__m256i)a, (__m256i)a);
#else
  return (a[0] | a[1]) != 0;
#endif
}

/* Products of the low halves. */
static inline cw_vu cw_vu_mul_low(cw_vu a, cw_vu b) {
#if CW_VBYTES == 64
  return (cw_vu)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif CW_VBYTES == 32
  return (cw_vu)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
  return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

/* The key of every round. */
typedef struct {
  uint64_t round[10][2];
} cw_philox_keys;

static inline cw_philox_keys cw_philox_schedule(cw_rng rng) {
  cw_philox_keys k;
  for (uint32_t i = 0; i < 10; i++) {
    k.round[i][0] = rng.key[0] + i * 0x9E3779B9u;
    k.round[i][1] = rng.key[1] + i * 0xBB67AE85u;
  }
  return k;
}

static inline cw_vu cw_vu_xor3(cw_vu a, cw_vu b, cw_vu c) {
#if CW_VBYTES == 64
  return (cw_vu)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0x96);
#else
  return a ^ b ^ c;
#endif
}

/* n counters (site, chain, step, draw) in, their random words out (Salmon et al., SC'11,
 * section 3.3); n a literal, so that the counters run side by side. */
static inline __attribute__((always_inline)) void cw_vu_philox_all(const cw_philox_keys *key,
                                                                   cw_vu c[][4], int n) {
#pragma GCC unroll 10
  for (int i = 0; i < 10; i++) {
    cw_vu k0 = cw_vu_set1(key->round[i][0]), k1 = cw_vu_set1(key->round[i][1]);
#pragma GCC unroll 4
    for (int j = 0; j < n; j++) {
      cw_vu p0 = cw_vu_mul_low(c[j][0], cw_vu_set1(0xD2511F53u));
      cw_vu p1 = cw_vu_mul_low(c[j][2], cw_vu_set1(0xCD9E8D57u));
      c[j][0] = cw_vu_xor3(p1 >> 32, c[j][1], k0);
      c[j][1] = p1;
      c[j][2] = cw_vu_xor3(p0 >> 32, c[j][3], k1);
      c[j][3] = p0;
    }
  }
}

/* One counter. */
static inline void cw_vu_philox(cw_rng rng, cw_vu c[4]) {
  cw_philox_keys key = cw_philox_schedule(rng);
  cw_vu one[1][4] = {{c[0], c[1], c[2], c[3]}};
  cw_vu_philox_all(&key, one, 1);
  for (int i = 0; i < 4; i++) c[i] = one[0][i];
}

/* 52 bits of two words -> (0,1), never 0 or 1: the numbers of cw_uniform2. */
static inline cw_vd cw_vu_open_unit(cw_vu lo, cw_vu hi) {
  cw_vu k = (hi << 32 | (lo & 0xFFFFFFFFu)) >> 12;
  return (cw_vd)(k | 0x3FF0000000000000u) - 1.0 + 0x1p-53;
}

/* 32 bits of one word -> (0,1): (k + 1/2) 2^-32. */
static inline cw_vd cw_vu_open_unit32(cw_vu word) {
  return (cw_vd)((word & 0xFFFFFFFFu) << 20 | 0x3FF0000000000000u) - 1.0 + 0x1p-33;
}

#endif
