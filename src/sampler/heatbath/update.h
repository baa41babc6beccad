/* The update of links of one group, included once per group with CW_GROUP set. */

/* Stores u, made a group element again if asked, where lanes are active. */
CW_INLINE void G(put)(double *row, G(m) * u, bool project, const cw_vl *active) {
  if (project) G(project)(u);
  if (active != NULL) {
    G(m) old;
    cw_vd *to = (cw_vd *)u, *from = (cw_vd *)&old;
    G(load)(&old, row);
    for (size_t k = 0; k < sizeof old / sizeof *to; k++)
      to[k] = cw_vd_select(*active, to[k], from[k]);
  }
  G(store)(row, u);
}

/* One link in all lanes. Adds to bad the active lanes where not-a-number was met. back: literal. */
CW_INLINE void G(update_link)(const cw_sweep *s, const cw_field *x, const cw_corners *at,
                              unsigned lanes, bool back, cw_draws *d, cw_vl *bad) {
  int dim = at->dim, mu = at->mu;
  G(m) u[CW_N_VEC], v[CW_N_VEC];
  double weights[CW_WILSON_STAPLES][CW_LANES] CW_ALIGNED;
  double *row = x->data + (at->outer * dim + mu) * (G(N_REAL) * CW_LANES);
  const uint8_t(*defects)[CW_LANES] = cw_wilson_defects(s->th, at->outer, mu);
  bool weighted = defects != NULL || !s->weights.isotropic;
  if (weighted) cw_wilson_staple_weights(&s->weights, dim, mu, defects, weights);
  cw_lane_masks(d->active, lanes);
  for (int k = 0; k < CW_N_VEC; k++) {
    G(load)(&u[k], row + k * CW_VD);
    G(staple)(&v[k], x->data, at, weighted ? weights[0] : NULL, k * CW_VD);
    if (s->relax) bad[k] |= G(relax)(&u[k], &v[k], back) & d->active[k];
  }
  if (!s->relax) {
    cw_draws_at(d, x, at->outer);
    G(heat)(d, cw_heatbath_draw(s->sweep, mu, 0), s->weights.scale, CW_N_VEC, back, u, v, bad);
  }
  for (int k = 0; k < CW_N_VEC; k++)
    G(put)(row + k * CW_VD, &u[k], s->project, lanes != 0xFFFF ? &d->active[k] : NULL);
}

/* The links that start at one outer site. back: in descending order; literal. */
CW_INLINE void G(update_site)(const cw_sweep *s, const cw_field *x, long outer, bool back,
                              cw_draws *d, cw_vl *bad) {
  const cw_geometry *g = x->geom;
  for (int turn = 0; turn < g->lat.dim; turn++) {
    cw_corners at;
    cw_corners_find_before(&at, g, outer, back ? g->lat.dim - 1 - turn : turn,
                           back ? outer - 1 : outer + 1);
    G(update_link)(s, x, &at, s->present, back, d, bad);
  }
}

static unsigned G(update)(const cw_sweep *s, const cw_field *x, long begin, long n) {
  const cw_geometry *g = x->geom;
  cw_draws d;
  cw_vl bad[CW_N_VEC] = {{0}};
  if (!s->relax) cw_draws_begin(&d, s, x);
  for (long i = 0; i < n; i++)
    for (long outer = s->back ? begin + n - 1 - i : begin + i; outer < g->n_outer;
         outer += g->n_inner)
      if (s->back)
        G(update_site)(s, x, outer, true, &d, bad);
      else
        G(update_site)(s, x, outer, false, &d, bad);
  return cw_lane_bits(bad);
}
