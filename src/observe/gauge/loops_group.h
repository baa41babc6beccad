/* Loops of one group: included by loops.isa.c with CW_GROUP set. */

/* up = U_nu(x) U_mu(x+nu) U_nu(x+mu)^+ of the link at x in direction mu. */
CW_INLINE void G(upper_staple)(G(m) * up, const double *x, int dim, const cw_link_places *p, int mu,
                               int nu, int lane) {
  G(m) a, b, c;
  G(fetch)(&a, x, dim, p->at, nu, lane);
  G(fetch)(&b, x, dim, p->up, mu, lane);
  G(fetch)(&c, x, dim, p->ahead, nu, lane);
  G(path_up)(up, &a, &b, &c);
}
/* down = U_nu(x-nu)^+ U_mu(x-nu) U_nu(x-nu+mu) */
CW_INLINE void G(lower_staple)(G(m) * down, const double *x, int dim, const cw_link_places *p,
                               int mu, int nu, int lane) {
  G(m) a, b, c;
  G(fetch)(&a, x, dim, p->down, nu, lane);
  G(fetch)(&b, x, dim, p->down, mu, lane);
  G(fetch)(&c, x, dim, p->corner, nu, lane);
  G(path_down)(down, &a, &b, &c);
}

/* Places of one plane (mu, nu) around x: of the links (x, mu), (x-mu, mu) and (x, nu). */
typedef struct {
  cw_link_places from, to, other;
} G(plane);

/* One plane on the lanes [lane, lane + CW_VD). The four leaves at x are U_mu(x) up^+ and
 * down U_mu(x)^+ (from the link that begins there), up^+ U_mu(x-mu) and U_mu(x-mu)^+ down (from the
 * one that ends there); a^+ has the opposite anti-Hermitian part of a, so that two products do for
 * four leaves. A loop of a staple and its mirror image, up down^+, is a rectangle. */
CW_INLINE void G(one_plane)(const double *x, int dim, int mu, int nu, const G(plane) * p, int lane,
                            bool rectangles, cw_vd *plaquette, cw_vd *rectangle, cw_vd *F) {
  const cw_vd minus = cw_vd_set1(-1);
  G(m) u, up, down, leaves, more;
  G(upper_staple)(&up, x, dim, &p->from, mu, nu, lane);
  G(lower_staple)(&down, x, dim, &p->from, mu, nu, lane);
  G(fetch)(&u, x, dim, p->from.at, mu, lane);
  *plaquette = G(re_trace_nd)(&u, &up);
  if (rectangles) *rectangle = G(re_trace_nd)(&up, &down);
  G(add_scaled)(&up, minus, &down);
  G(mul_nd)(&leaves, &u, &up);
  G(upper_staple)(&up, x, dim, &p->to, mu, nu, lane);
  G(lower_staple)(&down, x, dim, &p->to, mu, nu, lane);
  G(fetch)(&u, x, dim, p->to.at, mu, lane);
  G(add_scaled)(&up, minus, &down);
  G(mul_dn)(&more, &up, &u);
  G(add)(&leaves, &more);
  G(to_algebra)(&leaves, F);
  for (int a = 0; a < G(N_ALGEBRA); a++) F[a] *= cw_vd_set1(0.25);
  if (rectangles) {
    G(upper_staple)(&up, x, dim, &p->other, nu, mu, lane);
    G(lower_staple)(&down, x, dim, &p->other, nu, mu, lane);
    *rectangle += G(re_trace_nd)(&up, &down);
  }
}

CW_INLINE cw_vd G(dot)(const cw_vd *a, const cw_vd *b) {
  cw_vd s = a[0] * b[0];
  for (int k = 1; k < G(N_ALGEBRA); k++) s = cw_vd_fma(a[k], b[k], s);
  return s;
}

/* Adds one site on the lanes [lane, lane + CW_VD) to acc. */
CW_INLINE void G(one_site)(const double *x, int dim, const G(plane) * plane, int lane,
                           bool rectangles, cw_vd acc[CW_N_LOOPS][N_VEC]) {
  const int k = lane / CW_VD;
  cw_vd F[MAX_PLANES][G(N_ALGEBRA)];
  int n = 0;
  for (int mu = 0; mu < dim; mu++)
    for (int nu = mu + 1; nu < dim; nu++, n++) {
      cw_vd plaquette, rectangle;
      G(one_plane)(x, dim, mu, nu, &plane[n], lane, rectangles, &plaquette, &rectangle, F[n]);
      acc[nu == dim - 1 ? CW_PLAQUETTES_T : CW_PLAQUETTES_S][k] += plaquette;
      if (rectangles) acc[CW_RECTANGLES][k] += rectangle;
      acc[CW_F_SQUARED][k] += G(dot)(F[n], F[n]);
    }
  if (dim == 4) acc[CW_F_DUAL][k] += G(dot)(F[0], F[5]) - G(dot)(F[1], F[4]) + G(dot)(F[2], F[3]);
}

CW_INLINE void G(sum_sites)(const cw_geometry *g, const double *x, long begin, long end,
                            bool rectangles, cw_lane_row *sum) {
  const int dim = g->lat.dim;
  cw_vd acc[CW_N_LOOPS][N_VEC] = {{{0}}};
  for (long o = begin; o < end; o++) {
    G(plane) plane[MAX_PLANES];
    int n = 0;
    for (int mu = 0; mu < dim; mu++)
      for (int nu = mu + 1; nu < dim; nu++, n++) {
        places_from(g, o, mu, nu, &plane[n].from);
        places_to(g, o, mu, nu, &plane[n].to);
        if (rectangles) places_from(g, o, nu, mu, &plane[n].other);
      }
    for (int lane = 0; lane < CW_LANES; lane += CW_VD)
      G(one_site)(x, dim, plane, lane, rectangles, acc);
  }
  for (int k = 0; k < (rectangles ? CW_N_LOOPS : CW_N_STRENGTH); k++) add_row(sum[k], acc[k]);
}

static void G(field_strength)(const cw_geometry *g, const double *x, const void *arg, long begin,
                              long end, cw_lane_row *sum) {
  (void)arg;
  G(sum_sites)(g, x, begin, end, false, sum);
}
static void G(all_loops)(const cw_geometry *g, const double *x, const void *arg, long begin,
                         long end, cw_lane_row *sum) {
  (void)arg;
  G(sum_sites)(g, x, begin, end, true, sum);
}

/* The product of all links of the line in the last direction that begins at outer site o. */
static void G(line_trace)(const cw_geometry *g, const double *x, long o, cw_vd *re, cw_vd *im) {
  const int dim = g->lat.dim, time = dim - 1;
  cw_stroll s;
  cw_stroll_begin(&s, o);
  G(m) line[N_VEC], u, next;
  for (int k = 0; k < N_VEC; k++) G(fetch)(&line[k], x, dim, cw_stroll_place(&s), time, k * CW_VD);
  for (int t = 1; t < g->lat.extent[time]; t++) {
    cw_stroll_step(&s, g, 2 * time);
    for (int k = 0; k < N_VEC; k++) {
      G(fetch)(&u, x, dim, cw_stroll_place(&s), time, k * CW_VD);
      G(mul)(&next, &line[k], &u);
      line[k] = next;
    }
  }
  for (int k = 0; k < N_VEC; k++) {
    re[k] += G(re_trace)(&line[k]);
    im[k] += G(im_trace)(&line[k]);
  }
}

/* Lines begin where they enter a canonical sub-lattice, so that every split takes the same ones. In
 * a sub-lattice the last coordinate runs fastest: a site whose past is not the outer site before it
 * is the first of its line. */
static void G(polyakov)(const cw_geometry *g, const double *x, const void *arg, long begin,
                        long end, cw_lane_row *sum) {
  const int past = 2 * g->lat.dim - 1;
  cw_vd re[N_VEC] = {{0}}, im[N_VEC] = {{0}}, count[N_VEC] = {{0}};
  (void)arg;
  for (long o = begin; o < end; o++) {
    const long i = o * 2 * g->lat.dim + past;
    const bool inside = o % g->n_inner > 0 && g->neighbour[i] == o - 1 && g->turn[i] == 0;
    if (inside) continue;
    G(line_trace)(g, x, o, re, im);
    for (int k = 0; k < N_VEC; k++) count[k] += cw_vd_set1(1);
  }
  add_row(sum[CW_POLYAKOV_RE], re);
  add_row(sum[CW_POLYAKOV_IM], im);
  add_row(sum[CW_POLYAKOV_COUNT], count);
}
