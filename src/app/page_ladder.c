/* Figures of what walks a ladder: swaps and paths of replicas; free energies, weights and works of
 * walks. */
#include <stdio.h>
#include <string.h>

#include "app/analysis_parts.h"
#include "app/page.h"

static bool on_ladder(const cw_analysis_stage *s, const cw_analysis_case *c) {
  return s->present && (s->kind == CW_STAGE_WALK ||
                        (s->kind == CW_STAGE_REX && s->rung == c->plan->ladder.n - 1));
}

/* A curve of the same name of all stages that have one, in one figure. */
typedef struct {
  const char *curve, *title, *x, *y, *caption;
  cw_draw how;
} common;

static cw_status common_figure(const cw_section *to, const common *f) {
  bool begun = false;
  for (int i = 0; i < to->c->n_stages; i++) {
    const cw_analysis_stage *s = &to->c->stage[i];
    const cw_curve *curve = cw_stage_curve(s, f->curve);
    if (curve == NULL) continue;
    if (!begun) CW_TRY(cw_page_figure_begin(to->page, f->title, f->x, f->y, false, false));
    begun = true;
    CW_TRY(cw_page_curve(to->page, s->label, f->how, cw_stage_colour(s), curve->n, curve->x,
                         curve->y, curve->dy));
  }
  return begun ? cw_page_figure_end(to->page, f->caption) : CW_OK;
}

static cw_status paths_figure(const cw_section *to, const cw_analysis_stage *s) {
  char title[120];
  cw_prose caption = {0};
  if (cw_stage_curve(s, "path.0") == NULL) return CW_OK;
  snprintf(title, sizeof title, "%s: paths of replicas", s->label);
  CW_TRY(cw_page_figure_begin(to->page, title, "measurement", "rung", false, false));
  int n = 0;
  for (; n < CW_MOST_HISTORIES; n++) {
    char name[CW_RESULT_NAME];
    snprintf(name, sizeof name, "path.%d", n);
    const cw_curve *path = cw_stage_curve(s, name);
    if (path == NULL) break;
    CW_TRY(cw_page_curve(to->page, "", CW_DRAW_LINE, n, path->n, path->x, path->y, NULL));
  }
  cw_say(&caption, "%s replicas of the first ladder.", n < to->c->plan->ladder.n ? "Some" : "All");
  return cw_page_figure_end(to->page, caption.text);
}

static cw_status works_figure(const cw_section *to, const cw_analysis_stage *s) {
  const cw_curve *up = cw_stage_curve(s, "work"), *down = cw_stage_curve(s, "work.reverse");
  char title[120];
  if (up == NULL) return CW_OK;
  snprintf(title, sizeof title, "%s: work", s->label);
  CW_TRY(cw_page_figure_begin(to->page, title, "W = −ln w", "density", false, false));
  CW_TRY(cw_page_curve(to->page, "up the ladder", CW_DRAW_STEPS, CW_ORANGE, up->n, up->x, up->y,
                       NULL));
  if (down != NULL)
    CW_TRY(cw_page_curve(to->page, "−W back down", CW_DRAW_STEPS, CW_BLUE, down->n, down->x,
                         down->y, NULL));
  return cw_page_figure_end(
      to->page, down != NULL ? "Of single particles, over the whole ladder. The two cross at the "
                               "free energy difference."
                             : "Of single particles, over the whole ladder. The mean lies above "
                               "the free energy difference by what is dissipated.");
}

cw_status cw_page_ladder(const cw_section *to) {
  static const common figures[] = {
      {"ladder.swaps", "Acceptance of swaps", "between rungs k and k+1, at k + ½", "acceptance",
       "Replicas travel fastest where all pairs accept alike.", CW_DRAW_POINTS},
      {"ladder.lnZ", "Free energy along the ladder", "position", "ln Z(t)/Z(0)",
       "From the mean weight of the walks at each rung.", CW_DRAW_BAND},
      {"ladder.ess", "Effective sample size along the ladder", "position", "ESS per particle",
       "Mean over walks, before resampling.", CW_DRAW_BAND}};
  bool any = false;
  for (int i = 0; i < to->c->n_stages; i++) any = any || on_ladder(&to->c->stage[i], to->c);
  if (!any) return CW_OK;
  CW_TRY(cw_page_heading(to->page, to->level, "Ladder"));
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
    CW_TRY(common_figure(to, &figures[i]));
  for (int i = 0; i < to->c->n_stages; i++) {
    if (!on_ladder(&to->c->stage[i], to->c)) continue;
    CW_TRY(works_figure(to, &to->c->stage[i]));
    CW_TRY(paths_figure(to, &to->c->stage[i]));
  }
  return CW_OK;
}
