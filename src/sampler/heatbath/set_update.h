/* The update of a set of links of one group, included once per group with CW_GROUP set. */

/* Link number k of those around the links of a batch, in lanes [lane, lane + CW_VD); its place in
 * the table of all of them is at. In place, that of the next link is asked for. */
CW_INLINE void G(fetch_around)(G(m) * u, const cw_set_block *b, const uint32_t *at,
                               const cw_batch *t, int lane, bool in_place) {
  if (in_place) {
    const double *next = b->data + at[t->next] * b->stride + lane;
    G(load)(u, b->data + at[t->link[0]] * b->stride + lane);
    for (int k = 0; k < G(N_REAL); k++) __builtin_prefetch(next + k * CW_LANES, 0, 2);
  } else {
    const double *p[CW_VD];
    for (int l = 0; l < CW_VD; l++)
      p[l] = b->data + at[t->link[lane + l]] * b->stride + t->chain[lane + l] * b->chain;
    G(gather)(u, p);
  }
}

/* v = the weighted sum of staples, in the order of G(staple). */
CW_INLINE void G(staple_around)(G(m) * v, const cw_set_plan *set, const cw_set_block *b,
                                const cw_batch *t, const double *r, int lane, bool in_place) {
  G(zero)(v);
  for (int s = 0; s < set->n_staples; s++) {
    const uint32_t *at = set->around + 3 * s * set->n;
    G(m) a, c, e;
    G(fetch_around)(&a, b, at, t, lane, in_place);
    G(fetch_around)(&c, b, at + set->n, t, lane, in_place);
    G(fetch_around)(&e, b, at + 2 * set->n, t, lane, in_place);
    G(add_path)(v, &a, &c, &e, s % 2, r != NULL ? r + s * CW_LANES + lane : NULL);
  }
}

CW_INLINE void G(put_back)(const cw_sweep *s, const cw_set_plan *set, const cw_set_block *b,
                           const cw_batch *t, G(m) * u, const cw_vl *active, bool in_place) {
  for (int k = 0; k < t->n_vec; k++) {
    if (in_place) {
      double *row = b->data + set->at[t->link[0]] * b->stride + k * CW_VD;
      G(put)(row, &u[k], s->project, t->n < CW_LANES ? &active[k] : NULL);
    } else {
      double *p[CW_VD];
      for (int l = 0; l < CW_VD; l++)
        p[l] = b->data + set->at[t->link[k * CW_VD + l]] * b->stride +
               t->chain[k * CW_VD + l] * b->chain;
      if (s->project) G(project)(&u[k]);
      G(scatter)(p, &u[k], t->n - k * CW_VD < CW_VD ? t->n - k * CW_VD : CW_VD);
    }
  }
}

/* Adds to bad the lanes of the batch where not-a-number was met. */
CW_INLINE void G(update_batch)(const cw_sweep *s, const cw_set_plan *set, const cw_set_block *b,
                               const cw_link_class *class, const cw_batch *t, cw_draws *d,
                               bool in_place, cw_vl *bad) {
  G(m) u[CW_N_VEC], v[CW_N_VEC];
  double r[CW_WILSON_STAPLES][CW_LANES] CW_ALIGNED;
  const bool weighted = class->weighted || !s->weights.isotropic;
  if (weighted) cw_batch_weights(s, set, t, r);
  for (int k = 0; k < t->n_vec; k++) {
    G(fetch_around)(&u[k], b, set->at, t, k * CW_VD, in_place);
    G(staple_around)(&v[k], set, b, t, weighted ? r[0] : NULL, k * CW_VD, in_place);
    if (s->relax)
      bad[k] |=
          (s->back ? G(relax)(&u[k], &v[k], true) : G(relax)(&u[k], &v[k], false)) & d->active[k];
  }
  const uint32_t draw = cw_heatbath_draw(s->sweep, class->mu, 0);
  if (!s->relax && s->back)
    G(heat)(d, draw, s->weights.scale, t->n_vec, true, u, v, bad);
  else if (!s->relax)
    G(heat)(d, draw, s->weights.scale, t->n_vec, false, u, v, bad);
  G(put_back)(s, set, b, t, u, d->active, in_place);
}

static __attribute__((noinline)) unsigned G(update_class)(const cw_sweep *s, const cw_set_plan *set,
                                                          const cw_set_block *b,
                                                          const cw_link_class *class, cw_draws *d) {
  const long pairs = set->in_place ? class->n * CW_LANES : class->n * b->n_chains;
  unsigned chains = 0;
  for (long first = 0; first < pairs; first += CW_LANES) {
    cw_batch t;
    cw_vl bad[CW_N_VEC] = {{0}};
    cw_batch_find(&t, set, b, class, first, d);
    if (set->in_place)
      G(update_batch)(s, set, b, class, &t, d, true, bad);
    else
      G(update_batch)(s, set, b, class, &t, d, false, bad);
    chains |= cw_batch_chains(&t, bad);
  }
  return chains;
}

static unsigned G(update_set)(const cw_sweep *s, const cw_set_plan *set, const cw_set_block *b) {
  cw_draws d;
  unsigned bad = 0;
  cw_draws_of(&d, s);
  for (int i = 0; i < set->n_classes; i++)
    bad |= G(update_class)(s, set, b, &set->classes[s->back ? set->n_classes - 1 - i : i], &d);
  return bad;
}
