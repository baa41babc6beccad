/* The flow of one group: included by flow.isa.c with CW_GROUP set. Link i is number i % dim of
 * outer site i / dim. */

/* out = exp(eps sum_k a_k z_k) in for link i on the lanes [lane, lane + CW_VD). */
CW_INLINE void G(advance_link)(const cw_flow_generator *by, const double *eps, const double *in,
                               long i, int lane, G(m) * out) {
  cw_vd w[G(N_ALGEBRA)];
  const cw_vd e = cw_vd_load(eps + lane);
  const long at = i * G(N_ALGEBRA) * CW_LANES + lane;
  for (int a = 0; a < G(N_ALGEBRA); a++) {
    w[a] = cw_vd_set1(0);
    for (int k = 0; k < by->n; k++)
      w[a] = cw_vd_fma(cw_vd_set1(by->a[k]), cw_vd_load(by->z[k] + at + a * CW_LANES), w[a]);
    w[a] *= e;
  }
  G(m) u, step;
  G(load)(&u, in + i * G(N_REAL) * CW_LANES + lane);
  G(exp)(&step, w);
  G(mul)(out, &step, &u);
}

static void G(advance)(const cw_geometry *g, const cw_flow_generator *by, const double *eps,
                       const double *in, double *out, long begin, long end) {
  const int dim = g->lat.dim;
  for (long i = begin * dim; i < end * dim; i++)
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      G(m) u;
      G(advance_link)(by, eps, in, i, lane, &u);
      G(store)(out + i * G(N_REAL) * CW_LANES + lane, &u);
    }
}

static void G(compare)(const cw_geometry *g, const cw_flow_generator *by, const double *eps,
                       const double *in, const double *v, long begin, long end, double *distance2) {
  const int dim = g->lat.dim;
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    cw_vd largest = cw_vd_set1(0);
    for (long i = begin * dim; i < end * dim; i++) {
      G(m) u, other;
      G(advance_link)(by, eps, in, i, lane, &u);
      G(load)(&other, v + i * G(N_REAL) * CW_LANES + lane);
      G(add_scaled)(&u, cw_vd_set1(-1), &other);
      largest = cw_vd_max(largest, G(re_trace_nd)(&u, &u));
    }
    cw_vd_store(distance2 + lane, largest);
  }
}
