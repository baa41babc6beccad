/* The arrays of a stage of correlated ensembles, checked, and rows of them for estimators. */
#include "app/methods/correlated/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the ensemble ---- */

/* dc/dlambda, exact for couplings that are polynomials of the parameters up to the fourth degree, and
 * how far the targets are. */
static void find_couplings(cw_ensemble *e) {
  const cw_plan *p = e->c->plan;
  double c[4][CW_MAX_TERMS], base[CW_MAX_TERMS];
  static const double at[4] = {-1, -0.5, 0.5, 1};
  for (int i = 0; i < 4; i++) cw_correlated_couplings(p, e->plan, at[i], c[i]);
  cw_correlated_couplings(p, e->plan, 0, base);
  for (int k = 0; k < e->n_terms; k++)
    e->slope[k] = (8 * (c[2][k] - c[1][k]) - (c[3][k] - c[0][k])) / (6 * e->plan->step);
  for (int i = 0; i < e->plan->n_targets; i++) {
    cw_correlated_couplings(p, e->plan, e->plan->position[i], c[0]);
    for (int k = 0; k < e->n_terms; k++) e->move[i][k] = c[0][k] - base[k];
  }
}

static double dot(const double *c, const double *T, int n) {
  double sum = 0;
  for (int k = 0; k < n; k++) sum += c[k] * T[k];
  return sum;
}

static const double *terms_of(const cw_ensemble *e, long row, long chain) {
  return e->terms + (row * e->n_chain + chain) * e->n_terms;
}

static double slope_of(const cw_ensemble *e, long row, long chain) {
  return -dot(e->slope, terms_of(e, row, chain), e->n_terms);
}

static void find_mean(cw_ensemble *e) {
  const double first = slope_of(e, 0, 0), n = (double)(e->n_step * e->n_chain);
  double mean = 0;
  for (long t = 0; t < e->n_step; t++)
    for (long i = 0; i < e->n_chain; i++) mean += (slope_of(e, t, i) - first) / n;
  e->Y = first + mean;
}

cw_status cw_ensemble_read(cw_context *ctx, const cw_analysis_case *c, const cw_analysis_stage *s,
                           const cw_arrays *data, cw_ensemble *e) {
  const cw_array *terms, *lw, *tangent, *seconds;
  const cw_correlated_plan *plan = s->section->own;
  *e = (cw_ensemble){.c = c,
                     .plan = plan,
                     .n_chain = plan->mcmc.chains,
                     .n_terms = c->theory.ops->n_terms,
                     .n_images = cw_images(plan)};
  CW_TRY(cw_get_array(ctx, s, data, "terms", 3, &terms));
  CW_TRY(cw_get_array(ctx, s, data, "lw", 3, &lw));
  CW_TRY(cw_get_array(ctx, s, data, "tangent", 1, &tangent));
  CW_TRY(cw_get_array(ctx, s, data, "timing.shares", 2, &seconds));
  if (terms == NULL || (e->n_images > 0 && lw == NULL) || (plan->tangent && tangent == NULL))
    return CW_OK;
  const bool flow_fits =
      e->n_images == 0 || (lw->dim[0] == terms->dim[0] && lw->dim[1] == e->n_chain &&
                           lw->dim[2] == e->n_images && (!plan->tangent || tangent->data[0] > 0));
  if (terms->dim[1] != e->n_chain || terms->dim[2] != e->n_terms || !flow_fits ||
      (seconds != NULL && seconds->dim[1] != CW_SPENT_KINDS))
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds another ensemble", s->part.stage);
  e->n_step = terms->dim[0];
  e->terms = terms->data;
  e->lw = e->n_images > 0 ? lw->data : NULL;
  e->tangent = plan->tangent ? tangent->data[0] : 0;
  for (long i = 0; seconds != NULL && i < seconds->dim[0]; i++)
    for (int k = 0; k < CW_SPENT_KINDS; k++) e->seconds[k] += seconds->data[i * CW_SPENT_KINDS + k];
  find_couplings(e);
  find_mean(e);
  return CW_OK;
}

/* ---- a group ---- */

static cw_status find_moments(cw_context *ctx, const cw_ensemble *e, cw_ensemble_group *g) {
  const long n = g->n_step * e->n_chain;
  g->mean = calloc((size_t)(2 * g->n), sizeof *g->mean);
  if (g->mean == NULL) return cw_no_memory(ctx);
  g->spread = g->mean + g->n;
  for (long r = 0; r < n; r++)
    for (int i = 0; i < g->n; i++) {
      const double x = g->primary[r * g->n + i] - g->primary[i];
      g->mean[i] += x / (double)n;
      g->spread[i] += x * x / (double)n;
    }
  for (int i = 0; i < g->n; i++) {
    g->spread[i] = sqrt(fmax(g->spread[i] - g->mean[i] * g->mean[i], 0) / (double)n);
    g->mean[i] += g->primary[i];
  }
  return CW_OK;
}

cw_status cw_ensemble_group_read(cw_context *ctx, const cw_ensemble *e, const cw_analysis_stage *s,
                                 const cw_arrays *data, int number, cw_ensemble_group *g) {
  const cw_array *primary, *image;
  *g = (cw_ensemble_group){
      .o = &e->c->observer[number], .number = number, .every = e->c->plan->group[number].every};
  CW_TRY(cw_get_primary(ctx, e->c, s, data, number, 3, &primary));
  if (primary == NULL || primary->dim[0] < CW_GAMMA_MIN_STEPS) return CW_OK;
  g->n_step = primary->dim[0];
  g->n = (int)primary->dim[2];
  bool fits = primary->dim[1] == e->n_chain && g->n_step == e->n_step / g->every;
  for (int k = 0; k < e->n_images; k++) {
    char name[80];
    cw_image_array(e->c->plan, k, number, name);
    CW_TRY(cw_get_array(ctx, s, data, name, 3, &image));
    fits = fits && image != NULL && image->dim[0] == g->n_step && image->dim[1] == e->n_chain &&
           image->dim[2] == g->n;
    g->image[k] = fits ? image->data : NULL;
  }
  if (!fits) return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds another ensemble", s->part.stage);
  g->primary = primary->data;
  return find_moments(ctx, e, g);
}

void cw_ensemble_group_clear(cw_ensemble_group *g) { free(g->mean); }

/* ---- weights ---- */

double cw_ensemble_weight(const cw_ensemble *e, int k, bool by_flow, long row, long chain) {
  if (by_flow) return e->lw[(row * e->n_chain + chain) * e->n_images + k];
  return -dot(e->move[k], terms_of(e, row, chain), e->n_terms);
}

static double largest_weight(const cw_ensemble *e, int k, bool by_flow) {
  double top = -INFINITY;
  for (long t = 0; t < e->n_step; t++)
    for (long i = 0; i < e->n_chain; i++) top = fmax(top, cw_ensemble_weight(e, k, by_flow, t, i));
  return top;
}

double cw_ensemble_ess(const cw_ensemble *e, int k, bool by_flow) {
  const double top = largest_weight(e, k, by_flow);
  double sum = 0, square = 0;
  for (long t = 0; t < e->n_step; t++)
    for (long i = 0; i < e->n_chain; i++) {
      const double w = exp(cw_ensemble_weight(e, k, by_flow, t, i) - top);
      sum += w;
      square += w * w;
    }
  return sum * sum / square / (double)(e->n_step * e->n_chain);
}

/* ---- rows ---- */

/* Row of the ensemble on which row t of a group was measured. */
static long row_of(const cw_ensemble_group *g, long t) { return (t + 1) * g->every - 1; }

/* Weight and weighted primaries (n + 1) at target k; -1: of the base. */
static void weigh(const cw_ensemble *e, const cw_ensemble_group *g, int k, bool by_flow, double top,
                  long t, long chain, double *out) {
  const long at = (t * e->n_chain + chain) * g->n;
  const double *O = (k >= 0 && by_flow ? g->image[k] : g->primary) + at;
  const double w = k >= 0 ? exp(cw_ensemble_weight(e, k, by_flow, row_of(g, t), chain) - top) : 1;
  out[0] = w;
  for (int i = 0; i < g->n; i++) out[1 + i] = w * O[i];
}

double *cw_difference_rows(const cw_ensemble *e, const cw_ensemble_group *g, int up, int down,
                           bool by_flow) {
  const long half = g->n + 1;
  double *rows = malloc((size_t)(e->n_chain * g->n_step * 2 * half) * sizeof *rows);
  if (rows == NULL) return NULL;
  const double top[2] = {largest_weight(e, up, by_flow),
                         down >= 0 ? largest_weight(e, down, by_flow) : 0};
  for (long i = 0; i < e->n_chain; i++)
    for (long t = 0; t < g->n_step; t++) {
      double *row = rows + (i * g->n_step + t) * 2 * half;
      weigh(e, g, up, by_flow, top[0], t, i, row);
      weigh(e, g, down, by_flow, top[1], t, i, row + half);
    }
  return rows;
}

double *cw_derivative_rows(const cw_ensemble *e, const cw_ensemble_group *g, bool by_flow) {
  const long width = 2 * g->n + 1;
  const int tangent = cw_target_images(e->plan);
  const double step = e->tangent * e->plan->step;
  double *rows = malloc((size_t)(e->n_chain * g->n_step * width) * sizeof *rows);
  if (rows == NULL) return NULL;
  for (long i = 0; i < e->n_chain; i++)
    for (long t = 0; t < g->n_step; t++) {
      const long row = row_of(g, t), at = (t * e->n_chain + i) * g->n;
      const double Y = slope_of(e, row, i) - e->Y;
      const double more = by_flow ? expm1(cw_ensemble_weight(e, tangent, true, row, i)) : 0;
      double *out = rows + (i * g->n_step + t) * width, *O = out, *r = out + g->n, *A = r + 1;
      *r = Y + (by_flow ? more / step : 0);
      for (int k = 0; k < g->n; k++) {
        O[k] = g->primary[at + k];
        A[k] = (O[k] - g->mean[k]) * Y;
        if (!by_flow) continue;
        const double image = g->image[tangent][at + k];
        A[k] += (more * (image - g->mean[k]) + (image - O[k])) / step;
      }
    }
  return rows;
}
