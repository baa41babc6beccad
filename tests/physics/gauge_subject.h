/* Gauge fields on a lattice and what is measured on them: for the tests of the gauge observables.
 */
#ifndef CW_TEST_GAUGE_SUBJECT_H
#define CW_TEST_GAUGE_SUBJECT_H

#include "support/check.h"

#include "causeway/observe.h"
#include "physics/scalar_gauge.h"

enum { N_CONFIG = 3, N_KINDS = 3 };
static const char *const theories[N_KINDS] = {"u1", "su2", "su3"};

typedef struct {
  cw_context *ctx;
  cw_geometry *geom;
  cw_theory th;
  cw_field x;
} subject;

/* A cold field. */
static inline void open_form(subject *s, const char *theory, int form, const double *params,
                             const cw_lattice *lat, long n_config) {
  const cw_theory_ops *ops = cw_theory_find(theory);
  *s = (subject){.ctx = test_context(2)};
  const int V = cw_geometry_choose(lat, cw_kind_components(ops->kind, lat), n_config);
  check_ok(s->ctx, cw_geometry_create(s->ctx, lat, V, &s->geom));
  check_ok(s->ctx, cw_theory_create(s->ctx, ops, s->geom, form, params, &s->th));
  check_ok(s->ctx, cw_field_create(s->ctx, s->geom, s->th.n_comp, n_config, &s->x));
  cw_kind(ops->kind)->cold(&s->x);
}
static inline void open_subject(subject *s, const char *theory, const cw_lattice *lat,
                                long n_config) {
  const double params[CW_MAX_PARAMS] = {2.5};
  open_form(s, theory, 0, params, lat, n_config);
}
static inline void close_subject(subject *s) {
  cw_field_destroy(&s->x);
  cw_theory_destroy(&s->th);
  cw_geometry_destroy(s->geom);
  cw_context_destroy(s->ctx);
}

/* Multiplies every link by exp(size w_a T_a) with normal w. */
static inline void shake(subject *s, double size) {
  cw_field p;
  double eps[CW_LANES] CW_ALIGNED;
  for (int lane = 0; lane < CW_LANES; lane++) eps[lane] = size;
  check_ok(s->ctx, cw_field_create(s->ctx, s->geom, s->th.n_tangent, s->x.n_config, &p));
  cw_field_normal(s->th.isa, &p, cw_rng_stream(7, "shake"), 0, 0);
  for (long i = 0; i < s->x.n_blocks; i++) {
    cw_field block = cw_field_block(&s->x, i), kick = cw_field_block(&p, i);
    cw_kind(s->th.ops->kind)->drift(s->th.isa, &block, &kick, eps, 0, s->geom->n_outer);
  }
  cw_field_destroy(&p);
}
static inline void heat(subject *s) {
  cw_kind(s->th.ops->kind)->hot(s->th.isa, &s->x, cw_rng_stream(3, "hot"), 0);
}

/* out (n_config, n_primary); the caller frees it. */
static inline double *measure(subject *s, const cw_observer *o) {
  double *out = calloc((size_t)(s->x.n_config * o->ops->n_primary(o)), sizeof *out);
  check_ok(s->ctx, cw_measure(s->ctx, o, &s->x, out, NULL));
  return out;
}

static inline double primary(const cw_observer *o, const double *row, const char *name) {
  for (int i = 0; i < o->ops->n_primary(o); i++) {
    char found[32];
    o->ops->primary_name(o, i, found);
    if (strcmp(found, name) == 0) return row[i];
  }
  fail_msg("no primary '%s'", name);
  return NAN;
}
static inline double value(const cw_observer *o, const double *mean, const char *name, int i) {
  const cw_quantity *q = cw_quantity_find(o->ops, name);
  if (q == NULL) fail_msg("no quantity '%s'", name);
  return cw_quantity_value(o, q, mean, i);
}

static const cw_lattice shapes[] = {{2, {6, 4}},       {2, {5, 3}},       {3, {4, 2, 6}},
                                    {3, {3, 4, 1}},    {4, {4, 6, 4, 2}}, {4, {4, 4, 4, 4}},
                                    {4, {2, 3, 2, 5}}, {4, {1, 2, 1, 3}}, {2, {2, 8}}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

typedef void test_body(subject *s);
/* fields: -1: hot, else shaken by this much */
static inline void for_all(test_body *body, double fields) {
  for (int k = 0; k < N_KINDS; k++)
    for (int l = 0; l < N_SHAPES; l++) {
      subject s;
      open_subject(&s, theories[k], &shapes[l], N_CONFIG);
      if (fields < 0)
        heat(&s);
      else
        shake(&s, fields);
      body(&s);
      close_subject(&s);
    }
}

/* ------------------------------------------------------------ known fields */

/* Links of constant flux 2 pi n/(L_a L_b) in the plane (a, b) in the Abelian directions diag. */
static inline void add_flux(scalar_field *f, int a, int b, int n, const int *diag) {
  const int La = f->lat.extent[a], Lb = f->lat.extent[b];
  const double flux = 2 * M_PI * n / (La * Lb);
  for (long s = 0; s < cw_lattice_sites(&f->lat); s++) {
    int x[CW_MAX_DIM];
    cw_lattice_coord(&f->lat, s, x);
    for (int i = 0; i < f->N; i++) {
      scalar_link(f, x, b)->e[i][i] *= cexp(I * flux * x[a] * diag[i]);
      if (x[a] == La - 1) scalar_link(f, x, a)->e[i][i] *= cexp(-I * flux * La * x[b] * diag[i]);
    }
  }
}
static inline scalar_field scalar_cold(const cw_lattice *lat, cw_field_kind kind) {
  scalar_field f = scalar_new(lat, kind);
  for (long i = 0; i < cw_lattice_sites(lat) * lat->dim; i++) f.link[i] = one(f.N);
  return f;
}

/* ------------------------------------------------------------------- flow */

static inline cw_observer flow_to_level(const subject *s, double time, double points,
                                        double tolerance, double step, double level) {
  const bool low = s->geom->lat.dim < 4;
  const double params[] = {time, points, tolerance, step, level};
  return cw_observer_make(cw_observable_find(low ? "gradient_flow_low" : "gradient_flow"), &s->th,
                          params);
}
static inline cw_observer flow_of(const subject *s, double time, double points, double tolerance,
                                  double step) {
  return flow_to_level(s, time, points, tolerance, step, 0.3);
}

static inline double curve(const cw_observer *o, const double *row, const char *name, int k) {
  char full[32];
  snprintf(full, sizeof full, "%s[%d]", name, k);
  return primary(o, row, full);
}

#endif
