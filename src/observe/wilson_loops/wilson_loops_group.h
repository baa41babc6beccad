/* Wilson loops of one group: included by wilson_loops.isa.c with CW_GROUP set. */

/* One spatial link: exp(X) U, X the traceless anti-Hermitian part of rho V U^+ with the sum V of
 * the staples that run beside the link, all in space (Morningstar and Peardon, hep-lat/0311018,
 * eqs. 1-4). weight (2*(dim-1), CW_LANES): rho for these, 0 for the others. */
CW_INLINE void G(smear_link)(const double *u, const cw_corners *around, const double *weight,
                             int lane, double *out) {
  const long at = (around->outer * around->dim + around->mu) * G(N_REAL) * CW_LANES + lane;
  G(m) link, v, product, turn;
  cw_vd w[G(N_ALGEBRA)];
  G(staple)(&v, u, around, weight, lane);
  G(load)(&link, u + at);
  G(mul_nd)(&product, &v, &link);
  G(to_algebra)(&product, w);
  G(exp)(&turn, w);
  G(mul)(&product, &turn, &link);
  G(store)(out + at, &product);
}

static void G(smear)(const cw_geometry *g, double rho, const double *u, double *out, long begin,
                     long end) {
  const int dim = g->lat.dim, time = dim - 1;
  double weight[2 * (CW_MAX_DIM - 1) * CW_LANES] CW_ALIGNED;
  /* the last direction is the last of the others for every spatial one */
  for (int i = 0; i < 2 * time * CW_LANES; i++) weight[i] = i < 2 * (time - 1) * CW_LANES ? rho : 0;
  for (long o = begin; o < end; o++) {
    for (int mu = 0; mu < time; mu++) {
      cw_corners around;
      cw_corners_find(&around, g, o, mu);
      for (int lane = 0; lane < CW_LANES; lane += CW_VD)
        G(smear_link)(u, &around, weight, lane, out);
    }
    const long at = (o * dim + time) * G(N_REAL) * CW_LANES;
    memcpy(out + at, u + at, sizeof(double) * G(N_REAL) * CW_LANES);
  }
}

/* A line field is a field of one direction. */
CW_INLINE void G(fetch_line)(G(m) * m, const double *line, cw_place at, int lane) {
  G(fetch)(m, line, 1, at, 0, lane);
}

static void G(lengthen)(const cw_geometry *g, const double *u, int mu, const double *line,
                        double *longer, long begin, long end) {
  for (long o = begin; o < end; o++) {
    const cw_place here = {o, NULL}, next = cw_step(g, o, 2 * mu);
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      G(m) link, rest, product;
      G(fetch)(&link, u, g->lat.dim, here, mu, lane);
      if (line != NULL) {
        G(fetch_line)(&rest, line, next, lane);
        G(mul)(&product, &link, &rest);
      }
      G(store)(longer + o * G(N_REAL) * CW_LANES + lane, line != NULL ? &product : &link);
    }
  }
}

/* Rectangles at outer site o: W = S(x) T(x + R mu) S(x + T t)^+ T(x)^+. */
CW_INLINE void G(rectangles_at)(const cw_geometry *g, const cw_wilson_lines *l, long o,
                                cw_lane_row *sum) {
  const cw_place here = {o, NULL};
  cw_stroll side, top;
  cw_stroll_begin(&side, o);
  cw_stroll_begin(&top, o);
  for (int r = 0; r < l->R; r++) cw_stroll_step(&side, g, 2 * l->mu);
  for (int i = 0; i < l->max_t; i++) {
    cw_stroll_step(&top, g, 2 * (g->lat.dim - 1));
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      G(m) a, b, right, left;
      G(fetch_line)(&a, l->space, here, lane);
      G(fetch_line)(&b, l->time[i], cw_stroll_place(&side), lane);
      G(mul)(&right, &a, &b);
      G(fetch_line)(&a, l->time[i], here, lane);
      G(fetch_line)(&b, l->space, cw_stroll_place(&top), lane);
      G(mul)(&left, &a, &b);
      double *row = sum[i] + lane;
      cw_vd_store(row, cw_vd_load(row) + G(re_trace_nd)(&right, &left));
    }
  }
}

static void G(rectangles)(const cw_geometry *g, const double *x, const void *arg, long begin,
                          long end, cw_lane_row *sum) {
  const cw_wilson_lines *l = arg;
  (void)x;
  memset(sum, 0, (size_t)l->max_t * sizeof *sum);
  for (long o = begin; o < end; o++) G(rectangles_at)(g, l, o, sum);
}
