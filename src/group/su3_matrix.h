/* 3x3 complex matrices on vectors of one type, row by row: cw_su3 in double (su3.h) and cw_su3f in float
 * (su3_float.h), for fields that need be no better. Include once for each with CW_MATRIX, CW_VECTOR (vd, vf) and
 * CW_NUMBER set; see template.h for what the functions are. */
#define V(name) CW_PASTE_GROUP(CW_VECTOR, name)
#define M(name) CW_PASTE_GROUP(CW_MATRIX, name)
#define VECTOR  CW_PASTE_VECTOR(CW_VECTOR)

typedef struct {
  VECTOR re[9], im[9];
} M(m);

CW_INLINE void M(load)(M(m) * m, const CW_NUMBER *p) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    m->re[k] = V(load)(p + 2 * k * CW_LANES);
    m->im[k] = V(load)(p + (2 * k + 1) * CW_LANES);
  }
}
CW_INLINE void M(load_from)(M(m) * m, const CW_NUMBER *p, const int64_t *from) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    m->re[k] = V(permute)(p + 2 * k * CW_LANES, from);
    m->im[k] = V(permute)(p + (2 * k + 1) * CW_LANES, from);
  }
}
CW_INLINE void M(store)(CW_NUMBER *p, const M(m) * m) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    V(store)(p + 2 * k * CW_LANES, m->re[k]);
    V(store)(p + (2 * k + 1) * CW_LANES, m->im[k]);
  }
}
CW_INLINE void M(zero)(M(m) * m) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) m->re[k] = m->im[k] = V(set1)(0);
}
CW_INLINE void M(add)(M(m) * m, const M(m) * a) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    m->re[k] += a->re[k];
    m->im[k] += a->im[k];
  }
}
CW_INLINE void M(add_scaled)(M(m) * m, VECTOR s, const M(m) * a) {
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    m->re[k] = V(fma)(s, a->re[k], m->re[k]);
    m->im[k] = V(fma)(s, a->im[k], m->im[k]);
  }
}
/* c_ij = sum_k a_ik b_kj and its dagger forms. (di, dk) and (ek, ej) are the strides of the row and
 * column index in a and b, p and q the signs of their imaginary parts: literal at every call. */
CW_INLINE void M(multiply)(M(m) * c, const M(m) * a, int di, int dk, CW_NUMBER p, const M(m) * b,
                           int ek, int ej, CW_NUMBER q) {
#pragma GCC unroll 3
  for (int i = 0; i < 3; i++) {
    VECTOR re[3], im[3];
#pragma GCC unroll 3
    for (int k = 0; k < 3; k++) {
      VECTOR ar = a->re[i * di + k * dk],
             ai = p < 0 ? -a->im[i * di + k * dk] : a->im[i * di + k * dk];
#pragma GCC unroll 3
      for (int j = 0; j < 3; j++) {
        VECTOR br = b->re[k * ek + j * ej], bi = b->im[k * ek + j * ej];
        VECTOR aq = q < 0 ? -ai : ai, rq = q < 0 ? -ar : ar;
        if (k == 0) {
          re[j] = ar * br;
          im[j] = ai * br;
        } else {
          re[j] = V(fma)(ar, br, re[j]);
          im[j] = V(fma)(ai, br, im[j]);
        }
        re[j] = V(fma)(-aq, bi, re[j]);
        im[j] = V(fma)(rq, bi, im[j]);
      }
    }
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
      c->re[3 * i + j] = re[j];
      c->im[3 * i + j] = im[j];
    }
  }
}
CW_INLINE void M(mul)(M(m) * c, const M(m) * a, const M(m) * b) {
  M(multiply)(c, a, 3, 1, 1, b, 3, 1, 1);
}
CW_INLINE void M(mul_nd)(M(m) * c, const M(m) * a, const M(m) * b) {
  M(multiply)(c, a, 3, 1, 1, b, 1, 3, -1);
}
CW_INLINE void M(mul_dn)(M(m) * c, const M(m) * a, const M(m) * b) {
  M(multiply)(c, a, 1, 3, -1, b, 3, 1, 1);
}
CW_INLINE void M(mul_dd)(M(m) * c, const M(m) * a, const M(m) * b) {
  M(multiply)(c, a, 1, 3, -1, b, 1, 3, -1);
}
CW_INLINE VECTOR M(re_trace)(const M(m) * a) { return a->re[0] + a->re[4] + a->re[8]; }
CW_INLINE VECTOR M(im_trace)(const M(m) * a) { return a->im[0] + a->im[4] + a->im[8]; }
CW_INLINE VECTOR M(re_trace_nd)(const M(m) * a, const M(m) * b) {
  VECTOR s = a->re[0] * b->re[0];
#pragma GCC unroll 9
  for (int k = 0; k < 9; k++) {
    if (k > 0) s = V(fma)(a->re[k], b->re[k], s);
    s = V(fma)(a->im[k], b->im[k], s);
  }
  return s;
}

#undef V
#undef M
#undef VECTOR
