/* The site term of the clover operator on lanes: included by links.isa.c.
 *
 *   A = 1 - (kappa csw/2) sum_munu sigma_munu F_munu = 1 + kappa csw (sum_k sigma_k B_k^+  0; 0  sum_k sigma_k B_k^-),
 *   B_k^+- = F_ij +- F_k3 with (i, j, k) cyclic: sigma_ij is -sigma_k in both halves, sigma_k3 is -sigma_k above and
 * +sigma_k below. F is Hermitian, (Q - Q^+)/(8i) without trace, Q the sum of the four leaves. */
#define CW_GROUP su3
#include "group/leaves.h"
#undef CW_GROUP

/* F = -i X for coordinates w of the anti-Hermitian X. */
CW_INLINE void hermitian_strength(cw_su3_m *F, const cw_vd *w) {
  cw_su3_m x;
  cw_su3_from_algebra(&x, w);
  for (int k = 0; k < 9; k++) {
    F->re[k] = x.im[k];
    F->im[k] = -x.re[k];
  }
}

/* Field strengths of a site in the planes 01 02 03 12 13 23. */
CW_OUTLINE void field_strength(const cw_geometry *g, const double *links, long o, int lane,
                               cw_su3_m *F) {
  int n = 0;
  for (int mu = 0; mu < 4; mu++)
    for (int nu = mu + 1; nu < 4; nu++, n++) {
      cw_su3_plane plane;
      cw_vd plaquette, rectangle, w[cw_su3_N_ALGEBRA];
      cw_places_from(g, o, mu, nu, &plane.from);
      cw_places_to(g, o, mu, nu, &plane.to);
      cw_su3_one_plane(links, 4, mu, nu, &plane, lane, false, &plaquette, &rectangle, w);
      hermitian_strength(&F[n], w);
    }
}

/* A Hermitian 6x6 matrix: what is on and below the diagonal. */
typedef struct {
  cw_vd re[6][6], im[6][6];
} hermitian;

/* one + strength sum_k sigma_k (magnetic_k + sign electric_k), F as above. */
CW_OUTLINE void site_term(hermitian *m, const cw_su3_m *F, double one, double strength,
                          double sign) {
  static const int magnetic[3] = {3, 1, 0}, electric[3] = {2, 4, 5};
  static const double orientation[3] = {1, -1, 1};
  cw_su3_m B[3];
  for (int k = 0; k < 3; k++)
    for (int e = 0; e < 9; e++) {
      const cw_vd s = cw_vd_set1(strength * orientation[k]), t = cw_vd_set1(strength * sign);
      B[k].re[e] = cw_vd_fma(s, F[magnetic[k]].re[e], t * F[electric[k]].re[e]);
      B[k].im[e] = cw_vd_fma(s, F[magnetic[k]].im[e], t * F[electric[k]].im[e]);
    }
  for (int c = 0; c < 3; c++)
    for (int d = 0; d < 3; d++) {
      const int e = 3 * c + d;
      const cw_vd diagonal = cw_vd_set1(c == d ? one : 0);
      m->re[c][d] = diagonal + B[2].re[e];
      m->im[c][d] = B[2].im[e];
      m->re[3 + c][3 + d] = diagonal - B[2].re[e];
      m->im[3 + c][3 + d] = -B[2].im[e];
      m->re[3 + c][d] = B[0].re[e] - B[1].im[e];
      m->im[3 + c][d] = B[0].im[e] + B[1].re[e];
    }
}

static void store_hermitian(double *p, const hermitian *m) {
  for (int i = 0; i < 6; i++) cw_vd_store(p + i * CW_LANES, m->re[i][i]);
  p += 6 * CW_LANES;
  for (int i = 1; i < 6; i++)
    for (int j = 0; j < i; j++, p += 2 * CW_LANES) {
      cw_vd_store(p, m->re[i][j]);
      cw_vd_store(p + CW_LANES, m->im[i][j]);
    }
}

/* re + i im -= (a + ib)(c + id)^* */
CW_INLINE void subtract_product(cw_vd *re, cw_vd *im, cw_vd a, cw_vd b, cw_vd c, cw_vd d) {
  *re = cw_vd_fnma(a, c, cw_vd_fnma(b, d, *re));
  *im = cw_vd_fnma(b, c, cw_vd_fma(a, d, *im));
}

/* m = L D L^+ with a unit lower triangle L; then L^-1, and m^-1 = (L^-1)^+ D^-1 L^-1. */
CW_OUTLINE void invert(hermitian *m) {
  hermitian l = *m, y;
  cw_vd d[6];
  memset(&y, 0, sizeof y);
  for (int j = 0; j < 6; j++) {
    d[j] = l.re[j][j];
    for (int k = 0; k < j; k++)
      d[j] -= d[k] * cw_vd_fma(l.re[j][k], l.re[j][k], l.im[j][k] * l.im[j][k]);
    for (int i = j + 1; i < 6; i++) {
      for (int k = 0; k < j; k++)
        subtract_product(&l.re[i][j], &l.im[i][j], d[k] * l.re[i][k], d[k] * l.im[i][k], l.re[j][k],
                         l.im[j][k]);
      l.re[i][j] /= d[j];
      l.im[i][j] /= d[j];
    }
  }
  for (int j = 0; j < 6; j++) {
    y.re[j][j] = cw_vd_set1(1);
    for (int i = j + 1; i < 6; i++)
      for (int k = j; k < i; k++)
        subtract_product(&y.re[i][j], &y.im[i][j], l.re[i][k], l.im[i][k], y.re[k][j], -y.im[k][j]);
  }
  for (int i = 0; i < 6; i++)
    for (int j = 0; j <= i; j++) {
      m->re[i][j] = m->im[i][j] = cw_vd_set1(0);
      for (int k = i; k < 6; k++) /* y_ki^* y_kj / d_k */
        subtract_product(&m->re[i][j], &m->im[i][j], -y.re[k][j] / d[k], -y.im[k][j] / d[k],
                         y.re[k][i], y.im[k][i]);
    }
}

static void clover(const cw_geometry *g, const double *links, double strength, double *term,
                   double *inverse, long begin, long end) {
  for (long o = begin; o < end; o++)
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      cw_su3_m F[CW_MOST_PLANES];
      field_strength(g, links, o, lane, F);
      for (int half = 0; half < 2; half++) {
        const long at = (o * CW_CLOVER + half * (CW_CLOVER / 2)) * CW_LANES + lane;
        hermitian m;
        site_term(&m, F, 1, strength, half == 0 ? 1 : -1);
        store_hermitian(term + at, &m);
        invert(&m);
        store_hermitian(inverse + at, &m);
      }
    }
}

/* A product of links and its derivative. */
typedef struct {
  cw_su3_m u, du;
} moving;

/* p -> p times the link (or its adjoint) at a place. */
CW_OUTLINE void go_along(moving *p, const double *links, const double *du, cw_place at, int mu,
                         bool back, int lane) {
  cw_su3_m u, v, a, b;
  cw_su3_fetch(&u, links, 4, at, mu, lane);
  cw_su3_fetch(&v, du, 4, at, mu, lane);
  if (back) {
    cw_su3_mul_nd(&a, &p->du, &u);
    cw_su3_mul_nd(&b, &p->u, &v);
  } else {
    cw_su3_mul(&a, &p->du, &u);
    cw_su3_mul(&b, &p->u, &v);
  }
  cw_su3_add(&a, &b);
  if (back)
    cw_su3_mul_nd(&b, &p->u, &u);
  else
    cw_su3_mul(&b, &p->u, &u);
  p->du = a;
  p->u = b;
}

/* Derivative of F in the plane (mu, nu): the four leaves, link by link. */
CW_OUTLINE void strength_slope(const cw_geometry *g, const double *links, const double *du, long o,
                               int mu, int nu, int lane, cw_su3_m *F) {
  const cw_place here = {o, NULL}, right = cw_step(g, o, 2 * mu), left = cw_step(g, o, 2 * mu + 1),
                 up = cw_step(g, o, 2 * nu), down = cw_step(g, o, 2 * nu + 1),
                 left_up = cw_step2(g, o, 2 * mu + 1, 2 * nu),
                 left_down = cw_step2(g, o, 2 * mu + 1, 2 * nu + 1),
                 right_down = cw_step2(g, o, 2 * nu + 1, 2 * mu);
  const struct {
    cw_place at;
    bool across, back; /* in direction nu; the adjoint */
  } step[4][4] = {{{here, 0, 0}, {right, 1, 0}, {up, 0, 1}, {here, 1, 1}},
                  {{here, 1, 0}, {left_up, 0, 1}, {left, 1, 1}, {left, 0, 0}},
                  {{left, 0, 1}, {left_down, 1, 1}, {left_down, 0, 0}, {down, 1, 0}},
                  {{down, 1, 1}, {down, 0, 0}, {right_down, 1, 0}, {here, 0, 1}}};
  cw_su3_m sum;
  cw_vd w[cw_su3_N_ALGEBRA];
  cw_su3_zero(&sum);
  for (int leaf = 0; leaf < 4; leaf++) {
    moving p;
    cw_su3_zero(&p.u);
    cw_su3_zero(&p.du);
    for (int c = 0; c < 3; c++) p.u.re[4 * c] = cw_vd_set1(1);
    for (int i = 0; i < 4; i++)
      go_along(&p, links, du, step[leaf][i].at, step[leaf][i].across ? nu : mu, step[leaf][i].back,
               lane);
    cw_su3_add(&sum, &p.du);
  }
  cw_su3_to_algebra(&sum, w);
  for (int a = 0; a < cw_su3_N_ALGEBRA; a++) w[a] *= cw_vd_set1(0.25);
  hermitian_strength(F, w);
}

static void clover_slope(const cw_geometry *g, const double *links, const double *du,
                         double strength, double *term, long begin, long end) {
  for (long o = begin; o < end; o++)
    for (int lane = 0; lane < CW_LANES; lane += CW_VD) {
      cw_su3_m F[CW_MOST_PLANES];
      int n = 0;
      for (int mu = 0; mu < 4; mu++)
        for (int nu = mu + 1; nu < 4; nu++) strength_slope(g, links, du, o, mu, nu, lane, &F[n++]);
      for (int half = 0; half < 2; half++) {
        hermitian m;
        site_term(&m, F, 0, strength, half == 0 ? 1 : -1);
        store_hermitian(term + (o * CW_CLOVER + half * (CW_CLOVER / 2)) * CW_LANES + lane, &m);
      }
    }
}
