/* Symmetric positive equations by Cholesky's factors; private to the library. */
#ifndef CW_CORE_CHOLESKY_H
#define CW_CORE_CHOLESKY_H

#include <stdbool.h>

/* The lower triangle of a (n, n) becomes that of L, a = L L^T. False: a pivot is not above `least`. Cost: n^3/3 flops. */
bool cw_cholesky(long n, double *a, double least);
/* y (n) becomes the solution of L L^T x = y. */
void cw_cholesky_solve(long n, const double *L, double *y);

#endif
