/* Images of a configuration under symmetries of the lattice and of the spins. Private to src/model.
 */
#ifndef CW_MODEL_IMAGES_H
#define CW_MODEL_IMAGES_H

#include "causeway/model.h"

typedef struct {
  int n;
  long n_site;
  int *from;    /* (n, n_site): image k of x is sign[k] * x[from[k][.]], by outer sites */
  int *back;    /* (n, n_site): its inverse */
  double *sign; /* (n) */
} cw_images;

/* All combinations of what the spec asks for; the first is the identity. CW_EINVAL: more than
 * CW_MAX_IMAGES. The caller destroys *out in any case. */
cw_status cw_images_create(cw_context *ctx, const cw_autoregressive_spec *spec,
                           const cw_geometry *geom, cw_images *out);
void cw_images_destroy(cw_images *im);

#endif
