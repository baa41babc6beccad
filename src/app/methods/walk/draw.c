/* Works of walks. */
#include <stdio.h>

#include "app/methods/walk/walk.h"
#include "app/page/page.h"

cw_status cw_draw_walk(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_curve *up = cw_stage_curve(s, "work"), *down = cw_stage_curve(s, "work.reverse");
  char title[120];
  if (up == NULL) return CW_OK;
  snprintf(title, sizeof title, "%s: work", s->part.label);
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
