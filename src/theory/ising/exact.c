/* The exact solution on tori and rings.
 *
 * Everything is written with t = sinh 2b/cosh^2 2b = sigma tau, sigma = 1/cosh 2b, tau = tanh 2b,
 * which are bounded: in units of cosh^2 2b Kaufman's cosh gamma sinh 2b is a = 1 - t cos q,  a - t
 * = (sigma - tau)^2 + 2 t sin^2(q/2),  a + t = 1 + 2 t sin^2(q/2), and with r = sqrt(a^2 - t^2),
 * e^-gamma = t/(a + r) and 2 sinh 2b e^gamma = 2 cosh^2 2b (a + r). A product of 2 cosh(m gamma/2)
 * times (2 sinh 2b)^(mn/2) is that of [2 cosh^2 2b (a + r)]^(m/2) (1 + e^(-m gamma)), so that
 * nothing cancels at any temperature. At q = 0 gamma changes its sign at the critical point, where
 * r = |sigma - tau| has a kink: the sign goes to the factor 1 - e^(-m |gamma|), and each side has
 * the derivatives of the whole. */
#include <math.h>

#include "causeway/ising.h"

/* A function of beta with its first and second derivative. */
typedef struct {
  double f, d, dd;
} jet;

static jet add(jet a, jet b) { return (jet){a.f + b.f, a.d + b.d, a.dd + b.dd}; }
static jet scaled(double s, jet a) { return (jet){s * a.f, s * a.d, s * a.dd}; }
static jet product(jet a, jet b) {
  return (jet){a.f * b.f, a.d * b.f + a.f * b.d, a.dd * b.f + 2 * a.d * b.d + a.f * b.dd};
}
/* F(a) from the value and derivatives of F at a. */
static jet chain(double F, double d, double dd, jet a) {
  return (jet){F, d * a.d, dd * a.d * a.d + d * a.dd};
}
static jet jet_log(jet a) { return chain(log(a.f), 1 / a.f, -1 / (a.f * a.f), a); }
static jet jet_exp(jet a) { return chain(exp(a.f), exp(a.f), exp(a.f), a); }
static jet jet_sqrt(jet a) {
  double root = sqrt(a.f);
  return chain(root, 0.5 / root, -0.25 / (a.f * root), a);
}

typedef struct {
  jet sigma, tau, t, ln_cosh; /* of 2 beta */
} temperature;

static temperature at(double beta) {
  const double tau = tanh(2 * beta), sigma = 1 / cosh(2 * beta);
  temperature b = {
      .sigma = {sigma, -2 * sigma * tau, 4 * sigma * (tau * tau - sigma * sigma)},
      .tau = {tau, 2 * sigma * sigma, -8 * tau * sigma * sigma},
      .ln_cosh = {2 * beta - M_LN2 + log1p(exp(-4 * beta)), 2 * tau, 4 * sigma * sigma}};
  b.t = product(b.sigma, b.tau);
  return b;
}

/* What a momentum q gives to the products: growth = ln(a + r) and decay = m |gamma|. */
typedef struct {
  jet growth, decay;
} mode;

static mode mode_of(const temperature *b, double sin_half_q, long m) {
  const jet gap = add(b->sigma, scaled(-1, b->tau));
  const jet kinetic = scaled(2 * sin_half_q * sin_half_q, b->t);
  const jet below = add(product(gap, gap), kinetic), above = add((jet){1, 0, 0}, kinetic);
  const jet r = sin_half_q == 0 ? scaled(gap.f > 0 ? 1 : -1, gap) : jet_sqrt(product(below, above));
  mode k = {.growth = jet_log(add(add(below, b->t), r))};
  k.decay = add(k.growth, scaled(-1, jet_log(b->t)));
  k.decay.f = asinh(r.f / b->t.f); /* precise where gamma is small */
  k.decay = scaled((double)m, k.decay);
  return k;
}

/* 1 + e^-x and 1 - e^-x. */
static jet one_plus(jet x) {
  jet e = jet_exp(scaled(-1, x));
  return add((jet){1, 0, 0}, e);
}
static jet one_minus(jet x) {
  jet e = jet_exp(scaled(-1, x));
  return (jet){-expm1(-x.f), -e.d, -e.dd};
}

/* The four products, in units of (2 cosh^2 2b)^(mn/2): logarithms, and the factor of gamma_0 that
 * has a sign. */
typedef struct {
  jet log_of[4]; /* cosh and sinh of odd momenta, cosh and sinh of even ones */
  jet zero_mode; /* to be multiplied with the last */
} products;

static products multiply_modes(const temperature *b, long n, long m) {
  products p = {.zero_mode = {0}};
  for (long l = 0; l < 2 * n; l++) {
    const mode k = mode_of(b, sin(M_PI * (double)l / (double)(2 * n)), m);
    jet *cosh_product = &p.log_of[l % 2 ? 0 : 2], *sinh_product = cosh_product + 1;
    const jet growth = scaled(0.5 * (double)m, k.growth);
    *cosh_product = add(*cosh_product, add(growth, jet_log(one_plus(k.decay))));
    *sinh_product = add(*sinh_product, growth);
    if (l > 0)
      *sinh_product = add(*sinh_product, jet_log(one_minus(k.decay)));
    else
      p.zero_mode = scaled(b->tau.f < b->sigma.f ? -1 : 1, one_minus(k.decay));
  }
  return p;
}

cw_ising_exact cw_ising_torus(long L1, long L2, double beta) {
  CW_REQUIRE(L1 >= 1 && L2 >= 1 && beta >= 0 && beta <= CW_ISING_MAX_BETA);
  const long n = L1 < L2 ? L1 : L2, m = L1 < L2 ? L2 : L1;
  const double n_sites = (double)n * (double)m;
  if (beta < 1e-30) return (cw_ising_exact){.lnz = M_LN2, .entropy = M_LN2};
  const temperature b = at(beta);
  const products p = multiply_modes(&b, n, m);
  jet sum = {1, 0, 0};
  for (int i = 1; i < 4; i++) {
    jet ratio = jet_exp(add(p.log_of[i], scaled(-1, p.log_of[0])));
    sum = add(sum, i == 3 ? product(p.zero_mode, ratio) : ratio);
  }
  jet lnz = scaled(1 / n_sites, add(p.log_of[0], jet_log(scaled(0.5, sum))));
  lnz = add(lnz, add(b.ln_cosh, (jet){0.5 * M_LN2, 0, 0}));
  return (cw_ising_exact){.lnz = lnz.f,
                          .energy = -lnz.d,
                          .heat = beta * beta * lnz.dd,
                          .entropy = lnz.f - beta * lnz.d};
}

/* Eigenvalues e^b cosh bh +- sqrt(e^2b sinh^2 bh + e^-2b), both non-negative, in units of e^(b +
 * |bh|); their product is 2 sinh 2b. */
double cw_ising_ring_lnz(long L, double beta, double h) {
  CW_REQUIRE(L >= 1 && beta >= 0 && beta <= CW_ISING_MAX_BETA);
  const double field = beta * fabs(h), fade = exp(-2 * field);
  const double root = sqrt(0.25 * (1 - fade) * (1 - fade) + exp(-4 * beta) * fade);
  const double larger = 0.5 * (1 + fade) + root;
  const double smaller = -expm1(-4 * beta) * fade / larger;
  return (double)L * (beta + field + log(larger)) + log1p(pow(smaller / larger, (double)L));
}
