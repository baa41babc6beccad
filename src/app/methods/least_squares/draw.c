/* What a fit learned from how many configurations, and which swaps it predicts at other volumes. */
#include <math.h>

#include "app/methods/least_squares/least_squares.h"
#include "app/page/page.h"

/* K is in proportion to the number of sites. */
static cw_status volume_figure(const cw_case_page *to, const cw_analysis_stage *s) {
  enum { POINTS = 41 };
  static const char *const names[] = {"K", "K_without"}, *const labels[] = {"with the flow",
                                                                            "without"};
  CW_TRY(cw_page_figure_begin(to->page, "Swaps that the fit predicts, by volume",
                              "sites over those of this lattice", "acceptance", true, false));
  for (int i = 0; i < 2; i++) {
    const cw_result *K = cw_stage_result(s, names[i], cw_stage_extreme(s, names[i], 1));
    double x[POINTS], y[POINTS];
    if (K == NULL) continue;
    for (int k = 0; k < POINTS; k++) {
      x[k] = pow(2, 0.2 * (k - (POINTS - 1) / 2));
      y[k] = cw_gaussian_acceptance(K->e.value * x[k]);
    }
    CW_TRY(cw_page_curve(to->page, labels[i], CW_DRAW_LINE, i == 0 ? CW_BLUE : CW_GREY, POINTS, x,
                         y, NULL));
  }
  return cw_page_figure_end(to->page,
                            "Of the pair of rungs with the largest K, which grows with the "
                            "number of sites: acceptance erfc(√K/2).");
}

static cw_status learning_figure(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_curve *c = cw_stage_curve(s, "learning");
  if (c == NULL || c->n < 2) return CW_OK;
  CW_TRY(cw_page_figure_begin(to->page, "What a fit learns from its configurations",
                              "configurations", "ρ", true, false));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_POINTS, s->part.colour, c->n, c->x, c->y, NULL));
  return cw_page_figure_end(to->page,
                            "Of the pair with the largest K: the first half, quarter, ... of "
                            "its configurations.");
}

cw_status cw_draw_least_squares(const cw_case_page *to, const cw_analysis_stage *s) {
  CW_TRY(learning_figure(to, s));
  return volume_figure(to, s);
}
