/* Linear algebra of spinor fields on lanes, once for double and once for float: NUMBER, VECTOR and STEP are set. */
#define V(name) CW_PASTE_GROUP(VECTOR, name)
#define N(name) CW_PASTE(name, NUMBER)
#define VEC     CW_PASTE_VECTOR(VECTOR)

/* A coefficient of a right-hand side. */
typedef struct {
  NUMBER re[CW_LANES] CW_ALIGNED, im[CW_LANES] CW_ALIGNED;
} N(coefficient);

static void N(take)(N(coefficient) * c, const cw_dirac_vectors *v) {
  for (int i = 0; i < v->range.n; i++)
    for (int l = 0; l < CW_LANES; l++) {
      c[i].re[l] = (NUMBER)v->re[v->range.index[i]][l];
      c[i].im[l] = v->im != NULL ? (NUMBER)v->im[v->range.index[i]][l] : 0;
    }
}

static void N(give)(cw_dirac_row *sum, const cw_dirac_range *r, const NUMBER (*part)[CW_LANES],
                    int of_one) {
  for (int i = 0; i < r->n; i++)
    for (int k = 0; k < of_one; k++)
      for (int l = 0; l < CW_LANES; l++)
        sum[r->index[i] * of_one + k][l] = (double)part[i * of_one + k][l];
}

/* (x + iy) += (a + ib) (p + iq) */
CW_INLINE void N(multiply_add)(VEC *x, VEC *y, VEC a, VEC b, VEC p, VEC q) {
  *x = V(fma)(a, p, *x);
  *x = V(fma)(-b, q, *x);
  *y = V(fma)(a, q, *y);
  *y = V(fma)(b, p, *y);
}

static void N(advance)(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *norm) {
  const cw_dirac_range *r = &v->range;
  const NUMBER *x = v->x, *z = v->z;
  NUMBER *y = v->y, *w = v->w, sum[CW_DIRAC_MAX_RHS][CW_LANES] CW_ALIGNED;
  N(coefficient) c[CW_DIRAC_MAX_RHS];
  N(take)(c, v);
  memset(sum, 0, (size_t)r->n * sizeof *sum);
  CW_EACH_SITE(o, r, begin, end) for (int i = 0; i < r->n; i++) {
    const long at = cw_place_of(r, o, i);
    for (int lane = 0; lane < CW_LANES; lane += STEP) {
      const VEC a = V(load)(c[i].re + lane);
      VEC s = V(load)(sum[i] + lane);
      for (long k = at + lane; k < at + CW_SPINOR * CW_LANES; k += CW_LANES) {
        V(store)(y + k, V(fma)(a, V(load)(x + k), V(load)(y + k)));
        const VEC rest = V(fma)(-a, V(load)(z + k), V(load)(w + k));
        V(store)(w + k, rest);
        s = V(fma)(rest, rest, s);
      }
      V(store)(sum[i] + lane, s);
    }
  }
  N(give)(norm, r, (const NUMBER(*)[CW_LANES])sum, 1);
}

/* y = p + c q; y may be either. */
CW_INLINE void N(combine_two)(const cw_dirac_vectors *v, const NUMBER *p, const NUMBER *q,
                              long begin, long end, cw_dirac_row *norm) {
  const cw_dirac_range *r = &v->range;
  NUMBER *y = v->y, sum[CW_DIRAC_MAX_RHS][CW_LANES] CW_ALIGNED;
  N(coefficient) c[CW_DIRAC_MAX_RHS];
  N(take)(c, v);
  memset(sum, 0, (size_t)r->n * sizeof *sum);
  CW_EACH_SITE(o, r, begin, end)
  for (int i = 0; i < r->n; i++) {
    const long at = cw_place_of(r, o, i);
    for (int lane = 0; lane < CW_LANES; lane += STEP) {
      const VEC a = V(load)(c[i].re + lane), b = V(load)(c[i].im + lane);
      VEC s = V(load)(sum[i] + lane);
      for (long k = at + lane; k < at + CW_SPINOR * CW_LANES; k += 2 * CW_LANES) {
        VEC re = V(load)(p + k), im = V(load)(p + k + CW_LANES);
        N(multiply_add)(&re, &im, a, b, V(load)(q + k), V(load)(q + k + CW_LANES));
        V(store)(y + k, re);
        V(store)(y + k + CW_LANES, im);
        s = V(fma)(im, im, V(fma)(re, re, s));
      }
      V(store)(sum[i] + lane, s);
    }
  }
  if (norm != NULL) N(give)(norm, r, (const NUMBER(*)[CW_LANES])sum, 1);
}
static void N(turn)(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *norm) {
  N(combine_two)(v, v->x, v->y, begin, end, norm);
}
static void N(add)(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *norm) {
  N(combine_two)(v, v->y, v->x, begin, end, norm);
}

static void N(dot)(const cw_dirac_vectors *v, long begin, long end, cw_dirac_row *out) {
  const cw_dirac_range *r = &v->range;
  const NUMBER *x = v->x, *z = v->z;
  NUMBER sum[2 * CW_DIRAC_MAX_RHS][CW_LANES] CW_ALIGNED;
  memset(sum, 0, 2 * (size_t)r->n * sizeof *sum);
  CW_EACH_SITE(o, r, begin, end) for (int i = 0; i < r->n; i++) {
    const long at = cw_place_of(r, o, i);
    for (int lane = 0; lane < CW_LANES; lane += STEP) {
      VEC re = V(load)(sum[2 * i] + lane), im = V(load)(sum[2 * i + 1] + lane);
      for (long k = at + lane; k < at + CW_SPINOR * CW_LANES; k += 2 * CW_LANES) N(multiply_add)
      (&re, &im, V(load)(x + k), -V(load)(x + k + CW_LANES), V(load)(z + k),
       V(load)(z + k + CW_LANES));
      V(store)(sum[2 * i] + lane, re);
      V(store)(sum[2 * i + 1] + lane, im);
    }
  }
  N(give)(out, r, (const NUMBER(*)[CW_LANES])sum, 2);
}

#undef V
#undef VEC
#undef N
