#include "model/autoregressive/images.h"

#include <stdlib.h>

/* One symmetry: coordinate d of the image is coordinate axis[d], reflected or not, and shifted. */
typedef struct {
  int axis[CW_MAX_DIM];
  bool reflect[CW_MAX_DIM];
  int shift[CW_MAX_DIM];
} symmetry;

/* Permutations of the axes among those of equal extent, the identity first. */
static int axis_permutations(const cw_lattice *lat, int out[24][CW_MAX_DIM]) {
  int n = 0;
  const int dim = lat->dim;
  for (int code = 0; code < 256; code++) {
    int axis[CW_MAX_DIM], used = 0;
    bool fits = true;
    for (int d = 0; d < CW_MAX_DIM; d++) {
      axis[d] = code >> (2 * (CW_MAX_DIM - 1 - d)) & 3;
      used |= 1 << axis[d];
      fits = fits &&
             (d < dim ? axis[d] < dim && lat->extent[axis[d]] == lat->extent[d] : axis[d] == d);
    }
    if (!fits || used != (1 << CW_MAX_DIM) - 1) continue;
    for (int d = 0; d < CW_MAX_DIM; d++) out[n][d] = axis[d];
    n++;
  }
  return n;
}

long cw_autoregressive_images(const cw_autoregressive_spec *spec, const cw_lattice *lat) {
  int axes[24][CW_MAX_DIM];
  long n = spec->mirror ? 2 : 1;
  for (int d = 0; d < lat->dim; d++) n *= spec->shifts;
  return spec->point_group ? n * axis_permutations(lat, axes) << lat->dim : n;
}

static void place(const cw_geometry *g, const symmetry *s, int *from, int *back) {
  const cw_lattice *lat = &g->lat;
  for (long o = 0; o < g->n_outer; o++) {
    int coord[CW_MAX_DIM], image[CW_MAX_DIM];
    cw_lattice_coord(lat, g->site[o], coord);
    for (int d = 0; d < lat->dim; d++) {
      int c = coord[s->axis[d]];
      image[d] = (s->reflect[d] ? -c : c) + s->shift[d];
    }
    int to = g->outer[cw_lattice_site(lat, image)];
    from[to] = (int)o;
    back[o] = to;
  }
}

/* Symmetry number k of those with given axes. */
static symmetry decode(const cw_autoregressive_spec *spec, const cw_lattice *lat,
                       const int axis[CW_MAX_DIM], long k) {
  symmetry s = {.axis = {0}};
  for (int d = 0; d < lat->dim; d++) {
    s.axis[d] = axis[d];
    s.shift[d] = (int)(k % spec->shifts) * lat->extent[d] / spec->shifts;
    k /= spec->shifts;
    if (!spec->point_group) continue;
    s.reflect[d] = k % 2 == 1;
    k /= 2;
  }
  return s;
}

static void fill(const cw_autoregressive_spec *spec, const cw_geometry *g, cw_images *im,
                 int axes[24][CW_MAX_DIM], int n_axes) {
  const long per_sign = spec->mirror ? im->n / 2 : im->n;
  const long per_axes = spec->point_group ? per_sign / n_axes : per_sign;
  for (long k = 0; k < im->n; k++) {
    symmetry s = decode(spec, &g->lat, axes[k % per_sign / per_axes], k % per_axes);
    place(g, &s, im->from + k * im->n_site, im->back + k * im->n_site);
    im->sign[k] = k < per_sign ? 1 : -1;
  }
}

cw_status cw_images_create(cw_context *ctx, const cw_autoregressive_spec *spec,
                           const cw_geometry *geom, cw_images *out) {
  int axes[24][CW_MAX_DIM];
  const int n_axes = axis_permutations(&geom->lat, axes);
  *out = (cw_images){.n_site = geom->n_outer};
  if (spec->mirror && spec->z2)
    return cw_fail(ctx, CW_EINVAL, "model: with z2 mirror images are equal");
  for (int d = 0; d < geom->lat.dim; d++)
    if (spec->shifts < 1 || spec->shifts > geom->lat.extent[d])
      return cw_fail(ctx, CW_EINVAL, "model: %d shifts, expected 1 to the smallest extent",
                     spec->shifts);
  const long n = cw_autoregressive_images(spec, &geom->lat);
  if (n > CW_MAX_IMAGES)
    return cw_fail(ctx, CW_EINVAL, "model: %ld images, expected at most %d", n, CW_MAX_IMAGES);
  out->n = (int)n;
  out->from = malloc((size_t)(n * out->n_site) * sizeof(int));
  out->back = malloc((size_t)(n * out->n_site) * sizeof(int));
  out->sign = malloc((size_t)n * sizeof(double));
  if (!out->from || !out->back || !out->sign)
    return cw_fail(ctx, CW_ENOMEM, "no memory for %ld images", n);
  fill(spec, geom, out, axes, n_axes);
  return CW_OK;
}

void cw_images_destroy(cw_images *im) {
  free(im->from);
  free(im->back);
  free(im->sign);
  *im = (cw_images){0};
}
