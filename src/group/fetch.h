/* Links of neighbours on lanes, for one group, CW_GROUP; included once for each. See walk.h. */

/* Link (place, mu) of a block x on lanes [lane, lane + G(STEP)). */
CW_INLINE void G(fetch)(G(m) * u, const G(real) * x, int dim, cw_place at, int mu, int lane) {
  const G(real) *row = x + (at.outer * dim + mu) * (G(N_REAL) * CW_LANES);
  if (at.from == NULL)
    G(load)(u, row + lane);
  else
    G(load_from)(u, row, at.from + lane);
}

/* Asks for the share of a link that lanes [lane, lane + G(STEP)) come with. */
CW_INLINE void G(prefetch)(const G(real) * x, int dim, long outer, int mu, int lane) {
  const G(real) *row = x + (outer * dim + mu) * (G(N_REAL) * CW_LANES) + lane * G(N_REAL);
  for (int k = 0; k < G(N_REAL) * G(STEP); k += 64 / (int)sizeof *row)
    __builtin_prefetch(row + k, 0, 2);
}
