/* Of links: Haar's measure. Of reals: independent normals, and the free field exp(-1/(2 sigma^2) sum_x [sum_mu (phi_x+mu - phi_x)^2 +
 * mass2 phi_x^2]).
 *
 * The free field is sampled in momentum space: products of one-dimensional real Fourier modes
 * diagonalise its kernel K = -Laplacian + mass2, with eigenvalues sum_mu 4 sin^2(p_mu/2) + mass2.
 */
#include "model/prior/prior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct cw_prior {
  cw_prior_spec spec;
  cw_field_kind field;
  const cw_geometry *geom;
  cw_isa isa;
  double log_norm;          /* ln r(0) */
  double *mode[CW_MAX_DIM]; /* free: (extent, extent) orthonormal modes, row k is mode k */
  double *width;            /* free: (n_sites) standard deviation of each product mode */
};

/* Mode k of n: 1/sqrt(n), sqrt(2/n) cos, sqrt(2/n) sin, ..., alternating sign; its momentum index
 * is (k+1)/2. */
static double *fourier_modes(int n) {
  double *R = malloc((size_t)n * (size_t)n * sizeof *R);
  for (int k = 0; R && k < n; k++)
    for (int x = 0; x < n; x++) {
      double angle = 2 * M_PI * ((k + 1) / 2) * x / n;
      bool lone = k == 0 || (n % 2 == 0 && k == n - 1);
      R[k * n + x] = sqrt((lone ? 1.0 : 2.0) / n) * (k % 2 == 0 && k > 0 ? sin(angle) : cos(angle));
    }
  return R;
}

static double eigenvalue(const cw_lattice *lat, double mass2, long site) {
  int k[CW_MAX_DIM];
  double e = mass2;
  cw_lattice_coord(lat, site, k);
  for (int d = 0; d < lat->dim; d++) {
    double s = sin(M_PI * ((k[d] + 1) / 2) / lat->extent[d]);
    e += 4 * s * s;
  }
  return e;
}

double cw_prior_site_sigma(const cw_prior_spec *spec, const cw_lattice *lat) {
  const long n = cw_lattice_sites(lat);
  double variance = 0;
  if (spec->kind != CW_PRIOR_FREE) return spec->sigma;
  for (long s = 0; s < n; s++) variance += 1 / eigenvalue(lat, spec->mass2, s) / (double)n;
  return spec->sigma * sqrt(variance);
}

static cw_status build_free(cw_context *ctx, cw_prior *p) {
  const cw_geometry *g = p->geom;
  bool ok = true;
  p->width = malloc((size_t)g->n_sites * sizeof *p->width);
  for (int d = 0; d < g->lat.dim; d++) ok &= (p->mode[d] = fourier_modes(g->lat.extent[d])) != NULL;
  if (!ok || p->width == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a prior");
  for (long s = 0; s < g->n_sites; s++) {
    double e = eigenvalue(&g->lat, p->spec.mass2, s);
    p->width[s] = p->spec.sigma / sqrt(e);
    p->log_norm += 0.5 * log(e);
  }
  return CW_OK;
}

static cw_status check(cw_context *ctx, const cw_prior_spec *spec, cw_field_kind field,
                       const cw_geometry *geom) {
  const bool haar = spec->kind == CW_PRIOR_HAAR;
  if (haar != cw_kind(field)->on_links)
    return cw_fail(ctx, CW_EINVAL, "prior: %s",
                   haar ? "haar is for links" : "that of links is haar");
  if (haar) return CW_OK;
  if (geom->V > 1)
    return cw_fail(ctx, CW_EINVAL, "prior: of reals on whole lattices, not on %d sub-lattices",
                   geom->V);
  if (!(spec->sigma > 0))
    return cw_fail(ctx, CW_EINVAL, "prior: sigma = %g, expected a positive number", spec->sigma);
  if (spec->kind == CW_PRIOR_FREE && !(spec->mass2 > 0))
    return cw_fail(ctx, CW_EINVAL, "prior: mass2 = %g, expected a positive number", spec->mass2);
  return CW_OK;
}

cw_status cw_prior_create(cw_context *ctx, const cw_prior_spec *spec, cw_field_kind field,
                          const cw_geometry *geom, cw_prior **out) {
  *out = NULL;
  CW_TRY(check(ctx, spec, field, geom));
  cw_prior *p = calloc(1, sizeof *p);
  if (p == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a prior");
  p->spec = *spec;
  p->field = field;
  p->geom = geom;
  p->isa = cw_context_isa(ctx);
  if (spec->kind != CW_PRIOR_HAAR)
    p->log_norm = -(double)geom->n_sites * (0.5 * log(2 * M_PI) + log(spec->sigma));
  if (spec->kind == CW_PRIOR_FREE) {
    cw_status st = build_free(ctx, p);
    if (st != CW_OK) {
      cw_prior_destroy(p);
      return st;
    }
  }
  *out = p;
  return CW_OK;
}

void cw_prior_destroy(cw_prior *p) {
  if (p == NULL) return;
  for (int d = 0; d < CW_MAX_DIM; d++) free(p->mode[d]);
  free(p->width);
  free(p);
}

/* to(.., x, ..) = sum_k R[k, x] from(.., k, ..) along one direction; rows of lanes in lexicographic
 * site order. */
static void transform_direction(const cw_lattice *lat, int direction, const double *R,
                                const double *from, double *to) {
  int n = lat->extent[direction];
  long inner = 1, outer = 1;
  for (int d = 0; d < lat->dim; d++)
    *(d < direction ? &outer : &inner) *= d == direction ? 1 : lat->extent[d];
  for (long o = 0; o < outer; o++)
    for (long i = 0; i < inner; i++)
      for (int x = 0; x < n; x++) {
        double acc[CW_LANES] = {0};
        for (int k = 0; k < n; k++) {
          const double *row = from + ((o * n + k) * inner + i) * CW_LANES;
          double r = R[k * n + x];
          for (int l = 0; l < CW_LANES; l++) acc[l] += r * row[l];
        }
        memcpy(to + ((o * n + x) * inner + i) * CW_LANES, acc, sizeof acc);
      }
}

static cw_status to_free_field(const cw_prior *p, double *z, cw_arena *work) {
  const cw_geometry *g = p->geom;
  size_t bytes = (size_t)g->n_sites * CW_LANES * sizeof *z;
  double *a = cw_arena_alloc(work, bytes), *b = cw_arena_alloc(work, bytes);
  if (a == NULL || b == NULL) return CW_ENOMEM;
  for (long s = 0; s < g->n_sites; s++)
    for (int l = 0; l < CW_LANES; l++)
      a[s * CW_LANES + l] = p->width[s] * z[(long)g->outer[s] * CW_LANES + l];
  for (int d = 0; d < g->lat.dim; d++) {
    transform_direction(&g->lat, d, p->mode[d], a, b);
    double *swap = a;
    a = b;
    b = swap;
  }
  for (long s = 0; s < g->n_sites; s++)
    memcpy(z + (long)g->outer[s] * CW_LANES, a + s * CW_LANES, CW_LANES * sizeof *z);
  return CW_OK;
}

cw_status cw_prior_sample(const cw_prior *p, cw_rng rng, uint32_t step, long first_chain, double *z,
                          double *logr, cw_arena *work) {
  const int B = CW_LANES / p->geom->V;
  cw_field x = {.geom = p->geom,
                .n_comp = cw_kind_components(p->field, &p->geom->lat),
                .B = B,
                .n_config = B,
                .n_blocks = 1,
                .first_chain = first_chain,
                .data = z};
  cw_kind(p->field)->hot(p->isa, &x, rng, step);
  cw_status st = CW_OK;
  if (p->spec.kind == CW_PRIOR_HAAR) return CW_OK;
  if (p->spec.kind == CW_PRIOR_FREE) {
    cw_arena_mark mark = cw_arena_save(work);
    st = to_free_field(p, z, work);
    cw_arena_rewind(work, mark);
  } else {
    for (long i = 0; i < p->geom->n_sites * CW_LANES; i++) z[i] *= p->spec.sigma;
  }
  cw_prior_log_prob(p, z, logr);
  return st;
}

/* Row of K z at an outer site: the kernel applied to the block. */
static inline void apply_kernel(const cw_prior *p, const double *z, long o, double out[CW_LANES]) {
  const double *at = z + o * CW_LANES;
  if (p->spec.kind == CW_PRIOR_NORMAL) {
    memcpy(out, at, CW_LANES * sizeof *out);
    return;
  }
  int n_dir = 2 * p->geom->lat.dim;
  double diagonal = n_dir + p->spec.mass2;
  for (int l = 0; l < CW_LANES; l++) out[l] = diagonal * at[l];
  for (int k = 0; k < n_dir; k++) {
    const double *next = z + (long)p->geom->neighbour[o * n_dir + k] * CW_LANES;
    for (int l = 0; l < CW_LANES; l++) out[l] -= next[l];
  }
}

void cw_prior_log_prob(const cw_prior *p, const double *z, double *logr) {
  if (p->spec.kind == CW_PRIOR_HAAR) return;
  double S[CW_LANES] = {0}, Kz[CW_LANES], half = 0.5 / (p->spec.sigma * p->spec.sigma);
  for (long o = 0; o < p->geom->n_outer; o++) {
    apply_kernel(p, z, o, Kz);
    for (int l = 0; l < CW_LANES; l++) S[l] += z[o * CW_LANES + l] * Kz[l];
  }
  for (int l = 0; l < CW_LANES; l++) logr[l] += p->log_norm - half * S[l];
}

void cw_prior_score(const cw_prior *p, const double *z, double *g) {
  double Kz[CW_LANES], scale = -1 / (p->spec.sigma * p->spec.sigma);
  if (p->spec.kind == CW_PRIOR_HAAR) {
    const int n = cw_kind_tangent(p->field, &p->geom->lat);
    memset(g, 0, (size_t)(p->geom->n_outer * n) * CW_LANES * sizeof *g);
    return;
  }
  for (long o = 0; o < p->geom->n_outer; o++) {
    apply_kernel(p, z, o, Kz);
    for (int l = 0; l < CW_LANES; l++) g[o * CW_LANES + l] = scale * Kz[l];
  }
}
