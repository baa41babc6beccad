#include "core/random.h"

#include <Random123/philox.h>

/* FNV-1a: spreads a name over 32 bits, which begin as h. */
static uint32_t spread_name(uint32_t h, const char *name) {
  for (const char *p = name; *p; p++) h = (h ^ (uint8_t)*p) * 16777619u;
  return h;
}

/* One to one on 32 bits: the finalizer of MurmurHash3 (A. Appleby, public domain). */
static uint32_t spread_number(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x85ebca6bu;
  h = (h ^ (h >> 13)) * 0xc2b2ae35u;
  return h ^ (h >> 16);
}

cw_rng cw_rng_stream(uint32_t seed, const char *stream) {
  return (cw_rng){{seed, spread_name(2166136261u, stream)}};
}

/* At a fixed name one to one in the number. */
cw_rng cw_rng_substream(cw_rng rng, const char *name, uint32_t number) {
  const uint32_t named = spread_number(spread_name(rng.key[1], name));
  return (cw_rng){{rng.key[0], spread_number(named ^ spread_number(number))}};
}

void cw_random_bits(cw_rng rng, uint32_t site, uint32_t chain, uint32_t step, uint32_t draw,
                    uint32_t out[4]) {
  philox4x32_ctr_t counter = {{site, chain, step, draw}};
  philox4x32_key_t key = {{rng.key[0], rng.key[1]}};
  philox4x32_ctr_t r = philox4x32(counter, key);
  for (int i = 0; i < 4; i++) out[i] = r.v[i];
}

void cw_uniform2(cw_rng rng, uint32_t site, uint32_t chain, uint32_t step, uint32_t draw,
                 double u[2]) {
  uint32_t r[4];
  cw_random_bits(rng, site, chain, step, draw, r);
  u[0] = cw_open_unit(r[0], r[1]);
  u[1] = cw_open_unit(r[2], r[3]);
}

void cw_normal_lanes(cw_isa isa, cw_rng rng, uint32_t site, uint32_t first_chain, uint32_t step,
                     uint32_t draw, int n_lanes, double *z) {
  CW_REQUIRE(n_lanes > 0 && n_lanes % 16 == 0);
  CW_DISPATCH(isa, cw_random_kernels)->normal_lanes(rng, site, first_chain, step, draw, n_lanes, z);
}

/* One lane of the lane kernel, so that both have the same bits. */
void cw_normal2(cw_isa isa, cw_rng rng, uint32_t site, uint32_t chain, uint32_t step, uint32_t draw,
                double z[2]) {
  double lanes[32] __attribute__((aligned(64)));
  cw_normal_lanes(isa, rng, site, chain, step, draw, 16, lanes);
  z[0] = lanes[0];
  z[1] = lanes[16];
}
