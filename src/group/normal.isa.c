/* Gaussian draws with a site and a chain of its own in every lane. */
#include "group/kind.h"
#include "simd/philox.h"

/* Whose draws: the first number of each lane's site, its chain, and the rest of the counter. */
typedef struct {
  cw_rng rng;
  uint32_t step, draw;
  uint64_t first[CW_LANES] CW_ALIGNED, chain[CW_LANES] CW_ALIGNED;
} draws;

/* Box and Muller as in cw_normal_lanes: numbers 2 pair and 2 pair + 1 of the lanes' chains. */
static inline void normal_pair(const draws *d, cw_vu pair, int lane, cw_vd z[2]) {
  cw_vu word[4] = {pair, *(const cw_vu *)(d->chain + lane), cw_vu_set1(d->step),
                   cw_vu_set1(d->draw) + (pair >> 32 << 28)}; /* cw_draw_of */
  cw_vd s = cw_vd_set1(0), c = s;
  cw_vu_philox(d->rng, word);
  cw_vd u0 = cw_vu_open_unit(word[0], word[1]), u1 = cw_vu_open_unit(word[2], word[3]);
  cw_vd r = cw_vd_sqrt(cw_vd_set1(-2) * cw_vd_log(u0));
  cw_vd_sincos(cw_vd_set1(6.283185307179586476925287) * u1, &s, &c);
  z[0] = r * c;
  z[1] = r * s;
}

/* An even number of components: a pair belongs to one site. */
static void pairs(const draws *d, int n_comp, double *row) {
  for (int j = 0; j < n_comp; j += 2)
    for (int v = 0; v < CW_LANES; v += CW_VD) {
      cw_vd z[2];
      normal_pair(d, (*(const cw_vu *)(d->first + v) + (uint64_t)j) >> 1, v, z);
      cw_vd_store(row + j * CW_LANES + v, z[0]);
      cw_vd_store(row + (j + 1) * CW_LANES + v, z[1]);
    }
}

/* An odd number: which half of its pair a number is depends on the lane's site. */
static void halves(const draws *d, int n_comp, double *row) {
  for (int j = 0; j < n_comp; j++)
    for (int v = 0; v < CW_LANES; v += CW_VD) {
      cw_vd z[2];
      cw_vu number = *(const cw_vu *)(d->first + v) + (uint64_t)j;
      normal_pair(d, number >> 1, v, z);
      cw_vl second = -(cw_vl)(number & 1);
      cw_vd_store(row + j * CW_LANES + v, cw_vd_select(second, z[1], z[0]));
    }
}

static void normal(cw_field *x, cw_rng rng, uint32_t step, uint32_t draw, long begin, long end) {
  draws d = {.rng = rng, .step = step, .draw = draw};
  for (int l = 0; l < CW_LANES; l++) d.chain[l] = (uint64_t)(x->first_chain + l % x->B);
  for (long o = begin; o < end; o++) {
    const int *site = x->geom->site + o * x->geom->V;
    for (int l = 0; l < CW_LANES; l++) d.first[l] = (uint64_t)site[l / x->B] * (uint64_t)x->n_comp;
    double *row = x->data + o * x->n_comp * CW_LANES;
    if (x->n_comp % 2 == 0)
      pairs(&d, x->n_comp, row);
    else
      halves(&d, x->n_comp, row);
  }
}

extern const cw_normal_kernels CW_ISA_NAME(cw_normal_kernels);
const cw_normal_kernels CW_ISA_NAME(cw_normal_kernels) = {normal};
