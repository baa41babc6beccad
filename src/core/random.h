/* Kernels of the lane-wise random numbers; private to src/core. */
#ifndef CW_CORE_RANDOM_H
#define CW_CORE_RANDOM_H

#include "simd/dispatch.h"

typedef struct {
  void (*normal_lanes)(cw_rng rng, uint32_t site, uint32_t first_chain, uint32_t step,
                       uint32_t draw, int n_lanes, double *z);
} cw_random_kernels;
CW_ISA_TABLES(cw_random_kernels, cw_random_kernels);

/* 52 random bits -> (0,1), never 0 or 1: (k + 1/2) 2^-52. */
static inline double cw_open_unit(uint32_t lo, uint32_t hi) {
  uint64_t k = (((uint64_t)hi << 32) | lo) >> 12;
  return ((double)k + 0.5) * 0x1p-52;
}

#endif
