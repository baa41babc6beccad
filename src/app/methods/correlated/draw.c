#include "app/methods/correlated/correlated.h"
#include "app/page/page.h"
cw_status cw_draw_correlated(const cw_case_page *to, const cw_analysis_stage *s) {
  (void)to;
  (void)s;
  return CW_OK;
}
