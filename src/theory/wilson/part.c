/* Some links of a gauge theory: the plaquettes that hold one of them. */
#include <stdlib.h>

#include "theory/wilson/wilson.h"

struct cw_theory_part {
  cw_wilson_lone *lone; /* (n), in the order of terms */
  long n;
};

static bool holds_some(const cw_wilson_lone *p, const cw_link_set *links) {
  bool some = false;
  for (int k = 0; k < 4; k++) some = some || cw_link_set_has(links, p->link[k]);
  return some;
}

/* Links of the defect in a plaquette. */
static int defects_of(const cw_theory *th, const cw_wilson_lone *p) {
  const cw_lattice *lat = &th->geom->lat;
  int n = 0;
  for (int k = 0; k < 4; k++) {
    int x[CW_MAX_DIM];
    cw_lattice_coord(lat, p->link[k] / lat->dim, x);
    n += cw_wilson_is_defect_link(th->form, lat, th->param, x, (int)(p->link[k] % lat->dim));
  }
  return n;
}

/* All plaquettes are looked at in the order of terms: into lone, NULL: only counted. */
static long list_plaquettes(const cw_theory *th, const cw_link_set *links, cw_wilson_lone *lone) {
  const cw_geometry *g = th->geom;
  long n = 0;
  for (long outer = 0; outer < g->n_outer; outer++)
    for (int mu = 0; mu < g->lat.dim; mu++)
      for (int nu = mu + 1; nu < g->lat.dim; nu++)
        for (int v = 0; v < g->V; v++) {
          const cw_wilson_plaquette at = {(int)outer, mu, nu};
          const cw_wilson_lone p = cw_wilson_lone_of(g, &at, v, 0);
          if (!holds_some(&p, links)) continue;
          if (lone != NULL) lone[n] = cw_wilson_lone_of(g, &at, v, defects_of(th, &p));
          n++;
        }
  return n;
}

cw_status cw_wilson_part_open(cw_context *ctx, const cw_theory *th, const cw_link_set *links,
                              cw_theory_part **out) {
  cw_theory_part *part = *out = cw_alloc(sizeof *part);
  if (part == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for plaquettes");
  part->n = list_plaquettes(th, links, NULL);
  part->lone = cw_alloc((size_t)part->n * sizeof *part->lone);
  if (part->lone == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for plaquettes");
  list_plaquettes(th, links, part->lone);
  return CW_OK;
}

void cw_wilson_part_terms(const cw_theory *th, const cw_theory_part *part, const cw_field *x,
                          double *T) {
  for (long b = 0; b < x->n_blocks; b++) {
    const cw_field block = cw_field_block(x, b);
    cw_wilson_kernel_of(th)->lone_terms(th, part->lone, part->n, &block,
                                        T + b * x->B * CW_WILSON_CLASSES);
  }
}

void cw_wilson_part_close(cw_theory_part *part) {
  if (part == NULL) return;
  free(part->lone);
  free(part);
}
