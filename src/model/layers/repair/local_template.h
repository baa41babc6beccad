/* Smearing, filling, sums and their adjoints on local fields for one group, CW_GROUP; included once for each.
 */

/* ---- items from and to memory ---- */

CW_INLINE void G(gather_place)(G(m) * m, const cw_items *t, int staple, int leg, const double *x) {
  const double *p[CW_VD];
  for (int l = 0; l < CW_VD; l++) p[l] = x + cw_place_of(t, l, staple, leg) * G(N_REAL);
  G(gather)(m, p);
}

CW_INLINE cw_vd G(weight_of)(const cw_items *t, int staple) {
  double w[CW_VD] CW_ALIGNED;
  for (int l = 0; l < CW_VD; l++) w[l] = t->w[l][staple];
  return cw_vd_load(w);
}

/* The first n items. */
CW_INLINE void G(scatter_own)(double *x, const cw_items *t, const G(m) * m, int n) {
  double *p[CW_VD];
  for (int l = 0; l < CW_VD; l++) p[l] = x + cw_place_of(t, l, -1, 0) * G(N_REAL);
  G(scatter)(p, m, n);
}

/* ---- staples ---- */

CW_INLINE void G(legs)(G(m) leg[3], const cw_items *t, int s, const double *x) {
  for (int j = 0; j < 3; j++) G(gather_place)(&leg[j], t, s, j, x);
}

/* Up a b c^+, down a^+ b c. */
CW_INLINE void G(path)(G(m) * p, const G(m) leg[3], int down) {
  G(m) ab;
  if (down) {
    G(mul_dn)(&ab, &leg[0], &leg[1]);
    G(mul)(p, &ab, &leg[2]);
  } else {
    G(mul)(&ab, &leg[0], &leg[1]);
    G(mul_nd)(p, &ab, &leg[2]);
  }
}

CW_INLINE void G(weighted_sum)(G(m) * sum, const cw_items *t, const double *x) {
  G(zero)(sum);
  for (int s = 0; s < t->staples; s++) {
    G(m) leg[3], p;
    G(legs)(leg, t, s, x);
    G(path)(&p, leg, s % 2);
    G(add_scaled)(sum, G(weight_of)(t, s), &p);
  }
}

CW_INLINE void G(widened)(G(m) * w, const cw_items *t, double weight, const double *x) {
  G(m) sum;
  G(weighted_sum)(&sum, t, x);
  G(gather_place)(w, t, -1, 0, x);
  G(add_scaled)(w, cw_vd_set1(weight), &sum);
}

static void G(smear)(const cw_repair_list *k, int staples, int B, double weight, const double *in,
                     double *out) {
  for (long first = 0; first < k->n * B; first += CW_VD) {
    const cw_items t = cw_items_from(k, k->w, staples, B, first);
    G(m) w;
    G(widened)(&w, &t, weight, in);
    G(unitarise)(&w, 1);
    G(scatter_own)(out, &t, &w, cw_items_left(k, B, first));
  }
}

static void G(fill)(const cw_repair_list *k, int staples, int B, const double *in, double *out) {
  for (long first = 0; first < k->n * B; first += CW_VD) {
    const cw_items t = cw_items_from(k, k->w, staples, B, first);
    const int n = cw_items_left(k, B, first);
    double *p[CW_VD];
    G(m) w;
    G(weighted_sum)(&w, &t, in);
    G(unitarise)(&w, CW_FILL_TURNS);
    for (int l = 0; l < CW_VD; l++) p[l] = out + (first + (l < n ? l : n - 1)) * G(N_REAL);
    G(scatter)(p, &w, n);
  }
}

/* m += what lies in rows, and back. */
CW_INLINE void G(add_to_rows)(double *rows, const G(m) * m) {
  G(m) sum;
  G(load)(&sum, rows);
  G(add)(&sum, m);
  G(store)(rows, &sum);
}

static void G(sum)(const cw_repair_list *k, int staples, int B, long first, const double *in,
                   const cw_repair_weights *of_v, double *v, const cw_repair_weights *of_u,
                   double *u) {
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    const cw_items t = cw_items_from(k, of_v, staples, B, first + lane);
    const cw_items other = cw_items_from(k, u != NULL ? of_u : of_v, staples, B, first + lane);
    G(m) to_v, to_u;
    G(zero)(&to_v);
    G(zero)(&to_u);
    for (int s = 0; s < staples; s++) {
      G(m) leg[3], p;
      G(legs)(leg, &t, s, in);
      G(path)(&p, leg, s % 2);
      G(add_scaled)(&to_v, G(weight_of)(&t, s), &p);
      if (u != NULL) G(add_scaled)(&to_u, G(weight_of)(&other, s), &p);
    }
    G(add_to_rows)(v + lane, &to_v);
    if (u != NULL) G(add_to_rows)(u + lane, &to_u);
  }
}

static void G(fetch_items)(const cw_repair_list *k, int B, long first, const double *in,
                           double *rows) {
  for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
    const cw_items t = cw_items_from(k, k->w, 0, B, first + lane);
    G(m) m;
    G(gather_place)(&m, &t, -1, 0, in);
    G(store)(rows + lane, &m);
  }
}

static void G(store_items)(const cw_repair_list *k, int B, long first, long n, const double *rows,
                           double *out) {
  for (int lane = 0; lane < n; lane += CW_VD) {
    const cw_items t = cw_items_from(k, k->w, 0, B, first + lane);
    G(m) m;
    G(load)(&m, rows + lane);
    G(scatter_own)(out, &t, &m, n - lane < CW_VD ? (int)(n - lane) : CW_VD);
  }
}

/* ---- adjoints ---- */

/* Of K, the adjoint of a staple, those of its legs: g_a = K c b^+, g_b = a^+ K c, g_c = K^+ a b of a b c^+;
 * g_a = b c K^+, g_b = a K c^+, g_c = b^+ a K of a^+ b c. */
CW_INLINE void G(pull_path)(G(m) g[3], const G(m) leg[3], int down, const G(m) * K) {
  G(m) m;
  if (down) {
    G(mul)(&m, &leg[1], &leg[2]);
    G(mul_nd)(&g[0], &m, K);
    G(mul)(&m, &leg[0], K);
    G(mul_nd)(&g[1], &m, &leg[2]);
    G(mul_dn)(&g[2], &leg[1], &m);
  } else {
    G(mul)(&m, K, &leg[2]);
    G(mul_nd)(&g[0], &m, &leg[1]);
    G(mul_dn)(&g[1], &leg[0], &m);
    G(mul)(&m, &leg[0], &leg[1]);
    G(mul_dn)(&g[2], K, &m);
  }
}

/* Numbers that items add to, item after item, so that sums do not depend on how many are in a vector. */
typedef struct {
  double of[CW_REPAIR_STAPLES][3][G(N_REAL) * CW_LANES] CW_ALIGNED;
} G(leg_rows);

CW_INLINE void G(add_lane)(double *to, const double *rows, int lane) {
  for (int j = 0; j < G(N_REAL); j++) to[j] += rows[j * CW_LANES + lane];
}

/* own: of the links themselves; NULL: nothing. */
CW_INLINE void G(add_legs)(double *bar, const cw_items *t, const double *own, const G(leg_rows) * g,
                           int n) {
  for (int l = 0; l < n; l++) {
    if (own != NULL) G(add_lane)(bar + cw_place_of(t, l, -1, 0) * G(N_REAL), own, l);
    for (int s = 0; s < t->staples; s++)
      for (int j = 0; j < 3; j++)
        G(add_lane)(bar + cw_place_of(t, l, s, j) * G(N_REAL), g->of[s][j], l);
  }
}

/* bar += what adjoint K of the weighted sum of staples becomes, and own. */
CW_INLINE void G(pull_sum)(double *bar, const cw_items *t, const double *x, const double *own,
                           const G(m) * K, int n) {
  G(leg_rows) rows;
  for (int s = 0; s < t->staples; s++) {
    G(m) leg[3], g[3], of_staple = *K;
    G(legs)(leg, t, s, x);
    G(scale)(&of_staple, G(weight_of)(t, s));
    G(pull_path)(g, leg, s % 2, &of_staple);
    for (int j = 0; j < 3; j++) G(store)(rows.of[s][j], &g[j]);
  }
  G(add_legs)(bar, t, own, &rows, n);
}

static void G(smear_vjp)(const cw_repair_list *k, int staples, int B, double weight,
                         const double *in, const double *bar, double *to) {
  for (long first = 0; first < k->n * B; first += CW_VD) {
    const cw_items t = cw_items_from(k, k->w, staples, B, first);
    const int n = cw_items_left(k, B, first);
    double own[G(N_REAL) * CW_LANES] CW_ALIGNED;
    G(m) w, adjoint;
    G(widened)(&w, &t, weight, in);
    G(gather_place)(&adjoint, &t, -1, 0, bar);
    G(unitarise_vjp)(&w, 1, &adjoint);
    G(store)(own, &adjoint);
    G(scale)(&adjoint, cw_vd_set1(weight));
    G(pull_sum)(to, &t, in, own, &adjoint, n);
  }
}

static void G(fill_vjp)(const cw_repair_list *k, int staples, int B, const double *in,
                        double *bar) {
  for (long first = 0; first < k->n * B; first += CW_VD) {
    const cw_items t = cw_items_from(k, k->w, staples, B, first);
    const int n = cw_items_left(k, B, first);
    G(m) w, adjoint, none;
    G(weighted_sum)(&w, &t, in);
    G(gather_place)(&adjoint, &t, -1, 0, bar);
    G(unitarise_vjp)(&w, CW_FILL_TURNS, &adjoint);
    G(zero)(&none);
    G(scatter_own)(bar, &t, &none, n);
    G(pull_sum)(bar, &t, in, NULL, &adjoint, n);
  }
}

static void G(sum_vjp)(const cw_repair_list *k, int staples, int B, long first, long n,
                       const double *in, const cw_repair_weights *of_v, const double *gv,
                       const cw_repair_weights *of_u, const double *gu, double *bar, double *dc) {
  for (int lane = 0; lane < n; lane += CW_VD) {
    const cw_items t = cw_items_from(k, of_v, staples, B, first + lane);
    const cw_items other = cw_items_from(k, gu != NULL ? of_u : of_v, staples, B, first + lane);
    G(leg_rows) rows;
    G(m) of_sum, of_other;
    G(load)(&of_sum, gv + lane);
    if (gu != NULL) G(load)(&of_other, gu + lane);
    for (int s = 0; s < staples; s++) {
      G(m) leg[3], g[3], p, K = of_sum;
      G(legs)(leg, &t, s, in);
      G(path)(&p, leg, s % 2);
      cw_vd_store(dc + s * CW_LANES + lane, G(re_trace_nd)(&p, &of_sum));
      G(scale)(&K, G(weight_of)(&t, s));
      if (gu != NULL) G(add_scaled)(&K, G(weight_of)(&other, s), &of_other);
      G(pull_path)(g, leg, s % 2, &K);
      for (int j = 0; j < 3; j++) G(store)(rows.of[s][j], &g[j]);
    }
    G(add_legs)(bar, &t, NULL, &rows, n - lane < CW_VD ? (int)(n - lane) : CW_VD);
  }
}

/* With u -> e^T u F changes by Re tr bar^+ T u: coordinates of (u bar^+). */
static void G(tangent)(long items, double sign, const double *x, const double *bar, double *g) {
  for (long first = 0; first < items; first += CW_VD) {
    const int n = items - first < CW_VD ? (int)(items - first) : CW_VD;
    const double *p[CW_VD], *q[CW_VD];
    double t[G(N_ALGEBRA) * CW_VD] CW_ALIGNED;
    G(m) u, b, ub;
    cw_vd w[G(N_ALGEBRA)];
    for (int l = 0; l < CW_VD; l++) {
      const long i = first + (l < n ? l : n - 1);
      p[l] = x + i * G(N_REAL);
      q[l] = bar + i * G(N_REAL);
    }
    G(gather)(&u, p);
    G(gather)(&b, q);
    G(mul_nd)(&ub, &u, &b);
    G(to_algebra)(&ub, w);
    for (int a = 0; a < G(N_ALGEBRA); a++)
      cw_vd_store(t + a * CW_VD, w[a] * (G(N) > 1 ? -0.5 * sign : -sign));
    for (int l = 0; l < n; l++)
      for (int a = 0; a < G(N_ALGEBRA); a++) g[(first + l) * G(N_ALGEBRA) + a] += t[a * CW_VD + l];
  }
}
