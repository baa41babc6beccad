/* Masked dense layers: a site sees all that are drawn already, by weights of its own. */
#include "model/autoregressive/parts.h"

static bool dense_links(const cw_links_plan *p, int i, bool first, cw_links *all) {
  for (int from = 0; cw_readable(from, i, first); from++)
    if (!cw_links_add(all, (long)i * p->order->n + from, i, from)) return false;
  return true;
}

static const cw_autoregressive_parts parts = {
    .draw_order = cw_order_lexicographic, .add_links = dense_links, .biases = CW_BIAS_SITES};

extern const cw_autoregressive_kind cw_autoregressive_made;
const cw_autoregressive_kind cw_autoregressive_made = {
    .name = "made",
    .title = "MADE: masked dense layers",
    .source = "M. Germain et al., arXiv:1502.03509; of spins: arXiv:1809.10606",
    .parts = &parts};
