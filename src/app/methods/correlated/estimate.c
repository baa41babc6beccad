/* Differences and derivatives of quantities, with their errors on the joint history. */
#include "app/methods/correlated/estimate.h"

#include <math.h>
#include <stdlib.h>

/* A quantity, or a product of powers of some. */
typedef struct {
  const cw_quantity *q;
  int index;
  const cw_power_product *product; /* NULL: q */
} number;

typedef struct {
  const cw_rows_of_group *rows;
  number of, in;     /* in: of extrapolations */
  double *point, *d; /* (n) scratch */
} argument;

static double value_of(const argument *a, const number *f, const double *mean) {
  const cw_observer *o = a->rows->group->o;
  if (f->product == NULL) return cw_quantity_value(o, f->q, mean, f->index);
  double value = 1;
  for (int i = 0; i < f->product->n; i++)
    value *= pow(cw_quantity_value(o, f->product->q[i], mean, 0), f->product->power[i]);
  return value;
}

/* At the ratios of weighted means to the mean weight: mean (1 + n). */
static double at_target(const argument *a, const number *f, const double *mean) {
  for (int i = 0; i < a->rows->group->n; i++) a->point[i] = mean[1 + i] / mean[0];
  return value_of(a, f, a->point);
}

static double difference(const double *mean, const void *arg) {
  const argument *a = arg;
  const double up = at_target(a, &a->of, mean);
  const double down =
      a->rows->as == CW_AS_DIFFERENCE ? at_target(a, &a->of, mean + 1 + a->rows->group->n) : 0;
  return (up - down) / a->rows->per;
}

static double moved(const argument *a, const number *f, const double *mean, double h) {
  for (int i = 0; i < a->rows->group->n; i++) a->point[i] = mean[i] + h * a->d[i];
  return value_of(a, f, a->point);
}

/* d<O_i>/dlambda of the primaries, (n), and the step along it within which quantities are linearised:
 * a quarter of an error of the primary that it moves most. 0: nothing moves. */
static double direction(const argument *a, const double *mean) {
  const cw_ensemble_group *g = a->rows->group;
  const double *r = mean + g->n, *A = r + 1;
  double step = INFINITY;
  for (int i = 0; i < g->n; i++) {
    a->d[i] = A[i] - (mean[i] - g->mean[i]) * *r;
    if (g->spread[i] > 0 && a->d[i] != 0) step = fmin(step, 0.25 * g->spread[i] / fabs(a->d[i]));
  }
  return isfinite(step) ? step : 0;
}

/* The derivative along d, by a difference of the fourth order over steps h. */
static double along(const argument *a, const number *f, const double *mean, double h) {
  if (h == 0) return isfinite(value_of(a, f, mean)) ? 0 : NAN;
  const double near = moved(a, f, mean, h) - moved(a, f, mean, -h);
  const double far = moved(a, f, mean, 2 * h) - moved(a, f, mean, -2 * h);
  return (8 * near - far) / (12 * h);
}

/* Of a mean it is that of the primary. */
static double derivative(const double *mean, const void *arg) {
  const argument *a = arg;
  const double h = direction(a, mean);
  if (a->of.q->value == NULL) return a->d[a->of.q->mean_of - 1 + a->of.index] / a->rows->per;
  return along(a, &a->of, mean, h) / a->rows->per;
}

static double extrapolated(const double *mean, const void *arg) {
  const argument *a = arg;
  if (a->rows->as == CW_AS_DERIVATIVE) {
    const double h = direction(a, mean);
    const double slope = along(a, &a->of, mean, h) / along(a, &a->in, mean, h);
    return value_of(a, &a->of, mean) - slope * value_of(a, &a->in, mean);
  }
  const double *other = mean + 1 + a->rows->group->n;
  const double y[2] = {at_target(a, &a->of, mean), at_target(a, &a->of, other)};
  const double x[2] = {at_target(a, &a->in, mean), at_target(a, &a->in, other)};
  return 0.5 * (y[0] + y[1]) - 0.5 * (x[0] + x[1]) * (y[0] - y[1]) / (x[0] - x[1]);
}

static const char *why_undefined(const argument *a, const cw_estimate *e) {
  const cw_ensemble_group *g = a->rows->group;
  const number *f = &a->of;
  const char *why = f->q != NULL && f->q->why != NULL && isnan(value_of(a, f, g->mean))
                        ? f->q->why(g->o, g->mean, f->index)
                        : NULL;
  if (why != NULL) return why;
  return isfinite(e->value) ? "too near to where the quantity is not defined for an error"
                            : "the quantity is not defined at these means";
}

/* a: without its scratch. */
static cw_status estimate(cw_context *ctx, argument a, cw_derived f, cw_estimate *out) {
  const cw_rows_of_group *r = a.rows;
  const int n = r->group->n, width = r->as == CW_AS_DERIVATIVE ? 2 * n + 1 : 2 * (n + 1);
  a.point = malloc((size_t)(2 * n) * sizeof *a.point);
  if (a.point == NULL) return cw_no_memory(ctx);
  a.d = a.point + n;
  cw_status st = cw_gamma(ctx, r->rows, r->e->n_chain, r->group->n_step, width, f, &a, out);
  if (st == CW_OK)
    st = cw_jackknife(ctx, r->rows, r->e->n_chain, r->group->n_step, width, f, &a, &out->error2);
  if (st == CW_OK && !isfinite(out->error) && out->why == NULL) out->why = why_undefined(&a, out);
  free(a.point);
  return st;
}

cw_status cw_estimate_rows(cw_context *ctx, const cw_rows_of_group *r, const cw_quantity *q, int i,
                           cw_estimate *out) {
  const argument a = {.rows = r, .of = {q, i, NULL}};
  return estimate(ctx, a, r->as == CW_AS_DERIVATIVE ? derivative : difference, out);
}

cw_status cw_extrapolate_rows(cw_context *ctx, const cw_rows_of_group *r, const cw_power_product *y,
                              const cw_power_product *x, cw_estimate *out) {
  const argument a = {.rows = r, .of = {NULL, 0, y}, .in = {NULL, 0, x}};
  return estimate(ctx, a, extrapolated, out);
}
