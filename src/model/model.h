/* What all models share, and what one of them gives. Private to src/model. */
#ifndef CW_MODEL_MODEL_H
#define CW_MODEL_MODEL_H

#include "causeway/model.h"

/* The passes of one kind of model; those of a block are as the functions of causeway/model.h of
 * the same name say. */
typedef struct {
  cw_status (*sample_block)(const cw_model *m, cw_rng rng, uint32_t step, long first_chain,
                            cw_model_pass *pass, cw_arena *tape);
  cw_status (*log_prob_block)(const cw_model *m, const double *x, cw_model_pass *pass,
                              cw_arena *tape);
  cw_status (*log_prob_vjp)(const cw_model *m, const cw_model_pass *pass, const double *glogq,
                            double *g, cw_gradient_of *gtheta, cw_arena *work);
  /* Without what gradients need, mixtures included: block->data is filled or read. */
  cw_status (*sample)(const cw_model *m, cw_field *block, cw_rng rng, uint32_t step,
                      double logq[CW_LANES], cw_arena *tape);
  cw_status (*log_prob)(const cw_model *m, cw_field *block, double logq[CW_LANES], cw_arena *tape);
  /* Flows only: cw_model_carry of one block. */
  cw_status (*carry)(const cw_model *m, cw_field *block, bool inverse, double logj[CW_LANES],
                     cw_arena *work);
  void (*init)(cw_model *m, uint32_t seed, double gain);         /* fills m->theta */
  void (*theta_changed)(cw_model *m);                            /* NULL: nothing depends on them */
  void (*set_couplings)(cw_model *m, double bond, double field); /* NULL: it needs none */
  int (*find_trouble)(const cw_model *m, cw_rng rng, uint32_t step, long first_chain,
                      const double *x, bool inverse, cw_arena *work, bool *finite);
  const char *(*layer_name)(const cw_model *m, int layer);
  double (*held)(const cw_model *m); /* NULL: nothing is */
  /* Flows only: cw_model_between. */
  void (*between)(cw_model *m, const cw_theory_ops *th, const double *from, const double *to);
  /* Flows only: as cw_layer_ops.resize, of all parameters. */
  cw_status (*resize)(cw_context *ctx, const cw_model *m, const cw_lattice *other, long *n,
                      const double *theirs, double *mine);
  void (*set_precision)(cw_model *m, cw_precision precision); /* NULL: all passes are alike */
  void (*destroy)(cw_model *m); /* all but theta, theta_f and work; frees m */
} cw_model_ops;

/* The head of every model. */
struct cw_model {
  const cw_model_ops *ops;
  const cw_geometry *geom; /* borrowed */
  cw_field_kind field;
  int n_comp, n_tangent; /* reals per site of a field, and of an adjoint; spins: 1, 0 */
  bool discrete;
  bool products;                    /* has it any? */
  bool exact;                       /* no layer's log-Jacobian is an integral */
  bool each;                        /* its products fill cw_gradient_of.each */
  const cw_link_set *moves, *reads; /* of cw_model_moves, owned by the kind */
  long n_theta;
  double *theta;
  float *theta_f;
  cw_arena *work; /* of passes over whole fields, kept from one to the next */
};

/* On failure *out holds what was built, and the caller destroys it. n_theta is set, theta and work are
 * not there yet. */
cw_status cw_flow_create(cw_context *ctx, const cw_model_spec *spec, const cw_geometry *geom,
                         cw_model **out);
cw_status cw_autoregressive_create(cw_context *ctx, const cw_model_spec *spec,
                                   const cw_geometry *geom, cw_model **out);

#endif
