/* Networks that condition a coupling layer, in float, on one block of lanes.
 *
 * A net maps the frozen sites of a block to n_out numbers at each active site. Every layer,
 * convolutional or dense, is one `cw_stencil`: a list of which input row reaches which output row
 * through which tap of the weights. Arrays are (row, channel, CW_LANES) with the lanes innermost.
 * Private to src/model. */
#ifndef CW_MODEL_NET_H
#define CW_MODEL_NET_H

#include "causeway/model.h"
#include "simd/dispatch.h"

/* Output rows that share one list of taps. */
typedef struct {
  int n_row, n_tap;
  int *tap; /* (n_tap) index into the weights */
  int *out; /* (n_row) output rows */
  int *in;  /* (n_row, n_tap) input rows */
} cw_stencil_class;

typedef struct {
  int n_class;
  cw_stencil_class *cls;
  int n_in, n_out, n_tap; /* rows and taps in total */
} cw_stencil;

/* Rows of an array: row r, channel c start at data + (r*stride + c)*CW_LANES. */
typedef struct {
  float *data;
  int stride; /* channels between rows */
} cw_rows;

typedef enum {
  CW_NET_LINEAR = -1,
  CW_NET_TANH = CW_ACT_TANH,
  CW_NET_LEAKY_RELU = CW_ACT_LEAKY_RELU
} cw_net_activation;

typedef struct cw_winograd cw_winograd; /* winograd.h */

/* The hot kernels. w (n_tap, ci, co), bias (co) or NULL. flops: 2*CW_LANES*ci*co per (row, tap)
 * pair. */
typedef struct {
  /* out = act(bias + sum_tap w . in), overwritten. */
  void (*conv)(const cw_stencil *st, int ci, int co, const float *w, const float *bias,
               cw_net_activation act, cw_rows in, cw_rows out);
  /* The same for 3x3 stencils of all sites in tiles. work: cw_winograd_work(ci, co) floats, 64-byte
   * aligned. */
  void (*winograd)(const cw_winograd *tiles, int ci, int co, const float *w, const float *bias,
                   cw_net_activation act, cw_rows in, cw_rows out, float *work);
  /* gw += sum_{rows, lanes} in x gout; gbias (or NULL) += sum gout. */
  void (*conv_weights)(const cw_stencil *st, int ci, int co, cw_rows in, cw_rows gout, float *gw,
                       float *gbias);
  /* g *= act'(h), from the activation's output h. n: vectors of CW_LANES floats. */
  void (*activation_vjp)(cw_net_activation act, int n, const float *h, float *g);
  void (*square)(int n, const float *h, float *h2);                     /* h2 = h*h */
  void (*square_vjp)(int n, const float *h, const float *g2, float *g); /* g += 2 h g2 */
  void (*gather)(int n, const int *row, const double *x,
                 float *rows); /* rows[i] = (float)x[row[i]] */
  void (*scatter_add)(int n, const int *row, const float *g, double *x); /* x[row[i]] += g[i] */
} cw_net_kernels;
CW_ISA_TABLES(cw_net_kernels, cw_net_kernels);

typedef struct cw_net cw_net;

/* frozen (n_frozen) and active (n_active): outer sites read and conditioned. The first n_odd of
 * n_out outputs are odd and the others even under x -> -x if z2 is set; then the net has no hidden
 * biases and an odd activation, and its even outputs read the squares of the last hidden layer. Bad
 * specs: CW_EINVAL. */
cw_status cw_net_create(cw_context *ctx, const cw_net_spec *spec, const cw_geometry *geom,
                        const int *frozen, int n_frozen, const int *active, int n_active, int n_out,
                        int n_odd, bool z2, cw_net **out);
void cw_net_destroy(cw_net *net);
long cw_net_n_theta(const cw_net *net);
/* Normal weights with variance gain/fan-in; the last layer is scaled by last. */
void cw_net_init(const cw_net *net, double *theta, cw_rng rng, uint32_t index, double last);

/* What a forward pass leaves for vjps: the rows of every layer. */
typedef struct {
  float *rows[10];
  float *squares; /* z2 only */
  float *out;     /* (n_active, n_out, CW_LANES) */
} cw_net_pass;

cw_status cw_net_forward(const cw_net *net, const float *theta, const double *x, cw_net_pass *pass,
                         cw_arena *tape);
/* gout (n_active, n_out, CW_LANES) is overwritten; x-adjoint: gx[frozen] += ..; gtheta: NULL or
 * accumulated. */
cw_status cw_net_vjp(const cw_net *net, const float *theta, const cw_net_pass *pass, float *gout,
                     double *gx, float *gtheta, cw_arena *work);

#endif
