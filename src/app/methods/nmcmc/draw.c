/* How long chains stand still. */
#include "app/methods/nmcmc/nmcmc.h"
#include "app/page/page.h"

cw_status cw_draw_nmcmc(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_curve *runs = cw_stage_curve(s, "rejection_runs");
  if (runs == NULL) return CW_OK;
  CW_TRY(cw_page_figure_begin(to->page, "Runs of rejections of NMCMC", "length",
                              "runs at least as long", true, true));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_POINTS, CW_GREEN, runs->n, runs->x, runs->y, NULL));
  return cw_page_figure_end(to->page,
                            "Long runs are configurations that the model proposes far too rarely.");
}
