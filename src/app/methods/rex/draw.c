/* Flow, sectors and paths of replicas. */
#include <stdio.h>
#include <string.h>

#include "app/methods/rex/rex.h"
#include "app/page/page.h"

static cw_status flow_figure(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_curve *f = cw_stage_curve(s, "ladder.flow");
  char title[120];
  if (f == NULL) return CW_OK;
  double x[2] = {0, f->x[f->n - 1]}, even[2] = {1, 0};
  snprintf(title, sizeof title, "%s: flow of replicas", s->part.label);
  CW_TRY(cw_page_figure_begin(to->page, title, "rung", "share from the first rung", false, false));
  CW_TRY(cw_page_curve(to->page, "even", CW_DRAW_LINE, CW_GREY, 2, x, even, NULL));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_POINTS, s->part.colour, f->n, f->x, f->y, f->dy));
  return cw_page_figure_end(to->page,
                            "Of the replicas on a rung that have been on an end of the ladder, the "
                            "share that was on its first rung last. It falls steeply where "
                            "replicas hardly pass.");
}

/* ------------------------------------------------------------ sectors on rungs */

enum { MOST_RUNGS = 5 };

/* Steps from one measurement to the next, in which histories are. */
static double steps_between(const cw_analysis_stage *s) { return (double)s->part.every; }

static const cw_curve *history_on(const cw_analysis_case *c, const char *stage,
                                  const char *primary) {
  char name[CW_RESULT_NAME];
  const cw_analysis_stage *s = cw_analysis_find_stage(c, stage);
  snprintf(name, sizeof name, "history.%.40s", primary);
  return s != NULL && s->present ? cw_stage_curve(s, name) : NULL;
}

/* The lines of some rungs of s, from the first to the last; returns how many. */
static int rung_lines(const cw_case_page *to, const cw_analysis_stage *s, const char *primary,
                      double dx, char label[][40], cw_stacked *line) {
  int last = s->part.rung, n = last < MOST_RUNGS ? last + 1 : MOST_RUNGS, found = 0;
  for (int k = 0; k < n; k++) {
    char stage[CW_RESULT_NAME];
    int rung = k * last / (n - 1);
    snprintf(stage, sizeof stage, rung < last ? "%.20s.rung%d" : "%.20s", s->part.name, rung);
    snprintf(label[found], sizeof label[found], "rung %d", rung);
    const cw_curve *h = history_on(to->c, stage, primary);
    if (h != NULL) line[found] = (cw_stacked){label[found], h, h->n, dx, 0, found}, found++;
  }
  return found;
}

/* The same of the sampler without exchange, as far as x goes. */
static int plain_line(const cw_case_page *to, const char *primary, double x, cw_stacked *line) {
  const cw_analysis_stage *s = cw_reference_stage(to->c);
  const cw_curve *h = s != NULL ? history_on(to->c, s->part.name, primary) : NULL;
  if (h == NULL) return 0;
  *line = (cw_stacked){s->part.label, h, 0, steps_between(s), 0, CW_GREY};
  while (line->n < h->n && h->x[line->n] * line->dx <= x) line->n++;
  return 1;
}

/* Moves each line up until it stands above the one below; rungs spread very differently. */
static void stack_up(int n, cw_stacked *line) {
  double low[MOST_RUNGS + 1], high[MOST_RUNGS + 1], widest = 0;
  for (int k = 0; k < n; k++) {
    low[k] = INFINITY;
    high[k] = -INFINITY;
    cw_spread(&line[k], &low[k], &high[k]);
    widest = fmax(widest, high[k] - low[k]);
  }
  for (int k = 1; k < n; k++)
    line[k].shift = line[k - 1].shift + high[k - 1] - low[k] + 0.1 * widest;
}

/* One above the other: how the sector changes on the rungs, and without exchange. */
static cw_status sectors_figure(const cw_case_page *to, const cw_analysis_stage *s) {
  char label[MOST_RUNGS][40], title[120];
  cw_stacked line[MOST_RUNGS + 1];
  cw_prose caption = {0};
  int g;
  const cw_primary *sector = cw_plan_sector(to->c->plan, &g);
  if (sector == NULL) return CW_OK;
  double dx = steps_between(s);
  int n = rung_lines(to, s, sector->name, dx, label, line);
  if (n < 2) return CW_OK;
  const cw_curve *h = line[0].curve;
  int plain = plain_line(to, sector->name, h->x[h->n - 1] * dx, &line[n]);
  stack_up(n + plain, line);
  snprintf(title, sizeof title, "%s: %s on rungs", s->part.label, sector->name);
  CW_TRY(cw_page_figure_begin(to->page, title, "step", sector->name, false, false));
  for (int k = 0; k < n + plain; k++) CW_TRY(cw_page_stacked(to, &line[k]));
  cw_say(&caption, "The first chain, rung above rung; the axis numbers each.%s",
         plain ? " The uppermost is without exchange." : "");
  return cw_page_figure_end(to->page, caption.text);
}

static cw_status paths_figure(const cw_case_page *to, const cw_analysis_stage *s) {
  char title[120];
  cw_prose caption = {0};
  if (cw_stage_curve(s, "path.0") == NULL) return CW_OK;
  snprintf(title, sizeof title, "%s: paths of replicas", s->part.label);
  CW_TRY(cw_page_figure_begin(to->page, title, "measurement", "rung", false, false));
  int n = 0;
  for (; n < CW_MOST_HISTORIES; n++) {
    char name[CW_RESULT_NAME];
    snprintf(name, sizeof name, "path.%d", n);
    const cw_curve *path = cw_stage_curve(s, name);
    if (path == NULL) break;
    CW_TRY(cw_page_curve(to->page, "", CW_DRAW_LINE, n, path->n, path->x, path->y, NULL));
  }
  cw_say(&caption, "%s replicas of the first ladder.",
         n < cw_rex_pairs(to->c->plan, s->section->own) + 1 ? "Some" : "All");
  return cw_page_figure_end(to->page, caption.text);
}

cw_status cw_draw_rex(const cw_case_page *to, const cw_analysis_stage *s) {
  if (cw_stage_is(s, CW_IS_INNER)) return CW_OK;
  CW_TRY(cw_page_works(to, s, "up", "−W down",
                       "Of proposals to swap, between the two rungs that swap least. The two cross "
                       "at their free energy difference."));
  CW_TRY(flow_figure(to, s));
  CW_TRY(sectors_figure(to, s));
  CW_TRY(paths_figure(to, s));
  return cw_draw_rex_works(to, s);
}
