/* Adjoints of unitary_template.h for one group, CW_GROUP, in double; included once for each. */

/* h: before the step; bar <- (3 bar - bar h^+ h - h bar^+ h - h h^+ bar)/2. */
CW_INLINE void G(newton_vjp)(const G(m) * h, G(m) * bar) {
  G(m) square, part, sum;
  G(mul_dn)(&square, h, h);
  G(mul)(&sum, bar, &square);
  G(mul_nd)(&square, h, bar);
  G(mul)(&part, &square, h);
  G(add)(&sum, &part);
  G(mul_nd)(&square, h, h);
  G(mul)(&part, &square, bar);
  G(add)(&sum, &part);
  G(scale)(bar, cw_vd_set1(1.5));
  G(add_scaled)(bar, cw_vd_set1(-0.5), &sum);
}

/* bar <- f (bar - h Re tr(h^+ bar)/N), h = f w: the norm is fixed. */
CW_INLINE void G(unitarise_vjp)(const G(m) * w, int turns, G(m) * bar) {
  const cw_vd f = G(to_norm)(w);
  G(m) h[3];
  h[0] = *w;
  G(scale)(&h[0], f);
  for (int i = 0; G(needs_newton) && i < turns; i++) {
    h[i + 1] = h[i];
    G(newton)(&h[i + 1]);
  }
  for (int i = turns - 1; G(needs_newton) && i >= 0; i--) G(newton_vjp)(&h[i], bar);
  G(add_scaled)(bar, G(re_trace_nd)(&h[0], bar) * (-1.0 / G(N)), &h[0]);
  G(scale)(bar, f);
}
