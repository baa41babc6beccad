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

/* The half spinor of psi (CW_SPINOR, CW_LANES) on some lanes. mu and back are literal here and below. */
CW_INLINE void N(project)(VEC re[2][3], VEC im[2][3], const NUMBER *psi, int mu, int back,
                          int lane) {
#pragma GCC unroll 2
  for (int a = 0; a < 2; a++) {
    const NUMBER *up = psi + 6 * a * CW_LANES + lane;
    const NUMBER *low = psi + 6 * (2 + cw_gamma_partner[mu][a]) * CW_LANES + lane;
#pragma GCC unroll 3
    for (int c = 0; c < 3; c++, up += 2 * CW_LANES, low += 2 * CW_LANES) {
      re[a][c] = V(load)(up);
      im[a][c] = V(load)(up + CW_LANES);
      N(add_turned)
      (&re[a][c], &im[a][c], V(load)(low), V(load)(low + CW_LANES),
       cw_gamma_turn[mu][a] + (back ? 0 : 2));
    }
  }
}

/* Colour i of U h, or U^+ h. */
CW_INLINE void N(one_colour)(VEC re[2], VEC im[2], const NUMBER *link, VEC hr[2][3], VEC hi[2][3],
                             int i, int back, int lane) {
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
      re[a] = back ? V(fma)(ui, hi[a][k], re[a]) : V(fnma)(ui, hi[a][k], re[a]);
      im[a] = back ? V(fnma)(ui, hr[a][k], im[a]) : V(fma)(ui, hr[a][k], im[a]);
    }
  }
}

/* acc (CW_SPINOR, CW_LANES) += the spinor of colour i of a half spinor; first: acc was 0. */
CW_INLINE void N(add_colour)(NUMBER *acc, const VEC re[2], const VEC im[2], int i, int mu, int back,
                             bool first, int lane) {
#pragma GCC unroll 2
  for (int a = 0; a < 2; a++) {
    NUMBER *up = acc + (6 * a + 2 * i) * CW_LANES + lane;
    NUMBER *low = acc + (6 * (2 + cw_gamma_partner[mu][a]) + 2 * i) * CW_LANES + lane;
    VEC x = V(set1)(0), y = V(set1)(0), z = V(set1)(0), w = V(set1)(0);
    if (!first) {
      x = V(load)(up);
      y = V(load)(up + CW_LANES);
      z = V(load)(low);
      w = V(load)(low + CW_LANES);
    }
    N(add_turned)(&x, &y, re[a], im[a], 0);
    N(add_turned)(&z, &w, re[a], im[a], (back ? 0 : 2) - cw_gamma_turn[mu][a] + 4);
    V(store)(up, x);
    V(store)(up + CW_LANES, y);
    V(store)(low, z);
    V(store)(low + CW_LANES, w);
  }
}

/* One direction where neighbours are in the same lanes: acc += (1 -+ gamma_mu) U psi, U^+ for the step back. */
CW_INLINE void N(hop_one)(NUMBER *acc, const NUMBER *link, const NUMBER *psi, int mu, int back,
                          bool first) {
  for (int lane = 0; lane < CW_LANES; lane += STEP) {
    VEC hr[2][3], hi[2][3], re[2], im[2];
    N(project)(hr, hi, psi, mu, back, lane);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
      N(one_colour)(re, im, link, hr, hi, i, back, lane);
      N(add_colour)(acc, re, im, i, mu, back, first, lane);
    }
  }
}

/* Where they are in others, half spinors change lanes: rows (spin, colour, (re, im)). */
enum { N(HALF) = CW_SPINOR / 2 };
CW_INLINE void N(permute)(VEC re[2][3], VEC im[2][3], const NUMBER *rows, const int64_t *from,
                          int lane) {
#pragma GCC unroll 6
  for (int k = 0; k < 6; k++) {
    re[k / 3][k % 3] = V(permute)(rows + 2 * k * CW_LANES, from + lane);
    im[k / 3][k % 3] = V(permute)(rows + (2 * k + 1) * CW_LANES, from + lane);
  }
}
/* Forward: what arrives is multiplied with the link of the site. */
CW_INLINE void N(turn_forward)(NUMBER *acc, const NUMBER *link, const NUMBER *psi,
                               const int64_t *from, int mu) {
  NUMBER rows[N(HALF) * CW_LANES] CW_ALIGNED;
  VEC hr[2][3], hi[2][3], re[2], im[2];
  for (int lane = 0; lane < CW_LANES; lane += STEP) {
    N(project)(hr, hi, psi, mu, 0, lane);
#pragma GCC unroll 6
    for (int k = 0; k < 6; k++) {
      V(store)(rows + 2 * k * CW_LANES + lane, hr[k / 3][k % 3]);
      V(store)(rows + (2 * k + 1) * CW_LANES + lane, hi[k / 3][k % 3]);
    }
  }
  for (int lane = 0; lane < CW_LANES; lane += STEP) {
    N(permute)(hr, hi, rows, from, lane);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
      N(one_colour)(re, im, link, hr, hi, i, 0, lane);
      N(add_colour)(acc, re, im, i, mu, 0, mu == 0, lane);
    }
  }
}
/* Back: the neighbour's link is multiplied with before. */
CW_INLINE void N(turn_backward)(NUMBER *acc, const NUMBER *link, const NUMBER *psi,
                                const int64_t *from, int mu) {
  NUMBER rows[N(HALF) * CW_LANES] CW_ALIGNED;
  VEC hr[2][3], hi[2][3], re[2], im[2];
  for (int lane = 0; lane < CW_LANES; lane += STEP) {
    N(project)(hr, hi, psi, mu, 1, lane);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
      N(one_colour)(re, im, link, hr, hi, i, 1, lane);
#pragma GCC unroll 2
      for (int a = 0; a < 2; a++) {
        V(store)(rows + (6 * a + 2 * i) * CW_LANES + lane, re[a]);
        V(store)(rows + (6 * a + 2 * i + 1) * CW_LANES + lane, im[a]);
      }
    }
  }
  for (int lane = 0; lane < CW_LANES; lane += STEP) {
    N(permute)(hr, hi, rows, from, lane);
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
#pragma GCC unroll 2
      for (int a = 0; a < 2; a++) {
        re[a] = hr[a][i];
        im[a] = hi[a][i];
      }
      N(add_colour)(acc, re, im, i, mu, 1, false, lane);
    }
  }
}

#define CW_HOP(mu)                                                                                 \
  CW_OUTLINE void N(forward_##mu)(NUMBER * acc, const NUMBER *link, const NUMBER *psi,             \
                                  const int64_t *from) {                                           \
    if (from == NULL)                                                                              \
      N(hop_one)(acc, link, psi, mu, 0, mu == 0);                                                  \
    else                                                                                           \
      N(turn_forward)(acc, link, psi, from, mu);                                                   \
  }                                                                                                \
  CW_OUTLINE void N(backward_##mu)(NUMBER * acc, const NUMBER *link, const NUMBER *psi,            \
                                   const int64_t *from) {                                          \
    if (from == NULL)                                                                              \
      N(hop_one)(acc, link, psi, mu, 1, false);                                                    \
    else                                                                                           \
      N(turn_backward)(acc, link, psi, from, mu);                                                  \
  }
CW_HOP(0)
CW_HOP(1)
CW_HOP(2)
CW_HOP(3)
#undef CW_HOP

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
          re[i] = V(fnma)(mi, xi[j], re[i]);
          im[i] = V(fma)(mr, xi[j], im[i]);
          im[i] = V(fma)(mi, xr[j], im[i]);
          re[j] = V(fma)(mr, xr[i], re[j]);
          re[j] = V(fma)(mi, xi[i], re[j]);
          im[j] = V(fma)(mr, xi[i], im[j]);
          im[j] = V(fnma)(mi, xr[i], im[j]);
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

/* The links and neighbours of an outer site, found for all right-hand sides. */
typedef struct {
  const NUMBER *link[8];
  cw_place at[8];
  /* What the next site will read for the first time in this pass, to be asked for in eighths: its links, and the
   * spinors ahead of it in the slowest direction, site terms (NULL: there are none). */
  const NUMBER *next_links, *next_spinors, *next_terms[2];
} N(star);

CW_INLINE void N(find_star)(N(star) * star, const cw_dirac_hop *a, long o) {
  const cw_dirac_range *r = &a->range;
  const cw_geometry *g = r->geom;
  const NUMBER *links = a->links, *in = a->in, *const terms[2] = {a->of_hop, a->of_base};
  long next = o + 1;
  for (int d = 0; d < 8; d++) {
    star->at[d] = cw_step(g, o, d);
    const long origin = d % 2 == 0 ? o : star->at[d].outer;
    star->link[d] = links + (origin * 4 + d / 2) * (CW_SU3 * CW_LANES);
  }
  while (r->which != CW_ALL_SITES && next < g->n_outer && r->parity[next] != r->which) next++;
  if (next >= g->n_outer) next = o;
  star->next_links = links + next * (4 * CW_SU3 * CW_LANES);
  star->next_spinors = in + (long)g->neighbour[next * 8] * r->n_rhs * (CW_SPINOR * CW_LANES);
  for (int i = 0; i < 2; i++)
    star->next_terms[i] = terms[i] != NULL ? terms[i] + next * (CW_CLOVER * CW_LANES) : NULL;
}

CW_INLINE void N(ask_for)(const NUMBER *p, int n) {
  for (int i = 0; i < n; i += 64 / (int)sizeof *p) __builtin_prefetch(p + i, 0, 3);
}

/* The d-th eighth of what the next site needs first. */
CW_INLINE void N(ask_for_eighth)(const N(star) * star, int d) {
  enum {
    LINKS = 4 * CW_SU3 * CW_LANES / 8,
    SPINOR = CW_SPINOR * CW_LANES / 8,
    TERM = CW_CLOVER * CW_LANES / 8
  };
  N(ask_for)(star->next_links + d * LINKS, LINKS);
  N(ask_for)(star->next_spinors + d * SPINOR, SPINOR);
  for (int i = 0; i < 2; i++)
    if (star->next_terms[i] != NULL) N(ask_for)(star->next_terms[i] + d * TERM, TERM);
}

/* acc = hop of right-hand side k. */
CW_INLINE void N(hop_site)(NUMBER *acc, const N(star) * star, const NUMBER *in, int n_rhs, int k,
                           bool ask) {
#define CW_HOP(d, which)                                                                           \
  if (ask) N(ask_for_eighth)(star, d);                                                             \
  N(which)                                                                                         \
  (acc, star->link[d], in + (star->at[d].outer * n_rhs + k) * (CW_SPINOR * CW_LANES),              \
   star->at[d].from);
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
  NUMBER acc[CW_SPINOR * CW_LANES] CW_ALIGNED, more[CW_SPINOR * CW_LANES] CW_ALIGNED,
      sum[CW_DIRAC_MAX_RHS][CW_LANES] CW_ALIGNED;
  memset(sum, 0, (size_t)r->n * sizeof *sum);
  CW_EACH_SITE(o, r, begin, end) {
    N(star) star;
    N(find_star)(&star, a, o);
    for (int i = 0; i < r->n; i++) {
      const long at = cw_place_of(r, o, i);
      const NUMBER *hop = acc, *first = base != NULL ? base + at : NULL;
      N(hop_site)(acc, &star, in, r->n_rhs, r->index[i], i == 0);
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
