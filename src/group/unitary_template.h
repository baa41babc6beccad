/* From sums of group elements to the group, or near to it, for one group, CW_GROUP, in its numbers; included
 * once for each. */

/* Of SU(3) alone sums of group elements are no multiples of unitary matrices. */
enum { G(needs_newton) = G(N) > 2 };

CW_INLINE void G(scale)(G(m) * m, G(v) s) {
  const G(m) a = *m;
  G(zero)(m);
  G(add_scaled)(m, s, &a);
}

/* sqrt(N)/|w|; finite where w is 0. */
CW_INLINE G(v) G(to_norm)(const G(m) * w) {
  return G(set1)(sqrt((double)G(N))) /
         G(sqrt)(G(re_trace_nd)(w, w) + (G(real))(sizeof(G(real)) == 8 ? 1e-200 : 1e-30f));
}

CW_INLINE void G(newton)(G(m) * w) { /* w (3 - w^+ w)/2 */
  G(m) square, cube;
  G(mul_dn)(&square, w, w);
  G(mul)(&cube, w, &square);
  G(scale)(w, G(set1)(1.5));
  G(add_scaled)(w, G(set1)(-0.5), &cube);
}

CW_INLINE void G(unitarise)(G(m) * w, int turns) {
  G(scale)(w, G(to_norm)(w));
  for (int i = 0; G(needs_newton) && i < turns; i++) G(newton)(w);
}
