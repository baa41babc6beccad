/* Works of walks. */
#include "app/methods/walk/walk.h"
#include "app/page/page.h"

cw_status cw_draw_walk(const cw_case_page *to, const cw_analysis_stage *s) {
  return cw_page_works(
      to, s, "up the ladder", "−W back down",
      cw_stage_curve(s, "work.reverse") != NULL
          ? "Of single particles, over the whole ladder. The two cross at the free "
            "energy difference."
          : "Of single particles, over the whole ladder. The mean lies above the "
            "free energy difference by what is dissipated.");
}
