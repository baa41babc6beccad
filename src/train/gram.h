/* Products of rows of scores; kernels, once per instruction set. Rows are `stride` numbers, a multiple of CW_LANES, on
 * CW_ALIGNED places. Private to src/train. */
#ifndef CW_TRAIN_GRAM_H
#define CW_TRAIN_GRAM_H

#include "causeway/lattice.h"
#include "simd/dispatch.h"

enum { CW_GRAM_PANEL = 16 }; /* rows that are multiplied at a time */

typedef struct {
  /* g (CW_GRAM_PANEL, CW_GRAM_PANEL) = a . b, of so many rows each. 512 flops for each number of a row, two panels
   * read. */
  void (*products)(long stride, const double *a, const double *b, double *g);
  /* out (n) += sum over rows i < n_rows of y_i times numbers [0, n) of the row; n a multiple of CW_LANES. */
  void (*combine)(long n, long stride, long n_rows, const double *rows, const double *y,
                  double *out);
  /* Row times x (stride). */
  double (*dot)(long stride, const double *row, const double *x);
} cw_gram_kernels;

CW_ISA_TABLES(cw_gram_kernels, cw_gram_kernels);

#endif
