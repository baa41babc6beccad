/* The gamma matrices (causeway/dirac.h): gamma_mu = (0 e_mu; e_mu^+ 0), (e l)_a = i^turn l_partner, with
 * e = -i sigma_k in space and -1 in time. Row a of gamma_mu, a = 0, 1. */
#ifndef CW_DIRAC_GAMMA_H
#define CW_DIRAC_GAMMA_H

static const int cw_gamma_partner[4][2] = {{1, 0}, {1, 0}, {0, 1}, {0, 1}};
static const int cw_gamma_turn[4][2] = {{3, 3}, {2, 0}, {3, 1}, {2, 2}};

/* A product of gamma matrices: (G psi)_a = i^turn[a] psi_to[a]. */
typedef struct {
  int to[4], turn[4];
} cw_spin;

static inline cw_spin cw_gamma(int mu) { /* mu = 0 .. 3 */
  cw_spin g;
  for (int a = 0; a < 2; a++) {
    const int b = cw_gamma_partner[mu][a];
    g.to[a] = 2 + b;
    g.turn[a] = cw_gamma_turn[mu][a];
    g.to[2 + b] = a; /* the adjoint below */
    g.turn[2 + b] = (4 - cw_gamma_turn[mu][a]) % 4;
  }
  return g;
}
static inline cw_spin cw_spin_times(cw_spin g, cw_spin h) {
  cw_spin p;
  for (int a = 0; a < 4; a++) {
    p.to[a] = h.to[g.to[a]];
    p.turn[a] = (g.turn[a] + h.turn[g.to[a]]) % 4;
  }
  return p;
}
static inline cw_spin cw_gamma5(void) { return (cw_spin){{0, 1, 2, 3}, {0, 0, 2, 2}}; }
static inline cw_spin cw_minus(cw_spin g) {
  for (int a = 0; a < 4; a++) g.turn[a] = (g.turn[a] + 2) % 4;
  return g;
}

#endif
