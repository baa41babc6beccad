/* Works of a flow between two theories and their derivatives by its parameters, and the linear fit of
 * the one by the others. */
#include <math.h>
#include <string.h>

#include "causeway/train.h"
#include "train/losses.h"

/* ---- works and slopes ---- */

typedef struct {
  const cw_model *model;
  const cw_theory *th;
  const cw_field *x;
  const double *c_from, *c_to, *c_at;
  double *work, *slope;
} work_job;

static cw_status one_block(const void *self, long b, cw_arena *work) {
  const work_job *job = self;
  const long n_theta = cw_model_n_theta(job->model);
  const cw_field block = cw_field_block(job->x, b);
  double w[CW_LANES];
  double *sum = cw_arena_alloc(work, (size_t)n_theta * sizeof *sum);
  double *each = cw_arena_alloc(work, (size_t)n_theta * CW_LANES * sizeof *each);
  if (sum == NULL || each == NULL) return CW_ENOMEM;
  memset(sum, 0, (size_t)n_theta * sizeof *sum);
  memset(each, 0, (size_t)n_theta * CW_LANES * sizeof *each);
  const cw_work_setup setup = {job->model, job->th, job->c_from, job->c_to, job->c_at};
  CW_TRY(cw_work_block(&setup, block.data, w, &(cw_gradient_of){sum, each}, work));
  for (long i = 0; i < block.n_config; i++) {
    const long row = b * block.B + i;
    job->work[row] = w[i];
    for (long k = 0; k < n_theta; k++) job->slope[row * n_theta + k] = each[k * CW_LANES + i];
  }
  return CW_OK;
}

cw_status cw_works(cw_context *ctx, const cw_model *model, const cw_theory *th, const cw_field *x,
                   const double *c_from, const double *c_to, const double *c_at, double *work,
                   double *slope, cw_arena *scratch) {
  const work_job job = {model, th, x, c_from, c_to, c_at, work, slope};
  CW_REQUIRE(cw_model_has_each(model) && x->geom == th->geom);
  const cw_status st = cw_for_blocks(cw_threads(ctx), x->n_blocks, scratch, one_block, &job);
  if (st == CW_OK) return CW_OK;
  return cw_fail(ctx, st,
                 st == CW_ENOMEM ? "no memory for works"
                                 : "an iteration in a layer does not converge");
}

/* ---- the fit ---- */

/* Rows of a fit and what is made of them; matrices (p, p), of which the lower triangle is used. */
typedef struct {
  long n;
  int p;
  const double *x, *y;
  double *scale;         /* (p) standard deviations of the columns; 0: a constant column */
  double *mean;          /* (p + 1) of the rows in use, y's last */
  double *gram, *factor; /* sums over the rows in use of products about the mean */
  double *moment;        /* (p) the same with y */
  double *b;             /* (p) */
} fit;

static bool used(long i, long begin, long end) { return i < begin || i >= end; }

/* Sums over all rows but [begin, end). Returns how many rows these are. */
static long add_rows(fit *f, long begin, long end) {
  const int p = f->p;
  const long n = f->n - (end - begin);
  memset(f->mean, 0, (size_t)(p + 1) * sizeof *f->mean);
  memset(f->gram, 0, (size_t)p * (size_t)p * sizeof *f->gram);
  memset(f->moment, 0, (size_t)p * sizeof *f->moment);
  for (long i = 0; i < f->n; i++) {
    if (!used(i, begin, end)) continue;
    for (int k = 0; k < p; k++) f->mean[k] += f->x[i * p + k] / (double)n;
    f->mean[p] += f->y[i] / (double)n;
  }
  for (long i = 0; i < f->n; i++) {
    if (!used(i, begin, end)) continue;
    const double *x = f->x + i * p, dy = f->y[i] - f->mean[p];
    for (int k = 0; k < p; k++) {
      const double dx = x[k] - f->mean[k];
      f->moment[k] += dx * dy;
      for (int l = 0; l <= k; l++) f->gram[k * p + l] += dx * (x[l] - f->mean[l]);
    }
  }
  return n;
}

/* A column whose spread is rounding is a constant: it gets the coefficient 0. */
static void find_scales(fit *f) {
  const long n = add_rows(f, 0, 0);
  for (int k = 0; k < f->p; k++) {
    const double variance = f->gram[k * f->p + k] / (double)n;
    f->scale[k] = variance > 1e-24 * f->mean[k] * f->mean[k] ? sqrt(variance) : 0;
  }
}

/* b of the rows that were added, with the penalty: Cholesky's factors of the scaled matrix, whose
 * diagonal is 1 + ridge for all rows together. */
static bool solve(fit *f, long n, double ridge) {
  const int p = f->p;
  for (int k = 0; k < p; k++)
    for (int l = 0; l <= k; l++) {
      const double unit = f->scale[k] * f->scale[l] * (double)n;
      f->factor[k * p + l] = (unit > 0 ? f->gram[k * p + l] / unit : k == l) + (k == l ? ridge : 0);
    }
  if (!cw_cholesky(p, f->factor, 1e-13)) return false;
  for (int k = 0; k < p; k++)
    f->b[k] = f->scale[k] > 0 ? f->moment[k] / (f->scale[k] * (double)n) : 0;
  cw_cholesky_solve(p, f->factor, f->b);
  for (int k = 0; k < p; k++) f->b[k] = f->scale[k] > 0 ? f->b[k] / f->scale[k] : 0;
  return true;
}

static double residual_of(const fit *f, long i) {
  double r = f->y[i] - f->mean[f->p];
  for (int k = 0; k < f->p; k++) r -= f->b[k] * (f->x[i * f->p + k] - f->mean[k]);
  return r;
}

/* Mean squares (n_ridges) of the residuals of rows by fits without their fold, infinite where one has
 * no solution; residual: those of the last penalty. */
static void leave_out(fit *f, int folds, int n_ridges, const double *ridge, double *mean_square,
                      double *residual) {
  for (int r = 0; r < n_ridges; r++) mean_square[r] = 0;
  for (int k = 0; k < folds; k++) {
    const long begin = f->n * k / folds, end = f->n * (k + 1) / folds;
    const long n = add_rows(f, begin, end);
    for (int r = 0; r < n_ridges; r++) {
      if (!solve(f, n, ridge[r])) mean_square[r] = INFINITY;
      for (long i = begin; i < end && isfinite(mean_square[r]); i++) {
        residual[i] = residual_of(f, i);
        mean_square[r] += residual[i] * residual[i] / (double)f->n;
      }
    }
  }
}

static cw_status open_fit(cw_arena *scratch, fit *f) {
  const size_t p = (size_t)f->p, real = sizeof(double);
  f->scale = cw_arena_alloc(scratch, p * real);
  f->mean = cw_arena_alloc(scratch, (p + 1) * real);
  f->gram = cw_arena_alloc(scratch, p * p * real);
  f->factor = cw_arena_alloc(scratch, p * p * real);
  f->moment = cw_arena_alloc(scratch, p * real);
  f->b = cw_arena_alloc(scratch, p * real);
  return f->scale && f->mean && f->gram && f->factor && f->moment && f->b ? CW_OK : CW_ENOMEM;
}

static const double ridges[] = {0, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1};
enum { N_RIDGES = sizeof ridges / sizeof *ridges };

static cw_status fit_rows(fit *f, int folds, double *b, double *residual, cw_fit_report *report) {
  double left_out[N_RIDGES];
  *report = (cw_fit_report){.left_out = INFINITY};
  find_scales(f);
  leave_out(f, folds, N_RIDGES, ridges, left_out, residual);
  for (int r = 0; r < N_RIDGES; r++) {
    if (!(left_out[r] < report->left_out)) continue;
    report->left_out = left_out[r];
    report->ridge = ridges[r];
  }
  if (!isfinite(report->left_out)) return CW_ENUMERIC;
  leave_out(f, folds, 1, &report->ridge, &report->left_out, residual);
  const long n = add_rows(f, 0, 0);
  if (!solve(f, n, report->ridge)) return CW_ENUMERIC;
  memcpy(b, f->b, (size_t)f->p * sizeof *b);
  for (long i = 0; i < f->n; i++)
    report->variance += (f->y[i] - f->mean[f->p]) * (f->y[i] - f->mean[f->p]) / (double)f->n;
  return CW_OK;
}

cw_status cw_least_squares(cw_context *ctx, long n, int p, const double *x, const double *y,
                           int folds, double *b, double *residual, cw_fit_report *report,
                           cw_arena *scratch) {
  fit f = {.n = n, .p = p, .x = x, .y = y};
  cw_arena_mark mark = cw_arena_save(scratch);
  CW_REQUIRE(p >= 1 && folds >= 2);
  if (n < 2L * p || n < 2L * folds)
    return cw_fail(ctx, CW_EINVAL,
                   "least squares: %ld rows for %d coefficients and %d folds: expected two of each "
                   "at least",
                   n, p, folds);
  cw_status st = open_fit(scratch, &f);
  if (st == CW_OK) st = fit_rows(&f, folds, b, residual, report);
  cw_arena_rewind(scratch, mark);
  if (st == CW_ENOMEM) return cw_fail(ctx, st, "no memory for a fit of %d coefficients", p);
  if (st == CW_ENUMERIC) return cw_fail(ctx, st, "least squares: a row of the fit is not a number");
  return CW_OK;
}
