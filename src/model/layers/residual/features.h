/* The frozen matrices R of features.def and their adjoints, for one group, CW_GROUP; included once for
 * each. Adjoints g of matrices: dF = Re tr g^+ dm. */

typedef struct {
  G(m) v[CW_LEVELS][CW_PLANES];
} G(link_sums);

CW_INLINE void G(whole_sum)(G(m) * m, const G(link_sums) * s, int level) {
  *m = s->v[level][CW_SPATIAL];
  G(add)(m, &s->v[level][CW_TEMPORAL]);
}
CW_INLINE void G(pull_whole)(G(link_sums) * gs, int level, const G(m) * g) {
  for (int p = 0; p < CW_PLANES; p++) G(add)(&gs->v[level][p], g);
}

#define CW_ONE_SUM(name, level)                                                                    \
  CW_INLINE void G(name##_frozen)(G(m) * r, const G(link_sums) * s, int plane) {                   \
    *r = s->v[level][plane];                                                                       \
  }                                                                                                \
  CW_INLINE void G(name##_pull)(G(link_sums) * gs, const G(link_sums) * s, int plane,              \
                                const G(m) * g) {                                                  \
    (void)s;                                                                                       \
    G(add)(&gs->v[level][plane], g);                                                               \
  }
CW_ONE_SUM(s0, CW_THIN)
CW_ONE_SUM(sk, CW_SHORT)
CW_ONE_SUM(sl, CW_LONG)
#undef CW_ONE_SUM

/* r = a b^+ a. */
CW_INLINE void G(sandwich)(G(m) * r, const G(m) * a, const G(m) * b) {
  G(m) ab;
  G(mul_nd)(&ab, a, b);
  G(mul)(r, &ab, a);
}
/* ga += g a^+ b + b a^+ g, gb += a g^+ a. */
CW_INLINE void G(sandwich_pull)(G(link_sums) * gs, int a_level, int b_level, const G(m) * a,
                                const G(m) * b, const G(m) * g) {
  G(m) ab, ga, more;
  G(mul_dn)(&ab, a, b);
  G(mul)(&ga, g, &ab);
  G(mul_nd)(&ab, b, a);
  G(mul)(&more, &ab, g);
  G(add)(&ga, &more);
  G(pull_whole)(gs, a_level, &ga);
  G(sandwich)(&more, a, g);
  G(pull_whole)(gs, b_level, &more);
}

#define CW_SANDWICH(name, outside, inside)                                                         \
  CW_INLINE void G(name##_frozen)(G(m) * r, const G(link_sums) * s, int plane) {                   \
    G(m) a, b;                                                                                     \
    (void)plane;                                                                                   \
    G(whole_sum)(&a, s, outside);                                                                  \
    G(whole_sum)(&b, s, inside);                                                                   \
    G(sandwich)(r, &a, &b);                                                                        \
  }                                                                                                \
  CW_INLINE void G(name##_pull)(G(link_sums) * gs, const G(link_sums) * s, int plane,              \
                                const G(m) * g) {                                                  \
    G(m) a, b;                                                                                     \
    (void)plane;                                                                                   \
    G(whole_sum)(&a, s, outside);                                                                  \
    G(whole_sum)(&b, s, inside);                                                                   \
    G(sandwich_pull)(gs, outside, inside, &a, &b, g);                                              \
  }
CW_SANDWICH(sk_s0_sk, CW_SHORT, CW_THIN)
CW_SANDWICH(s0_sk_s0, CW_THIN, CW_SHORT)
#undef CW_SANDWICH

CW_INLINE void G(trace_frozen)(G(m) * r, const G(link_sums) * s, int plane) {
  (void)plane;
  G(whole_sum)(r, s, CW_SHORT);
}
CW_INLINE void G(trace_pull)(G(link_sums) * gs, const G(link_sums) * s, int plane, const G(m) * g) {
  (void)s, (void)plane;
  G(pull_whole)(gs, CW_SHORT, g);
}
