/* Traces of two propagators on lanes: included by links.isa.c. A propagator is [site][column][row][lane], columns and
 * rows (spin, colour). */

/* Re tr G s H r^+ of a site = Re sum i^(g_a + h_b) s[to(a) c, b d] r[a c, to(b) d]^*. */
CW_INLINE void trace_of(const double *s, const double *r, const cw_spin *g, const cw_spin *h,
                        double *out) {
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    cw_vd sum = cw_vd_set1(0);
    for (int a = 0; a < 4; a++)
      for (int b = 0; b < 4; b++) {
        const int turn = (g->turn[a] + h->turn[b]) % 4;
        cw_vd part = cw_vd_set1(0); /* Re (1 or i) s r^* */
        for (int d = 0; d < 3; d++) {
          const double *x = s + ((3 * b + d) * CW_SPINOR + 6 * g->to[a]) * CW_LANES + lane;
          const double *y = r + ((3 * h->to[b] + d) * CW_SPINOR + 6 * a) * CW_LANES + lane;
          for (int c = 0; c < 3; c++, x += 2 * CW_LANES, y += 2 * CW_LANES) {
            const cw_vd xr = cw_vd_load(x), xi = cw_vd_load(x + CW_LANES), yr = cw_vd_load(y),
                        yi = cw_vd_load(y + CW_LANES);
            if (turn % 2 == 0)
              part = cw_vd_fma(xr, yr, cw_vd_fma(xi, yi, part));
            else
              part = cw_vd_fma(xr, yi, cw_vd_fnma(xi, yr, part));
          }
        }
        sum += turn < 2 ? part : -part;
      }
    cw_vd_store(out + lane, sum);
  }
}

static void traces(const double *s, const double *r, double *c, long begin, long end) {
  const cw_spin one = {{0, 1, 2, 3}, {0}}, five = cw_gamma5();
  cw_spin g[CW_N_TRACES], h[CW_N_TRACES];
  g[0] = h[0] = one;
  for (int i = 0; i < 3; i++) {
    g[1 + i] = cw_spin_times(five, cw_gamma(i));
    h[1 + i] = cw_spin_times(cw_gamma(i), five);
  }
  g[4] = cw_minus(five);
  h[4] = five;
  g[5] = cw_minus(cw_gamma(3));
  h[5] = one;
  for (long o = begin; o < end; o++) {
    const long at = o * (CW_COLUMNS * CW_SPINOR * CW_LANES);
    for (int k = 0; k < CW_N_TRACES; k++)
      trace_of(s + at, r + at, &g[k], &h[k], c + (o * CW_N_TRACES + k) * CW_LANES);
  }
}
