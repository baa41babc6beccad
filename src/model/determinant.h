/* Determinants. Private to src/model and to tests. */
#ifndef CW_MODEL_DETERMINANT_H
#define CW_MODEL_DETERMINANT_H

/* ln|det A| of A (n, n), row by row, by Gaussian elimination with pivots; A is overwritten. */
double cw_log_abs_det(double *A, long n);

#endif
