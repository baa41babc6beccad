/* Philox4x32-10 and Box-Muller on lanes of chains. */
#include "core/random.h"
#include "simd/simd.h"

enum { N = 16 }; /* chains per turn: a literal, so that the loops below become vector code */

/* One Philox4x32 round (Salmon et al., SC'11, section 3.3) on N counters. */
static inline void philox_round(uint32_t c[4][N], uint32_t k0, uint32_t k1) {
  for (int l = 0; l < N; l++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c[0][l];
    uint64_t p1 = (uint64_t)0xCD9E8D57u * c[2][l];
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1][l] ^ k0;
    uint32_t n2 = (uint32_t)(p0 >> 32) ^ c[3][l] ^ k1;
    c[0][l] = n0;
    c[1][l] = (uint32_t)p1;
    c[2][l] = n2;
    c[3][l] = (uint32_t)p0;
  }
}

static inline void philox10(uint32_t c[4][N], cw_rng rng) {
  uint32_t k0 = rng.key[0], k1 = rng.key[1];
  for (int round = 0; round < 10; round++) {
    philox_round(c, k0, k1);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

static void normal_lanes(cw_rng rng, uint32_t site, uint32_t first_chain, uint32_t step,
                         uint32_t draw, int n_lanes, double *z) {
  static const double TWO_PI = 6.283185307179586476925287;
  for (int at = 0; at < n_lanes; at += N) {
    uint32_t c[4][N] __attribute__((aligned(64)));
    double u[2][N] __attribute__((aligned(64)));
    for (int l = 0; l < N; l++) {
      c[0][l] = site;
      c[1][l] = first_chain + (uint32_t)(at + l);
      c[2][l] = step;
      c[3][l] = draw;
    }
    philox10(c, rng);
    for (int l = 0; l < N; l++) u[0][l] = cw_open_unit(c[0][l], c[1][l]);
    for (int l = 0; l < N; l++) u[1][l] = cw_open_unit(c[2][l], c[3][l]);
    for (int l = 0; l < N; l += CW_VD) {
      cw_vd r = cw_vd_sqrt(cw_vd_set1(-2) * cw_vd_log(cw_vd_load(&u[0][l]))), s, co;
      cw_vd_sincos(cw_vd_set1(TWO_PI) * cw_vd_load(&u[1][l]), &s, &co);
      cw_vd_store(&z[at + l], r * co);
      cw_vd_store(&z[n_lanes + at + l], r * s);
    }
  }
}

const cw_random_kernels CW_ISA_NAME(cw_random_kernels) = {.normal_lanes = normal_lanes};
