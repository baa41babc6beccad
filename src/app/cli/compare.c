/* causeway compare DIR...: results of runs beside each other, how far they are apart, and what they
 * cost. The data path is compare_runs(). */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/compare.h"
#include "app/cli/commands.h"
#include "app/cli/json.h"
#include "app/cli/options.h"

enum { MOST_PATTERNS = 256 };

typedef struct {
  const char *dir[CW_MOST_COMPARED], *pattern[MOST_PATTERNS];
  int n, n_patterns;
  bool json;
} request;

typedef struct {
  const request *asked;
  cw_analysis *run[CW_MOST_COMPARED];
  cw_comparison all;
} subject;

/* ------------------------------------------------------------------------ text */

/* The first run before run i that it has anything in common with, and what; -1: there is none. */
static int first_kin(const subject *s, int i, cw_kinship *kin) {
  for (int k = 0; k < i; k++) {
    *kin = cw_runs_kinship(s->run[k], s->run[i]);
    if (*kin != CW_RUNS_APART) return k;
  }
  return -1;
}

static void print_kinship(FILE *out, const subject *s, int i) {
  cw_kinship kin;
  const int k = first_kin(s, i, &kin);
  if (k < 0) return;
  if (kin == CW_RUNS_SAME)
    fprintf(out,
            "note      run %d is run %d once more: the same job with the same seed, whose numbers "
            "are the same\n",
            i + 1, k + 1);
  else
    fprintf(out,
            "note      runs %d and %d have the same seed: where they draw the same random numbers, "
            "their errors are not independent, as sigma takes them to be\n",
            k + 1, i + 1);
}

static void print_runs(FILE *out, const subject *s) {
  for (int i = 0; i < s->asked->n; i++)
    fprintf(out, "run %-5d %s: job %s, seed %ld, %.1f s\n", i + 1, s->asked->dir[i],
            s->run[i]->job_name, s->run[i]->seed, s->run[i]->seconds);
  for (int i = 0; i < s->asked->n; i++) print_kinship(out, s, i);
}

static void print_number(FILE *out, double x, const char *format, int width) {
  char text[32] = "-";
  if (isfinite(x)) snprintf(text, sizeof text, format, x);
  fprintf(out, "  %*s", width, text);
}

static const char *units_of(const cw_compared_row *row) {
  int i = 0;
  while (row->of[i].result == NULL) i++;
  return row->of[i].result->units;
}

static void print_row(FILE *out, const subject *s, const cw_compared_row *row) {
  fprintf(out, "  %-30s", row->name);
  for (int i = 0; i < s->asked->n; i++) {
    char value[CW_VALUE_TEXT] = "-";
    if (row->of[i].result != NULL) cw_result_text(row->of[i].result, value);
    fprintf(out, "  %-22s", value);
    if (i > 0) print_number(out, row->of[i].result != NULL ? row->of[i].sigma : NAN, "%+.2f", 7);
  }
  fprintf(out, "  %s\n", units_of(row));
}

/* What two runs or more have; of the others how many. */
static void print_results(FILE *out, const subject *s) {
  int alone = 0;
  fprintf(out, "\nResults, and sigma from the first run that has one\n  %-30s", "name");
  for (int i = 0; i < s->asked->n; i++) {
    fprintf(out, "  run %-18d", i + 1);
    if (i > 0) fprintf(out, "  %7s", "sigma");
  }
  fprintf(out, "  units\n");
  for (int i = 0; i < s->all.n_rows; i++) {
    if (s->all.row[i].n > 1)
      print_row(out, s, &s->all.row[i]);
    else
      alone++;
  }
  if (alone > 0) fprintf(out, "  %d more are results of one run alone\n", alone);
}

/* The quantity that a result is of; NULL: of none that is measured. */
static const cw_quantity *quantity_of(const cw_compared *x) {
  if (x->result == NULL || x->result->group < 0) return NULL;
  return cw_quantity_find(x->c->observer[x->result->group].ops, x->result->quantity);
}

/* Is what it cost to be told? Without patterns, of one quantity of each group at most two: the one that a
 * summary quotes, and the one that freezes; and of a ladder of the last rung. */
static bool is_priced(const subject *s, const cw_compared *x) {
  const cw_quantity *q = quantity_of(x);
  if (q == NULL || x->result->index >= 0 || !isfinite(x->cost)) return false;
  if (s->asked->n_patterns > 0) return true;
  return (q->headline || q->freezes) && !cw_stage_is(x->stage, CW_IS_INNER);
}

static void print_price(FILE *out, const cw_compared_row *row, int run) {
  const cw_compared *x = &row->of[run];
  char value[CW_VALUE_TEXT];
  cw_result_text(x->result, value);
  fprintf(out, "  %-30s  %3d  %-22s", row->name, run + 1, value);
  print_number(out, x->seconds, "%.3g", 10);
  print_number(out, x->training, "%.3g", 10);
  print_number(out, x->cost, "%.3g", 12);
  print_number(out, x->cost_with_training, "%.3g", 13);
  fputc('\n', out);
}

/* All methods of all runs that measure what row k is the first to be of. */
static void print_prices_of(FILE *out, const subject *s, int k, const char *quantity) {
  fprintf(out, "\nCost of %s\n  %-30s  %3s  %-22s  %10s  %10s  %12s  %13s\n", quantity, "name",
          "run", "value(error)", "seconds", "training/s", "error^2*s", "with training");
  for (int i = k; i < s->all.n_rows; i++)
    for (int run = 0; run < s->asked->n; run++) {
      const cw_compared *x = &s->all.row[i].of[run];
      if (is_priced(s, x) && strcmp(x->result->quantity, quantity) == 0)
        print_price(out, &s->all.row[i], run);
    }
}

/* The quantity of the first price of a row; NULL: it has none. */
static const char *priced_quantity(const subject *s, int k) {
  for (int run = 0; run < s->asked->n; run++)
    if (is_priced(s, &s->all.row[k].of[run])) return s->all.row[k].of[run].result->quantity;
  return NULL;
}

static void print_costs(FILE *out, const subject *s) {
  for (int k = 0; k < s->all.n_rows; k++) {
    const char *quantity = priced_quantity(s, k);
    bool told = quantity == NULL;
    for (int i = 0; i < k && !told; i++) {
      const char *before = priced_quantity(s, i);
      told = before != NULL && strcmp(before, quantity) == 0;
    }
    if (!told) print_prices_of(out, s, k, quantity);
  }
}

/* ------------------------------------------------------------------------ JSON */

static json_t *run_json(const subject *s, int i) {
  cw_kinship kin;
  const int k = first_kin(s, i, &kin);
  json_t *same = k < 0 ? json_null()
                       : json_pack("{s:i, s:s}", "run", k + 1, "in",
                                   kin == CW_RUNS_SAME ? "job and seed" : "seed");
  return json_pack("{s:s, s:s, s:I, s:f, s:o}", "dir", s->asked->dir[i], "job", s->run[i]->job_name,
                   "seed", (json_int_t)s->run[i]->seed, "seconds", s->run[i]->seconds, "same",
                   same);
}

static json_t *value_json(const cw_compared *x) {
  if (x->result == NULL) return json_null();
  const cw_estimate *e = &x->result->e;
  return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "value",
                   cw_json_number(e->value), "error", cw_json_number(e->error), "tau_int",
                   cw_json_number(e->tau_int), "ess", cw_json_number(e->ess), "sigma",
                   cw_json_number(x->sigma), "seconds", cw_json_number(x->seconds), "training",
                   cw_json_number(x->training), "cost", cw_json_number(x->cost),
                   "cost_with_training", cw_json_number(x->cost_with_training));
}

static json_t *row_json(const subject *s, const cw_compared_row *row) {
  json_t *values = json_array();
  int bad = 0;
  for (int i = 0; i < s->asked->n; i++)
    bad += json_array_append_new(values, value_json(&row->of[i]));
  json_t *o =
      json_pack("{s:s, s:s, s:o}", "name", row->name, "units", units_of(row), "values", values);
  if (bad == 0) return o;
  json_decref(o);
  return NULL;
}

static cw_status write_json(cw_context *ctx, const subject *s, FILE *out) {
  json_t *runs = json_array(), *results = json_array();
  int bad = 0;
  for (int i = 0; i < s->asked->n; i++) bad += json_array_append_new(runs, run_json(s, i));
  for (int i = 0; i < s->all.n_rows; i++)
    bad += json_array_append_new(results, row_json(s, &s->all.row[i]));
  json_t *root = json_pack("{s:o, s:o}", "runs", runs, "results", results);
  if (bad == 0) return cw_json_write(ctx, root, out);
  json_decref(root);
  return cw_fail(ctx, CW_ENOMEM,
                 "compare: no memory for JSON, or the name of a directory is not UTF-8");
}

/* ------------------------------------------------------------------- both */

static cw_status write_comparison(cw_context *ctx, const subject *s, FILE *out) {
  if (s->asked->json) return write_json(ctx, s, out);
  print_runs(out, s);
  if (s->asked->n > 1) print_results(out, s);
  print_costs(out, s);
  return cw_flush_results(ctx, out);
}

static cw_status compare_runs(cw_context *ctx, subject *s) {
  const request *r = s->asked;
  for (int i = 0; i < r->n; i++) CW_TRY(cw_analysis_create(ctx, r->dir[i], &s->run[i]));
  CW_TRY(cw_analysis_select(ctx, "compare", r->n, s->run, r->n_patterns, r->pattern));
  cw_status st = CW_OK;
  if (cw_rank(ctx) == 0) st = cw_compare(ctx, r->n, s->run, &s->all);
  if (cw_rank(ctx) == 0 && st == CW_OK) st = write_comparison(ctx, s, stdout);
  return cw_agree(ctx, st);
}

cw_status cw_command_compare(cw_context *ctx, int argc, char **argv) {
  request r = {.n = 0};
  const cw_option options[] = {
      {.word = "--json", .flag = &r.json},
      {.word = "--only", .value = r.pattern, .most = MOST_PATTERNS, .n = &r.n_patterns},
      {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "compare", argc, argv, options, "at most 16 directories", r.dir,
                         CW_MOST_COMPARED, &r.n));
  if (r.n == 0)
    return cw_fail(ctx, CW_EINVAL,
                   "compare: expected a directory or more, found none. Usage: causeway compare "
                   "DIR... [--only PATTERN]... [--json]");
  subject s = {.asked = &r};
  cw_status st = compare_runs(ctx, &s);
  cw_comparison_clear(&s.all);
  for (int i = 0; i < r.n; i++) cw_analysis_destroy(s.run[i]);
  return st;
}
