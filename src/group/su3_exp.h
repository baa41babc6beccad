/* Exponential, its differential, and logarithm of SU(3) on lanes; see template.h.
 *
 * exp(iQ) with the Hermitian traceless Q = sum_a w_a lambda_a/2. By Cayley-Hamilton Q^3 = p Q + q
 * with p = tr Q^2/2 and q = det Q, so that every power series in Q is a quadratic polynomial in Q,
 * whose coefficients Horner's rule finds without eigenvalues: degenerate ones need no care. Lanes
 * of large norm are halved until they are small and squared afterwards, each as often as itself
 * needs. */
#ifndef CW_GROUP_SU3_EXP_H
#define CW_GROUP_SU3_EXP_H

typedef struct {
  cw_vd d[3];         /* diagonal */
  cw_vd re[3], im[3]; /* elements 01, 02, 12 */
} cw_su3_hermitian;

CW_INLINE void cw_su3_hermitian_from(cw_su3_hermitian *q, const cw_vd *w) {
  cw_vd w8 = w[7] * 0.57735026918962576451;
  q->d[0] = 0.5 * (w8 + w[2]);
  q->d[1] = 0.5 * (w8 - w[2]);
  q->d[2] = -w8;
  const int of[3] = {0, 3, 5};
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) {
    q->re[k] = 0.5 * w[of[k]];
    q->im[k] = -0.5 * w[of[k] + 1];
  }
}

/* s = q^2, by the rows of q: (d0, 01, 02), (01*, d1, 12), (02*, 12*, d2). */
CW_INLINE void cw_su3_hermitian_square(cw_su3_hermitian *s, const cw_su3_hermitian *q) {
  cw_vd n[3];
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) n[k] = cw_vd_fma(q->re[k], q->re[k], q->im[k] * q->im[k]);
  s->d[0] = cw_vd_fma(q->d[0], q->d[0], n[0] + n[1]);
  s->d[1] = cw_vd_fma(q->d[1], q->d[1], n[0] + n[2]);
  s->d[2] = cw_vd_fma(q->d[2], q->d[2], n[1] + n[2]);
  s->re[0] = cw_vd_fma(q->re[1], q->re[2], q->im[1] * q->im[2]);
  s->im[0] = cw_vd_fma(q->im[1], q->re[2], -(q->re[1] * q->im[2]));
  s->re[1] = cw_vd_fma(q->re[0], q->re[2], -(q->im[0] * q->im[2]));
  s->im[1] = cw_vd_fma(q->re[0], q->im[2], q->im[0] * q->re[2]);
  s->re[2] = cw_vd_fma(q->re[0], q->re[1], q->im[0] * q->im[1]);
  s->im[2] = cw_vd_fma(q->re[0], q->im[1], -(q->im[0] * q->re[1]));
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) { /* the trace vanishes: d0 + d1 = -d2 */
    s->re[k] = cw_vd_fma(-q->d[2 - k], q->re[k], s->re[k]);
    s->im[k] = cw_vd_fma(-q->d[2 - k], q->im[k], s->im[k]);
  }
}

CW_INLINE cw_vd cw_su3_hermitian_det(const cw_su3_hermitian *q) {
  cw_vd re = cw_vd_fma(q->re[0], q->re[2], -(q->im[0] * q->im[2]));
  cw_vd im = cw_vd_fma(q->re[0], q->im[2], q->im[0] * q->re[2]);
  cw_vd det = 2 * cw_vd_fma(re, q->re[1], im * q->im[1]); /* 2 Re(q01 q12 q20) */
  det = cw_vd_fma(q->d[0] * q->d[1], q->d[2], det);
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) {
    cw_vd n = cw_vd_fma(q->re[k], q->re[k], q->im[k] * q->im[k]);
    det = cw_vd_fma(-q->d[2 - k], n, det);
  }
  return det;
}

/* u = f0 + f1 q + f2 s with complex f = (a, b). */
CW_INLINE void cw_su3_quadratic(cw_su3_m *u, const cw_vd *a, const cw_vd *b,
                                const cw_su3_hermitian *q, const cw_su3_hermitian *s) {
  const int at[3] = {1, 2, 5};
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) {
    u->re[4 * k] = cw_vd_fma(a[2], s->d[k], cw_vd_fma(a[1], q->d[k], a[0]));
    u->im[4 * k] = cw_vd_fma(b[2], s->d[k], cw_vd_fma(b[1], q->d[k], b[0]));
    /* f h and f h* share their four products */
    cw_vd ar = cw_vd_fma(a[2], s->re[k], a[1] * q->re[k]);
    cw_vd ai = cw_vd_fma(a[2], s->im[k], a[1] * q->im[k]);
    cw_vd br = cw_vd_fma(b[2], s->re[k], b[1] * q->re[k]);
    cw_vd bi = cw_vd_fma(b[2], s->im[k], b[1] * q->im[k]);
    int mirror = at[k] % 3 * 3 + at[k] / 3;
    u->re[at[k]] = ar - bi;
    u->im[at[k]] = ai + br;
    u->re[mirror] = ar + bi;
    u->im[mirror] = br - ai;
  }
}

static const double cw_inverse_factorial[26] = {1.0,
                                                1.0,
                                                1.0 / 2.0,
                                                1.0 / 6.0,
                                                1.0 / 24.0,
                                                1.0 / 120.0,
                                                1.0 / 720.0,
                                                1.0 / 5040.0,
                                                1.0 / 40320.0,
                                                1.0 / 362880.0,
                                                1.0 / 3628800.0,
                                                1.0 / 39916800.0,
                                                1.0 / 479001600.0,
                                                1.0 / 6227020800.0,
                                                1.0 / 87178291200.0,
                                                1.0 / 1307674368000.0,
                                                1.0 / 20922789888000.0,
                                                1.0 / 355687428096000.0,
                                                1.0 / 6402373705728000.0,
                                                1.0 / 121645100408832000.0,
                                                1.0 / 2432902008176640000.0,
                                                1.0 / 51090942171709440000.0,
                                                1.0 / 1124000727777607680000.0,
                                                1.0 / 25852016738884976640000.0,
                                                1.0 / 620448401733239439360000.0,
                                                1.0 / 15511210043330985984000000.0};

/* Eigenvalues of at most 1 in size: the series ends after Q^18/18!. */
CW_INLINE void cw_su3_exp_small(cw_su3_m *u, const cw_vd *w) {
  cw_su3_hermitian h, s;
  cw_su3_hermitian_from(&h, w);
  cw_su3_hermitian_square(&s, &h);
  cw_vd p = 0.5 * (s.d[0] + s.d[1] + s.d[2]), q = cw_su3_hermitian_det(&h);
  cw_vd a[3] = {cw_vd_set1(0), cw_vd_set1(0), cw_vd_set1(0)};
  cw_vd b[3] = {cw_vd_set1(0), cw_vd_set1(0), cw_vd_set1(0)};
#pragma GCC unroll 19
  for (int n = 18; n >= 0; n--) { /* f -> i^n/n! + Q f */
    cw_vd term = cw_vd_set1(n % 4 < 2 ? cw_inverse_factorial[n] : -cw_inverse_factorial[n]);
    cw_vd none = cw_vd_set1(0);
    cw_vd a0 = cw_vd_fma(q, a[2], n % 2 == 0 ? term : none);
    cw_vd b0 = cw_vd_fma(q, b[2], n % 2 == 1 ? term : none);
    cw_vd a1 = cw_vd_fma(p, a[2], a[0]), b1 = cw_vd_fma(p, b[2], b[0]);
    a[2] = a[1];
    b[2] = b[1];
    a[1] = a1;
    b[1] = b1;
    a[0] = a0;
    b[0] = b0;
  }
  cw_su3_quadratic(u, a, b, &h, &s);
}

/* tr Q^2 = sum w^2/2, and the largest of three eigenvalues that sum to zero is at most sqrt(2/3) of
 * its root. */
CW_INLINE cw_vd cw_su3_norm2(const cw_vd *w) {
  cw_vd n = w[0] * w[0];
#pragma GCC unroll 8
  for (int k = 1; k < 8; k++) n = cw_vd_fma(w[k], w[k], n);
  return n;
}

enum { CW_SU3_MAX_HALVINGS = 60 };

CW_OUTLINE void cw_su3_exp_large(cw_su3_m *u, const cw_vd *w, cw_vd norm2) {
  cw_vd v[8], scale = cw_vd_set1(1), count = cw_vd_set1(0), done = cw_vd_set1(0);
  for (int i = 0; i < CW_SU3_MAX_HALVINGS && cw_any(norm2 > cw_vd_set1(3)); i++) {
    cw_vl large = norm2 > cw_vd_set1(3);
    norm2 = cw_vd_select(large, 0.25 * norm2, norm2);
    scale = cw_vd_select(large, 0.5 * scale, scale);
    count = cw_vd_select(large, count + 1.0, count);
  }
  for (int k = 0; k < 8; k++) v[k] = scale * w[k];
  cw_su3_exp_small(u, v);
  for (; cw_any(done < count); done += 1.0) {
    cw_vl more = done < count;
    cw_su3_m square;
    cw_su3_mul(&square, u, u);
    cw_su3_project(&square); /* else squaring doubles the distance from the group */
    for (int k = 0; k < 9; k++) {
      u->re[k] = cw_vd_select(more, square.re[k], u->re[k]);
      u->im[k] = cw_vd_select(more, square.im[k], u->im[k]);
    }
  }
}

CW_INLINE void cw_su3_exp(cw_su3_m *u, const cw_vd *w) {
  cw_vd norm2 = cw_su3_norm2(w);
  if (__builtin_expect(cw_any(norm2 > cw_vd_set1(3)), 0))
    cw_su3_exp_large(u, w, norm2);
  else
    cw_su3_exp_small(u, w);
}

/* --------------------------------------------------------------- differential */

/* ad_ab = f_abc w_c: [sum_c w_c T_c, T_b] = sum_a T_a ad_ab. */
CW_INLINE void cw_su3_adjoint_action(cw_vd ad[8][8], const cw_vd *w) {
  for (int a = 0; a < 8; a++)
    for (int b = 0; b < 8; b++) ad[a][b] = cw_vd_set1(0);
  for (int k = 0; k < 9; k++) {
    const int e[3] = {cw_su3_structure[k].a, cw_su3_structure[k].b, cw_su3_structure[k].c};
    for (int i = 0; i < 3; i++) {
      int a = e[i], b = e[(i + 1) % 3], c = e[(i + 2) % 3];
      ad[a][b] += cw_su3_structure[k].f * w[c];
      ad[b][a] -= cw_su3_structure[k].f * w[c];
    }
  }
}

/* c = a b of 8x8 matrices that commute and are symmetric (sign 1: so is c) or of which one is
 * antisymmetric (sign -1: so is c). */
CW_INLINE void cw_su3_multiply_8(cw_vd c[8][8], cw_vd a[8][8], cw_vd b[8][8], double sign) {
  for (int i = 0; i < 8; i++)
    for (int j = i; j < 8; j++) {
      cw_vd s = a[i][0] * b[0][j];
      for (int k = 1; k < 8; k++) s = cw_vd_fma(a[i][k], b[k][j], s);
      c[i][j] = s;
      c[j][i] = sign * s;
    }
}

/* phi(A), phi(z) = (e^z - 1)/z, for eigenvalues of at most 2 in size: A = ad, B = A^2, phi(A) =
 * P(B) + A Q(B). The eigenvalues of A are 0, 0 and +-i(theta_j - theta_k) with those of Q, so that
 * A chi(B) = 0 with chi(B) = B^3 + 6p B^2 + 9p^2 B + 4p^3 - 27q^2: P has degree 3 and Q degree 2.
 */
CW_INLINE void cw_su3_dexp_small(cw_vd d[8][8], cw_vd A[8][8], const cw_vd *w) {
  cw_su3_hermitian h, s;
  cw_su3_hermitian_from(&h, w);
  cw_su3_hermitian_square(&s, &h);
  cw_vd p = 0.5 * (s.d[0] + s.d[1] + s.d[2]), q = cw_su3_hermitian_det(&h);
  cw_vd chi2 = -6 * p, chi1 = -9 * p * p, chi0 = -cw_vd_fma(-27 * q, q, 4 * p * p * p);
  cw_vd P[4], Q[3];
  for (int k = 0; k < 4; k++) P[k] = cw_vd_set1(0);
  for (int k = 0; k < 3; k++) Q[k] = cw_vd_set1(0);
  for (int n = 24; n >= 0; n--) { /* terms A^n/(n+1)! */
    cw_vd term = cw_vd_set1(cw_inverse_factorial[n + 1]), *f = n % 2 == 0 ? P + 1 : Q;
    cw_vd top = f[2];
    f[2] = cw_vd_fma(chi2, top, f[1]);
    f[1] = cw_vd_fma(chi1, top, f[0]);
    if (n % 2 == 0) {
      f[0] = cw_vd_fma(chi0, top, P[0]);
      P[0] = term;
    } else {
      f[0] = cw_vd_fma(chi0, top, term);
    }
  }
  cw_vd B[8][8], C[8][8], D[8][8];
  cw_su3_multiply_8(B, A, A, 1);
  cw_su3_multiply_8(C, B, B, 1);
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 8; j++) {
      D[i][j] = cw_vd_fma(Q[2], C[i][j], Q[1] * B[i][j]);
      if (i == j) D[i][j] += Q[0];
    }
  cw_su3_multiply_8(d, A, D, -1);
  cw_su3_multiply_8(D, B, C, 1);
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 8; j++) {
      cw_vd even = cw_vd_fma(P[3], D[i][j], cw_vd_fma(P[2], C[i][j], P[1] * B[i][j]));
      if (i == j) even += P[0];
      d[i][j] += even;
    }
}

/* phi(2z) = phi(z) (1 + z phi(z)/2) undoes the halvings of large norms. The largest difference of
 * two eigenvalues of Q is at most sqrt(sum w^2). */
CW_OUTLINE void cw_su3_dexp(cw_vd *d, const cw_vd *w) {
  cw_vd v[8], A[8][8], f[8][8], norm2 = cw_su3_norm2(w);
  cw_vd scale = cw_vd_set1(1), count = cw_vd_set1(0), done = cw_vd_set1(0);
  for (int i = 0; i < CW_SU3_MAX_HALVINGS && cw_any(norm2 > cw_vd_set1(4)); i++) {
    cw_vl large = norm2 > cw_vd_set1(4);
    norm2 = cw_vd_select(large, 0.25 * norm2, norm2);
    scale = cw_vd_select(large, 0.5 * scale, scale);
    count = cw_vd_select(large, count + 1.0, count);
  }
  for (int k = 0; k < 8; k++) v[k] = scale * w[k];
  cw_su3_adjoint_action(A, v);
  cw_su3_dexp_small(f, A, v);
  for (; cw_any(done < count); done += 1.0) {
    cw_vl more = done < count;
    cw_vd half[8][8];
    for (int i = 0; i < 8; i++)
      for (int j = 0; j < 8; j++) {
        cw_vd s = A[i][0] * f[0][j];
        for (int k = 1; k < 8; k++) s = cw_vd_fma(A[i][k], f[k][j], s);
        half[i][j] = 0.5 * s;
      }
    cw_vd next[8][8];
    for (int i = 0; i < 8; i++)
      for (int j = 0; j < 8; j++) {
        cw_vd s = f[i][j];
        for (int k = 0; k < 8; k++) s = cw_vd_fma(f[i][k], half[k][j], s);
        next[i][j] = s;
      }
    for (int i = 0; i < 8; i++)
      for (int j = 0; j < 8; j++) {
        f[i][j] = cw_vd_select(more, next[i][j], f[i][j]);
        A[i][j] = cw_vd_select(more, 2 * A[i][j], A[i][j]);
      }
  }
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 8; j++) d[8 * i + j] = f[i][j];
}

/* ------------------------------------------------------------------ logarithm */

/* One step towards log u: with e = exp(-i (phase + Q)) u, which commutes with Q, the eigenvalues of
 * Q move by the sine of their distances: x -> x + sin(theta - x), which converges for |theta| < pi,
 * in the end with the third power. Returns the square of the step. */
CW_INLINE cw_vd cw_su3_log_step(const cw_su3_m *u, cw_vd phase, const cw_vd *w, cw_vd *step) {
  cw_su3_m x, e;
  cw_vd minus[8], s = cw_vd_set1(0), c = s;
  for (int k = 0; k < 8; k++) minus[k] = -w[k];
  cw_su3_exp(&x, minus);
  cw_su3_mul(&e, &x, u);
  cw_vd_sincos(phase, &s, &c);
  for (int k = 0; k < 9; k++) { /* times exp(-i phase) */
    cw_vd re = e.re[k];
    e.re[k] = cw_vd_fma(c, re, s * e.im[k]);
    e.im[k] = cw_vd_fma(c, e.im[k], -(s * re));
  }
  cw_su3_to_algebra(&e, step);
  step[8] = cw_su3_im_trace(&e) * 0.33333333333333333333;
  return cw_vd_fma(step[8], step[8], cw_su3_norm2(step));
}

/* Each lane stops after its own last step: once that is below 1e-6, the rest is below 1e-18. */
CW_OUTLINE void cw_su3_log_iterate(const cw_su3_m *u, cw_vl active, cw_vd *phase, cw_vd *w) {
  for (int i = 0; i < 200 && cw_any(active); i++) {
    cw_vd step[9], size = cw_su3_log_step(u, *phase, w, step);
    for (int k = 0; k < 8; k++) w[k] = cw_vd_select(active, w[k] + step[k], w[k]);
    *phase = cw_vd_select(active, *phase + step[8], *phase);
    active &= size > cw_vd_set1(1e-12);
  }
}

/* Angles of u in (-pi, pi) can sum to 2 pi n with n = +-1: the largest in size of that sign then
 * moves by -2 pi n, with the projector (Q^2 + x Q + x^2 - p)/(3x^2 - p) on its eigenvector. */
CW_INLINE void cw_su3_log_make_traceless(cw_vd *w, cw_vd n) {
  cw_su3_hermitian h, s;
  cw_su3_hermitian_from(&h, w);
  cw_su3_hermitian_square(&s, &h);
  cw_vd p = 0.5 * (s.d[0] + s.d[1] + s.d[2]), q = cw_su3_hermitian_det(&h), x;
  for (int i = 0; i < CW_VD; i++) { /* the root of n x^3 = n (p x + q) that is largest, by Viete */
    double size = 2 * sqrt(p[i] / 3), cosine = 3 * n[i] * q[i] / (p[i] * size + 1e-300);
    x[i] = n[i] * size * cos(acos(fmax(-1, fmin(1, cosine))) / 3);
  }
  cw_vd f = n * -6.28318530717958647693 / cw_vd_fma(3 * x, x, cw_vd_set1(1e-300) - p);
  cw_vd a[3] = {cw_vd_set1(0), cw_vd_set1(0), cw_vd_set1(0)}, b[3], move[8];
  b[0] = f * cw_vd_fma(x, x, -p);
  b[1] = f * x;
  b[2] = f;
  cw_su3_m m;
  cw_su3_quadratic(&m, a, b, &h, &s);
  cw_su3_to_algebra(&m, move);
  for (int k = 0; k < 8; k++)
    w[k] = cw_vd_select(cw_vd_abs(n) > cw_vd_set1(0.5), w[k] + move[k], w[k]);
}

CW_OUTLINE void cw_su3_log(const cw_su3_m *u, cw_vd *w) {
  cw_vd phase = cw_vd_set1(0), n;
  for (int k = 0; k < 8; k++) w[k] = cw_vd_set1(0);
  cw_su3_log_iterate(u, phase < cw_vd_set1(1), &phase, w);
  for (int i = 0; i < CW_VD; i++) n[i] = rint(phase[i] * (3 / 6.28318530717958647693));
  cw_vl wound = cw_vd_abs(n) > cw_vd_set1(0.5);
  if (!cw_any(wound)) return;
  cw_su3_log_make_traceless(w, n);
  phase = cw_vd_select(wound, cw_vd_set1(0), phase);
  cw_su3_log_iterate(u, wound, &phase, w);
}

#endif
