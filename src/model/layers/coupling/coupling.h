/* Masked coupling layers: one checkerboard colour is transformed site by site with parameters that
 * a network computes from the other colour (Dinh et al., arXiv:1605.08803). What is done to a site
 * is a `cw_transform`; the masks, the network and the four passes are common. Private to src/model.
 */
#ifndef CW_MODEL_COUPLING_H
#define CW_MODEL_COUPLING_H

#include "model/nets/net.h"

/* The transform's own constants. */
typedef struct {
  int bins;
  double range;
  bool z2;
} cw_transform_spec;

/* The active sites of a block: rows row[0..n-1] of x, or of the adjoint, each CW_LANES doubles. */
typedef struct {
  int n;
  const int *row;
  int n_out; /* network outputs per site */
  cw_transform_spec spec;
} cw_sites;

/* h (n, n_out, CW_LANES): the network's outputs. keep (n, n_keep, CW_LANES): filled by forward and
 * inverse alike, read by the vjps. logj accumulated; g in place as in cw_layer_ops; gh overwritten;
 * glogj never NULL. */
typedef void (*cw_transform_pass)(const cw_sites *s, const float *h, double *x, double *logj,
                                  double *keep);
typedef void (*cw_transform_vjp)(const cw_sites *s, const float *h, const double *keep, double *g,
                                 const double *glogj, float *gh);
typedef struct {
  cw_transform_pass forward, inverse;
  cw_transform_vjp forward_vjp, inverse_vjp;
} cw_transform_kernels;

typedef struct {
  /* The outputs that the network must give per site, of which the first n_odd are odd under x ->
   * -x. */
  void (*outputs)(const cw_transform_spec *spec, int *n_out, int *n_odd);
  int n_keep;
  double last_gain; /* of the network's last layer at the start: small, so that the layer starts
                       near the identity */
} cw_transform;

/* The first key of every coupling's table. */
enum { CW_COUPLING_Z2 };
#define CW_COUPLING_PARAM_Z2                                                                       \
  { "z2", "exactly odd under x -> -x; networks need activation tanh", 0, 0, 1, CW_FLAG }
/* An odd extent under the checkerboard; an even activation in an odd network. */
bool cw_coupling_refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault);
/* Makes a coupling layer of the transform. ops are cw_coupling_* with the transform's name. */
cw_status cw_coupling_create(cw_context *ctx, const cw_layer_ops *ops, const cw_layer_spec *spec,
                             const cw_transform_spec *constants, const cw_geometry *geom,
                             const cw_transform *transform, const cw_transform_kernels *kernel,
                             cw_layer **out);

cw_status cw_coupling_forward(const cw_layer *L, cw_theta th, double *x, double *logj,
                              cw_arena *tape, void **frame);
cw_status cw_coupling_inverse(const cw_layer *L, cw_theta th, double *y, double *logj,
                              cw_arena *tape, void **frame);
cw_status cw_coupling_forward_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, cw_gradient_of *gtheta, cw_arena *work);
cw_status cw_coupling_inverse_vjp(const cw_layer *L, cw_theta th, const void *frame, double *g,
                                  const double *glogj, cw_gradient_of *gtheta, cw_arena *work);
void cw_coupling_init(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain);
void cw_coupling_destroy(cw_layer *L);

#define CW_COUPLING_OPS(layer_name, layer_title, layer_source)                                     \
  {                                                                                                \
    .name = layer_name, .title = layer_title, .source = layer_source,                              \
    .forward = cw_coupling_forward, .inverse = cw_coupling_inverse,                                \
    .forward_vjp = cw_coupling_forward_vjp, .inverse_vjp = cw_coupling_inverse_vjp,                \
    .init = cw_coupling_init, .destroy = cw_coupling_destroy                                       \
  }

#endif
