#include "sampler/heatbath/set.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- classes */

/* Scratch of the making: what is known of every link of the lattice. */
typedef struct {
  int32_t *place; /* (links) place in the set, -1: none */
  int *colour;    /* (links of the set, ascending) within their piece and direction */
  long n_pieces;
} scratch;

/* Large sets are done piece by piece, so that the links that a piece sees stay in the cache while its
 * classes pass over them: about so many links in ascending order. */
enum { PIECE = 256, MOST_COLOURS = 2 * (CW_MAX_DIM - 1) + 1 };

static long piece_begin(const cw_link_set *links, const scratch *s, long piece) {
  return links->n * piece / s->n_pieces;
}

/* Of link number i: the lowest that none before it in its piece has, of those that it shares a
 * plaquette with. Parallel ones are every third of the links of its staples. */
static int first_free_colour(const cw_link_set *links, const scratch *s, long begin, long i) {
  long around[CW_LINKS_AROUND];
  uint32_t used = 0;
  int n = cw_link_staples(&links->lat, links->link[i], around);
  for (int k = 1; k < n; k += 3) {
    long j = s->place[around[k]];
    if (j >= begin && j < i) used |= 1u << s->colour[j];
  }
  return __builtin_ctz(~used);
}

/* Greedy, in ascending order. A link has at most 6 parallel neighbours. */
static void colour_links(const cw_link_set *links, const scratch *s) {
  for (long piece = 0; piece < s->n_pieces; piece++) {
    const long begin = piece_begin(links, s, piece), end = piece_begin(links, s, piece + 1);
    for (long i = begin; i < end; i++) s->colour[i] = first_free_colour(links, s, begin, i);
  }
}

/* The links of one piece, direction and colour, ascending. */
static void add_class(const cw_link_set *links, const scratch *s, long piece, int mu, int colour,
                      cw_set_plan *set) {
  const int dim = links->lat.dim;
  cw_link_class class = {.mu = mu, .begin = set->n};
  for (long i = piece_begin(links, s, piece); i < piece_begin(links, s, piece + 1); i++)
    if (links->link[i] % dim == mu && s->colour[i] == colour) {
      set->site[set->n] = (uint64_t)(links->link[i] / dim);
      set->link[set->n++] = links->link[i];
    }
  class.n = set->n - class.begin;
  if (class.n > 0) set->classes[set->n_classes++] = class;
}

/* Places of the set: piece by piece, direction by direction, class by class. */
static void sort_links(const cw_link_set *links, const scratch *s, cw_set_plan *set) {
  for (long piece = 0; piece < s->n_pieces; piece++)
    for (int mu = 0; mu < links->lat.dim; mu++)
      for (int colour = 0; colour < MOST_COLOURS; colour++)
        add_class(links, s, piece, mu, colour, set);
  set->n_places = set->n;
  for (long i = 0; i < set->n; i++) s->place[set->link[i]] = (int32_t)i;
}

/* The frozen links of staples get places too. */
static void add_margin(const cw_lattice *lat, const scratch *s, cw_set_plan *set) {
  long around[CW_LINKS_AROUND];
  for (long i = 0; i < set->n; i++) {
    int n = cw_link_staples(lat, set->link[i], around);
    for (int k = 0; k < n; k++) {
      if (s->place[around[k]] < 0) {
        s->place[around[k]] = (int32_t)set->n_places;
        set->link[set->n_places++] = around[k];
      }
      set->around[k * set->n + i] = (uint32_t)s->place[around[k]];
    }
  }
}

/* -------------------------------------------------------------------- tables */

typedef struct {
  uint32_t row, group;
  long place;
} copy_order;

static int by_row(const void *a, const void *b) {
  const copy_order *x = a, *y = b;
  if (x->row != y->row) return x->row < y->row ? -1 : 1;
  return (x->group > y->group) - (x->group < y->group);
}

/* In the order of memory, in which several lanes of a row are read together. */
static bool sort_copies(cw_set_plan *set) {
  copy_order *order = cw_alloc((size_t)set->n_places * sizeof *order);
  if (order == NULL) return false;
  for (long i = 0; i < set->n_places; i++)
    order[i] = (copy_order){set->row[i], (uint32_t)set->group[i], i};
  qsort(order, (size_t)set->n_places, sizeof *order, by_row);
  for (long i = 0; i < set->n_places; i++) set->copied[i] = order[i].place;
  free(order);
  return true;
}

static void find_rows(const cw_geometry *g, cw_set_plan *set) {
  const int dim = g->lat.dim;
  for (long i = 0; i < set->n_places; i++) {
    long site = set->link[i] / dim;
    set->row[i] = (uint32_t)(g->outer[site] * dim + (int)(set->link[i] % dim));
    set->group[i] = g->group[site];
    set->at[i] = set->in_place ? set->row[i] : (uint32_t)i;
    if (set->on != NULL) set->at[i] = (uint32_t)set->on->place[set->link[i]];
  }
  for (long i = 0; i < 3 * set->n_staples * set->n; i++) set->around[i] = set->at[set->around[i]];
}

static void find_plaquettes(const cw_theory *th, cw_set_plan *set) {
  const int dim = th->geom->lat.dim, B = CW_LANES / th->geom->V;
  for (int c = 0; c < set->n_classes; c++) {
    cw_link_class *class = &set->classes[c];
    for (long i = class->begin; i < class->begin + class->n; i++) {
      const uint8_t(*defects)[CW_LANES] =
          cw_wilson_defects(th, set->row[i] / (uint32_t)dim, class->mu);
      class->weighted |= defects != NULL;
      for (int s = 0; s < set->n_staples; s++) {
        int nu = s / 2 + (s / 2 >= class->mu), temporal = class->mu == dim - 1 || nu == dim - 1;
        int n = defects != NULL ? defects[s][set->group[i] * B] : 0;
        set->plaquette[s * set->n + i] = (uint8_t)(temporal + 2 * n);
      }
    }
  }
}

/* ------------------------------------------------------------------ creation */

static bool allocate(const cw_link_set *links, cw_set_plan *set, scratch *s) {
  const size_t n = (size_t)links->n, all = (size_t)(cw_lattice_sites(&links->lat) * links->lat.dim);
  const size_t around = 3 * (size_t)set->n_staples,
               most = n * (1 + around) < all ? n * (1 + around) : all;
  s->place = cw_alloc(all * sizeof *s->place);
  s->colour = cw_alloc(n * sizeof *s->colour);
  s->n_pieces = links->n > PIECE ? (links->n + PIECE / 2) / PIECE : 1;
  set->classes =
      cw_alloc((size_t)(s->n_pieces * links->lat.dim * MOST_COLOURS) * sizeof *set->classes);
  set->link = cw_alloc(most * sizeof *set->link);
  set->row = cw_alloc(most * sizeof *set->row);
  set->group = cw_alloc(most * sizeof *set->group);
  set->copied = cw_alloc(most * sizeof *set->copied);
  set->at = cw_alloc(most * sizeof *set->at);
  set->site = cw_alloc(n * sizeof *set->site);
  set->around = cw_alloc(around * n * sizeof *set->around);
  set->plaquette = cw_alloc((size_t)set->n_staples * n);
  if (s->place == NULL || s->colour == NULL || set->classes == NULL || set->link == NULL ||
      set->row == NULL || set->group == NULL || set->at == NULL || set->around == NULL ||
      set->plaquette == NULL || set->site == NULL || set->copied == NULL)
    return false;
  for (size_t i = 0; i < all; i++) s->place[i] = -1;
  for (size_t i = 0; i < n; i++) s->place[links->link[i]] = (int32_t)i;
  return true;
}

static bool allocate_patches(const cw_theory *th, int threads, cw_set_plan *set) {
  const int B = CW_LANES / th->geom->V, n_real = cw_kind(th->ops->kind)->n_real;
  set->n_patches = threads;
  if (set->in_place || set->on != NULL) return true;
  set->patch_size = ((size_t)(set->n_places * B * n_real) + 7) & ~(size_t)7;
  set->patch = cw_alloc((size_t)threads * set->patch_size * sizeof *set->patch);
  return set->patch != NULL;
}

static bool build(const cw_theory *th, const cw_link_set *links, int threads, cw_set_plan *set) {
  scratch s = {0};
  bool ok = allocate(links, set, &s);
  if (ok) {
    colour_links(links, &s);
    sort_links(links, &s, set);
    add_margin(&links->lat, &s, set);
    find_rows(th->geom, set);
    find_plaquettes(th, set);
    ok = sort_copies(set) && allocate_patches(th, threads, set);
  }
  free(s.place);
  free(s.colour);
  return ok;
}

cw_status cw_set_plan_create(cw_context *ctx, const cw_theory *th, const cw_link_set *links,
                             const cw_patch *patch, int threads, cw_set_plan **out) {
  CW_REQUIRE(cw_lattice_equal(&links->lat, &th->geom->lat));
  cw_set_plan *set = *out = cw_alloc(sizeof *set);
  if (set != NULL) {
    set->n_staples = 2 * (links->lat.dim - 1);
    set->on = patch;
    set->in_place = th->geom->V == 1 && patch == NULL;
    if (build(th, links, threads, set)) return CW_OK;
  }
  cw_set_plan_destroy(set);
  *out = NULL;
  return cw_fail(ctx, CW_ENOMEM, "no memory for the %ld links of heat-bath sweeps", links->n);
}

void cw_set_plan_destroy(cw_set_plan *set) {
  if (set == NULL) return;
  free(set->classes);
  free(set->link);
  free(set->site);
  free(set->row);
  free(set->group);
  free(set->copied);
  free(set->at);
  free(set->around);
  free(set->plaquette);
  free(set->patch);
  free(set);
}

/* --------------------------------------------------------------------- patches */

static int chains_of(const cw_field *x) { return x->n_config < x->B ? (int)x->n_config : x->B; }

/* The numbers of a link and chain in a block, CW_LANES apart. */
static double *numbers(const cw_set_plan *set, const cw_field *x, size_t n_real, long place,
                       int chain) {
  return x->data + set->row[place] * n_real * CW_LANES + set->group[place] * x->B + chain;
}

cw_set_block cw_set_load(const cw_set_plan *set, const cw_field *x, int patch) {
  CW_REQUIRE(x->patch == set->on);
  const size_t n_real = (size_t)(x->n_comp / x->geom->lat.dim);
  cw_set_block b = {.n_chains = chains_of(x), .first_chain = x->first_chain};
  if (set->in_place) {
    b.data = x->data;
    b.stride = n_real * CW_LANES;
    return b;
  }
  b.chain = n_real;
  if (set->on != NULL) {
    b.data = x->data;
    b.stride = n_real * (size_t)x->B;
    return b;
  }
  b.data = set->patch + (size_t)patch * set->patch_size;
  b.stride = n_real * (size_t)b.n_chains;
  for (long j = 0; j < set->n_places; j++)
    for (int c = 0; c < b.n_chains; c++) {
      const long i = set->copied[j];
      const double *from = numbers(set, x, n_real, i, c);
      double *to = b.data + (size_t)i * b.stride + (size_t)c * b.chain;
      for (size_t k = 0; k < n_real; k++) to[k] = from[k * CW_LANES];
    }
  return b;
}

void cw_set_store(const cw_set_plan *set, const cw_set_block *b, const cw_field *x) {
  const size_t n_real = (size_t)(x->n_comp / x->geom->lat.dim);
  if (set->in_place || set->on != NULL) return;
  for (long j = 0; j < set->n_places; j++)
    for (int c = 0; c < b->n_chains && set->copied[j] < set->n; c++) {
      const long i = set->copied[j];
      const double *from = b->data + (size_t)i * b->stride + (size_t)c * b->chain;
      double *to = numbers(set, x, n_real, i, c);
      for (size_t k = 0; k < n_real; k++) to[k * CW_LANES] = from[k];
    }
}
