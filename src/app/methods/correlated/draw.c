/* The two histories, what each estimator says of derivatives, and what it gains. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/methods/correlated/correlated.h"
#include "app/page/page.h"

/* An estimator of derivatives that is drawn. */
typedef struct {
  const cw_analysis_stage *stage;
  const char *label;
  int colour;
} method;

typedef struct {
  const cw_case_page *to;
  const cw_analysis_stage *base;
  const cw_correlated_plan *plan;
  char lambda[32]; /* in print */
  int n;
  method list[4];
} methods;

/* The first pair of targets stands for all. */
static void list_methods(const cw_case_page *to, const cw_analysis_stage *s, methods *m) {
  static const struct {
    cw_estimator_kind kind;
    const char *label;
    int colour;
  } drawn[] = {{CW_LINEARISED, "linearised flow", CW_GREEN},
               {CW_FLOW, "flow and weights", CW_BLUE},
               {CW_COVARIANCE, "covariance", CW_ORANGE},
               {CW_REWEIGHTING, "reweighting", CW_RED}};
  cw_estimator list[CW_MOST_ESTIMATORS];
  const int n = cw_list_estimators(to->c->plan, s->section, list);
  *m = (methods){.to = to, .base = s, .plan = s->section->own};
  for (size_t k = 0; k < sizeof drawn / sizeof *drawn; k++)
    for (int i = 0; i < n; i++) {
      const cw_analysis_stage *stage = cw_analysis_find_stage(to->c, list[i].name);
      if (list[i].kind != drawn[k].kind || stage == NULL || stage->n_results == 0) continue;
      m->list[m->n++] = (method){stage, drawn[k].label, drawn[k].colour};
      break;
    }
  cw_correlated_variable(to->c->plan, m->plan, true, m->lambda, sizeof m->lambda);
}

static const cw_result *of(const method *m, const cw_quantity *q, int i) {
  return cw_stage_result(m->stage, q->name, q->count != NULL ? i : -1);
}

/* The error that two independent ensembles would have, which every gain tells. */
static double independent_error(const methods *m, const cw_quantity *q, int i) {
  for (int k = 0; k < m->n; k++) {
    const cw_result *r = of(&m->list[k], q, i);
    if (r != NULL && r->gain > 0) return sqrt(r->gain) * r->e.error;
  }
  return NAN;
}

/* ---- tables ---- */

static void say_cell(cw_prose *p, const cw_result *r) {
  char text[CW_VALUE_TEXT];
  cw_cell_result(text, r);
  cw_say(p, "%s", text);
  if (r == NULL || !(r->gain > 0)) return;
  cw_say(p, "\n× %.3g", r->gain);
  if (r->gain_at_cost > 0) cw_say(p, ", %.3g at cost", r->gain_at_cost);
}

static cw_status table_row(const methods *m, const cw_quantity *q) {
  cw_prose text[6] = {{{0}, 0}};
  const char *cells[6] = {text[0].text};
  char error[CW_VALUE_TEXT];
  bool any = false;
  cw_say(&text[0], "%s\n%s", q->name, cw_definition(q));
  for (int k = 0; k < m->n; k++) {
    const cw_result *r = of(&m->list[k], q, -1);
    any = any || (r != NULL && isfinite(r->e.value));
    say_cell(&text[1 + k], r);
    cells[1 + k] = text[1 + k].text;
  }
  cw_cell_number(error, independent_error(m, q, -1), "± %.2g");
  cells[m->n + 1] = error;
  return any ? cw_page_table_row(m->to->page, cells, -1) : CW_OK;
}

static cw_status write_table(const methods *m) {
  const cw_analysis_case *c = m->to->c;
  const char *heads[6] = {"derivative of"};
  char caption[400];
  for (int k = 0; k < m->n; k++) heads[1 + k] = m->list[k].label;
  heads[1 + m->n] = "independent ensembles";
  snprintf(caption, sizeof caption,
           "d/d%s. Below each, the variance of independent ensembles over its own: for as many "
           "configurations, and for as many seconds. Independent ensembles are two at equal "
           "distance on both sides, as far off as the farthest target, that share the number of "
           "configurations.",
           m->lambda);
  CW_TRY(cw_page_table_begin(m->to->page, caption, m->n + 2, heads));
  for (int g = 0; g < c->plan->n_groups; g++)
    for (const cw_quantity *q = c->observer[g].ops->quantities; q->name != NULL; q++)
      if (q->count == NULL && q->correlator == NULL) CW_TRY(table_row(m, q));
  return cw_page_table_end(m->to->page);
}

/* ---- words ---- */

/* "β − 0.05", without breaks */
static void say_target(cw_prose *p, const methods *m, int k) {
  const double move = m->plan->step * m->plan->position[k];
  cw_say(p, "%s %s %.4g", m->lambda, move < 0 ? "−" : "+", fabs(move));
}

static void say_weights(cw_prose *p, const methods *m, int k) {
  const cw_result *ess = cw_stage_result(m->base, "ess", k),
                  *none = cw_stage_result(m->base, "ess_reweighting", k);
  char with[16], without[16];
  if (ess == NULL || none == NULL) return;
  cw_say(p, " At ");
  say_target(p, m, k);
  cw_say(p, " their weights are worth %s %% of the configurations, without the flow %s %%.",
         cw_percent(ess->e.value, with), cw_percent(none->e.value, without));
}

static void say_flow(cw_prose *p, const methods *m) {
  const cw_correlated_plan *r = m->plan;
  const cw_analysis_stage *training = NULL;
  for (int k = 0; k < m->n && training == NULL; k++)
    training = cw_analysis_find_stage(m->to->c, m->list[k].stage->part.training);
  cw_say(p, "Derivatives with respect to %s, from an ensemble of the theory above", m->lambda);
  if (r->flow == NULL) {
    cw_say(p, " and its weights at other parameters, without a flow.");
    return;
  }
  cw_say(p, " and its images under the last flow of section '%s', scaled to each target.",
         r->flow->kind.name);
  if (training != NULL) cw_say(p, " The flow took %.3g s to train.", training->seconds);
  for (int k = 0; k < r->n_targets; k++) say_weights(p, m, k);
  const cw_result *rho = cw_stage_result(m->base, "correlation", -1);
  const cw_quantity *q = cw_correlated_headline(&m->to->c->observer[0]);
  if (rho != NULL && q != NULL)
    cw_say(p, " The correlation of %s between a configuration and its image is %.6g.", q->name,
           rho->e.value);
}

/* "6.44 times smaller", "1510 times smaller", "4.81 times larger" */
static void say_ratio(cw_prose *p, double ratio) {
  const double times = ratio >= 1 ? ratio : 1 / ratio;
  cw_say(p, times < 1000 ? "%.3g times %s" : "%.0f times %s", times,
         ratio >= 1 ? "smaller" : "larger");
}

static double worth(const cw_result *r) { return r->gain_at_cost > 0 ? r->gain_at_cost : r->gain; }

/* What the best estimator with the flow gains over the best without it. */
static void say_gain(cw_prose *p, const methods *m, const cw_quantity *q) {
  const method *with = NULL, *without = NULL;
  for (int k = 0; k < m->n; k++) {
    const cw_result *r = of(&m->list[k], q, -1);
    const bool flow = m->list[k].stage->part.training[0] != '\0';
    const method **best = flow ? &with : &without;
    if (r == NULL || !(r->e.error > 0)) continue;
    if (*best == NULL || worth(r) > worth(of(*best, q, -1))) *best = &m->list[k];
  }
  if (without == NULL) return;
  const cw_result *b = of(without, q, -1), *a = with != NULL ? of(with, q, -1) : NULL;
  const bool flow = a != NULL;
  char text[CW_VALUE_TEXT];
  cw_format_value(flow ? a->e.value : b->e.value, flow ? a->e.error : b->e.error, text);
  cw_say(p, "d %s/d%s = %s: the variance of the %s is ", q->name, m->lambda, text,
         flow ? with->label : without->label);
  say_ratio(p, flow ? a->gain : b->gain);
  cw_say(p, " than that of independent ensembles");
  if (flow) {
    cw_say(p, " and ");
    say_ratio(p, pow(b->e.error / a->e.error, 2));
    cw_say(p, " than that of the %s", without->label);
  }
  if (flow && a->gain_at_cost > 0) {
    cw_say(p, "; for equal seconds, training and images included, it is ");
    say_ratio(p, a->gain_at_cost);
    cw_say(p, " and ");
    say_ratio(p, a->gain_at_cost / b->gain_at_cost);
  }
  cw_say(p, ".");
}

/* ---- figures ---- */

static cw_status draw_pairs(const methods *m) {
  const cw_curve *base = cw_stage_curve(m->base, "pair.base"),
                 *image = cw_stage_curve(m->base, "pair.image"),
                 *scatter = cw_stage_curve(m->base, "pair.scatter");
  const cw_quantity *q = cw_correlated_headline(&m->to->c->observer[0]);
  char label[120], title[120];
  if (base == NULL || image == NULL || scatter == NULL || q == NULL) return CW_OK;
  cw_prose target = {0};
  say_target(&target, m, 0);
  snprintf(label, sizeof label, "image at %.60s", target.text);
  snprintf(title, sizeof title, "Histories of %s", q->name);
  CW_TRY(cw_page_figure_begin(m->to->page, title, "measurement", q->name, false, false));
  CW_TRY(
      cw_page_curve(m->to->page, "base", CW_DRAW_LINE, CW_GREY, base->n, base->x, base->y, NULL));
  CW_TRY(
      cw_page_curve(m->to->page, label, CW_DRAW_LINE, CW_BLUE, image->n, image->x, image->y, NULL));
  CW_TRY(cw_page_figure_end(m->to->page, "Of the first chain, before weights."));
  snprintf(title, sizeof title, "%s of configurations and images", q->name);
  CW_TRY(cw_page_figure_begin(m->to->page, title, "base", label, false, false));
  CW_TRY(cw_page_curve(m->to->page, "", CW_DRAW_POINTS, CW_BLUE, scatter->n, scatter->x, scatter->y,
                       NULL));
  return cw_page_figure_end(m->to->page, "What both have in common drops out of their difference.");
}

/* Bars of all methods and of independent ensembles, of variances for as many configurations or, at_cost, seconds. */
static cw_status draw_bars(const methods *m, const cw_quantity *q, bool at_cost) {
  const char *name[5];
  int colour[5], n = 0;
  double value[5];
  char title[160];
  const double independent = independent_error(m, q, -1);
  if (!(independent > 0)) return CW_OK;
  for (int k = 0; k < m->n; k++) {
    const cw_result *r = of(&m->list[k], q, -1);
    const double gain = r == NULL ? NAN : at_cost ? r->gain_at_cost : r->gain;
    if (!(gain > 0)) continue;
    name[n] = m->list[k].label;
    colour[n] = m->list[k].colour;
    value[n++] = 1 / gain;
  }
  if (n == 0) return CW_OK;
  name[n] = "independent ensembles";
  colour[n] = CW_GREY;
  value[n++] = 1;
  snprintf(title, sizeof title, "Variance of d %s/d%s, %s", q->name, m->lambda,
           at_cost ? "equal cost" : "equal statistics");
  CW_TRY(cw_page_figure_begin(m->to->page, title, "over that of independent ensembles", "", true,
                              false));
  CW_TRY(cw_page_bars(m->to->page, n, name, colour, value, NULL));
  return cw_page_figure_end(
      m->to->page, at_cost ? "Seconds of the ensemble, and of training, images and measurements of "
                             "them where there is a flow."
                           : "");
}

/* One point for each method, so that the axis shows their errors and not the way from 0. */
static cw_status draw_values(const methods *m, const cw_quantity *q) {
  char title[120];
  bool begun = false;
  snprintf(title, sizeof title, "d %s/d%s", q->name, m->lambda);
  for (int k = 0; k < m->n; k++) {
    const cw_result *r = of(&m->list[k], q, -1);
    const double x = k + 1;
    if (r == NULL || !(r->e.error > 0)) continue;
    if (!begun) CW_TRY(cw_page_figure_begin(m->to->page, title, "estimator", title, false, false));
    begun = true;
    CW_TRY(cw_page_curve(m->to->page, m->list[k].label, CW_DRAW_POINTS, m->list[k].colour, 1, &x,
                         &r->e.value, &r->e.error));
  }
  return begun ? cw_page_figure_end(m->to->page, "All from the same configurations.") : CW_OK;
}

enum { MOST_ENTRIES = 256 };
typedef struct {
  int n;
  double x[MOST_ENTRIES], y[MOST_ENTRIES], dy[MOST_ENTRIES];
} entries;

/* Several curves of one quantity would hide each other: then entries stand one after the other. */
static bool by_entry(const cw_quantity *q) {
  return q->figure.x == NULL || q->figure.curve != NULL;
}

static void take_entries(const methods *m, const cw_observer *o, const cw_quantity *q, int k,
                         entries *out) {
  out->n = q->count(o) < MOST_ENTRIES ? q->count(o) : MOST_ENTRIES;
  for (int i = 0; i < out->n; i++) {
    const cw_result *r = k < m->n ? of(&m->list[k], q, i) : NULL;
    out->x[i] = by_entry(q) ? i : q->figure.x(o, i);
    out->y[i] = r != NULL ? r->e.value : NAN;
    out->dy[i] = r != NULL ? r->e.error : independent_error(m, q, i);
  }
}

/* "d t²⟨E⟩/dβ" */
static void vector_label(const methods *m, const cw_quantity *q, char *text, size_t size) {
  const char *name = q->figure.y_label != NULL ? q->figure.y_label : q->name;
  snprintf(text, size, "d %.40s/d%s", name, m->lambda);
}

static const char *x_label(const cw_quantity *q) {
  return by_entry(q) || q->figure.x_label == NULL ? "index of the entry" : q->figure.x_label;
}

/* Entries of a vector over what they count, those of each method a little beside the others. */
static cw_status draw_vector(const methods *m, const cw_observer *o, const cw_quantity *q) {
  char label[80];
  entries e;
  vector_label(m, q, label, sizeof label);
  CW_TRY(cw_page_figure_begin(m->to->page, label, x_label(q), label, false, false));
  for (int k = 0; k < m->n; k++) {
    take_entries(m, o, q, k, &e);
    const double apart = e.n > 1 ? 0.14 * (e.x[1] - e.x[0]) : 0;
    for (int i = 0; i < e.n; i++) e.x[i] += apart * (k - 0.5 * (m->n - 1));
    CW_TRY(cw_page_curve(m->to->page, m->list[k].label, CW_DRAW_POINTS, m->list[k].colour, e.n, e.x,
                         e.y, e.dy));
  }
  return cw_page_figure_end(m->to->page, "Neighbouring entries are of the same configurations.");
}

/* Their errors; of the linearised flow, which another may hide, points. */
static cw_status draw_errors(const methods *m, const cw_observer *o, const cw_quantity *q) {
  char label[80], title[100];
  entries e;
  vector_label(m, q, label, sizeof label);
  snprintf(title, sizeof title, "Errors of %s", label);
  CW_TRY(cw_page_figure_begin(m->to->page, title, x_label(q), "error", false, true));
  for (int k = m->n; k >= 0; k--) {
    take_entries(m, o, q, k, &e);
    CW_TRY(cw_page_curve(m->to->page, k < m->n ? m->list[k].label : "independent ensembles",
                         k == 0 ? CW_DRAW_POINTS : CW_DRAW_LINE,
                         k < m->n ? m->list[k].colour : CW_GREY, e.n, e.x, e.dy, NULL));
  }
  return cw_page_figure_end(m->to->page, "");
}

/* The headline, and of each group that the job asks for the first that stands at the top of pages. */
static bool stands_out(const cw_analysis_case *c, int g, const cw_quantity *q) {
  if (g == 0) return q == cw_correlated_headline(&c->observer[0]);
  for (const cw_quantity *k = c->observer[g].ops->quantities; k->name != NULL; k++)
    if (k->count == NULL && k->correlator == NULL && k->fact) return k == q;
  return false;
}

static cw_status draw_quantity(const methods *m, int g, const cw_quantity *q) {
  const cw_observer *o = &m->to->c->observer[g];
  cw_prose p = {0};
  if (q->count != NULL && q->figure.title != NULL) {
    CW_TRY(draw_vector(m, o, q));
    return draw_errors(m, o, q);
  }
  if (!stands_out(m->to->c, g, q)) return CW_OK;
  say_gain(&p, m, q);
  if (p.used > 0) CW_TRY(cw_page_paragraph(m->to->page, p.text));
  CW_TRY(draw_values(m, q));
  CW_TRY(draw_bars(m, q, false));
  return draw_bars(m, q, true);
}

cw_status cw_draw_correlated(const cw_case_page *to, const cw_analysis_stage *s) {
  methods m;
  cw_prose p = {0};
  const cw_analysis_case *c = to->c;
  list_methods(to, s, &m);
  if (m.n == 0) return CW_OK;
  say_flow(&p, &m);
  CW_TRY(cw_page_paragraph(to->page, p.text));
  CW_TRY(draw_pairs(&m));
  for (int g = 0; g < c->plan->n_groups; g++)
    for (const cw_quantity *q = c->observer[g].ops->quantities; q->name != NULL; q++)
      if (q->correlator == NULL) CW_TRY(draw_quantity(&m, g, q));
  return write_table(&m);
}
