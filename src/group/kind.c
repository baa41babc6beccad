/* Reals and spins on sites, and U(1), SU(2), SU(3) on links: how a field starts, moves and stays in
 * its group. */
#include "group/kind.h"
#include "group/normal.h"

#include <string.h>

static const cw_kind_kernel *kernel(cw_isa isa, cw_field_kind kind) {
  return &CW_DISPATCH(isa, cw_kind_kernels)->kind[kind];
}

void cw_normal_slice(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step, uint32_t draw, long begin,
                     long end) {
  CW_DISPATCH(isa, cw_normal_kernels)->normal(x, rng, step, draw, begin, end);
}

static int reals_of(const cw_field *x) { return x->n_comp; }
static int links_of(const cw_field *x) { return x->geom->lat.dim; }

/* ------------------------------------------------------------------------- reals */

static void hot_real(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step) {
  cw_field_normal(isa, x, rng, step, 0);
}

static void cold_real(cw_field *x) {
  memset(x->data, 0, (size_t)x->n_blocks * cw_field_block_size(x) * sizeof *x->data);
}

static void drift_real(cw_isa isa, cw_field *x, const cw_field *p, const double *eps, long begin,
                       long end) {
  long n = reals_of(x);
  kernel(isa, CW_SITE_REAL)->drift(x->data, p->data, eps, begin * n, end * n);
}

static void project_site(cw_isa isa, cw_field *x, long begin, long end) {
  (void)isa;
  (void)x;
  (void)begin;
  (void)end;
}

/* ------------------------------------------------------------------------- spins */

/* The sign of site s is bit s % 128 of draw s / 128. */
static void hot_spin(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step) {
  (void)isa;
  for (long i = 0; i < x->n_blocks * x->B; i++) {
    uint32_t bits[4] = {0};
    for (long s = 0; s < x->geom->n_sites; s++) {
      if (s % 128 == 0)
        cw_random_bits(rng, (uint32_t)(s / 128), (uint32_t)(x->first_chain + i), step, 0, bits);
      cw_field_set(x, i, s, 0, bits[s % 128 / 32] >> s % 32 & 1 ? -1 : 1);
    }
  }
}

static void cold_spin(cw_field *x) {
  size_t n = (size_t)x->n_blocks * cw_field_block_size(x);
  for (size_t i = 0; i < n; i++) x->data[i] = 1;
}

/* ------------------------------------------------------------------------- links */

/* The group element next to a Gaussian matrix, row by row, is a Haar draw: the distribution of the
 * Gaussian does not change when rows are multiplied by a fixed element from the right, which
 * normalising and orthogonalising rows (project) commutes with, and the last row follows from the
 * others. U(1): a Gaussian in the plane; SU(2): in the four dimensions of the quaternion; SU(3):
 * the first two rows. Projecting twice makes up for rows that were nearly parallel. */
static void hot_links(cw_field_kind kind, cw_isa isa, cw_field *x, cw_rng rng, uint32_t step) {
  for (long b = 0; b < x->n_blocks; b++) {
    cw_field block = cw_field_block(x, b);
    cw_normal_slice(isa, &block, rng, step, 0, 0, x->geom->n_outer);
  }
  long n = x->n_blocks * x->geom->n_outer * links_of(x);
  for (int times = 0; times < 2; times++) kernel(isa, kind)->project(x->data, 0, n);
}

static void cold_links(cw_field_kind kind, cw_field *x) {
  double m[18] = {0}, link[18];
  int n_colours = cw_kind(kind)->n_colours, n_real = cw_kind(kind)->n_real;
  for (int i = 0; i < n_colours; i++) m[2 * i * (n_colours + 1)] = 1;
  cw_link_from_matrix(kind, m, link);
  long n = x->n_blocks * x->geom->n_outer * x->n_comp;
  for (long row = 0; row < n; row++)
    for (int l = 0; l < CW_LANES; l++) x->data[row * CW_LANES + l] = link[row % n_real];
}

/* The same functions for each group, as the table wants them. */
#define CW_LINKS(group, kind)                                                                      \
  static void hot_##group(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step) {                    \
    hot_links(kind, isa, x, rng, step);                                                            \
  }                                                                                                \
  static void cold_##group(cw_field *x) { cold_links(kind, x); }                                   \
  static void drift_##group(cw_isa isa, cw_field *x, const cw_field *p, const double *eps,         \
                            long begin, long end) {                                                \
    long n = links_of(x);                                                                          \
    kernel(isa, kind)->drift(x->data, p->data, eps, begin *n, end *n);                             \
  }                                                                                                \
  static void project_##group(cw_isa isa, cw_field *x, long begin, long end) {                     \
    long n = links_of(x);                                                                          \
    kernel(isa, kind)->project(x->data, begin *n, end *n);                                         \
  }
CW_LINKS(u1, CW_LINK_U1)
CW_LINKS(su2, CW_LINK_SU2)
CW_LINKS(su3, CW_LINK_SU3)

/* ------------------------------------------------------------------------- table */

static const cw_kind_ops kinds[] = {
    [CW_SITE_REAL] = {"real", false, 0, 1, 1, hot_real, cold_real, drift_real, project_site},
    [CW_LINK_U1] = {"u1", true, 1, 2, 1, hot_u1, cold_u1, drift_u1, project_u1},
    [CW_LINK_SU2] = {"su2", true, 2, 4, 3, hot_su2, cold_su2, drift_su2, project_su2},
    [CW_LINK_SU3] = {"su3", true, 3, 18, 8, hot_su3, cold_su3, drift_su3, project_su3},
    [CW_SITE_SPIN] = {"spin", false, 0, 1, 0, hot_spin, cold_spin, NULL, project_site},
};

const cw_kind_ops *cw_kind(cw_field_kind kind) {
  CW_REQUIRE(kind >= CW_SITE_REAL && kind <= CW_SITE_SPIN);
  return &kinds[kind];
}

int cw_kind_components(cw_field_kind kind, const cw_lattice *lat) {
  return cw_kind(kind)->n_real * (cw_kind(kind)->on_links ? lat->dim : 1);
}

int cw_kind_tangent(cw_field_kind kind, const cw_lattice *lat) {
  return cw_kind(kind)->n_algebra * (cw_kind(kind)->on_links ? lat->dim : 1);
}

/* ---------------------------------------------------------------------- matrices */

/* a0 + i sum_k a_k sigma_k = (a0 + i a3, a2 + i a1; -a2 + i a1, a0 - i a3) */
void cw_link_to_matrix(cw_field_kind kind, const double *link, double *m) {
  if (kind != CW_LINK_SU2) {
    memcpy(m, link, (size_t)cw_kind(kind)->n_real * sizeof *m);
    return;
  }
  const double element[8] = {link[0],  link[3], link[2], link[1],
                             -link[2], link[1], link[0], -link[3]};
  memcpy(m, element, sizeof element);
}

void cw_link_from_matrix(cw_field_kind kind, const double *m, double *link) {
  if (kind != CW_LINK_SU2) {
    memcpy(link, m, (size_t)cw_kind(kind)->n_real * sizeof *m);
    return;
  }
  link[0] = (m[0] + m[6]) / 2;
  link[1] = (m[3] + m[5]) / 2;
  link[2] = (m[2] - m[4]) / 2;
  link[3] = (m[1] - m[7]) / 2;
}
