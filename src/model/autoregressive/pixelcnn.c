/* Masked convolutions: a site sees what lies within the kernel and is drawn already. */
#include "model/autoregressive/parts.h"

static bool conv_links(const cw_links_plan *p, int i, bool first, cw_links *all) {
  const int kernel = p->spec->kernel, dim = p->lat->dim;
  int here[CW_MAX_DIM], coord[CW_MAX_DIM], n_tap = 1;
  cw_lattice_coord(p->lat, p->order->site[i], here);
  for (int d = 0; d < dim; d++) n_tap *= kernel;
  for (int k = 0; k < n_tap; k++) {
    bool inside = true;
    for (int d = dim - 1, left = k; d >= 0; d--, left /= kernel) {
      coord[d] = here[d] + left % kernel - kernel / 2;
      inside = inside && coord[d] >= 0 && coord[d] < p->lat->extent[d];
    }
    if (!inside && !p->spec->periodic) continue;
    int from = p->order->position[cw_lattice_site(p->lat, coord)];
    if (cw_readable(from, i, first) && !cw_links_add(all, k, i, from)) return false;
  }
  return true;
}

static const cw_autoregressive_parts parts = {
    .draw_order = cw_order_lexicographic, .add_links = conv_links, .biases = CW_BIAS_ONE};

extern const cw_autoregressive_kind cw_autoregressive_pixelcnn;
const cw_autoregressive_kind cw_autoregressive_pixelcnn = {
    .name = "pixelcnn",
    .title = "PixelCNN: masked convolutions",
    .source = "A. van den Oord et al., arXiv:1601.06759, 1606.05328; of spins: arXiv:1809.10606",
    .kernel = true,
    .parts = &parts};
