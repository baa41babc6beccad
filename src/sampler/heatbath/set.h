/* Sets of links as sweeps visit them. Private to this folder and to the tests.
 *
 * Links are updated piece by piece of the set, direction by direction, in classes of which no two
 * share a plaquette, so that any of a class may be updated at once, in whichever lanes: a lane is a (link, chain) pair. Where a
 * block of the field holds one chain in each lane, links are read and written where they are. Other
 * blocks are copied into a patch, the set and the frozen links of its staples, link after link with
 * the numbers of one link side by side, and gathered into lanes from there. */
#ifndef CW_HEATBATH_SET_H
#define CW_HEATBATH_SET_H

#include "sampler/heatbath/heatbath.h"

typedef struct {
  int mu;
  bool weighted; /* has a defect nearby */
  long begin, n; /* places */
} cw_link_class;

struct cw_set_plan {
  long n;        /* links of the set: places 0 .. n - 1, in the order of updates */
  long n_places; /* with the frozen ones behind them */
  int n_classes, n_staples;
  cw_link_class *classes;
  long *link;         /* (n_places) site * dim + mu */
  uint64_t *site;     /* (n) where a link of the set starts: keys its draws */
  uint32_t *row;      /* (n_places) outer * dim + mu in a block */
  int *group;         /* (n_places) v of the site */
  long *copied;       /* (n_places) places in the order of memory */
  uint32_t *at;       /* (n_places) where a link is: row, or place in the patch */
  uint32_t *around;   /* (3 * n_staples, n) where the links of its staples are */
  uint8_t *plaquette; /* (n_staples, n) class of the plaquette that a staple closes */
  const cw_patch *on; /* the fields have these links alone, borrowed; NULL: fields are whole */
  bool in_place;      /* chains are lanes of whole fields: no patch */
  int n_patches;      /* one of each thread */
  size_t patch_size;  /* doubles */
  double *patch;      /* (n_patches, n_places, chains of a block, n_real) */
};

/* A block of a field: where its links are. */
struct cw_set_block {
  double *data;  /* of the block or the patch */
  size_t stride; /* doubles from one link to the next */
  size_t chain;  /* and from one chain to the next */
  int n_chains;  /* that are present */
  long first_chain;
};

/* For a sampler of th with blocks, of whole fields or (patch not NULL) of a patch's, stepped by so many
 * threads at once. CW_ENOMEM. */
cw_status cw_set_plan_create(cw_context *ctx, const cw_theory *th, const cw_link_set *links,
                             const cw_patch *patch, int threads, cw_set_plan **out);
void cw_set_plan_destroy(cw_set_plan *set); /* NULL: nothing */

/* Before and after the sweeps of one block of a field, with patch number so and so. */
cw_set_block cw_set_load(const cw_set_plan *set, const cw_field *x, int patch);
void cw_set_store(const cw_set_plan *set, const cw_set_block *b, const cw_field *x);

#endif
