/* causeway/stats.h - estimates with errors from chains and from weighted samples. Pure functions of
 * arrays; Local.
 *
 * In all functions data is (n_chain, n_step, n_primary) for chains and (n, n_primary) for weighted
 * samples. */
#ifndef CAUSEWAY_STATS_H
#define CAUSEWAY_STATS_H

#include "causeway/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A derived quantity f(<O_0>, ..., <O_{n-1}>) of mean (n_primary). Its gradient is taken
 * numerically by central differences, with steps of a thousandth of the naive errors of the
 * primaries. Where f is undefined it returns NAN, and so are then the value or the error of
 * its estimate: no failure. */
typedef double (*cw_derived)(const double *mean, const void *arg);

typedef struct {
  double value;
  double error;   /* NAN: the data do not tell it */
  double error2;  /* a second, independent error estimate: jackknife; NAN if not computed */
  double tau_int; /* in steps, of chains of this length: error^2 = 2 tau_int variance/n; 0.5 for
                     independent samples; NAN if meaningless */
  double tau_error;
  double rhat;          /* Gelman-Rubin over chains; NAN for one chain or weights */
  double ess;           /* effective number of independent samples behind the error */
  double scatter;       /* the error that the scatter of the chain means gives; NAN for one chain */
  double scatter_sigma; /* standard deviations by which it lies above the error from within the
                           chains, below: negative; NAN for one chain */
  long window;          /* lags that were summed; chains only */
  bool cut;             /* chains: the autocorrelations have not died out at half their length */
  long n;               /* samples used */
  const char *why;      /* why value or error is NAN, in words; static; NULL: nothing to say */
} cw_estimate;

/* All NAN but n. */
cw_estimate cw_estimate_undefined(long n);

#define CW_GAMMA_MIN_STEPS 4   /* fewest steps per chain that cw_gamma takes */
#define CW_SCATTER_SIGMA   2.5 /* a scatter of chain means further above the error replaces it */

/* Error of the mean of Markov chains from their autocorrelation function, pooled over chains
 * (Wolff, hep-lat/0306017). It is summed as long as the pairs of pairs Gamma(2k) + 2 Gamma(2k+1) +
 * Gamma(2k+2) are positive, as those of a reversible chain are: the initial positive sequence of C.
 * J. Geyer, Stat. Sci. 7 (1992) 473, for autocorrelations of either sign. The edges of short chains
 * and the subtraction of the measured mean are taken into account; tau_error is Wolff's eq. 42.
 * Where the scatter of the chain means lies above this error by more than CW_SCATTER_SIGMA, error
 * is that scatter, and tau_int, tau_error and ess are made of it. value is f of the means over all
 * chains. rhat: Gelman and Rubin, Stat. Sci. 7 (1992) 457, of the linearised f. data (n_chain,
 * n_step, n_primary): read only. f: NULL for the mean of primary 0. A series without fluctuations
 * says nothing of its error: all but value and n are NAN. CW_EINVAL: fewer than CW_GAMMA_MIN_STEPS
 * steps. Cost: n_chain n_step (n_primary + window), and no more than for a window of
 * 2048 lags: longer ones are those of averages over neighbours. */
cw_status cw_gamma(cw_context *ctx, const double *data, long n_chain, long n_step, int n_primary,
                   cw_derived f, const void *arg, cw_estimate *out);

/* The same, and slope (n_primary): the derivatives of f by the means, with which it is linearised: f
 * along the chains is value + sum_k slope_k (O_k - mean_k), whose error is that of f. All NAN where f
 * is undefined; 0 for a primary that does not fluctuate. */
cw_status cw_gamma_slopes(cw_context *ctx, const double *data, long n_chain, long n_step,
                          int n_primary, cw_derived f, const void *arg, double *slope,
                          cw_estimate *out);

/* Normalised autocorrelation rho(t), t = 0, stride, ..., (n_lag-1) stride, of the linearised f,
 * pooled over chains. rho (n_lag): out; NAN for t >= n_step or where f is undefined; 0 for t > 0 of
 * a series without fluctuations. Failures as cw_gamma. */
cw_status cw_autocorrelation(cw_context *ctx, const double *data, long n_chain, long n_step,
                             int n_primary, cw_derived f, const void *arg, long stride, long n_lag,
                             double *rho);

/* What rho (n_lag) of cw_autocorrelation is worth, and what it adds up to. window: the lags that cw_gamma
 * summed. error: of rho (M. Luescher, Comput. Phys. Commun. 165 (2005) 199 [hep-lat/0409106], eq. E.11, with
 * rho = 0 beyond the window); tau, tau_error: tau_int and its error as cw_gamma would quote them of the window
 * t, so that tau at its own window is its tau_int unless that is of the scatter of chains; by the
 * trapezoidal rule where stride > 1. NAN where rho is. error, tau, tau_error (n_lag): out. Cost: n_lag (n_lag +
 * window/stride). */
void cw_autocorrelation_sums(const double *rho, long n_chain, long n_step, long stride, long n_lag,
                             long window, double *error, double *tau, double *tau_error);

/* ln of the ratio of partition functions of the ends of a ladder, the sum over its pairs of
 * neighbours, from works that were measured both ways by Markov chains (C. H. Bennett, J. Comput.
 * Phys. 22 (1976) 245, with Crooks, PRE 60 (1999) 2721): exact means for any works whose reversal is
 * that of the way back; the error is that of cw_gamma. work (n_chain, n_step, n_pair, 2): minus the
 * log-weight of going from the first to the second of a pair, and of going back; NAN: none in that
 * step. Undefined where a pair has none at all. CW_EINVAL as cw_gamma; CW_ENOMEM. */
cw_status cw_bennett(cw_context *ctx, const double *work, long n_chain, long n_step, int n_pair,
                     cw_estimate *out);

#define CW_JACKKNIFE_FEWEST 32  /* blocks, where the chains are fewer: pieces of them */
#define CW_JACKKNIFE_MOST   256 /* blocks, where they are more: several of them */

/* The error of f of the means over all chains from leaving out one block after the other: whole chains
 * or, of few, pieces of CW_JACKKNIFE_FEWEST/n_chain of a chain's length, which must be long against the
 * autocorrelations for the error not to come out too small. The estimate beside that of cw_gamma
 * which does not linearise f. data, f, arg: as of cw_gamma. *error: NAN where f is undefined without
 * some block, or where there is one block. CW_ENOMEM. Cost: one pass over data and a call of f for
 * each block. */
cw_status cw_jackknife(cw_context *ctx, const double *data, long n_chain, long n_step,
                       int n_primary, cw_derived f, const void *arg, double *error);

#define CW_FEWEST_EFFECTIVE 2.5 /* weighted samples below which their scatter tells no error */

/* Self-normalised importance sampling: <O> = sum w O / sum w, w = exp(log_weight), of independent
 * samples. error^2: delta method, sum w^2 (df)^2 / (sum w)^2; error2: jackknife over at most 2000
 * blocks; ess: (sum w)^2 / sum w^2 (Kish). Both errors are NAN where ess is below
 * CW_FEWEST_EFFECTIVE, or where the samples that carry the weight are alike. data (n, n_primary),
 * log_weight (n): read only; any common constant in log_weight drops out; -inf: weight 0. f: NULL
 * for the mean of primary 0.
 * CW_EINVAL: n < 2. CW_ENUMERIC: a log-weight is NAN or +inf, or all are -inf. */
cw_status cw_weighted(cw_context *ctx, const double *data, const double *log_weight, long n,
                      int n_primary, cw_derived f, const void *arg, cw_estimate *out);

/* The same, and slope (n_primary) as of cw_gamma_slopes: error^2 = sum_i (w_i sum_k slope_k (O_ik -
 * mean_k))^2 / (sum w)^2. */
cw_status cw_weighted_slopes(cw_context *ctx, const double *data, const double *log_weight, long n,
                             int n_primary, cw_derived f, const void *arg, double *slope,
                             cw_estimate *out);

/* Entropy ln Z + <S> of the target exp(-S)/Z from independent samples: log_weight (n) = -S - ln q
 * with its constant, action (n) = S. error^2 of the delta method: the variance of W(1 + S - <S>),
 * W = w/<w>, over n; ess and where error is NAN as in cw_weighted. CW_EINVAL: n < 2. CW_ENUMERIC as
 * cw_weighted. */
cw_status cw_weighted_entropy(cw_context *ctx, const double *log_weight, const double *action,
                              long n, cw_estimate *out);

/* Effective sample size per sample, <w>^2/<w^2>, in (0, 1]. error: of the delta method, the scatter of
 * ess (2 w/<w> - w^2/<w^2>) by the root of n; ess and where error is NAN as in cw_weighted. CW_EINVAL: n < 2.
 * CW_ENUMERIC as cw_weighted. */
cw_status cw_weighted_ess(cw_context *ctx, const double *log_weight, long n, cw_estimate *out);

/* What log-weights lw = -S - ln q tell of a model q against the target p = exp(-S)/Z. Fields are
 * NAN where the samples they need were not given. Sources: arXiv:2302.14082 (lnZ_p, w_hat),
 * arXiv:2007.07115 (lnZ). */
typedef struct {
  double ess;         /* reverse, in (0,1]: <w>^2/<w^2> over q-samples */
  double ess_forward; /* 1/(<w>_p <1/w>_p) over p-samples */
  double acceptance;  /* of independence Metropolis between iid q-samples */
  double kl;          /* reverse KL(q|p) = -<lw>_q + lnZ */
  double kl_error;
  double kl_forward;         /* KL(p|q) = <lw>_p - lnZ, with lnZ from the p-samples */
  double lnZ, lnZ_error;     /* from q-samples: logsumexp(lw) - ln n */
  double lnZ_p, lnZ_p_error; /* from p-samples: -ln <1/w>_p */
  double w_hat, w_hat_error; /* Z_q/Z_p: covered fraction of the target's mass */
  double max_weight_share;   /* largest weight / sum of weights */
  /* The two failures of overlap. Where p-samples weigh more than every q-sample, q misses a part of
   * p and Z_q comes out too small; where q-samples weigh less than every p-sample, p misses a part
   * of q and Z_p comes out too large. Shares of the samples; w_hat is the product of both failures.
   */
  double p_above_q, q_below_p;
  const char *why_q,
      *why_p; /* why errors from q- and p-samples are NAN; static; NULL: they are not */
  long n_q, n_p;
} cw_flow_quality;

/* lw_q (n_q) from iid q-samples; lw_p (n_chain, n_step) from chains of the target, autocorrelated.
 * Either may be NULL. lnZ_p_error is from the Gamma method; w_hat_error adds the relative errors of
 * both, which are independent. Errors of weights that fewer than CW_FEWEST_EFFECTIVE samples carry
 * are NAN. CW_EINVAL: both NULL, n_q < 2 or n_step < CW_GAMMA_MIN_STEPS.
 * CW_ENUMERIC: NAN or +inf in lw_q, all of lw_q -inf, or lw_p not finite. */
cw_status cw_flow_judge(cw_context *ctx, const double *lw_q, long n_q, const double *lw_p,
                        long n_chain, long n_step, cw_flow_quality *out);

/* Longest run of rejections within a chain, in accept (n_chain, n_step) of 0/1. */
long cw_longest_rejection(const double *accept, long n_chain, long n_step);

/* Nodes x (n, ascending) and weights w (n) of Gauss-Legendre quadrature on [a, b], n >= 1: exact
 * for polynomials of degree 2n-1. For chain integration: measure y_i +- dy_i at x_i in independent
 * chains; the integral is sum w_i y_i and its statistical error sqrt(sum w_i^2 dy_i^2). */
void cw_gauss_legendre(int n, double a, double b, double *x, double *w);

/* A correlator of a periodic lattice, and the fit of A (e^{-m t} + e^{-m (T - t)}) to its mean with C(T - t). */
typedef struct {
  int first;  /* primary number of C(0); C(1) .. C(period - 1) follow */
  int period; /* T >= 4 */
  int from,
      to; /* the window: times 1 <= from < to <= T/2, at least three. to = 0: all windows that begin at from or
                   later and end at T/2, averaged (below) */
  bool
      correlated; /* chi^2 with the inverse of the whole covariance, where the measurements are enough for it; else of
                      its diagonal */
} cw_decay;

/* chi2, dof and the window are those of the largest weight; NAN: there was no fit, and mass.why says why. */
typedef struct {
  cw_estimate mass, amplitude; /* errors by jackknife; tau_int and rhat are not told */
  double statistical,
      spread; /* of the mass: error^2 = statistical^2 + spread^2, the latter over windows */
  double chi2, dof;
  int from, to;
  int n_windows;   /* that were averaged */
  bool correlated; /* whether the covariance was inverted */
} cw_decay_fit;

#define CW_FIT_BLOCKS 100 /* blocks of fits, where the chains are fewer: pieces of them */

/* The mass of a correlator from chains: fits to the mean and to its jackknife samples over CW_FIT_BLOCKS
 * blocks of neighbouring measurements of a chain, or more where there are more chains, with the same weights.
 * Correlated where there are at least four blocks for each time from the first one on. Windows are averaged with
 * weights exp(-(chi^2 + 2 n_parameters + 2 n_left_out)/2) (W. I. Jay and E. T. Neil, Phys. Rev. D 103 (2021) 114502,
 * arXiv:2008.01069, eq. 53), sample by sample. data (n_chain, n_step, n_primary): read only. A correlator that does not
 * fall like this, or does not fluctuate, is no failure: all is NAN. CW_EINVAL: fewer than CW_GAMMA_MIN_STEPS steps, or
 * no such window. CW_ENOMEM. */
cw_status cw_fit_decay(cw_context *ctx, const double *data, long n_chain, long n_step,
                       int n_primary, const cw_decay *decay, cw_decay_fit *out);

/* The straight line y = a + b x through points with independent errors, by least squares. */
typedef struct {
  double at_zero, at_zero_error; /* a */
  double slope, slope_error;     /* b */
  double chi2;
  long dof; /* points less two */
} cw_line;

/* x, y, dy (n each): read only. CW_EINVAL: fewer than two different x, or an error that is not above 0. */
cw_status cw_fit_line(cw_context *ctx, const double *x, const double *y, const double *dy, long n,
                      cw_line *out);

#ifdef __cplusplus
}
#endif
#endif
