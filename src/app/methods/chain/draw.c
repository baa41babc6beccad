/* The integrand, and how its integral compares with direct sampling. */
#include "app/methods/chain/chain.h"
#include "app/page/page.h"

/* How the chain integration and the model compare; nothing if one is missing. */
static void say_comparison(cw_prose *p, const cw_analysis_case *c) {
  const cw_result *flow = cw_case_result(c, "F_q"), *chain = cw_case_result(c, "F_chain");
  if (flow == NULL || chain == NULL || !(flow->e.error > 0) || !(chain->e.error > 0)) return;
  double ratio = chain->e.error / flow->e.error,
         equal = ratio * sqrt((double)chain->e.n / (double)flow->e.n);
  cw_say(p,
         "Direct sampling and chain integration differ by %.1f standard deviations. The error of "
         "the chain "
         "integration, from %ld "
         "configurations, is %.3g times that of direct sampling, from %ld samples; for equal "
         "numbers of "
         "configurations, with "
         "errors falling as one over the root, it would be %.3g times as large.",
         fabs(cw_pull(flow, chain)), chain->e.n, ratio, flow->e.n, equal);
}

cw_status cw_draw_chain(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_curve *slope = cw_stage_curve(s, "slope");
  if (slope == NULL) return CW_OK;
  cw_prose p = {0};
  say_comparison(&p, to->c);
  if (p.used > 0) CW_TRY(cw_page_paragraph(to->page, p.text));
  CW_TRY(cw_page_figure_begin(to->page, "Integrand of the chain integration", "κ", "⟨−∂S/∂κ⟩",
                              false, false));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_POINTS, CW_BLUE, slope->n, slope->x, slope->y,
                       slope->dy));
  return cw_page_figure_end(
      to->page,
      "ln Z(κ) = ln Z(0) + ∫ ⟨−∂S/∂κ⟩ dκ, with one set of chains at each Gauss–Legendre node.");
}
