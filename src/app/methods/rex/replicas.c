/* Where the replicas of an exchange went on their ladder: round trips, the flow between the ends,
 * and changes of sector on the way. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/fill.h"
#include "app/methods/rex/rex.h"

/* -------------------------------------------------------------------- errors */

/* Errors come from the scatter of parts: of whole chains or, where there are fewer than this, of so
 * many blocks of rows of each that there are at least as many. */
enum { LEAST_PARTS = 8 };

typedef struct {
  long n_row, n_chain, n_block;
} parts;

static parts divide(long n_row, long n_chain) {
  long n_block = (LEAST_PARTS + n_chain - 1) / n_chain;
  return (parts){n_row, n_chain, n_block < n_row ? n_block : n_row};
}

static long part_of(const parts *p, long row, long chain) {
  return chain * p->n_block + row * p->n_block / p->n_row;
}

/* sum_i a_i / sum_i b_i over the pairs (a, b) of n parts, stride numbers apart; delta method. */
static cw_estimate ratio(const double *pair, long n, long stride) {
  double a = 0, b = 0, square = 0;
  for (long i = 0; i < n; i++) {
    a += pair[i * stride];
    b += pair[i * stride + 1];
  }
  cw_estimate e = cw_estimate_undefined((long)b);
  e.value = a / b;
  for (long i = 0; i < n; i++) square += pow(pair[i * stride] - e.value * pair[i * stride + 1], 2);
  if (n > 1) e.error = sqrt(square * (double)n / (double)(n - 1)) / b;
  return e;
}

/* ------------------------------------------------------------- between the ends */

typedef enum { NO_END, FIRST_RUNG, LAST_RUNG } ladder_end;

typedef struct {
  ladder_end end; /* that it was on last */
  bool returning; /* it has come from the first rung to the last */
} replica;

/* Does it complete a round trip with this? */
static bool arrive(replica *r, ladder_end end) {
  bool back = end == FIRST_RUNG && r->returning;
  if (end == LAST_RUNG && r->end == FIRST_RUNG) r->returning = true;
  if (end == FIRST_RUNG) r->returning = false;
  r->end = end;
  return back;
}

/* Labels (n_row, n_chain, n), and what is counted on them. */
typedef struct {
  const cw_array *label;
  parts parts;
  long n, trips;
  replica *on;  /* (n) of one chain */
  double *pair; /* (parts, n, 2): replicas on a rung that came from the first rung, and from any */
} travels;

static const double *row_of(const cw_array *label, long t, long chain) {
  return label->data + (t * label->dim[1] + chain) * label->dim[2];
}

static void add_row(travels *v, const double *row, double *pair) {
  v->trips += arrive(&v->on[(long)row[0]], FIRST_RUNG);
  v->trips += arrive(&v->on[(long)row[v->n - 1]], LAST_RUNG);
  for (long k = 0; k < v->n; k++) {
    ladder_end from = v->on[(long)row[k]].end;
    pair[2 * k] += from == FIRST_RUNG;
    pair[2 * k + 1] += from != NO_END;
  }
}

static void follow(travels *v) {
  const parts *p = &v->parts;
  for (long chain = 0; chain < p->n_chain; chain++) {
    memset(v->on, 0, (size_t)v->n * sizeof *v->on);
    for (long t = 0; t < p->n_row; t++)
      add_row(v, row_of(v->label, t, chain), v->pair + part_of(p, t, chain) * 2 * v->n);
  }
}

/* "ladder.flow" (rung, f, error): of the replicas on a rung that have been on an end, the share
 * that was on the first rung last (Katzgraber, Trebst, Huse and Troyer, cond-mat/0602085). */
static cw_status flow_curve(cw_context *ctx, cw_analysis_stage *s, const travels *v) {
  cw_curve *f = cw_add_curve(&s->curve, &s->n_curves, "ladder.flow", v->n, true);
  if (f == NULL) return cw_no_memory(ctx);
  for (long k = 0; k < v->n; k++) {
    cw_estimate e = ratio(v->pair + 2 * k, v->parts.n_chain * v->parts.n_block, 2 * v->n);
    f->x[k] = (double)k;
    f->y[k] = e.value;
    f->dy[k] = e.error;
  }
  return CW_OK;
}

static cw_status add_trips(cw_context *ctx, cw_analysis_stage *s, const travels *v) {
  long n = v->parts.n_row * v->parts.n_chain;
  cw_estimate e = cw_estimate_undefined(n);
  e.value = (double)v->trips;
  CW_TRY(cw_add_number(ctx, s, "round_trips", -1,
                       "trips of replicas from the first rung to the last and back", e));
  e.value = v->trips > 0 ? (double)(n * v->n) / (double)v->trips : NAN;
  return cw_add_number(ctx, s, "round_trip_time", -1, "measurements of a replica per round trip",
                       e);
}

static cw_status fill_travels(cw_context *ctx, cw_analysis_stage *s, const cw_array *label) {
  travels v = {.label = label, .parts = divide(label->dim[0], label->dim[1]), .n = label->dim[2]};
  v.on = malloc((size_t)v.n * sizeof *v.on);
  v.pair = calloc((size_t)(v.parts.n_chain * v.parts.n_block * v.n * 2), sizeof *v.pair);
  cw_status st = v.on != NULL && v.pair != NULL ? CW_OK : cw_no_memory(ctx);
  if (st == CW_OK) follow(&v);
  if (st == CW_OK) st = add_trips(ctx, s, &v);
  if (st == CW_OK) st = flow_curve(ctx, s, &v);
  free(v.on);
  free(v.pair);
  return st;
}

/* The rung of a replica of chain 0 over time: "path.R". */
static cw_status path_curve(cw_context *ctx, cw_analysis_stage *s, const cw_array *label,
                            long replica_number) {
  long n_step = label->dim[0], n = label->dim[2];
  char name[CW_RESULT_NAME];
  double *rung = malloc((size_t)n_step * sizeof *rung);
  if (rung == NULL) return cw_no_memory(ctx);
  for (long t = 0; t < n_step; t++)
    for (long k = 0; k < n; k++)
      if (row_of(label, t, 0)[k] == (double)replica_number) rung[t] = (double)k;
  snprintf(name, sizeof name, "path.%ld", replica_number);
  cw_status st = cw_curve_history(ctx, s, name, n_step, 1, rung);
  free(rung);
  return st;
}

/* ------------------------------------------------------------------- tunnelling */

/* What was measured on all rungs of a ladder. */
typedef struct {
  const cw_array *label;
  const cw_array **primary;      /* (n): (n_row, n_chain, n_primary) of each rung */
  long n, n_row, n_chain, every; /* rows of labels from one of these to the next */
  int column;                    /* of the primary that tells sectors apart */
  cw_sector_rule rule;
} sectors;

static double sector_at(const sectors *m, long rung, long row, long chain) {
  const cw_array *a = m->primary[rung];
  return cw_sector_of(m->rule, a->data[(row * m->n_chain + chain) * a->dim[2] + m->column]);
}

/* Adds to the pairs (changes, chances) of a chain's parts: those of replicas, whose sectors are in
 * held (n), and those between successive configurations on the last rung. */
static void count_changes(const sectors *m, const parts *p, long chain, double *held,
                          double *of_replicas, double *on_last) {
  double before = 0;
  for (long row = 0; row < m->n_row; row++) {
    const double *label = row_of(m->label, (row + 1) * m->every - 1, chain);
    double *all = of_replicas + 2 * part_of(p, row, chain);
    double *last = on_last + 2 * part_of(p, row, chain), now = 0;
    for (long k = 0; k < m->n; k++) {
      now = sector_at(m, k, row, chain);
      all[0] += row > 0 && now != held[(long)label[k]];
      held[(long)label[k]] = now;
    }
    last[0] += row > 0 && now != before;
    all[1] += row > 0 ? (double)m->n : 0;
    last[1] += row > 0;
    before = now;
  }
}

/* A rate; where nothing happened there is no error. */
static cw_status add_rate(cw_context *ctx, cw_analysis_stage *s, const char *quantity,
                          const char *help, const double *pair, long n) {
  cw_estimate e = ratio(pair, n, 2);
  if (e.value == 0) {
    e.error = NAN;
    e.why = "nothing changed its sector";
  }
  return cw_add_number(ctx, s, quantity, -1, help, e);
}

static cw_status fill_changes(cw_context *ctx, cw_analysis_stage *s, const sectors *m) {
  parts p = divide(m->n_row, m->n_chain);
  long n = p.n_chain * p.n_block;
  double *held = calloc((size_t)(m->n + 4 * n), sizeof *held);
  if (held == NULL) return cw_no_memory(ctx);
  double *of_replicas = held + m->n, *on_last = of_replicas + 2 * n;
  for (long chain = 0; chain < m->n_chain; chain++)
    count_changes(m, &p, chain, held, of_replicas, on_last);
  cw_status st = add_rate(ctx, s, "tunnelling", "changes of sector per measurement of a replica",
                          of_replicas, n);
  if (st == CW_OK)
    st = add_rate(ctx, s, "tunnelling_last_rung",
                  "changes of sector per measurement on the last rung, by swaps as well", on_last,
                  n);
  free(held);
  return st;
}

/* The rows of group g on every rung; *complete: they are there. */
static cw_status find_rows(cw_context *ctx, const cw_analysis_case *c, const cw_analysis_stage *s,
                           const cw_arrays *data, int g, sectors *m, bool *complete) {
  const cw_observer *o = &c->observer[g];
  for (long k = 0; k < m->n; k++) {
    char name[80];
    cw_rung_array(c->plan, (int)k * cw_rex_stride(s->section->own), g, name);
    CW_TRY(cw_get_array(ctx, s, data, name, 3, &m->primary[k]));
    if (m->primary[k] == NULL) return CW_OK;
    const long *dim = m->primary[k]->dim, *first = m->primary[0]->dim;
    if (dim[0] != first[0] || dim[1] != m->label->dim[1] || dim[2] != o->ops->n_primary(o) ||
        dim[0] * m->every > m->label->dim[0])
      return cw_fail(ctx, CW_ECORRUPT, "array '%s' of stage '%s' does not fit its labels", name,
                     s->part.name);
  }
  m->n_row = m->primary[0]->dim[0];
  *complete = m->n_row > 1;
  return CW_OK;
}

static cw_status fill_tunnelling(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                                 const cw_arrays *data, const cw_array *label) {
  int g = 0;
  bool complete = false;
  const cw_primary *sector = cw_plan_sector(c->plan, &g);
  if (sector == NULL) return CW_OK;
  sectors m = {.label = label,
               .n = label->dim[2],
               .n_chain = label->dim[1],
               .every = c->plan->group[g].every,
               .column = cw_primary_number(&c->observer[g], sector->name),
               .rule = sector->sector};
  CW_REQUIRE(m.column >= 0);
  m.primary = calloc((size_t)m.n, sizeof *m.primary);
  if (m.primary == NULL) return cw_no_memory(ctx);
  cw_status st = find_rows(ctx, c, s, data, g, &m, &complete);
  if (st == CW_OK && complete) st = fill_changes(ctx, s, &m);
  free(m.primary);
  return st;
}

/* --------------------------------------------------------------------- together */

/* Is every row of labels the numbers 0 ... n - 1 in some order? */
static cw_status check_labels(cw_context *ctx, const cw_analysis_stage *s, const cw_array *label) {
  long n = label->dim[2], n_rows = label->dim[0] * label->dim[1],
       *row_with = calloc((size_t)n, sizeof *row_with);
  if (row_with == NULL) return cw_no_memory(ctx);
  bool good = true;
  for (long i = 0; i < n_rows * n && good; i++) {
    double x = label->data[i];
    good = x >= 0 && x < (double)n && x == floor(x) && row_with[(long)x] != i / n + 1;
    if (good) row_with[(long)x] = i / n + 1;
  }
  free(row_with);
  return good ? CW_OK
              : cw_fail(ctx, CW_ECORRUPT,
                        "stage '%s' holds labels that are no order of its replicas", s->part.name);
}

cw_status cw_fill_replicas(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                           const cw_arrays *data, const cw_array *label) {
  long n = label->dim[2];
  if (n != cw_rex_pairs(c->plan, s->section->own) + 1)
    return cw_fail(ctx, CW_ECORRUPT, "stage '%s' holds labels of %ld rungs", s->part.name, n);
  CW_TRY(check_labels(ctx, s, label));
  CW_TRY(fill_travels(ctx, s, label));
  CW_TRY(fill_tunnelling(ctx, c, s, data, label));
  for (long k = 0; k < n && k < CW_MOST_HISTORIES; k++) CW_TRY(path_curve(ctx, s, label, k));
  return CW_OK;
}
