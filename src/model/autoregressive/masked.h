/* Masked networks: hidden channels at every site, computed from those of sites drawn before, so
 * that the number that comes out at a site depends on earlier sites only.
 *
 * Sites are counted in the order in which they are drawn. All that one of them adds is computed
 * when it is drawn; a pass over all sites of given spins does the same sums in the same order.
 * Arrays are (site, channel, CW_LANES), in float. Private to src/model. */
#ifndef CW_MODEL_MASKED_H
#define CW_MODEL_MASKED_H

#include "model/autoregressive/order.h"
#include "model/nets/net.h"

enum { CW_MAX_MASKED = 9 }; /* hidden layers and the last one */

typedef struct cw_masked cw_masked;

/* Bad specs: CW_EINVAL. The caller destroys *out. */
cw_status cw_masked_create(cw_context *ctx, const cw_autoregressive_spec *spec,
                           const cw_geometry *geom, const cw_order *order, cw_masked **out);
void cw_masked_destroy(cw_masked *net);
long cw_masked_n_theta(const cw_masked *net);
/* Normal weights with variance 1/fan-in, no biases; the last layer is smaller by the factor last.
 */
void cw_masked_init(const cw_masked *net, double *theta, cw_rng rng, double last);

/* Parameters as passes read them. */
typedef struct {
  const float *theta;      /* (n_theta) */
  const float *transposed; /* (n_theta) its weights, each with channels exchanged */
} cw_masked_theta;
void cw_masked_transpose(const cw_masked *net, const float *theta, float *transposed);

/* Channels of all sites. */
typedef struct {
  float *rows[CW_MAX_MASKED + 1];   /* [0]: spins (n, 1), filled by the caller; then each layer's */
  float *active[CW_MAX_MASKED + 1]; /* what its activation gave: rows, but for gated and residual
                                       layers: (n, 2 channels) tanh and sigmoid, (n, channels) */
} cw_masked_pass;
cw_status cw_masked_open(const cw_masked *net, cw_masked_pass *pass, cw_arena *tape);
/* The logit of a site, (CW_LANES): all layers at it, of the spins of earlier sites. */
const float *cw_masked_site(const cw_masked *net, const float *theta, int site,
                            cw_masked_pass *pass);
/* The logits of all sites (n, 1, CW_LANES), layer after layer, with the bits of cw_masked_site. */
const float *cw_masked_all(const cw_masked *net, const float *theta, cw_masked_pass *pass);
const float *cw_masked_logits(const cw_masked *net, const cw_masked_pass *pass); /* of a pass */
/* gtheta += d(sum of glogit . logit)/dtheta; glogit (n, 1, CW_LANES) is overwritten. */
cw_status cw_masked_vjp(const cw_masked *net, cw_masked_theta theta, const cw_masked_pass *pass,
                        float *glogit, float *gtheta, cw_arena *work);

/* ---- kernels ---- */

/* One layer at one site: which rows of its input reach it through which weights. */
typedef struct {
  int n;
  const int *tap, *in; /* (n) */
} cw_masked_taps;

typedef struct {
  /* Gradients of what reaches one site: gw (n_slot, ci, co) += in . g summed over lanes for every
   * tap, in (.., ci, CW_LANES), g (co, CW_LANES); gbias (co, or NULL) += g. turned: work of
   * CW_LANES*(co rounded up to CW_LANES) floats, 64-byte aligned. flops: 2*CW_LANES*ci*co per tap.
   */
  void (*weights)(const cw_masked_taps *taps, int ci, int co, const float *in, const float *g,
                  float *gw, float *gbias, float *turned);
  /* pair (2n, CW_LANES): a, b -> tanh a, sigmoid b; out (n, CW_LANES): their product. */
  void (*gate)(int n, float *pair, float *out);
  /* gpair (2n, CW_LANES): adjoints of a, b from that of out, g (n, CW_LANES). */
  void (*gate_vjp)(int n, const float *pair, const float *g, float *gpair);
  /* out = a + b, n vectors of CW_LANES; out may be a or b. */
  void (*add)(int n, const float *a, const float *b, float *out);
  /* Draws the spins of one site (NULL u: they are given): u (CW_LANES) uniform, spin (CW_LANES),
   * logq += ln q. logit: of the network; bias (CW_LANES): what is added; then within +-limit. */
  void (*draw)(const float *logit, const double *bias, double limit, const double *u, float *spin,
               double *logq);
  /* glogit = glogq d ln q/dlogit. */
  void (*score)(const float *logit, const double *bias, double limit, const float *spin,
                const double *glogq, float *glogit);
} cw_masked_kernels;
CW_ISA_TABLES(cw_masked_kernels, cw_masked_kernels);

#endif
