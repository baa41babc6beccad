/* The leaves of a plane on lanes: the plaquettes around a site, and the field strength that they give. Include
 * once per group, with CW_GROUP set (see template.h); without it, only what the groups share is declared. */
#ifndef CW_GROUP_LEAVES_H
#define CW_GROUP_LEAVES_H

#include "group/staple.h"

/* A link (at, mu) and what lies around it in the plane with nu. */
typedef struct {
  cw_place at, ahead, up, down, corner; /* at + mu, at + nu, at - nu, at - nu + mu */
} cw_link_places;

/* The places of link (x, mu), and of the link (x-mu, mu) that ends in x. */
static inline void cw_places_from(const cw_geometry *g, long o, int mu, int nu, cw_link_places *p) {
  p->at = (cw_place){o, NULL};
  p->ahead = cw_step(g, o, 2 * mu);
  p->up = cw_step(g, o, 2 * nu);
  p->down = cw_step(g, o, 2 * nu + 1);
  p->corner = cw_step2(g, o, 2 * nu + 1, 2 * mu);
}
static inline void cw_places_to(const cw_geometry *g, long o, int mu, int nu, cw_link_places *p) {
  p->at = cw_step(g, o, 2 * mu + 1);
  p->ahead = (cw_place){o, NULL};
  p->up = cw_step2(g, o, 2 * mu + 1, 2 * nu);
  p->down = cw_step2(g, o, 2 * mu + 1, 2 * nu + 1);
  p->corner = cw_step(g, o, 2 * nu + 1);
}

enum { CW_MOST_PLANES = 6 }; /* in the order 01 02 03 12 13 23 */

#endif

#ifdef CW_GROUP

#include "group/staple.h"

/* up = U_nu(x) U_mu(x+nu) U_nu(x+mu)^+ of the link at x in direction mu. */
CW_INLINE void G(upper_staple)(G(m) * up, const double *x, int dim, const cw_link_places *p, int mu,
                               int nu, int lane) {
  G(m) a, b, c;
  G(fetch)(&a, x, dim, p->at, nu, lane);
  G(fetch)(&b, x, dim, p->up, mu, lane);
  G(fetch)(&c, x, dim, p->ahead, nu, lane);
  G(path_up)(up, &a, &b, &c);
}
/* down = U_nu(x-nu)^+ U_mu(x-nu) U_nu(x-nu+mu) */
CW_INLINE void G(lower_staple)(G(m) * down, const double *x, int dim, const cw_link_places *p,
                               int mu, int nu, int lane) {
  G(m) a, b, c;
  G(fetch)(&a, x, dim, p->down, nu, lane);
  G(fetch)(&b, x, dim, p->down, mu, lane);
  G(fetch)(&c, x, dim, p->corner, nu, lane);
  G(path_down)(down, &a, &b, &c);
}

/* Places of one plane (mu, nu) around x: of the links (x, mu), (x-mu, mu) and (x, nu). */
typedef struct {
  cw_link_places from, to, other;
} G(plane);

/* One plane on the lanes [lane, lane + CW_VD). The four leaves at x are U_mu(x) up^+ and
 * down U_mu(x)^+ (from the link that begins there), up^+ U_mu(x-mu) and U_mu(x-mu)^+ down (from the
 * one that ends there); a^+ has the opposite anti-Hermitian part of a, so that two products do for
 * four leaves. A loop of a staple and its mirror image, up down^+, is a rectangle. */
CW_INLINE void G(one_plane)(const double *x, int dim, int mu, int nu, const G(plane) * p, int lane,
                            bool rectangles, cw_vd *plaquette, cw_vd *rectangle, cw_vd *F) {
  const cw_vd minus = cw_vd_set1(-1);
  G(m) u, up, down, leaves, more;
  G(upper_staple)(&up, x, dim, &p->from, mu, nu, lane);
  G(lower_staple)(&down, x, dim, &p->from, mu, nu, lane);
  G(fetch)(&u, x, dim, p->from.at, mu, lane);
  *plaquette = G(re_trace_nd)(&u, &up);
  if (rectangles) *rectangle = G(re_trace_nd)(&up, &down);
  G(add_scaled)(&up, minus, &down);
  G(mul_nd)(&leaves, &u, &up);
  G(upper_staple)(&up, x, dim, &p->to, mu, nu, lane);
  G(lower_staple)(&down, x, dim, &p->to, mu, nu, lane);
  G(fetch)(&u, x, dim, p->to.at, mu, lane);
  G(add_scaled)(&up, minus, &down);
  G(mul_dn)(&more, &up, &u);
  G(add)(&leaves, &more);
  G(to_algebra)(&leaves, F);
  for (int a = 0; a < G(N_ALGEBRA); a++) F[a] *= cw_vd_set1(0.25);
  if (rectangles) {
    G(upper_staple)(&up, x, dim, &p->other, nu, mu, lane);
    G(lower_staple)(&down, x, dim, &p->other, nu, mu, lane);
    *rectangle += G(re_trace_nd)(&up, &down);
  }
}

#endif
