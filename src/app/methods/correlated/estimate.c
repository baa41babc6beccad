/* Differences and derivatives of quantities, with their errors on the joint history. */
#include "app/methods/correlated/estimate.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
  const cw_rows_of_group *rows;
  const cw_quantity *q;
  int index;
  double *point, *d; /* (n) scratch */
} argument;

static double quantity(const argument *a, const double *mean) {
  return cw_quantity_value(a->rows->group->o, a->q, mean, a->index);
}

/* The quantity at the ratios of weighted means to the mean weight: mean (1 + n). */
static double at_target(const argument *a, const double *mean) {
  for (int i = 0; i < a->rows->group->n; i++) a->point[i] = mean[1 + i] / mean[0];
  return quantity(a, a->point);
}

static double difference(const double *mean, const void *arg) {
  const argument *a = arg;
  const double up = at_target(a, mean);
  const double down =
      a->rows->as == CW_AS_DIFFERENCE ? at_target(a, mean + 1 + a->rows->group->n) : 0;
  return (up - down) / a->rows->per;
}

static double moved(const argument *a, const double *mean, double h) {
  for (int i = 0; i < a->rows->group->n; i++) a->point[i] = mean[i] + h * a->d[i];
  return quantity(a, a->point);
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

/* The derivative of the quantity along d: of a mean that of the primary, of others a difference of
 * the fourth order. */
static double derivative(const double *mean, const void *arg) {
  const argument *a = arg;
  const double h = direction(a, mean);
  if (a->q->value == NULL) return a->d[a->q->mean_of - 1 + a->index] / a->rows->per;
  if (h == 0) return isfinite(quantity(a, mean)) ? 0 : NAN;
  const double near = moved(a, mean, h) - moved(a, mean, -h);
  const double far = moved(a, mean, 2 * h) - moved(a, mean, -2 * h);
  return (8 * near - far) / (12 * h) / a->rows->per;
}

static const char *why_undefined(const argument *a, const cw_estimate *e) {
  const cw_ensemble_group *g = a->rows->group;
  const char *why =
      a->q->why != NULL && isnan(quantity(a, g->mean)) ? a->q->why(g->o, g->mean, a->index) : NULL;
  if (why != NULL) return why;
  return isfinite(e->value) ? "too near to where the quantity is not defined for an error"
                            : "the quantity is not defined at these means";
}

cw_status cw_estimate_rows(cw_context *ctx, const cw_rows_of_group *r, const cw_quantity *q, int i,
                           cw_estimate *out) {
  const cw_ensemble_group *g = r->group;
  const bool is_derivative = r->as == CW_AS_DERIVATIVE;
  const int width = is_derivative ? 2 * g->n + 1 : 2 * (g->n + 1);
  double *scratch = malloc((size_t)(2 * g->n) * sizeof *scratch);
  if (scratch == NULL) return cw_no_memory(ctx);
  const argument a = {r, q, i, scratch, scratch + g->n};
  const cw_derived f = is_derivative ? derivative : difference;
  cw_status st = cw_gamma(ctx, r->rows, r->e->n_chain, g->n_step, width, f, &a, out);
  if (st == CW_OK)
    st = cw_jackknife(ctx, r->rows, r->e->n_chain, g->n_step, width, f, &a, &out->error2);
  if (st == CW_OK && !isfinite(out->error) && out->why == NULL) out->why = why_undefined(&a, out);
  free(scratch);
  return st;
}
