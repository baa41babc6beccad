/* What all solvers do: even sites eliminated and brought back, residuals in double, the report. */
#include "dirac/solve.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const cw_solver_words[] = {"cg", "bicgstab", NULL};

static size_t vector_size(const cw_solve_state *s) {
  return (size_t)s->d->geom->n_outer * (size_t)s->range.n_rhs * CW_SPINOR * CW_LANES;
}

cw_dirac_row *cw_solve_rows(const cw_solve_state *s, int of_one, cw_arena *arena) {
  const size_t bytes = (size_t)(s->range.n_rhs * of_one) * sizeof(cw_dirac_row);
  cw_dirac_row *rows = cw_arena_alloc(arena, bytes);
  if (rows != NULL) memset(rows, 0, bytes);
  return rows;
}

float *cw_solve_vector(const cw_solve_state *s, cw_arena *arena) {
  return cw_arena_alloc(arena, vector_size(s) * sizeof(float));
}

void cw_solve_matrix(const cw_solve_state *s, const float *in, float *out, cw_dirac_row *norm) {
  cw_dirac_run_matrix(s->d, CW_FLOAT, &s->range, in, s->hermitian, out, norm);
}

/* --------------------------------------------------------------- residuals */

static void record(cw_solve_state *s) {
  cw_solve_report *report = s->report;
  double largest = 0;
  if (report->n_history == CW_SOLVE_HISTORY) {
    report->n_history--;
    memmove(report->history, report->history + 1, (CW_SOLVE_HISTORY - 1) * sizeof *report->history);
    memmove(report->at, report->at + 1, (CW_SOLVE_HISTORY - 1) * sizeof *report->at);
  }
  for (int k = 0; k < s->range.n_rhs; k++)
    for (int l = 0; l < CW_LANES; l++)
      if (s->done[k][l] == 0) largest = fmax(largest, s->reference[k][l] / s->wanted[k][l]);
  report->history[report->n_history] = s->solver->tolerance * sqrt(largest);
  report->at[report->n_history++] = s->iteration;
}

/* Which residuals are to be computed anew: in float they are as good as a thousandth of what they began with. */
static bool look(cw_solve_state *s) {
  const bool last = s->iteration >= s->limit;
  bool any = false;
  for (int i = 0; i < s->range.n; i++) {
    const int k = s->range.index[i];
    for (int l = 0; l < CW_LANES; l++) {
      const bool small =
          s->rr[k][l] <= 0.8 * s->wanted[k][l] || !(s->rr[k][l] > 1e-6 * s->reference[k][l]);
      s->mask[k][l] = s->done[k][l] == 0 && (small || last);
      any |= s->mask[k][l] != 0;
    }
  }
  return any;
}

static void settle(cw_solve_state *s) {
  int n = 0;
  for (int i = 0; i < s->range.n; i++) {
    const int k = s->range.index[i];
    bool open = false;
    for (int l = 0; l < CW_LANES; l++) {
      if (s->mask[k][l] != 0 && !(s->reference[k][l] > s->wanted[k][l]))
        s->done[k][l] = 1; /* or no number */
      open |= s->done[k][l] == 0;
    }
    if (open) s->index[n++] = k;
  }
  s->range.n = n;
}

/* rest = c - M y, and its norm where the mask is set. */
static void compute_residual(cw_solve_state *s, cw_dirac_row *room) {
  static const cw_dirac_row minus[CW_DIRAC_MAX_RHS] = {
#define CW_MINUS {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}
      CW_MINUS, CW_MINUS, CW_MINUS, CW_MINUS, CW_MINUS, CW_MINUS,
      CW_MINUS, CW_MINUS, CW_MINUS, CW_MINUS, CW_MINUS, CW_MINUS};
  const cw_dirac_vectors subtract = {.range = s->range, .re = minus, .x = s->c, .y = s->rest};
  cw_dirac_run_matrix(s->d, CW_DOUBLE, &s->range, s->y, s->hermitian, s->rest, NULL);
  cw_dirac_run_vectors(s->d, s->d->kernels->in_double.turn, &subtract, 1, room);
  for (int i = 0; i < s->range.n; i++) {
    const int k = s->range.index[i];
    for (int l = 0; l < CW_LANES; l++)
      if (s->mask[k][l] != 0) s->reference[k][l] = s->rr[k][l] = room[k][l];
  }
}

bool cw_solve_update(cw_solve_state *s) {
  const bool last = s->iteration >= s->limit;
  cw_dirac_row room[CW_DIRAC_MAX_RHS];
  if (!last && s->iteration % CW_UPDATE_GRID != 0) return true;
  if (!look(s)) return true;
  const cw_dirac_vectors gather = {.range = s->range, .re = s->mask, .y = s->y, .w = s->part};
  const cw_dirac_vectors lower = {.range = s->range, .re = s->mask, .x = s->rest, .y = s->r};
  cw_dirac_run_vectors(s->d, s->d->kernels->gather, &gather, 1, NULL);
  compute_residual(s, room);
  cw_dirac_run_vectors(s->d, s->d->kernels->lower, &lower, 1, NULL);
  s->report->updates++;
  record(s);
  settle(s);
  return s->range.n > 0 && !last;
}

/* -------------------------------------------------------------- before, after */

/* gamma5 in front of the right-hand sides. */
static void turn_right_side(cw_solve_state *s) {
  const cw_dirac_range *r = &s->range;
  for (long o = 0; o < s->d->geom->n_outer; o++)
    for (int k = 0; k < r->n_rhs; k++) {
      double *c = s->c + (o * r->n_rhs + k) * (CW_SPINOR * CW_LANES);
      if (r->which != CW_ALL_SITES && r->parity[o] != r->which) continue;
      for (int i = CW_SPINOR / 2 * CW_LANES; i < CW_SPINOR * CW_LANES; i++) c[i] = -c[i];
    }
}

/* c: on even sites A^-1 b, on odd ones b + kappa H A^-1 b; of the whole matrix: b. */
static void prepare_right_side(cw_solve_state *s, const double *b) {
  const cw_dirac *d = s->d;
  cw_dirac_hop hop = {
      .range = s->range, .in = s->c, .base = b, .scale = d->quark.kappa, .out = s->c};
  cw_dirac_site even = {
      .range = s->range, .in = b, .matrix = cw_dirac_inverse(d, CW_DOUBLE), .out = s->c};
  even.range.which = CW_EVEN_SITES;
  memcpy(s->c, b, vector_size(s) * sizeof *b);
  if (s->range.which == CW_ODD_SITES) {
    if (even.matrix != NULL) cw_dirac_run_site(d, CW_DOUBLE, &even);
    cw_dirac_run_hop(d, CW_DOUBLE, &hop, NULL);
  }
  if (s->hermitian) turn_right_side(s);
}

/* Even sites of the solution: A^-1 b, which c still holds, + kappa A^-1 H y. */
static void bring_back_even(cw_solve_state *s) {
  cw_dirac_hop hop = {
      .range = s->range, .in = s->y, .base = s->c, .scale = s->d->quark.kappa, .out = s->y};
  hop.range.which = CW_EVEN_SITES;
  hop.of_hop = cw_dirac_inverse(s->d, CW_DOUBLE);
  cw_dirac_run_hop(s->d, CW_DOUBLE, &hop, NULL);
}

/* |b|^2 of all sites, and what belongs to nobody. */
static void set_goals(cw_solve_state *s, const double *b) {
  const double goal = 0.9 * s->solver->tolerance;
  const int B = CW_LANES / s->d->geom->V;
  cw_dirac_vectors v = {.range = s->range, .x = b, .z = b};
  cw_dirac_row norm[2 * CW_DIRAC_MAX_RHS];
  v.range.which = s->d->has_parity ? CW_ALL_SITES : s->range.which;
  cw_dirac_run_vectors(s->d, s->d->kernels->in_double.dot, &v, 2, norm);
  for (int k = 0; k < s->range.n_rhs; k++)
    for (int l = 0; l < CW_LANES; l++) {
      s->reference[k][l] = s->rr[k][l] = norm[2 * k][l];
      s->wanted[k][l] = goal * goal * norm[2 * k][l];
      s->done[k][l] = l % B >= s->d->n_config || norm[2 * k][l] == 0;
      s->mask[k][l] = 1;
    }
}

static cw_status open_state(cw_solve_state *s, double *y, cw_arena *arena) {
  const size_t bytes = vector_size(s) * sizeof(double);
  s->y = y;
  s->c = cw_arena_alloc(arena, bytes);
  s->rest = cw_arena_alloc(arena, bytes);
  s->part = cw_solve_vector(s, arena);
  s->r = cw_solve_vector(s, arena);
  s->wanted = cw_solve_rows(s, 1, arena);
  s->reference = cw_solve_rows(s, 1, arena);
  s->rr = cw_solve_rows(s, 1, arena);
  s->done = cw_solve_rows(s, 1, arena);
  s->mask = cw_solve_rows(s, 1, arena);
  return s->c && s->rest && s->part && s->r && s->wanted && s->reference && s->rr && s->done &&
                 s->mask
             ? CW_OK
             : CW_ENOMEM;
}

static cw_status not_converged(const cw_dirac *d, const cw_solve_report *report, int rhs,
                               long config) {
  char text[400];
  int used = 0;
  text[0] = '\0';
  for (int i = report->n_history > 8 ? report->n_history - 8 : 0; i < report->n_history; i++)
    used += snprintf(text + used, sizeof text - (size_t)used, "%s%.1e at %ld", used > 0 ? ", " : "",
                     report->history[i], report->at[i]);
  return cw_fail(
      d->ctx, CW_ENUMERIC,
      "the Dirac equation at kappa = %g was not solved for configuration %ld, right-hand side %d: "
      "|b - Dx|/|b| = %.2e after %ld iterations (largest residuals: %s)",
      d->quark.kappa, d->first_config + config, rhs, report->residual, report->iterations, text);
}

/* |b - D x|/|b| of every right-hand side, of the whole operator and in double. */
static cw_status judge(cw_solve_state *s, const double *b) {
  const cw_dirac *d = s->d;
  cw_dirac_row room[CW_DIRAC_MAX_RHS];
  const cw_dirac_range all = {d->geom,        d->parity,      CW_ALL_SITES,
                              s->range.n_rhs, s->range.n_rhs, s->index};
  int worst = 0;
  long config = 0;
  for (int k = 0; k < all.n; k++) s->index[k] = k;
  s->range = all;
  s->hermitian = false;
  memcpy(s->c, b, vector_size(s) * sizeof *b);
  for (int k = 0; k < all.n; k++)
    for (int l = 0; l < CW_LANES; l++) s->mask[k][l] = 1;
  compute_residual(s, room);
  for (int k = 0; k < all.n; k++)
    for (long i = 0; i < d->n_config; i++) {
      if (s->wanted[k][i] == 0) continue;
      const double residual = 0.9 * s->solver->tolerance * sqrt(room[k][i] / s->wanted[k][i]);
      if (residual <= s->report->residual) continue;
      s->report->residual = residual;
      worst = k;
      config = i;
    }
  if (s->report->residual <= s->solver->tolerance) return CW_OK;
  return not_converged(d, s->report, worst, config);
}

/* BiCGStab has a tenth of the iterations; what it leaves goes to conjugate gradients, from where it is. */
static cw_status iterate(cw_solve_state *s, cw_arena *scratch) {
  const cw_arena_mark mark = cw_arena_save(scratch);
  cw_dirac_row room[CW_DIRAC_MAX_RHS];
  s->limit = s->solver->max_iterations;
  if (s->hermitian) return cw_solve_cg(s, scratch);
  s->limit = (s->solver->max_iterations + 9) / 10;
  CW_TRY(cw_solve_bicgstab(s, scratch));
  cw_arena_rewind(scratch, mark);
  if (s->range.n == 0 || s->limit == s->solver->max_iterations) return CW_OK;
  s->limit = s->solver->max_iterations;
  s->hermitian = true;
  turn_right_side(s);
  for (int k = 0; k < s->range.n_rhs; k++)
    for (int l = 0; l < CW_LANES; l++) s->mask[k][l] = s->done[k][l] == 0;
  compute_residual(s, room);
  const cw_dirac_vectors lower = {.range = s->range, .re = s->mask, .x = s->rest, .y = s->r};
  cw_dirac_run_vectors(s->d, s->d->kernels->lower, &lower, 1, NULL);
  return cw_solve_cg(s, scratch);
}

cw_status cw_dirac_solve(const cw_dirac *d, const cw_solver *solver, const cw_field *b, cw_field *x,
                         cw_arena *scratch, cw_solve_report *report) {
  const int n = b->n_comp / CW_SPINOR;
  cw_solve_report own;
  cw_solve_state s = {.d = d, .solver = solver, .report = report != NULL ? report : &own};
  CW_REQUIRE(b->n_blocks == 1 && n <= CW_DIRAC_MAX_RHS && x->n_comp == b->n_comp &&
             x->data != b->data);
  const cw_arena_mark mark = cw_arena_save(scratch);
  *s.report = (cw_solve_report){0};
  s.hermitian = solver->kind == CW_SOLVER_CG;
  s.range = (cw_dirac_range){
      d->geom, d->parity, d->has_parity && !solver->no_parity ? CW_ODD_SITES : CW_ALL_SITES,
      n,       n,         s.index};
  for (int k = 0; k < n; k++) s.index[k] = k;
  cw_status st = open_state(&s, x->data, scratch);
  if (st == CW_OK) {
    const cw_dirac_vectors lower = {.range = s.range, .re = s.mask, .x = s.c, .y = s.r};
    const int which = s.range.which;
    set_goals(&s, b->data);
    memset(s.y, 0, vector_size(&s) * sizeof *s.y);
    memset(s.part, 0, vector_size(&s) * sizeof *s.part);
    prepare_right_side(&s, b->data);
    cw_dirac_run_vectors(d, d->kernels->lower, &lower, 1, NULL);
    memset(s.mask, 0, (size_t)n * sizeof *s.mask);
    settle(&s);
    st = s.range.n == 0 ? CW_OK : iterate(&s, scratch);
    if (st == CW_OK) {
      s.report->iterations = s.iteration;
      for (int k = 0; k < n; k++) s.index[k] = k;
      s.range.n = n;
      s.range.which = which;
      if (which == CW_ODD_SITES) bring_back_even(&s);
      st = judge(&s, b->data);
    }
  }
  cw_arena_rewind(scratch, mark);
  return st == CW_ENOMEM ? cw_fail(d->ctx, st, "no memory to solve the Dirac equation on %ld sites",
                                   d->geom->n_sites)
                         : st;
}
