/* Loops of one group: included by loops.isa.c with CW_GROUP set. */

CW_INLINE cw_vd G(dot)(const cw_vd *a, const cw_vd *b) {
  cw_vd s = a[0] * b[0];
  for (int k = 1; k < G(N_ALGEBRA); k++) s = cw_vd_fma(a[k], b[k], s);
  return s;
}

/* Adds one site on the lanes [lane, lane + CW_VD) to acc. */
CW_INLINE void G(one_site)(const double *x, int dim, const G(plane) * plane, int lane,
                           bool rectangles, cw_vd acc[CW_N_LOOPS][N_VEC]) {
  const int k = lane / CW_VD;
  cw_vd F[CW_MOST_PLANES][G(N_ALGEBRA)];
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
    G(plane) plane[CW_MOST_PLANES];
    int n = 0;
    for (int mu = 0; mu < dim; mu++)
      for (int nu = mu + 1; nu < dim; nu++, n++) {
        cw_places_from(g, o, mu, nu, &plane[n].from);
        cw_places_to(g, o, mu, nu, &plane[n].to);
        if (rectangles) cw_places_from(g, o, nu, mu, &plane[n].other);
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
