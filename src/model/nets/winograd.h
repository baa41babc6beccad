/* Minimal filtering F(4x4, 3x3) of Lavin and Gray (arXiv:1509.09308): a 3x3 convolution of all
 * sites in tiles of 4x4 outputs, 36 products per channel pair instead of 144.
 * Private to src/model/nets. */
#ifndef CW_MODEL_WINOGRAD_H
#define CW_MODEL_WINOGRAD_H

#include "model/nets/net.h"

/* The lattice cut into tiles; the same for a convolution and for its transpose. */
struct cw_winograd {
  int n_tile;
  int (*in)[36];  /* (n_tile, 6, 6) rows under the stencils of a tile, periodic */
  int (*out)[16]; /* (n_tile, 4, 4) rows of a tile */
};

/* Tiles of a lattice, rows numbered as its outer sites. No tiles (n_tile 0): not two dimensions
 * of extents divisible by 4 with at least two tiles. False: no memory. */
bool cw_winograd_build(const cw_geometry *geom, cw_winograd *tiles);
void cw_winograd_free(cw_winograd *tiles);
/* Floats of work for the kernel. */
size_t cw_winograd_work(int ci, int co);

#ifdef CW_ISA
/* The slot `winograd` of cw_net_kernels. */
void CW_ISA_NAME(cw_winograd_conv)(const cw_winograd *tiles, int ci, int co, const float *w,
                                   const float *bias, cw_net_activation act, cw_rows in,
                                   cw_rows out, float *work);
#endif

#endif
