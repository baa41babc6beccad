/* Figures over the cases of a job that scan one parameter of the theory: every quantity that all of
 * them expect, with what is expected, and how far all results are from it. */
#include <string.h>

#include "app/page/page.h"

/* Cases in ascending order of the parameter that tells them apart. */
typedef struct {
  const cw_analysis *a;
  const char *parameter;
  int n;
  const cw_analysis_case *c[CW_MAX_CASES];
  double x[CW_MAX_CASES];
} scan;

static int n_params(const cw_plan *p) {
  int n = 0;
  while (p->theory->params[p->form][n].name != NULL) n++;
  return n;
}

/* The one parameter in which the cases differ; -1: there is none, or several, or more differs. */
static int scanned_parameter(const cw_analysis *a) {
  const cw_plan *first = a->cases[0].plan;
  int found = -1;
  for (int i = 1; i < a->n_cases; i++) {
    const cw_plan *p = a->cases[i].plan;
    if (p->theory != first->theory || p->form != first->form ||
        !cw_lattice_equal(&p->lat, &first->lat))
      return -1;
    for (int k = 0; k < n_params(first); k++) {
      if (p->param[k] == first->param[k]) continue;
      if (found >= 0 && found != k) return -1;
      found = k;
    }
  }
  return found;
}

static bool order_cases(const cw_analysis *a, scan *s) {
  if (a->n_cases < 3) return false;
  const int k = scanned_parameter(a);
  if (k < 0) return false;
  *s =
      (scan){.a = a, .parameter = a->cases[0].plan->theory->params[a->cases[0].plan->form][k].name};
  for (int i = 0; i < a->n_cases; i++) {
    const cw_analysis_case *c = &a->cases[i];
    int at = s->n++;
    for (; at > 0 && s->x[at - 1] > c->plan->param[k]; at--) {
      s->x[at] = s->x[at - 1];
      s->c[at] = s->c[at - 1];
    }
    s->x[at] = c->plan->param[k];
    s->c[at] = c;
    if (at > 0 && s->x[at] == s->x[at - 1]) return false;
  }
  return true;
}

static const cw_expect *expected_of(const cw_analysis_case *c, const char *quantity) {
  for (int i = 0; i < c->plan->n_expect; i++) {
    const cw_expect *e = &c->plan->expect[i];
    if (e->section[0] == '\0' && e->index < 0 && strcmp(e->quantity, quantity) == 0) return e;
  }
  return NULL;
}

/* Is it of every stage, a scalar, and do all cases expect that quantity? */
static bool is_scanned(const scan *s, const cw_expect *e) {
  if (e->section[0] != '\0' || e->index >= 0) return false;
  for (int i = 0; i < s->n; i++)
    if (expected_of(s->c[i], e->quantity) == NULL) return false;
  return true;
}

/* Of the stage of that name, or, name NULL, of the case. */
static const cw_result *result_of(const cw_analysis_case *c, const char *stage,
                                  const char *quantity) {
  if (stage == NULL) return cw_case_result(c, quantity);
  const cw_analysis_stage *s = cw_analysis_find_stage(c, stage);
  return s != NULL ? cw_stage_result(s, quantity, -1) : NULL;
}

/* Results of all cases with their errors or, pulls, their distances from what is expected. */
static cw_status points(cw_page *page, const scan *s, const cw_analysis_stage *stage,
                        const char *quantity, bool pulls, const char *label, int colour) {
  double x[CW_MAX_CASES], y[CW_MAX_CASES], dy[CW_MAX_CASES];
  int n = 0;
  for (int i = 0; i < s->n; i++) {
    const cw_result *r = result_of(s->c[i], stage != NULL ? stage->part.name : NULL, quantity);
    if (r == NULL) continue;
    x[n] = s->x[i];
    y[n] = pulls ? r->pull : r->e.value;
    dy[n++] = pulls ? 1 : r->e.error;
  }
  return n > 0 ? cw_page_curve(page, label, CW_DRAW_POINTS, colour, n, x, y, dy) : CW_OK;
}

static cw_status all_points(cw_page *page, const scan *s, const char *quantity) {
  const cw_analysis_case *c = s->c[0];
  for (int i = 0; i < c->n_stages; i++)
    CW_TRY(points(page, s, &c->stage[i], quantity, false, c->stage[i].part.label,
                  c->stage[i].part.colour));
  return points(page, s, NULL, quantity, false, c->noun != NULL ? c->noun : "", CW_ORANGE);
}

static cw_status quantity_figure(cw_page *page, const scan *s, const char *quantity) {
  double y[CW_MAX_CASES];
  for (int i = 0; i < s->n; i++) y[i] = expected_of(s->c[i], quantity)->value;
  CW_TRY(cw_page_figure_begin(page, quantity, s->parameter, quantity, false, false));
  CW_TRY(cw_page_curve(page, "expected", CW_DRAW_LINE, CW_GREY, s->n, s->x, y, NULL));
  CW_TRY(all_points(page, s, quantity));
  return cw_page_figure_end(page, "");
}

static cw_status pulls_figure(cw_page *page, const scan *s, const cw_expect *list, int n) {
  CW_TRY(cw_page_figure_begin(page, "Distance from what is expected", s->parameter,
                              "standard deviations", false, false));
  for (int i = 0; i < n; i++) {
    if (!is_scanned(s, &list[i])) continue;
    const cw_analysis_case *c = s->c[0];
    const cw_analysis_stage *of_model = cw_analysis_find_of_model(c, CW_IS_MEASURED);
    const bool of_case = cw_case_result(c, list[i].quantity) != NULL;
    CW_TRY(points(page, s,
                  of_case            ? NULL
                  : of_model != NULL ? of_model
                                     : cw_reference_stage(c),
                  list[i].quantity, true, list[i].quantity, i));
  }
  return cw_page_figure_end(page, "");
}

cw_status cw_page_scan(cw_page *page, const cw_analysis *a) {
  scan s;
  int n = 0;
  if (!order_cases(a, &s)) return CW_OK;
  const cw_expect *list = s.c[0]->plan->expect;
  const int n_list = s.c[0]->plan->n_expect;
  for (int i = 0; i < n_list; i++) n += is_scanned(&s, &list[i]);
  if (n == 0) return CW_OK;
  CW_TRY(cw_page_heading(page, 2, "Through the cases"));
  for (int i = 0; i < n_list; i++)
    if (is_scanned(&s, &list[i])) CW_TRY(quantity_figure(page, &s, list[i].quantity));
  return pulls_figure(page, &s, list, n_list);
}
