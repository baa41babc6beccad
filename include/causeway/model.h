/* causeway/model.h - machine-learned densities q(x; theta): priors, layers, flows, autoregressive
 * models of spins.
 *
 * All passes work on one block of B configurations (a view by cw_field_block), so that a block stays
 * in cache through the whole model; callers parallelise over blocks, one arena per thread.
 * Parameters are one flat vector. Fields, log-densities and adjoints are double; networks that
 * condition a coupling are float (docs/decisions). Densities of links are with respect to the Haar
 * measure. Adjoints have the shape of forces, (n_outer, n_tangent, CW_LANES): derivatives along
 * T_a of each link (group.h), for reals along the field itself. */
#ifndef CAUSEWAY_MODEL_H
#define CAUSEWAY_MODEL_H

#include "causeway/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Parameters in both precisions: f[i] = (float)d[i]. Layers get pointers to their own slice. */
typedef struct {
  const double *d;
  const float *f;
} cw_theta;

/* Where gradients of parameters are added. */
typedef struct {
  double *sum;  /* (n_theta): of the sum over the configurations of a block */
  double *each; /* (n_theta, CW_LANES), the first B used: of each configuration; NULL: not wanted */
} cw_gradient_of;

/* ------------------------------------------------------------------ layers */

typedef struct cw_layer cw_layer;

/* How precisely passes are computed that are no closed formulas: as the layer's keys say, with less work, as while
 * a flow is trained, or with twice the steps, to see what that changes. */
typedef enum { CW_PRECISE = 0, CW_ROUGH, CW_FINER } cw_precision;

/* A layer maps a block x -> y bijectively. It is four passes; a frame of the tape, written by
 * forward or inverse, holds what either vjp needs (masked couplings see the same frozen variables
 * both ways). Shapes: x (n_outer, n_comp, CW_LANES); g (n_outer, n_tangent, CW_LANES); logj, glogj
 * (CW_LANES), of which the first B are of the configurations and the others neither read nor
 * written; all 64-byte aligned. logj is accumulated, adjoints are overwritten in place, parameter
 * gradients accumulated. CW_ENOMEM; CW_ENUMERIC: an iteration does not converge. */
typedef struct {
  const char *name, *title, *source; /* "affine" */
  cw_status (*forward)(const cw_layer *L, cw_theta th, double *x, double *logj, cw_arena *tape,
                       void **frame);
  cw_status (*inverse)(const cw_layer *L, cw_theta th, double *y, double *logj, cw_arena *tape,
                       void **frame);
  /* g = dF/dy in, dF/dx out, for F(y, logj) with dF/dlogj = glogj (NULL: 0). gtheta: NULL: not
   * wanted. NULL, of layers without parameters: there are no products, and models that hold the layer
   * carry and draw, but are not trained and have no scores. */
  cw_status (*forward_vjp)(const cw_layer *L, cw_theta th, const void *frame, double *g,
                           const double *glogj, cw_gradient_of *gtheta, cw_arena *work);
  /* g = dF/dx in, dF/dy out, for F(x, logj) of the inverse pass. NULL: found by iteration from
   * forward_vjp, which converges where |1 - J| < 1 and that is computed in double. */
  cw_status (*inverse_vjp)(const cw_layer *L, cw_theta th, const void *frame, double *g,
                           const double *glogj, cw_gradient_of *gtheta, cw_arena *work);
  /* Starting parameters. gain: factor on what makes the layer differ from the identity, 0 to 1. */
  void (*init)(const cw_layer *L, double *theta, cw_rng rng, uint32_t index, double gain);
  void (*destroy)(cw_layer *L);
  /* The factor, at most 1, by which a bound that makes the layer a bijection keeps its coefficients below
   * what theta asks for. NULL: there is no such bound. */
  double (*held)(const cw_layer *L, cw_theta th);
  /* Of layers that can be computed more or less precisely: how their passes are from now on. NULL: it makes no
   * difference. */
  void (*set_precision)(cw_layer *L, cw_precision precision);
  bool lean; /* its passes take NULL for the frame, where no product follows */
  bool each; /* its products fill cw_gradient_of.each; if not, it must be NULL */
  /* Of layers whose parameters depend on the lattice: how many the same layer has on another of as many directions,
   * and its parameters there put on this one; mine NULL: they are only counted. NULL: they depend on it not. */
  cw_status (*resize)(cw_context *ctx, const cw_layer *L, const cw_lattice *other, long *n,
                      const double *theirs, double *mine);
  /* Of layers that ask what they carry between: from couplings to others (n_terms) of a theory. NULL: it
   * makes no difference. */
  void (*between)(cw_layer *L, const cw_theory_ops *th, const double *from, const double *to);
  /* Of layers that move some links alone (moves) and read no others than some (reads), both borrowed: as
   * forward or inverse without a frame, on one block of a field of a patch that has those. NULL: all are
   * needed. */
  void (*links)(const cw_layer *L, const cw_link_set **moves, const cw_link_set **reads);
  cw_status (*on_patch)(const cw_layer *L, cw_theta th, bool inverse, cw_field *block, double *logj,
                        cw_arena *work);
} cw_layer_ops;

struct cw_layer {
  const cw_layer_ops *ops;
  const cw_geometry *geom; /* borrowed */
  cw_field_kind field;     /* what it moves; set by cw_layer_create, as the next line is */
  int n_comp, n_tangent;   /* reals per site of a field, and of an adjoint */
  long n_theta;
  void *impl; /* owned; freed by destroy */
};

/* Network that conditions a coupling. */
typedef enum { CW_NET_CONV = 0, CW_NET_DENSE } cw_net_kind;
typedef enum { CW_ACT_TANH = 0, CW_ACT_LEAKY_RELU } cw_activation;
typedef struct {
  cw_net_kind kind;
  int n_hidden;
  int hidden[8]; /* channels (conv) or width (dense) of each hidden layer */
  int kernel;    /* odd; conv only */
  cw_activation activation;
} cw_net_spec;

/* A kind of layer and what its keys are set to. */
typedef struct {
  const char *kind; /* name in layers.def */
  int number;       /* of masked kinds: how many of these come before it in its flow. They
                                  move the classes of their mask in turn */
  double param[CW_MAX_PARAMS]; /* in the order of its kind's params */
  int choice[CW_MAX_PARAMS];   /* in that of its words */
  cw_net_spec net;             /* of kinds that take one */
  /* Of reals: the layer moves every stride-th site in each direction alone, or the means of blocks of so many sites
   * in each direction, as a field of that coarser lattice. 0 and 1: all sites; not both above 1. */
  int stride, block;
} cw_layer_spec;

/* Why a layer cannot be so: the key at fault, NULL if it is none alone, and a phrase for the user
 * that goes on from "layer 'NAME'" or the key. */
typedef struct {
  const char *key;
  char why[200];
} cw_layer_fault;

/* One entry of layers.def, with the keys of a job that the layer takes. */
typedef struct {
  const cw_layer_ops *ops;
  const cw_param *params; /* NULL-name-terminated; NULL: none */
  /* Word keys and their values, as in cw_sampler_ops; NULL: none. */
  const char *const *choices_name;
  const char *const *const *choices;
  bool net;                          /* takes a network */
  bool masked;                       /* moves a class of a mask at a time: reads number */
  bool (*fits)(cw_field_kind field); /* can it move these? NULL: reals alone */
  bool split;                        /* it works on any V; if not, on V = 1 */
  bool defect; /* it belongs to a theory's defect: parameters of its name are the theory's */
  /* Can it not be so on that lattice? What tables say of single keys is not asked. NULL: it can. */
  bool (*refuse)(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault);
  /* Its log-Jacobian is an integral by a rule of fourth order, by whose error densities are off: the parameters that
   * say how precise it is, NULL-terminated, the number of steps first. NULL: it is exact. */
  const char *const *precision;
  /* Is it the identity for no parameters, so that no flow between rungs can hold it? NULL: for some it is. */
  bool (*never_identity)(const cw_layer_spec *spec);
  /* It leaves sites beyond +-reach as they are. NULL: it moves them all. */
  double (*reach)(const cw_layer_spec *spec);
  /* Of a spec that is in order. On failure *out is NULL. Call cw_layer_create. */
  cw_status (*create)(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                      const cw_geometry *geom, cw_layer **out);
} cw_layer_kind;

extern const cw_layer_kind *const cw_layers[]; /* NULL-terminated; from model/layers.def */
const cw_layer_kind *cw_layer_find(const char *name);
bool cw_layer_fits(const cw_layer_kind *kind, cw_field_kind field);
/* Can a layer not be so on that lattice? What tables say of single keys is not asked. */
bool cw_layer_refuse(const cw_layer_spec *spec, const cw_lattice *lat, cw_layer_fault *fault);
/* A layer of spec->kind with the presets of its table; net is left to the caller. */
cw_layer_spec cw_layer_presets(const cw_layer_kind *kind);
/* Sets the parameter of that name. false: the layer has none. */
bool cw_layer_set(cw_layer_spec *spec, const char *name, double value);
/* Layers of which the same parameters mean the same: number and precision apart, are all their keys equal? */
bool cw_layer_alike(const cw_layer_spec *a, const cw_layer_spec *b);
/* CW_EINVAL: an unknown kind, a value outside of its table, fields or a split that it does not fit,
 * or what the kind refuses; CW_ENOMEM. On failure *out is NULL; else the caller destroys it, by its
 * ops. */
cw_status cw_layer_create(cw_context *ctx, const cw_layer_spec *spec, cw_field_kind field,
                          const cw_geometry *geom, cw_layer **out);

/* ------------------------------------------------------------------ priors */

typedef enum {
  CW_PRIOR_NORMAL = 0,
  CW_PRIOR_FREE,
  CW_PRIOR_HAAR /* of links, and their only one: independent, ln r = 0 */
} cw_prior_kind;
typedef struct {
  cw_prior_kind kind;
  double sigma; /* normal: standard deviation */
  double mass2; /* free: S = sum_x [sum_mu (d_mu phi)^2 + mass2 phi^2] / (2 sigma^2) */
} cw_prior_spec;

/* Standard deviation of one site's field. Cost: n_sites. */
double cw_prior_site_sigma(const cw_prior_spec *spec, const cw_lattice *lat);

/* ------------------------------------------------------------------ models */

/* Autoregressive models, of spins: q(s) = prod_i q(s_i | spins drawn before), each conditional
 * from a masked network, sampled one site after the other with no more work than one pass through
 * the network (D. Wu, L. Wang, P. Zhang, Phys. Rev. Lett. 122 (2019) 080602, arXiv:1809.10606). */

/* Which sites share their weights, of kinds that leave it open. */
typedef enum { CW_SHARE_NONE = 0, CW_SHARE_ROWS, CW_SHARE_ALL } cw_share;

#define CW_MAX_CHANNELS 4096
typedef struct {
  const char *kind; /* name in autoregressive.def */
  int n_hidden;     /* 0 to 8 */
  int hidden[8];    /* channels of each hidden layer at every site, 1 to CW_MAX_CHANNELS */
  cw_activation activation;
  int kernel;    /* pixelcnn: odd; reaches kernel/2 sites */
  bool periodic; /* pixelcnn: convolutions wrap around, or see zeros outside */
  bool gated;    /* hidden layers tanh(a) sigmoid(b) of twice as many channels (van den Oord et al.,
                    arXiv:1606.05328) */
  bool residual; /* hidden layers add to the one before where that has as many channels */
  cw_share share; /* frontier */
  bool z2;        /* odd logits, q(-s) = q(s) exactly: tanh, without biases */
  bool bonds;     /* bonds to spins already drawn, and the field, are part of the logits
                     (arXiv:2604.27738); see cw_model_set_couplings */
  double clip;    /* no conditional probability is below this; above 0, below 0.5 */
  /* The model is the mean of images of one autoregressive density, drawn with random ones. Training
   * sees that density alone. */
  bool mirror;      /* s -> -s; not with z2 */
  bool point_group; /* reflections and exchanges of equal extents, about the origin */
  int shifts;       /* so many translations in each direction, evenly spaced, at most the smallest
                       extent; 1: none */
} cw_autoregressive_spec;

/* One entry of autoregressive.def, with what of the spec it reads. */
typedef struct {
  const char *name, *title, *source;
  bool kernel; /* kernel and periodic */
  bool share;
  /* How sites are drawn and what reaches them: src/model/autoregressive. */
  const struct cw_autoregressive_parts *parts;
} cw_autoregressive_kind;

extern const cw_autoregressive_kind
    *const cw_autoregressives[]; /* NULL-terminated; from model/autoregressive.def */
const cw_autoregressive_kind *cw_autoregressive_find(const char *name);

#define CW_MAX_IMAGES 4096
/* How many images a spec asks for, its shifts being at least 1; models take CW_MAX_IMAGES. */
long cw_autoregressive_images(const cw_autoregressive_spec *spec, const cw_lattice *lat);

typedef enum { CW_MODEL_FLOW = 0, CW_MODEL_AUTOREGRESSIVE } cw_model_kind;

#define CW_MAX_LAYERS 256
typedef struct {
  cw_model_kind kind;
  cw_autoregressive_spec autoregressive;
  /* Flows: */
  cw_field_kind field; /* reals, if it is not set, or links */
  cw_prior_spec prior;
  int n_layers;
  cw_layer_spec layer[CW_MAX_LAYERS];
  bool z2_mixture; /* q(x) = [q0(x) + q0(-x)]/2 of the flow q0: both modes of an even target, by one
                      inverse pass more */
} cw_model_spec;

/* The first layer whose log-Jacobian is an integral; NULL: there is none. */
const cw_layer_spec *cw_model_inexact(const cw_model_spec *spec);

typedef struct cw_model cw_model;

/* geom is borrowed; V = 1, unless the prior is Haar's and all layers work on others (cw_layer_kind).
 * The caller destroys *out. Bad specs: CW_EINVAL. */
cw_status cw_model_create(cw_context *ctx, const cw_model_spec *spec, const cw_geometry *geom,
                          cw_model **out);
void cw_model_destroy(cw_model *m);
long cw_model_n_theta(const cw_model *m);
const double *cw_model_theta(const cw_model *m);
void cw_model_set_theta(cw_model *m, const double *theta); /* copies n_theta numbers */
/* The n parameters of an equal model on another lattice: of flows whose layers say how (cw_layer_ops.resize), else
 * as they are. CW_EINVAL: that has another number of them; the message goes on from `from`, which says whose they
 * are. CW_ENOMEM. */
cw_status cw_model_take_theta(cw_context *ctx, cw_model *m, const cw_lattice *other,
                              const char *from, long n, const double *theta);
/* Starting parameters: a flow close to its prior, spins close to what the bonds alone say. */
void cw_model_init(cw_model *m, uint32_t seed);
/* Starting parameters whose layers are the identity, from which all of them can learn: a flow
 * between near theories begins here (as in arXiv:2201.13117). */
void cw_model_init_identity(cw_model *m, uint32_t seed);
const cw_geometry *cw_model_geometry(const cw_model *m);
bool cw_model_is_discrete(const cw_model *m); /* of spins +1 and -1? */
cw_field_kind cw_model_field(const cw_model *m);
bool cw_model_has_products(const cw_model *m); /* or does a layer have none? */
/* The smallest factor by which a layer's bound holds its coefficients back (cw_layer_ops.held); 1: none
 * does. */
double cw_model_held(const cw_model *m);
/* Is ln q that of the map as it is computed, or an integral (cw_layer_kind.precision)? */
bool cw_model_is_exact(const cw_model *m);
/* Of flows that are not exact, of one real per site: how far ln q is off, for the first n draws of a block of each, off
 * (n); 0 of others. On up to CW_DETERMINANT_SITES sites against the determinant of the whole map: a sample, some
 * passes and n_sites/16 products of a block for each, n_sites^3/3 multiplications and n_sites^2 doubles; on more
 * against ln q of the same configurations with twice the steps, two passes of a block for each. Of a mixture, of its
 * q0. Threads as in passes over whole fields. CW_ENOMEM; CW_ENUMERIC: an iteration does not converge. Local. */
#define CW_DETERMINANT_SITES 512
cw_status cw_model_density_error(cw_context *ctx, cw_model *m, cw_rng rng, uint32_t step, int n,
                                 double *off);
bool cw_model_has_each(const cw_model *m); /* can its products fill cw_gradient_of.each? */
/* Couplings c (n_terms) of the target, of which models with `bonds` take those of bond_term and
 * field_term; others ignore them. Zero until set. */
void cw_model_set_couplings(cw_model *m, const cw_theory_ops *target, const double *c);

/* How passes are from now on, where layers have a choice; at first CW_PRECISE. Frames serve products of the same
 * precision. */
void cw_model_set_precision(cw_model *m, cw_precision precision);

/* Tells the layers of a flow between which couplings (n_terms) of a theory it carries, of which some take
 * fixed numbers (cw_layer_ops.between); others ignore them. */
void cw_model_between(cw_model *m, const cw_theory_ops *th, const double *from, const double *to);

/* Passes over whole fields, here and in cw_model_carry, work in memory that the model keeps: threads
 * of one OpenMP team may make them at the same time, other threads must not. CW_ENOMEM.
 *
 * x ~ q for all configurations (keyed by x->first_chain and step), log q (n_config). Parallel over
 * blocks. Local. */
cw_status cw_model_sample(cw_context *ctx, const cw_model *m, cw_rng rng, uint32_t step,
                          cw_field *x, double *logq);
/* log q(x) (n_config) of given configurations; x is not changed. Parallel over blocks. Local. */
cw_status cw_model_log_prob(cw_context *ctx, const cw_model *m, const cw_field *x, double *logq);

bool cw_model_is_mixture(const cw_model *m); /* a flow with z2_mixture? */

/* For diagnosis: carries a block x through the layers, forwards or, if inverse, backwards (x NULL:
 * a draw of the prior forwards), and returns the first layer that makes a number that is not
 * finite, with *finite = false. If none does: the layer that stretches the largest |x| most. -1: no
 * layers, or no memory. */
int cw_model_find_trouble(const cw_model *m, cw_rng rng, uint32_t step, long first_chain,
                          const double *x, bool inverse, cw_arena *work, bool *finite);
const char *cw_model_layer_name(const cw_model *m, int layer);

/* The links that a flow's layers move, and those that they read: borrowed, NULL: all, or it is no flow of
 * links. cw_model_carry takes fields of a patch, too, that has those. */
const cw_link_set *cw_model_moves(const cw_model *m);
const cw_link_set *cw_model_reads(const cw_model *m);

/* Flows only. The layers without the prior, for all configurations in place: x <- f(x) or, inverse,
 * f^-1(x); logj (n_blocks*B) = ln |det| of what was applied, overwritten. No mirror images:
 * of a mixture, its q0. Parallel over blocks. Local. */
cw_status cw_model_carry(cw_context *ctx, const cw_model *m, cw_field *x, double *logj,
                         bool inverse);

/* ------------------------------------------------------- gradients (one block) */

/* A pass of one block through the model with everything its gradients need. x and z: (n_outer,
 * n_comp, CW_LANES); numbers of configurations are the first B of CW_LANES. */
typedef struct {
  double *x, *z; /* sample and latent of the pass (spins have no latent: NULL) */
  double logq[CW_LANES] CW_ALIGNED;
  void *frame[CW_MAX_LAYERS];
  double *mirror_z; /* z2_mixture only: latent, frames and share q0(-x)/(q0(x) + q0(-x)) of the
                       mirror image -x */
  double share[CW_LANES] CW_ALIGNED;
  void *mirror_frame[CW_MAX_LAYERS];
} cw_model_pass;

/* Of spins these three are of the one density whose images a mixture takes the mean of.
 * With z2_mixture x is drawn from q0 without a random sign: the two halves of the mixture have
 * equal expectations of even functions. */
cw_status cw_model_sample_block(const cw_model *m, cw_rng rng, uint32_t step, long first_chain,
                                cw_model_pass *pass, cw_arena *tape);
cw_status cw_model_log_prob_block(const cw_model *m, const double *x, cw_model_pass *pass,
                                  cw_arena *tape);
/* Flows only. The layers alone, as a map f of given configurations: pass->z = x, pass->x = f(x) and
 * pass->logq = -ln|det J|, the change of any log-density that travels along. What sample_vjp needs
 * after a sample is there. Of a mixture, its q0. */
cw_status cw_model_forward_block(const cw_model *m, const double *x, cw_model_pass *pass,
                                 cw_arena *tape);
/* Flows only. g: the score of a density at pass->z in, of its image under the layers at pass->x out
 * (theta held fixed): J^{-T} [g - d ln|det J|/dz] (arXiv:2207.08219). */
cw_status cw_model_carry_score(const cw_model *m, const cw_model_pass *pass, double *g,
                               cw_arena *work);
/* Flows only. g = d ln q(x)/dx at the sample of the pass (theta held fixed). */
cw_status cw_model_score_block(const cw_model *m, const cw_model_pass *pass, double *g,
                               cw_arena *work);
/* Flows only. After sample_block: gtheta += sum_b [ g_b . dx_b/dtheta + glogq_b dlogq_b/dtheta ] at
 * fixed latent; g is overwritten. */
cw_status cw_model_sample_vjp(const cw_model *m, const cw_model_pass *pass, double *g,
                              const double *glogq, cw_gradient_of *gtheta, cw_arena *work);
/* After log_prob_block or sample_block: gtheta += sum_b glogq_b d ln
 * q(x_b)/dtheta; g (out): glogq_b d ln q/dx, for spins not written and may be NULL. */
cw_status cw_model_log_prob_vjp(const cw_model *m, const cw_model_pass *pass, const double *glogq,
                                double *g, cw_gradient_of *gtheta, cw_arena *work);
/* Flows only. After log_prob_block at x ~ p: the path gradient of -sum_b scale_b ln q(x_b), that is
 * of the forward KL divergence pulled back to the prior; g in: d ln p/dx at x; overwritten. (Vaitl
 * et al., arXiv:2207.08219 and 2403.15881.) Not with z2_mixture. */
cw_status cw_model_forward_path_vjp(const cw_model *m, const cw_model_pass *pass, double *g,
                                    const double *scale, cw_gradient_of *gtheta, cw_arena *work);

#ifdef __cplusplus
}
#endif
#endif
