/* Multi-spin kernels: 64 spins of a word and all words of a vector at once. Only integers, so that
 * all instruction sets give the same bits. */
#include "sampler/spinflip/spinflip.h"
#include "simd/philox.h"

#define INLINE static inline __attribute__((always_inline))

enum { N_VEC = CW_LANES / CW_VD };

static const uint64_t SIGN = 0x8000000000000000u, ONE = 0x3FF0000000000000u; /* of a double */

typedef uint64_t unaligned __attribute__((vector_size(CW_VBYTES), may_alias, aligned(8)));

INLINE cw_vu load(const uint64_t *p) { return (cw_vu) * (const unaligned *)p; }
INLINE void store(uint64_t *p, cw_vu a) { *(unaligned *)p = (unaligned)a; }

/* ---------------------------------------------------------------- fields and words */

/* The sign bits of row after row are pushed in from above. */
static void pack(const double *rows, int n, uint64_t *word, uint64_t *bad) {
  cw_vu w[N_VEC] = {{0}}, wrong[N_VEC] = {{0}};
  for (int r = 0; r < n; r++)
    for (int k = 0; k < N_VEC; k++) {
      cw_vu x = *(const cw_vu *)(rows + r * CW_LANES + k * CW_VD);
      w[k] = w[k] >> 1 | (x & SIGN);
      wrong[k] |= (x & ~SIGN) ^ ONE;
    }
  for (int k = 0; k < N_VEC; k++) {
    store(word + k * CW_VD, w[k] >> (64 - n));
    store(bad + k * CW_VD, load(bad + k * CW_VD) | wrong[k]);
  }
}

static void unpack(const uint64_t *word, int n, double *rows) {
  cw_vu w[N_VEC];
  for (int k = 0; k < N_VEC; k++) w[k] = load(word + k * CW_VD) << (64 - n);
  for (int r = n - 1; r >= 0; r--)
    for (int k = 0; k < N_VEC; k++) {
      *(cw_vu *)(rows + r * CW_LANES + k * CW_VD) = (w[k] & SIGN) | ONE;
      w[k] <<= 1;
    }
}

/* ----------------------------------------------------- random numbers and thresholds */

/* The next binary digit of the random numbers, in two words per lane, against digit j of threshold
 * t: what was equal so far stays so where digits agree, is below where the threshold has the 1.
 * Once the threshold has only zeros left nothing can be below. */
INLINE void compare_digit(const cw_vu random[2], uint64_t t, int j, cw_vu equal[2],
                          cw_vu below[2]) {
  const cw_vu digit = cw_vu_set1(-(t >> (63 - j) & 1));
  const cw_vu goes_on = cw_vu_set1(-(uint64_t)(t << j << 1 != 0));
  for (int i = 0; i < 2; i++) {
    below[i] |= equal[i] & digit & ~random[i];
    equal[i] &= ~(random[i] ^ digit) & goes_on;
  }
}

/* Digits are drawn until every comparison of the vector is decided, two planes at a time. */
INLINE void compare_pairs(const cw_philox_keys *key, const cw_spin_draws *d, cw_vu pair,
                          cw_vu chain, const uint64_t *t, int n, cw_vu below[][2]) {
  cw_vu equal[CW_SPIN_COUNTS][2];
  for (int k = 0; k < n; k++)
    for (int i = 0; i < 2; i++) {
      equal[k][i] = ~(cw_vu){0};
      below[k][i] = (cw_vu){0};
    }
  for (int j = 0; j < CW_SPIN_PLANES; j += 2) {
    cw_vu c[2][4], open = {0};
    for (int p = 0; p < 2; p++) {
      c[p][0] = pair;
      c[p][1] = chain;
      c[p][2] = cw_vu_set1(d->step);
      c[p][3] = cw_vu_set1(d->draw + (uint32_t)(j + p));
    }
    cw_vu_philox_all(key, c, 2);
    for (int p = 0; p < 2; p++) {
      const cw_vu random[2] = {c[p][1] << 32 | (c[p][0] & 0xFFFFFFFFu),
                               c[p][3] << 32 | (c[p][2] & 0xFFFFFFFFu)};
#pragma GCC unroll 9
      for (int k = 0; k < n; k++) compare_digit(random, t[k], j + p, equal[k], below[k]);
    }
#pragma GCC unroll 9
    for (int k = 0; k < n; k++) open |= equal[k][0] | equal[k][1];
    if (!cw_vu_any(open)) return;
  }
}

/* n: literal. */
INLINE void compare_all(const cw_spin_draws *d, const uint64_t *t, int n, long n_pairs,
                        long n_chains, uint64_t *below, long stride) {
  const cw_philox_keys key = cw_philox_schedule(d->rng);
  for (long u = 0; u < n_chains * n_pairs; u += CW_VD) {
    uint64_t pair[CW_VD] CW_ALIGNED, chain[CW_VD] CW_ALIGNED;
    cw_vu found[CW_SPIN_COUNTS][2];
    for (int l = 0; l < CW_VD; l++) {
      pair[l] = (uint64_t)((u + l) % n_pairs);
      chain[l] = d->first_chain + (uint64_t)((u + l) / n_pairs);
    }
    compare_pairs(&key, d, *(const cw_vu *)pair, *(const cw_vu *)chain, t, n, found);
    for (int k = 0; k < n; k++)
      for (long l = 0; l < CW_VD && u + l < n_chains * n_pairs; l++)
        for (int i = 0; i < 2; i++) below[k * stride + 2 * (u + l) + i] = found[k][i][l];
  }
}

static void compare(const cw_spin_draws *d, const cw_spin_rule *rule, long n_pairs, long n_chains,
                    uint64_t *below, long stride) {
  switch (rule->n_thresholds) {
#define CASE(n)                                                                                    \
  case n:                                                                                          \
    compare_all(d, rule->threshold, n, n_pairs, n_chains, below, stride);                          \
    break
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
    CASE(5);
    CASE(6);
    CASE(7);
    CASE(8);
    CASE(9);
#undef CASE
  }
}

/* ------------------------------------------------------------------------- flips */

/* Words i .. of a shifted string. */
INLINE cw_vu shifted(const uint64_t *string, long i, cw_spin_shift by) {
  const uint64_t *word = string + i + by.word;
  return load(word) >> by.bit | load(word + 1) << 1 << (63 - by.bit);
}

/* Neighbours in direction d, 2mu forward or 2mu+1 backward. */
INLINE cw_vu neighbours(const cw_spin_tables *t, const uint64_t *string, long i, int d) {
  cw_vu near = shifted(string, i, t->near[d]);
  if (d < 2) return near; /* direction 0: what lies beyond the string is its periodic image */
  return near ^ ((near ^ shifted(string, i, t->far[d])) & load(t->edge[d] + i));
}

/* Adds one bit to numbers of 4. */
INLINE void add_bit(cw_vu count[4], cw_vu bit) {
  for (int j = 0; j < 4; j++) {
    cw_vu carry = count[j] & bit;
    count[j] ^= bit;
    bit = carry;
  }
}

/* Where the number is n <= 2 dim. */
INLINE cw_vu equals(const cw_vu count[4], int n, int dim) {
  cw_vu mask = ~(cw_vu){0};
  for (int j = 0; 1 << j <= 2 * dim; j++) mask &= n >> j & 1 ? count[j] : ~count[j];
  return mask;
}

/* dim, metropolis: literals. */
INLINE long flip_colour(const cw_spin_tables *t, int colour, const cw_spin_rule *rule,
                        const uint64_t *below, long stride, uint64_t *string, int dim,
                        bool metropolis) {
  const uint64_t *mask = t->colour[colour];
  long n_flipped = 0;
  for (long i = 0; i < t->layout.n_words; i += CW_VD) {
    cw_vu count[4] = {{0}}, field = {0}, against = {0}, weak = {0}, s = load(string + i);
#pragma GCC unroll 8
    for (int d = 0; d < 2 * dim; d++) add_bit(count, neighbours(t, string, i, d));
#pragma GCC unroll 9
    for (int n = 0; n <= 2 * dim; n++) {
      cw_vu here = equals(count, n, dim);
      field |= here & rule->down[n];
      against |= here & load(below + rule->which[n] * stride + i);
      if (metropolis) weak |= here & rule->weak[n];
    }
    if (metropolis) against &= weak | ~(s ^ field);
    cw_vu change = (s ^ field ^ against) & load(mask + i);
    store(string + i, s ^ change);
    for (int l = 0; metropolis && l < CW_VD; l++) n_flipped += __builtin_popcountll(change[l]);
  }
  return n_flipped;
}

static long flip(const cw_spin_tables *t, int colour, const cw_spin_rule *rule,
                 const uint64_t *below, long stride, uint64_t *string) {
  switch (2 * t->layout.lat.dim + rule->metropolis) {
#define CASE(dim)                                                                                  \
  case 2 * dim:                                                                                    \
    return flip_colour(t, colour, rule, below, stride, string, dim, false);                        \
  case 2 * dim + 1:                                                                                \
    return flip_colour(t, colour, rule, below, stride, string, dim, true)
    CASE(0);
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
#undef CASE
  }
  return 0;
}

extern const cw_spin_kernels CW_ISA_NAME(cw_spin_kernels);
const cw_spin_kernels CW_ISA_NAME(cw_spin_kernels) = {pack, unpack, compare, flip};
