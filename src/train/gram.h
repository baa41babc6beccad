/* Products of scores; kernels, once per instruction set. Private to src/train. */
#ifndef CW_TRAIN_GRAM_H
#define CW_TRAIN_GRAM_H

#include "causeway/lattice.h"
#include "simd/dispatch.h"

typedef struct {
  /* g (CW_LANES, CW_LANES) = sum over k of a_ki b_kj; a, b (n, CW_LANES). Reads 2 n CW_LANES numbers, 512 n flops. */
  void (*products)(long n, const double *a, const double *b, double *g);
  /* out (n) += sum over lanes of a_kl y_l. */
  void (*combine)(long n, const double *a, const double *y, double *out);
  /* out (CW_LANES) = sum over k of a_kl x_k. */
  void (*project)(long n, const double *a, const double *x, double *out);
} cw_gram_kernels;

CW_ISA_TABLES(cw_gram_kernels, cw_gram_kernels);

#endif
