/* What an independent value of the quantity that freezes costs: bars of all methods and rungs. */
#include <stdlib.h>

#include "app/page/page.h"

/* A bar for every price that is known. Arrays (n). */
typedef struct {
  int n, *colour;
  double *value, *error;
  const char **name;
} bars;

static void free_bars(bars *b) {
  free(b->colour);
  free(b->value);
  free(b->error);
  free(b->name);
}

static cw_status make_bars(cw_context *ctx, const cw_cost *list, int n, char (*label)[CW_TITLE],
                           bars *b) {
  const size_t room = (size_t)n;
  *b = (bars){.colour = malloc(room * sizeof *b->colour),
              .value = malloc(room * sizeof *b->value),
              .error = malloc(room * sizeof *b->error),
              .name = malloc(room * sizeof *b->name)};
  if (!b->colour || !b->value || !b->error || !b->name) return cw_no_memory(ctx);
  for (int i = 0; i < n; i++) {
    if (!isfinite(list[i].cost)) continue;
    b->name[b->n] = label[i];
    b->colour[b->n] = list[i].stage->part.colour;
    b->value[b->n] = list[i].cost;
    b->error[b->n++] = list[i].cost_error;
  }
  return CW_OK;
}

/* Is a row of its measurements a mean over the particles of a walk? */
static bool is_of_walks(const cw_analysis_stage *s) {
  const unsigned walks = CW_NEEDS_LADDER | CW_MEASURES_FIRST_GROUP;
  return (s->section->method->needs & walks) == walks;
}

static void say_caption(cw_prose *p, const cw_cost *list, int n) {
  bool walks = false, ladder = false;
  for (int i = 0; i < n; i++) {
    walks = walks || is_of_walks(list[i].stage);
    ladder = ladder || cw_stage_is(list[i].stage, CW_IS_INNER);
  }
  cw_say(p,
         "Seconds of sampling, thermalisation included, over the effective number of independent "
         "values that they gave; without training. What never changed has no bar.");
  if (ladder)
    cw_say(p, " The seconds of a ladder give all of its rungs, each of which has its bar.");
  if (walks) cw_say(p, " A value of walks is a mean over their particles, which is worth more.");
}

static cw_status draw_bars(cw_page *page, const cw_quantity *q, const cw_cost *list, int n,
                           const bars *b) {
  char title[CW_TITLE];
  cw_prose caption = {0};
  say_caption(&caption, list, n);
  snprintf(title, sizeof title, "Seconds per independent value of %s", q->name);
  CW_TRY(cw_page_figure_begin(page, title, "seconds", "", true, false));
  CW_TRY(cw_page_bars(page, b->n, b->name, b->colour, b->value, b->error));
  return cw_page_figure_end(page, caption.text);
}

static cw_status cost_row(cw_page *page, const cw_cost *e, const char *label) {
  char tau[CW_VALUE_TEXT], step[CW_VALUE_TEXT], unit[CW_VALUE_TEXT + 32], cost[CW_VALUE_TEXT],
      training[CW_VALUE_TEXT];
  cw_cell_number(tau, NAN, "");
  cw_cell_number(cost, e->cost, "%.3g");
  if (isfinite(e->tau)) cw_format_value(e->tau, e->tau_error, tau);
  if (isfinite(e->cost_error)) cw_format_value(e->cost, e->cost_error, cost);
  cw_cell_number(step, e->per_step, "%.3g");
  snprintf(unit, sizeof unit, "%s", step);
  if (!cw_stage_is(e->stage, CW_IS_CHAINS))
    snprintf(unit, sizeof unit, "%s\n%s", step, e->stage->part.unit);
  cw_cell_number(training, e->training > 0 ? e->training : NAN, "%.3g");
  return cw_page_table_row(page, (const char *[]){label, tau, unit, cost, training}, -1);
}

static cw_status write_costs(cw_page *page, const cw_quantity *q, const cw_cost *list, int n,
                             char (*label)[CW_TITLE]) {
  static const char *const heads[] = {"method", "τ_int in steps", "seconds per step",
                                      "seconds per independent value", "seconds of training"};
  cw_prose caption = {0};
  cw_say(&caption, "Of %s, %s.", q->name, cw_definition(q));
  CW_TRY(cw_page_table_begin(page, caption.text, 5, heads));
  for (int i = 0; i < n; i++) CW_TRY(cost_row(page, &list[i], label[i]));
  return cw_page_table_end(page);
}

static cw_status draw_costs(cw_context *ctx, cw_page *page, const cw_quantity *q,
                            const cw_cost *list, int n) {
  char(*label)[CW_TITLE] = malloc((size_t)n * sizeof *label);
  bars b = {0};
  cw_status st = label != NULL ? CW_OK : cw_no_memory(ctx);
  for (int i = 0; i < n && st == CW_OK; i++) cw_cost_label(list, n, i, true, label[i]);
  if (st == CW_OK) st = make_bars(ctx, list, n, label, &b);
  if (st == CW_OK && b.n >= 2) {
    st = cw_page_heading(page, 2, "What an independent value costs");
    if (st == CW_OK && b.n <= CW_MOST_COSTS) st = draw_bars(page, q, list, n, &b);
    if (st == CW_OK) st = write_costs(page, q, list, n, label);
  }
  free_bars(&b);
  free(label);
  return st;
}

cw_status cw_page_costs(cw_context *ctx, cw_page *page, const cw_analysis *a) {
  const cw_quantity *q;
  cw_cost *list;
  int n;
  CW_TRY(cw_list_costs(ctx, a, &q, &list, &n));
  cw_status st = n >= 2 ? draw_costs(ctx, page, q, list, n) : CW_OK;
  free(list);
  return st;
}
