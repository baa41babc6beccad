/* Kernels of kind.isa.c for one group, CW_GROUP; included once for each. */

static void G(drift_links)(double *x, const double *p, const double *eps, long first, long last) {
  for (long link = first; link < last; link++)
    for (int v = 0; v < CW_LANES; v += CW_VD) {
      double *at = x + link * G(N_REAL) * CW_LANES + v;
      const double *momentum = p + link * G(N_ALGEBRA) * CW_LANES + v;
      cw_vd w[G(N_ALGEBRA)];
      for (int a = 0; a < G(N_ALGEBRA); a++)
        w[a] = cw_vd_load(eps + v) * cw_vd_load(momentum + a * CW_LANES);
      G(m) step, before, after;
      G(exp)(&step, w);
      G(load)(&before, at);
      G(mul)(&after, &step, &before);
      G(store)(at, &after);
    }
}

static void G(project_links)(double *x, long first, long last) {
  for (long link = first; link < last; link++)
    for (int v = 0; v < CW_LANES; v += CW_VD) {
      double *at = x + link * G(N_REAL) * CW_LANES + v;
      G(m) u;
      G(load)(&u, at);
      G(project)(&u);
      G(store)(at, &u);
    }
}
