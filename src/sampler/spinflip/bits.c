/* Strings of bits, and the tables of a lattice. */
#include <math.h>
#include <stdlib.h>

#include "sampler/spinflip/spinflip.h"

enum { WORD = 64, PAIR = 128 };

cw_spin_layout cw_spin_layout_of(const cw_lattice *lat) {
  cw_spin_layout l = {.n_sites = cw_lattice_sites(lat)};
  for (int mu = 0; mu < lat->dim; mu++)
    if (lat->extent[mu] > 1) l.lat.extent[l.lat.dim++] = lat->extent[mu];
  long stride = l.n_sites;
  for (int mu = 0; mu < l.lat.dim; mu++) l.stride[mu] = stride /= l.lat.extent[mu];
  l.n_pairs = (l.n_sites + PAIR - 1) / PAIR;
  l.n_words = 2 * l.n_pairs;
  l.margin = (l.stride[0] / WORD / CW_SPIN_PAD + 2) * CW_SPIN_PAD;
  l.length = 2 * l.margin + (l.n_words + CW_SPIN_PAD - 1) / CW_SPIN_PAD * CW_SPIN_PAD;
  return l;
}

/* Bits before the string have negative numbers. */
static long word_of(long bit) { return (bit - (bit & (WORD - 1))) / WORD; }

void cw_spin_put(uint64_t *string, long at, uint64_t bits, int n) {
  const uint64_t mask = n == WORD ? ~0ull : (1ull << n) - 1;
  const int low = (int)(at & (WORD - 1));
  uint64_t *word = string + word_of(at);
  word[0] = (word[0] & ~(mask << low)) | (bits & mask) << low;
  if (low + n > WORD) word[1] = (word[1] & ~(mask >> (WORD - low))) | (bits & mask) >> (WORD - low);
}

uint64_t cw_spin_get(const uint64_t *string, long at, int n) {
  const int low = (int)(at & (WORD - 1));
  const uint64_t *word = string + word_of(at);
  uint64_t bits = word[0] >> low;
  if (low + n > WORD) bits |= word[1] << (WORD - low);
  return n == WORD ? bits : bits & ((1ull << n) - 1);
}

static void copy(uint64_t *string, long to, long from, long n) {
  for (long i = 0; i < n; i += WORD) {
    int m = n - i < WORD ? (int)(n - i) : WORD;
    cw_spin_put(string, to + i, cw_spin_get(string, from + i, m), m);
  }
}

void cw_spin_wrap(const cw_spin_layout *l, uint64_t *string) {
  copy(string, -l->stride[0], l->n_sites - l->stride[0], l->stride[0]);
  copy(string, l->n_sites, 0, l->stride[0]);
}

/* ------------------------------------------------------------------------- tables */

/* 0, 1, 0, 1 ... along each direction, and 2 at the end of odd ones; sums of these differ by 1
 * between neighbours modulo the number of colours. */
static int colour_of(const cw_lattice *lat, const int coord[], int n_colours) {
  int sum = 0;
  for (int mu = 0; mu < lat->dim; mu++)
    sum += lat->extent[mu] % 2 == 1 && coord[mu] == lat->extent[mu] - 1 ? 2 : coord[mu] % 2;
  return sum % n_colours;
}

static int count_colours(const cw_lattice *lat) {
  if (lat->dim == 0) return 1;
  for (int mu = 0; mu < lat->dim; mu++)
    if (lat->extent[mu] % 2 == 1) return 3;
  return 2;
}

static cw_spin_shift shift_by(long bits) {
  return (cw_spin_shift){word_of(bits), (uint64_t)(bits & (WORD - 1))};
}

static void fill_masks(cw_spin_tables *t) {
  const cw_lattice *lat = &t->layout.lat;
  for (long s = 0; s < t->layout.n_sites; s++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(lat, s, coord);
    cw_spin_put(t->colour[colour_of(lat, coord, t->n_colours)], s, 1, 1);
    for (int mu = 1; mu < lat->dim; mu++) {
      if (coord[mu] == lat->extent[mu] - 1) cw_spin_put(t->edge[2 * mu], s, 1, 1);
      if (coord[mu] == 0) cw_spin_put(t->edge[2 * mu + 1], s, 1, 1);
    }
  }
}

cw_spin_tables *cw_spin_tables_create(const cw_lattice *lat) {
  const cw_spin_layout l = cw_spin_layout_of(lat);
  const int n_colours = count_colours(&l.lat), n_edges = l.lat.dim > 0 ? 2 * (l.lat.dim - 1) : 0;
  const size_t words = (size_t)l.n_words + CW_SPIN_PAD;
  const size_t masks = (size_t)(n_colours + n_edges) * words;
  cw_spin_tables *t = cw_alloc(sizeof *t + masks * sizeof *t->memory);
  if (t == NULL) return NULL;
  uint64_t *next = t->memory;
  t->layout = l;
  t->n_colours = n_colours;
  for (int i = 0; i < n_colours; i++, next += words) t->colour[i] = next;
  for (int i = 2; i < n_edges + 2; i++, next += words) t->edge[i] = next;
  for (int mu = 0; mu < l.lat.dim; mu++) {
    long step = l.stride[mu], round = (l.lat.extent[mu] - 1) * step;
    t->near[2 * mu] = shift_by(step);
    t->near[2 * mu + 1] = shift_by(-step);
    t->far[2 * mu] = shift_by(-round);
    t->far[2 * mu + 1] = shift_by(round);
  }
  fill_masks(t);
  return t;
}

/* -------------------------------------------------------------------------- rule */

static int find_threshold(cw_spin_rule *r, uint64_t threshold) {
  for (int k = 0; k < r->n_thresholds; k++)
    if (r->threshold[k] == threshold) return k;
  r->threshold[r->n_thresholds] = threshold;
  return r->n_thresholds++;
}

/* With the local field f = -dS/ds, p(s) ~ exp(s f): against the field with probability 1/(1 +
 * e^2|f|), and Metropolis turns against it with probability e^-2|f|, and along it always. In a weak
 * field that would turn nearly every spin in every sweep, all spins of a colour at once: a motion
 * of period two, which takes 1/2|f| sweeps to forget where it began, and without field never does.
 * Where Metropolis would turn against the field with more than probability 1/2 the heat bath does
 * the update instead: |f| is the same before and after, so that each site has its own rule. */
cw_spin_rule cw_spin_rule_make(int dim, double bond, double field, bool metropolis) {
  cw_spin_rule r = {.metropolis = metropolis};
  for (int n = 0; n <= 2 * dim; n++) {
    double f = -(bond * (2 * dim - 2 * n) + field), boltzmann = exp(-2 * fabs(f));
    const bool strong = metropolis && boltzmann <= 0.5;
    double p = strong ? boltzmann : boltzmann / (1 + boltzmann);
    r.which[n] = find_threshold(&r, p < 1 ? (uint64_t)ldexp(p, 64) : UINT64_MAX);
    r.down[n] = f < 0 ? ~0ull : 0;
    r.weak[n] = strong ? 0 : ~0ull;
  }
  return r;
}
