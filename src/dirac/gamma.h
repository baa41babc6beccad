/* The gamma matrices (causeway/dirac.h): gamma_mu = (0 e_mu; e_mu^+ 0), (e l)_a = i^turn l_partner, with
 * e = -i sigma_k in space and -1 in time. Row a of gamma_mu, a = 0, 1. */
#ifndef CW_DIRAC_GAMMA_H
#define CW_DIRAC_GAMMA_H

static const int cw_gamma_partner[4][2] = {{1, 0}, {1, 0}, {0, 1}, {0, 1}};
static const int cw_gamma_turn[4][2] = {{3, 3}, {2, 0}, {3, 1}, {2, 2}};

#endif
