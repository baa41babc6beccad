/* Inside of the spin-flip sampler: strings of bits, and kernels on them. */
#ifndef CW_SAMPLER_SPINFLIP_H
#define CW_SAMPLER_SPINFLIP_H

#include "causeway/sampler.h"
#include "simd/dispatch.h"

enum {
  CW_SPIN_COUNTS = 2 * CW_MAX_DIM + 1, /* 0 .. 2 dim neighbours can be down */
  CW_SPIN_COLOURS = 3,
  CW_SPIN_PAD = 8,        /* words that the longest vector may reach beyond an array */
  CW_SPIN_PLANES = 1 << 6 /* random bits per spin, at most: draw numbers of a sweep */
};

/* One configuration as a string of bits: bit n is site n, 1 where the spin is -1, as the sign bit
 * of a double. Directions of extent 1 are left out, as their bonds are constant, which does not
 * change the numbers of sites. Bits of one slice in direction 0 stand once more, periodically,
 * before and after the string. */
typedef struct {
  cw_lattice lat;          /* directions of extents above 1; dim may be 0 */
  long stride[CW_MAX_DIM]; /* sites from x to x+mu */
  long n_sites, n_pairs;   /* a pair of words, 128 sites, is decided by the bits of one draw */
  long n_words;            /* 2 n_pairs, of the string proper */
  long margin;             /* words before it, a multiple of CW_SPIN_PAD */
  long length;             /* words in all */
} cw_spin_layout;

cw_spin_layout cw_spin_layout_of(const cw_lattice *lat);

/* Writes and reads n <= 64 bits of a string from bit at on. */
void cw_spin_put(uint64_t *string, long at, uint64_t bits, int n);
uint64_t cw_spin_get(const uint64_t *string, long at, int n);
/* Writes what stands once more before and after a string. */
void cw_spin_wrap(const cw_spin_layout *layout, uint64_t *string);

/* By how many words, and then bits, a string is shifted: bit n takes bit n + 64 word + bit. */
typedef struct {
  long word;
  uint64_t bit;
} cw_spin_shift;

/* Sites of a colour have no neighbours of the same one. Two colours where all extents are even,
 * else three. Masks have n_words + CW_SPIN_PAD words and bits of the string proper only. */
typedef struct {
  cw_spin_layout layout;
  int n_colours;
  uint64_t *colour[CW_SPIN_COLOURS];
  uint64_t *edge[2 * CW_MAX_DIM]; /* sites where direction 2mu (forward), 2mu+1 leaves the lattice;
                                     NULL: mu = 0 */
  cw_spin_shift near[2 * CW_MAX_DIM], far[2 * CW_MAX_DIM]; /* to neighbours, inside and at edges */
  uint64_t memory[];
} cw_spin_tables;

/* NULL: no memory. Release with free(). */
cw_spin_tables *cw_spin_tables_create(const cw_lattice *lat);

/* What is done at a site with n of its 2 dim neighbours down: the spin gets the sign of its local
 * field, or the other one where a random number is below a threshold. Metropolis does so only where
 * the spin has the sign of the field, or the field is weak. All members are by n. */
typedef struct {
  bool metropolis;
  int n_thresholds;
  uint64_t
      threshold[CW_SPIN_COUNTS]; /* 2^64 times the probability; without repetitions, not by n */
  int which[CW_SPIN_COUNTS];     /* number of its threshold */
  uint64_t down[CW_SPIN_COUNTS]; /* all bits set: the field points down */
  uint64_t weak[CW_SPIN_COUNTS]; /* all bits set: the field is weak, for the heat bath */
} cw_spin_rule;

/* S = bond sum s_x s_(x+mu) + field sum s_x. */
cw_spin_rule cw_spin_rule_make(int dim, double bond, double field, bool metropolis);

/* Random numbers of one sweep: bit n of plane k is that of (site n / 128, chain, step, draw + k).
 */
typedef struct {
  cw_rng rng;
  uint32_t first_chain, step, draw;
} cw_spin_draws;

typedef struct {
  /* n <= 64 rows of a field -> bits 0 .. n-1 of a word for each lane; bad[lane]: not zero if a
   * number is not +1 or -1, else as it was */
  void (*pack)(const double *rows, int n, uint64_t word[CW_LANES], uint64_t bad[CW_LANES]);
  /* and back */
  void (*unpack)(const uint64_t word[CW_LANES], int n, double *rows);
  /* below (n_thresholds, stride): per threshold the strings of n_chains, n_words each, with a bit
   * set where the random number of this site is below it */
  void (*compare)(const cw_spin_draws *draws, const cw_spin_rule *rule, long n_pairs, long n_chains,
                  uint64_t *below, long stride);
  /* Updates the sites of a colour of one string; below (n_thresholds, stride) of its chain. Returns
   * how many spins changed, with Metropolis. */
  long (*flip)(const cw_spin_tables *t, int colour, const cw_spin_rule *rule, const uint64_t *below,
               long stride, uint64_t *string);
} cw_spin_kernels;
CW_ISA_TABLES(cw_spin_kernels, cw_spin_kernels);

#endif
