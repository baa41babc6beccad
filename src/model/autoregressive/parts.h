/* What makes a kind of autoregressive model: the order of its sites, and which earlier ones reach
 * which through which weights. Private to src/model. */
#ifndef CW_MODEL_PARTS_H
#define CW_MODEL_PARTS_H

#include "model/autoregressive/order.h"

/* Site `in` reaches site `out`, both counted in the order of drawing. Links of equal keys share
 * their weights. */
typedef struct {
  long key;
  int out, in;
  int tap; /* number of the key, given later */
} cw_link;
typedef struct {
  long n, capacity;
  cw_link *link;
} cw_links;
enum { CW_MAX_LINKS = 1 << 25 }; /* of a layer */
/* false: no memory, or too many. */
bool cw_links_add(cw_links *all, long key, int out, int in);

typedef struct {
  const cw_autoregressive_spec *spec;
  const cw_lattice *lat;
  const cw_order *order;
  int *work, *near; /* (2n) cleared, (n): for cw_order_frontier */
} cw_links_plan;

/* A layer above the first also sees its own site, where what was computed knows earlier spins. */
static inline bool cw_readable(int from, int site, bool first) {
  return from < site || (!first && from == site);
}

/* Biases of a layer are one for all sites, or each site's, or each group's own. */
typedef enum { CW_BIAS_ONE, CW_BIAS_SITES, CW_BIAS_GROUPS } cw_bias_sharing;

typedef struct cw_autoregressive_parts {
  /* Fills site and group of an order whose n is set, and n_group. */
  void (*draw_order)(const cw_autoregressive_spec *spec, const cw_lattice *lat, cw_order *order);
  /* What reaches a site in the first layer, from earlier sites only, or in those above it, from
   * itself too. false: no memory. */
  bool (*add_links)(const cw_links_plan *p, int site, bool first, cw_links *all);
  cw_bias_sharing biases;
} cw_autoregressive_parts;

/* The order of global sites, the last coordinate fastest, in groups as spec->share says. */
void cw_order_lexicographic(const cw_autoregressive_spec *spec, const cw_lattice *lat,
                            cw_order *order);

#endif
