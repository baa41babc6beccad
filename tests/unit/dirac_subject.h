/* A small SU(3) field, spinors on it, and the Dirac operator in plain loops over sites with 4x4 gamma matrices. */
#ifndef CW_TEST_DIRAC_SUBJECT_H
#define CW_TEST_DIRAC_SUBJECT_H

#include "unit/group_matrices.h"

#include "causeway/dirac.h"
#include "support/relayout.h"

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_field links;
  cw_arena *memory, *scratch;
  cw_dirac *d;
} dirac_subject;

/* Links near to 1: exp of normal numbers times spread, drawn on the first split, so that all have the same; spread 0:
 * unit links. */
static inline void draw_links(cw_context *ctx, cw_field *links, double spread) {
  const cw_kind_ops *su3 = cw_kind(CW_LINK_SU3);
  double eps[CW_LANES] CW_ALIGNED;
  cw_field w;
  for (int l = 0; l < CW_LANES; l++) eps[l] = spread;
  su3->cold(links);
  check_ok(ctx, cw_field_create(ctx, links->geom, 32, links->n_config, &w));
  cw_field_normal(cw_context_isa(ctx), &w, cw_rng_stream(5, "test/dirac/links"), 0, 0);
  for (long b = 0; b < links->n_blocks; b++) {
    cw_field x = cw_field_block(links, b);
    const cw_field p = cw_field_block(&w, b);
    if (spread != 0) su3->drift(cw_context_isa(ctx), &x, &p, eps, 0, x.geom->n_outer);
  }
  cw_field_destroy(&w);
}

static inline dirac_subject open_dirac(cw_context *ctx, const cw_lattice *lat, int V, long n_config,
                                       double spread) {
  dirac_subject s = {.ctx = ctx};
  check_ok(ctx, cw_geometry_create(ctx, lat, V, &s.geom));
  check_ok(ctx, cw_field_create(ctx, s.geom, 72, n_config, &s.links));
  draw_links(ctx, &s.links, spread);
  s.memory = cw_arena_create(0);
  s.scratch = cw_arena_create(0);
  check_ok(ctx, cw_dirac_create(ctx, s.geom, cw_context_isa(ctx), cw_threads(ctx), s.memory, &s.d));
  return s;
}

static inline void close_dirac(dirac_subject *s) {
  cw_field_destroy(&s->links);
  cw_arena_destroy(s->memory);
  cw_arena_destroy(s->scratch);
  cw_geometry_destroy(s->geom);
}

static inline void load_dirac(dirac_subject *s, const cw_quark *quark) {
  const cw_field block = cw_field_block(&s->links, 0);
  check_ok(s->ctx, cw_dirac_load(s->d, quark, &block));
}

/* n right-hand sides of normal numbers, or zeros. */
static inline cw_field new_spinors(const dirac_subject *s, int n, const char *stream) {
  cw_field x;
  check_ok(s->ctx, cw_field_create(s->ctx, s->geom, n * CW_SPINOR_REALS, s->links.n_config, &x));
  if (stream != NULL) cw_field_normal(cw_context_isa(s->ctx), &x, cw_rng_stream(6, stream), 0, 0);
  return x;
}

static inline number spinor_at(const cw_field *x, long config, long site, int rhs, int spin,
                               int colour) {
  const int c = rhs * CW_SPINOR_REALS + 6 * spin + 2 * colour;
  return cw_field_get(x, config, site, c) + I * cw_field_get(x, config, site, c + 1);
}

static inline void set_spinor(cw_field *x, long config, long site, int rhs, int spin, int colour,
                              number value) {
  const int c = rhs * CW_SPINOR_REALS + 6 * spin + 2 * colour;
  cw_field_set(x, config, site, c, (double)creall(value));
  cw_field_set(x, config, site, c + 1, (double)cimagl(value));
}

static inline number scalar_product(const cw_field *a, const cw_field *b, long config, int rhs) {
  number sum = 0;
  for (long s = 0; s < a->geom->n_sites; s++)
    for (int k = 0; k < 12; k++)
      sum += conjl(spinor_at(a, config, s, rhs, k / 3, k % 3)) *
             spinor_at(b, config, s, rhs, k / 3, k % 3);
  return sum;
}

/* The largest difference of two fields over all numbers of all configurations. */
static inline double field_distance(const cw_field *a, const cw_field *b) {
  double d = 0;
  for (long i = 0; i < a->n_config; i++)
    for (long s = 0; s < a->geom->n_sites; s++)
      for (int c = 0; c < a->n_comp; c++) {
        const double e = fabs(cw_field_get(a, i, s, c) - cw_field_get(b, i, s, c));
        if (!(e <= d)) d = e;
      }
  return d;
}

/* -------------------------------------------------------------- gamma matrices */

typedef struct {
  number at[4][4];
} spin_matrix;

/* gamma_mu as causeway/dirac.h has them; mu = 5: gamma5 = gamma_3 gamma_0 gamma_1 gamma_2. */
static inline spin_matrix spin_times(spin_matrix a, spin_matrix b) {
  spin_matrix c = {{{0}}};
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++)
      for (int k = 0; k < 4; k++) c.at[i][j] += a.at[i][k] * b.at[k][j];
  return c;
}
static inline spin_matrix gamma_matrix(int mu) {
  const number sigma[3][2][2] = {{{0, 1}, {1, 0}}, {{0, -I}, {I, 0}}, {{1, 0}, {0, -1}}};
  spin_matrix g = {{{0}}};
  if (mu == 5)
    return spin_times(spin_times(gamma_matrix(3), gamma_matrix(0)),
                      spin_times(gamma_matrix(1), gamma_matrix(2)));
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++) {
      g.at[i][2 + j] = mu == 3 ? -(number)(i == j) : -I * sigma[mu][i][j];
      g.at[2 + i][j] = mu == 3 ? -(number)(i == j) : I * sigma[mu][i][j];
    }
  return g;
}
static inline spin_matrix sigma_matrix(int mu, int nu) {
  const spin_matrix a = spin_times(gamma_matrix(mu), gamma_matrix(nu)),
                    b = spin_times(gamma_matrix(nu), gamma_matrix(mu));
  spin_matrix s;
  for (int i = 0; i < 16; i++)
    s.at[i / 4][i % 4] = I / 2 * (a.at[i / 4][i % 4] - b.at[i / 4][i % 4]);
  return s;
}

/* ------------------------------------------------------------------ the oracle */

static inline matrix link_at(const cw_field *links, long config, const int coord[4], int mu) {
  const long site = cw_lattice_site(&links->geom->lat, coord);
  matrix u = {.n = 3};
  for (int k = 0; k < 9; k++)
    u.at[k / 3][k % 3] = cw_field_get(links, config, site, 18 * mu + 2 * k) +
                         I * cw_field_get(links, config, site, 18 * mu + 2 * k + 1);
  return u;
}

/* The link or its adjoint that leaves coord in direction mu (back: -mu), and moves on. */
static inline matrix walk_link(const cw_field *links, long config, int coord[4], int mu,
                               bool back) {
  matrix u;
  if (back) {
    coord[mu]--;
    u = dagger(link_at(links, config, coord, mu));
  } else {
    u = link_at(links, config, coord, mu);
    coord[mu]++;
  }
  return u;
}

/* F = (Q - Q^+)/(8i) without trace, Q the plaquettes that start at a site in (mu, nu), (nu, -mu), (-mu, -nu), (-nu, mu). */
static inline matrix field_strength_at(const cw_field *links, long config, const int coord[4],
                                       int mu, int nu) {
  const int dir[4] = {mu, nu, mu, nu};
  const bool back[4] = {false, false, true, true};
  matrix q = {.n = 3};
  for (int leaf = 0; leaf < 4; leaf++) {
    int at[4] = {coord[0], coord[1], coord[2], coord[3]};
    matrix p = unit(3);
    for (int step = 0; step < 4; step++)
      p = times(p, walk_link(links, config, at, dir[(leaf + step) % 4], back[(leaf + step) % 4]));
    q = plus(q, 1, p);
  }
  matrix f = plus((matrix){.n = 3}, 1 / (8 * I), plus(q, -1, dagger(q)));
  return plus(f, -trace(f) / 3, unit(3));
}

/* out = D in, plainly. */
static inline void oracle(const cw_field *links, const cw_quark *q, const cw_field *in,
                          cw_field *out) {
  const cw_lattice *lat = &links->geom->lat;
  for (long i = 0; i < in->n_config; i++)
    for (long site = 0; site < links->geom->n_sites; site++)
      for (int rhs = 0; rhs < in->n_comp / CW_SPINOR_REALS; rhs++) {
        number sum[4][3];
        int coord[4];
        cw_lattice_coord(lat, site, coord);
        for (int k = 0; k < 12; k++) sum[k / 3][k % 3] = spinor_at(in, i, site, rhs, k / 3, k % 3);
        for (int d = 0; d < 8; d++) {
          const int mu = d / 2, back = d % 2;
          int at[4] = {coord[0], coord[1], coord[2], coord[3]};
          const matrix u = walk_link(links, i, at, mu, back);
          const spin_matrix g = gamma_matrix(mu);
          number phase = 1;
          if (at[mu] < 0) phase = cexpl(-I * acosl(-1) * q->twist[mu]);
          if (at[mu] >= lat->extent[mu]) phase = cexpl(I * acosl(-1) * q->twist[mu]);
          const long next = cw_lattice_site(lat, at);
          for (int a = 0; a < 4; a++)
            for (int b = 0; b < 4; b++) {
              const number projector = (number)(a == b) + (back ? 1 : -1) * g.at[a][b];
              for (int c = 0; c < 9 && projector != 0; c++)
                sum[a][c / 3] -= q->kappa * phase * projector * u.at[c / 3][c % 3] *
                                 spinor_at(in, i, next, rhs, b, c % 3);
            }
        }
        for (int mu = 0; mu < 4 && q->csw != 0; mu++)
          for (int nu = 0; nu < 4; nu++) {
            if (mu == nu) continue;
            const matrix f = field_strength_at(links, i, coord, mu, nu);
            const spin_matrix s = sigma_matrix(mu, nu);
            for (int k = 0; k < 16 * 9; k++) {
              const int a = k / 36, b = k / 9 % 4, c = k / 3 % 3, e = k % 3;
              sum[a][c] -= q->kappa * q->csw / 2 * s.at[a][b] * f.at[c][e] *
                           spinor_at(in, i, site, rhs, b, e);
            }
          }
        for (int k = 0; k < 12; k++) set_spinor(out, i, site, rhs, k / 3, k % 3, sum[k / 3][k % 3]);
      }
}

#endif
