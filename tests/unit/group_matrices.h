/* Complex matrices in plain loops, against which the lanes of the groups are held. */
#ifndef CW_TEST_GROUP_MATRICES_H
#define CW_TEST_GROUP_MATRICES_H

#include "support/check.h"

#include <complex.h>

#include "causeway/group.h"
#include "group/rows.h"

typedef long double complex number;

typedef struct {
  int n;
  number at[3][3];
} matrix;

static inline matrix times(matrix a, matrix b) {
  matrix c = {.n = a.n};
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++)
      for (int k = 0; k < a.n; k++) c.at[i][j] += a.at[i][k] * b.at[k][j];
  return c;
}

static inline matrix dagger(matrix a) {
  matrix c = {.n = a.n};
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++) c.at[i][j] = conjl(a.at[j][i]);
  return c;
}

static inline matrix plus(matrix a, number s, matrix b) {
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++) a.at[i][j] += s * b.at[i][j];
  return a;
}

static inline matrix unit(int n) {
  matrix c = {.n = n};
  for (int i = 0; i < n; i++) c.at[i][i] = 1;
  return c;
}

static inline number trace(matrix a) {
  number t = 0;
  for (int i = 0; i < a.n; i++) t += a.at[i][i];
  return t;
}

static inline double distance(matrix a, matrix b) {
  double d = 0;
  for (int i = 0; i < a.n; i++)
    for (int j = 0; j < a.n; j++) d = fmax(d, (double)cabsl(a.at[i][j] - b.at[i][j]));
  return d;
}

static inline number determinant(matrix a) {
  if (a.n == 1) return a.at[0][0];
  if (a.n == 2) return a.at[0][0] * a.at[1][1] - a.at[0][1] * a.at[1][0];
  number d = 0;
  for (int j = 0; j < 3; j++) {
    int k = (j + 1) % 3, l = (j + 2) % 3;
    d += a.at[0][j] * (a.at[1][k] * a.at[2][l] - a.at[1][l] * a.at[2][k]);
  }
  return d;
}

/* How far from the group, in any element of U U^+ - 1 or in the determinant. */
static inline double group_error(matrix u, bool special) {
  double d = distance(times(u, dagger(u)), unit(u.n));
  return special ? fmax(d, (double)cabsl(determinant(u) - 1)) : d;
}

/* T_a of causeway/group.h. */
static inline matrix generator(cw_field_kind kind, int a) {
  matrix t = {.n = cw_kind(kind)->n_colours};
  if (kind == CW_LINK_U1) {
    t.at[0][0] = I;
  } else if (kind == CW_LINK_SU2) {
    const number sigma[3][2][2] = {{{0, 1}, {1, 0}}, {{0, -I}, {I, 0}}, {{1, 0}, {0, -1}}};
    for (int i = 0; i < 4; i++) t.at[i / 2][i % 2] = I / 2 * sigma[a][i / 2][i % 2];
  } else if (a == 2 || a == 7) {
    for (int i = 0; i < 3; i++)
      t.at[i][i] = I / 2 * (a == 2 ? (number)(i == 0) - (i == 1) : (i < 2 ? 1 : -2) / sqrtl(3));
  } else {
    const int row[8] = {0, 0, 0, 0, 0, 1, 1, 0}, column[8] = {1, 1, 0, 2, 2, 2, 2, 0};
    bool imaginary = a == 1 || a == 4 || a == 6;
    t.at[row[a]][column[a]] = I / 2 * (imaginary ? -I : 1);
    t.at[column[a]][row[a]] = I / 2 * (imaginary ? I : 1);
  }
  return t;
}

static inline matrix in_algebra(cw_field_kind kind, const double *w) {
  matrix x = {.n = cw_kind(kind)->n_colours};
  for (int a = 0; a < cw_kind(kind)->n_algebra; a++) x = plus(x, w[a], generator(kind, a));
  return x;
}

/* Taylor series after halving until nothing is above 1/8. */
static inline matrix exponential(matrix x) {
  int halvings = 0;
  while (distance(x, (matrix){.n = x.n}) > 0.125) {
    x = plus((matrix){.n = x.n}, 0.5, x);
    halvings++;
  }
  matrix sum = unit(x.n), term = unit(x.n);
  for (int k = 1; k < 30; k++) {
    term = plus((matrix){.n = x.n}, 1.0L / k, times(term, x));
    sum = plus(sum, 1, term);
  }
  for (int k = 0; k < halvings; k++) sum = times(sum, sum);
  return sum;
}

static uint32_t next_draw;

static inline double draw_normal(void) {
  double z[2];
  cw_normal2(CW_ISA_BASE, cw_rng_stream(1, "test/group"), next_draw++, 0, 0, 0, z);
  return z[0];
}

#endif
