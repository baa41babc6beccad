/* The hopping term on lanes, once for double and once for float: NUMBER, VECTOR (vd, vf) and STEP are set. */
#define V(name) CW_PASTE_GROUP(VECTOR, name)
#define N(name) CW_PASTE(name, NUMBER)
#define VEC     CW_PASTE_VECTOR(VECTOR)

/* gamma_mu = (0 e; e^+ 0): (e l)_a = i^turn[mu][a] l_partner[mu][a]. A half spinor h = u + sign e l stands for
 * the spinor (h, sign e^+ h): the projection 1 + sign gamma_mu. */

/* re + i im += i^turn (x + i y) */
CW_INLINE void N(add_turned)(VEC *re, VEC *im, VEC x, VEC y, int turn) {
  switch (turn & 3) {
  case 0:
    *re += x, *im += y;
    break;
  case 1:
    *re -= y, *im += x;
    break;
  case 2:
    *re -= x, *im -= y;
    break;
  default:
    *re += y, *im -= x;
  }
}

/* One direction on the lanes of a site: acc += (1 -+ gamma_mu) U psi, U^+ for the step back. mu and back are
 * literal. acc, psi (CW_SPINOR, CW_LANES). */
CW_INLINE void N(hop_one)(NUMBER *acc, const NUMBER *link, const NUMBER *psi, int mu, int back,
                          bool first) {
  const int flip = back ? 0 : 2;
  for (int lane = 0; lane < CW_LANES; lane += STEP) {
    VEC hr[2][3], hi[2][3];
#pragma GCC unroll 2
    for (int a = 0; a < 2; a++) {
      const int b = 2 + cw_gamma_partner[mu][a];
#pragma GCC unroll 3
      for (int c = 0; c < 3; c++) {
        hr[a][c] = V(load)(psi + (6 * a + 2 * c) * CW_LANES + lane);
        hi[a][c] = V(load)(psi + (6 * a + 2 * c + 1) * CW_LANES + lane);
        N(add_turned)
        (&hr[a][c], &hi[a][c], V(load)(psi + (6 * b + 2 * c) * CW_LANES + lane),
         V(load)(psi + (6 * b + 2 * c + 1) * CW_LANES + lane), cw_gamma_turn[mu][a] + flip);
      }
    }
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
      VEC re[2], im[2];
#pragma GCC unroll 3
      for (int k = 0; k < 3; k++) {
        const NUMBER *u = link + 2 * (back ? 3 * k + i : 3 * i + k) * CW_LANES + lane;
        const VEC ur = V(load)(u), ui = V(load)(u + CW_LANES);
#pragma GCC unroll 2
        for (int a = 0; a < 2; a++) {
          if (k == 0) {
            re[a] = ur * hr[a][k];
            im[a] = ur * hi[a][k];
          } else {
            re[a] = V(fma)(ur, hr[a][k], re[a]);
            im[a] = V(fma)(ur, hi[a][k], im[a]);
          }
          re[a] = V(fma)(back ? ui : -ui, hi[a][k], re[a]);
          im[a] = V(fma)(back ? -ui : ui, hr[a][k], im[a]);
        }
      }
#pragma GCC unroll 2
      for (int a = 0; a < 2; a++) {
        NUMBER *up = acc + (6 * a + 2 * i) * CW_LANES + lane;
        NUMBER *low = acc + (6 * (2 + cw_gamma_partner[mu][a]) + 2 * i) * CW_LANES + lane;
        VEC x = V(set1)(0), y = V(set1)(0), z = V(set1)(0), w = V(set1)(0);
        if (!first)
          x = V(load)(up), y = V(load)(up + CW_LANES), z = V(load)(low),
          w = V(load)(low + CW_LANES);
        N(add_turned)(&x, &y, re[a], im[a], 0);
        N(add_turned)(&z, &w, re[a], im[a], flip - cw_gamma_turn[mu][a] + 4);
        V(store)(up, x);
        V(store)(up + CW_LANES, y);
        V(store)(low, z);
        V(store)(low + CW_LANES, w);
      }
    }
  }
}

#define CW_HOP(mu)                                                                                 \
  CW_OUTLINE void N(forward_##mu)(NUMBER * acc, const NUMBER *link, const NUMBER *psi) {           \
    N(hop_one)(acc, link, psi, mu, 0, mu == 0);                                                    \
  }                                                                                                \
  CW_OUTLINE void N(backward_##mu)(NUMBER * acc, const NUMBER *link, const NUMBER *psi) {          \
    N(hop_one)(acc, link, psi, mu, 1, false);                                                      \
  }
CW_HOP(0)
CW_HOP(1)
CW_HOP(2)
CW_HOP(3)
#undef CW_HOP

/* Rows of CW_LANES numbers with their lanes in another order. */
CW_OUTLINE void N(permute_rows)(NUMBER *to, const NUMBER *from, const int64_t *lanes, int n_rows) {
  for (int k = 0; k < n_rows; k++)
    for (int lane = 0; lane < CW_LANES; lane += STEP)
      V(store)(to + k * CW_LANES + lane, V(permute)(from + k * CW_LANES, lanes + lane));
}

/* y = A x of one site; A (CW_CLOVER, CW_LANES). y is not x. */
CW_OUTLINE void N(multiply_site)(NUMBER *y, const NUMBER *matrix, const NUMBER *x) {
  for (int half = 0; half < 2;
       half++, matrix += CW_CLOVER / 2 * CW_LANES, x += 12 * CW_LANES, y += 12 * CW_LANES)
    for (int lane = 0; lane < CW_LANES; lane += STEP) {
      VEC re[6], im[6], xr[6], xi[6];
#pragma GCC unroll 6
      for (int i = 0; i < 6; i++) {
        const VEC d = V(load)(matrix + i * CW_LANES + lane);
        xr[i] = V(load)(x + 2 * i * CW_LANES + lane);
        xi[i] = V(load)(x + (2 * i + 1) * CW_LANES + lane);
        re[i] = d * xr[i];
        im[i] = d * xi[i];
      }
      const NUMBER *m = matrix + 6 * CW_LANES + lane;
#pragma GCC unroll 6
      for (int i = 1; i < 6; i++)
#pragma GCC unroll 6
        for (int j = 0; j < i; j++, m += 2 * CW_LANES) {
          const VEC mr = V(load)(m), mi = V(load)(m + CW_LANES);
          re[i] = V(fma)(mr, xr[j], re[i]);
          re[i] = V(fma)(-mi, xi[j], re[i]);
          im[i] = V(fma)(mr, xi[j], im[i]);
          im[i] = V(fma)(mi, xr[j], im[i]);
          re[j] = V(fma)(mr, xr[i], re[j]);
          re[j] = V(fma)(mi, xi[i], re[j]);
          im[j] = V(fma)(mr, xi[i], im[j]);
          im[j] = V(fma)(-mi, xr[i], im[j]);
        }
#pragma GCC unroll 6
      for (int i = 0; i < 6; i++) {
        V(store)(y + 2 * i * CW_LANES + lane, re[i]);
        V(store)(y + (2 * i + 1) * CW_LANES + lane, im[i]);
      }
    }
}

/* out = G (base + s hop), and adds |out|^2 to norm. */
CW_INLINE void N(combine)(NUMBER *out, const NUMBER *base, const NUMBER *hop, NUMBER s, bool gamma5,
                          NUMBER *norm) {
  for (int lane = 0; lane < CW_LANES; lane += STEP) {
    const VEC up = V(set1)(s);
    VEC sum = norm != NULL ? V(load)(norm + lane) : V(set1)(0);
    for (int k = 0; k < CW_SPINOR; k++) {
      const NUMBER *h = hop + k * CW_LANES + lane;
      VEC y = up * V(load)(h);
      if (base != NULL) y = V(fma)(up, V(load)(h), V(load)(base + k * CW_LANES + lane));
      if (gamma5 && k >= CW_SPINOR / 2) y = -y;
      sum = V(fma)(y, y, sum);
      V(store)(out + k * CW_LANES + lane, y);
    }
    if (norm != NULL) V(store)(norm + lane, sum);
  }
}

/* The links and neighbours of an outer site, fetched for all right-hand sides. */
typedef struct {
  const NUMBER *link[8];
  cw_place at[8];
} N(star);

CW_INLINE void N(find_star)(N(star) * star, const cw_geometry *g, const NUMBER *links, long o,
                            NUMBER (*room)[CW_SU3 * CW_LANES]) {
  for (int d = 0; d < 8; d++) {
    const int mu = d / 2;
    star->at[d] = cw_step(g, o, d);
    if (d % 2 == 0) {
      star->link[d] = links + (o * 4 + mu) * (CW_SU3 * CW_LANES);
      continue;
    }
    star->link[d] = links + (star->at[d].outer * 4 + mu) * (CW_SU3 * CW_LANES);
    if (star->at[d].from == NULL) continue;
    N(permute_rows)(room[mu], star->link[d], star->at[d].from, CW_SU3);
    star->link[d] = room[mu];
  }
}

/* acc = hop of right-hand side k. */
CW_INLINE void N(hop_site)(NUMBER *acc, const N(star) * star, const NUMBER *in, int n_rhs, int k) {
  NUMBER room[CW_SPINOR * CW_LANES] CW_ALIGNED;
#define CW_HOP(d, which)                                                                           \
  {                                                                                                \
    const NUMBER *p = in + (star->at[d].outer * n_rhs + k) * (CW_SPINOR * CW_LANES);               \
    if (star->at[d].from != NULL) {                                                                \
      N(permute_rows)(room, p, star->at[d].from, CW_SPINOR);                                       \
      p = room;                                                                                    \
    }                                                                                              \
    N(which)(acc, star->link[d], p);                                                               \
  }
  CW_HOP(0, forward_0)
  CW_HOP(1, backward_0)
  CW_HOP(2, forward_1)
  CW_HOP(3, backward_1)
  CW_HOP(4, forward_2)
  CW_HOP(5, backward_2)
  CW_HOP(6, forward_3)
  CW_HOP(7, backward_3)
#undef CW_HOP
}

static void N(hop)(const cw_dirac_hop *a, long begin, long end, cw_dirac_row *norm) {
  const cw_dirac_range *r = &a->range;
  const NUMBER *in = a->in, *base = a->base;
  NUMBER *out = a->out;
  NUMBER links[4][CW_SU3 * CW_LANES] CW_ALIGNED, acc[CW_SPINOR * CW_LANES] CW_ALIGNED,
      more[CW_SPINOR * CW_LANES] CW_ALIGNED, sum[CW_DIRAC_MAX_RHS][CW_LANES] CW_ALIGNED;
  memset(sum, 0, (size_t)r->n * sizeof *sum);
  CW_EACH_SITE(o, r, begin, end) {
    N(star) star;
    N(find_star)(&star, r->geom, a->links, o, links);
    for (int i = 0; i < r->n; i++) {
      const long at = cw_place_of(r, o, i);
      const NUMBER *hop = acc, *first = base != NULL ? base + at : NULL;
      N(hop_site)(acc, &star, in, r->n_rhs, r->index[i]);
      if (a->of_hop != NULL) {
        N(multiply_site)(more, (const NUMBER *)a->of_hop + o * (CW_CLOVER * CW_LANES), acc);
        hop = more;
      }
      if (a->of_base != NULL) {
        NUMBER *free_one = hop == acc ? more : acc;
        N(multiply_site)(free_one, (const NUMBER *)a->of_base + o * (CW_CLOVER * CW_LANES), first);
        first = free_one;
      }
      N(combine)(out + at, first, hop, (NUMBER)a->scale, a->gamma5, norm != NULL ? sum[i] : NULL);
    }
  }
  if (norm != NULL)
    for (int i = 0; i < r->n; i++)
      for (int l = 0; l < CW_LANES; l++) norm[r->index[i]][l] = (double)sum[i][l];
}

static void N(site)(const cw_dirac_site *a, long begin, long end) {
  const cw_dirac_range *r = &a->range;
  CW_EACH_SITE(o, r, begin, end) {
    for (int i = 0; i < r->n; i++) {
      const long at = cw_place_of(r, o, i);
      N(multiply_site)
      ((NUMBER *)a->out + at, (const NUMBER *)a->matrix + o * (CW_CLOVER * CW_LANES),
       (const NUMBER *)a->in + at);
    }
  }
}

#undef V
#undef VEC
#undef N
