/* causeway/lattice.h - periodic hyper-cubic lattices, their lane geometry, and fields of lanes.
 *
 * A lane is a (sub-lattice, configuration) pair. A field is stored in blocks of W = V*B lanes,
 *     data[block][outer site][component][lane],   lane = v*B + b,
 * V sub-lattices of B configurations. V and B are chosen at run time; results never depend on them.
 */
#ifndef CAUSEWAY_LATTICE_H
#define CAUSEWAY_LATTICE_H

#include "causeway/core.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CW_MAX_DIM   4
#define CW_LANES     16 /* lanes of a block of field; V*B is always this */
#define CW_MAX_SITES (1L << 30)

typedef struct {
  int dim;                /* 1..CW_MAX_DIM */
  int extent[CW_MAX_DIM]; /* in the order of the job file: lattice: [16, 8] is extent[0]=16,
                             extent[1]=8 */
} cw_lattice;

/* Global (lexicographic) site index: the last coordinate runs fastest. Random draws are keyed by
 * it. */
long cw_lattice_sites(const cw_lattice *lat);
long cw_lattice_site(const cw_lattice *lat, const int coord[]); /* coordinates are wrapped */
void cw_lattice_coord(const cw_lattice *lat, long site, int coord[]);
bool cw_lattice_equal(const cw_lattice *a, const cw_lattice *b); /* of equal extents? */

/* Geometry of one lattice cut into V sub-lattices. Immutable; shared by fields.
 *
 * Every lattice has one canonical cut into n_sub sub-lattices (a power of two, at most CW_LANES,
 * halving extents that are even); sites are always visited sub-lattice by sub-lattice in that cut.
 * V of them are lanes and the other n_sub/V follow each other in the outer index, so that partial
 * sums per canonical sub-lattice, and with them all results, have the same bits for every V. */
typedef struct {
  cw_lattice lat;
  long n_sites;
  int n_sub;    /* canonical sub-lattices */
  int V;        /* of which lanes */
  long n_outer; /* n_sites / V */
  long n_inner; /* n_sites / n_sub: outer sites of one canonical sub-lattice, the last of its
                   coordinates fastest */
  int piece[CW_MAX_DIM]; /* extents of a canonical sub-lattice; at least 2 where it is cut */
  int *sub;       /* (n_sub/V, V) canonical number of the sub-lattice behind (outer / n_inner, v) */
  int *site;      /* (n_outer, V) global site of an outer site in lane group v */
  int *outer;     /* (n_sites) outer index of a global site */
  int *group;     /* (n_sites) v of a global site */
  int *neighbour; /* (n_outer, 2*dim) outer site of x+mu (2*mu) and x-mu (2*mu+1) */
  uint8_t *turn;  /* (n_outer, 2*dim) 0: same lanes; t > 0: another sub-lattice, t-1 = direction */
  int64_t (*from)[CW_LANES]; /* (1+2*dim, 1+2*dim): the source of each lane after a step with turn t
                                and another with turn u; see cw_lanes_from */
} cw_geometry;

/* Fails with CW_EINVAL if an extent is < 1, the lattice has more than CW_MAX_SITES sites, or V is
 * not one of those cw_geometry_splits allows for this lattice. The caller destroys *out. */
cw_status cw_geometry_create(cw_context *ctx, const cw_lattice *lat, int V, cw_geometry **out);
void cw_geometry_destroy(cw_geometry *geom);
/* Writes the allowed V, ascending, into splits[5]; returns how many. 1 is always among them. */
int cw_geometry_splits(const cw_lattice *lat, int splits[5]);
/* A good V for n_config configurations of n_comp components on each site: no lanes wasted, blocks
 * that fit into a cache. */
int cw_geometry_choose(const cw_lattice *lat, int n_comp, long n_config);

/* Lanes of the source after a step with turn t, then one with turn u (0: none), for cw_vd_permute.
 */
static inline const int64_t *cw_lanes_from(const cw_geometry *g, int t, int u) {
  return g->from[t * (1 + 2 * g->lat.dim) + u];
}

/* Slices: the outer sites in pieces, at most CW_SLICES per canonical sub-lattice, which threads may
 * share out; sums over them come in an order that depends on the lattice alone. */
#define CW_SLICES 16
int cw_slices(const cw_geometry *geom);       /* per canonical sub-lattice */
long cw_slice_count(const cw_geometry *geom); /* of a block: n_sub/V * cw_slices */
/* Slices 0 .. cw_slice_count - 1 of a block: slice i begins at this outer site; it ends where
 * i+1 begins. */
long cw_slice_begin(const cw_geometry *geom, long i);

/* A wavefront: passes over a block that change it in place, site after site, in an order that
 * depends on the lattice alone and that threads share with the same result as one alone. An inner
 * site is visited in all canonical sub-lattices before the next. In four dimensions coordinate 2 is
 * cut into tiles, so that neighbours are found in the cache; tile after tile comes, in each slab
 * after slab (one value of coordinate 0), in these the inner sites in ascending order. Threads
 * take slabs in turn, and each stays behind the one before it by what a plaquette can reach. What
 * is done at a site may read and write the links that share a plaquette with one that starts there,
 * and nothing farther. */
#define CW_WAVE_TEAM 64
typedef struct {
  const cw_geometry *geom; /* borrowed */
  int tiles;
  long slab, reach, row; /* sites of a slab; of it per value of coordinate 1; of a stretch */
  struct {
    long done;      /* sites, counted from the first slab, that it is past; atomic */
    long sleepers;  /* threads that wait for it to get on; atomic */
    char apart[48]; /* a cache line each */
  } thread[CW_WAVE_TEAM];
} cw_wavefront;
/* Inner sites [begin, begin + n) of a pass. */
typedef struct {
  long pass, begin, n;
  long slab, at; /* slabs are counted from the first pass; position in the slab */
} cw_stretch;

/* Before the team of threads begins. */
void cw_wavefront_begin(cw_wavefront *w, const cw_geometry *geom);
/* For every thread of the parallel region that calls it: ends its stretch t (all zero before the
 * first), finds its next one of n_passes passes and waits until that may begin. false: no more. */
bool cw_wavefront_next(cw_wavefront *w, long n_passes, cw_stretch *t);

/* A hyper-rectangle of sites: coordinates (origin + i) mod extent, 0 <= i < size. */
typedef struct {
  int origin[CW_MAX_DIM], size[CW_MAX_DIM];
} cw_box;
bool cw_box_contains(const cw_lattice *lat, const cw_box *box, const int coord[]);

/* A set of links. Link number site * dim + mu starts at a global site in direction mu. */
typedef struct {
  cw_lattice lat;
  long n;
  long *link; /* (n) ascending, each once; owned */
} cw_link_set;

/* The links listed, in any order and as often as one likes. The caller destroys *out in any case.
 * CW_EINVAL: there is no such link; CW_ENOMEM. This and the next two take a time proportional to
 * the lattice. */
cw_status cw_link_set_create(cw_context *ctx, const cw_lattice *lat, long n, const long *link,
                             cw_link_set *out);
/* The links that start in a box. As above. */
cw_status cw_link_set_in_box(cw_context *ctx, const cw_lattice *lat, const cw_box *box,
                             cw_link_set *out);
/* The links within so many plaquette hops of some: links of the same plaquette are one hop apart.
 * As above. */
cw_status cw_link_set_around(cw_context *ctx, const cw_link_set *some, int hops, cw_link_set *out);
void cw_link_set_destroy(cw_link_set *set); /* zeroed or destroyed before: nothing */
bool cw_link_set_has(const cw_link_set *set, long link);

/* The other links of the plaquettes that hold a link: out (3 * 2 * (dim - 1)), three for each of its
 * staples, in the order of causeway/wilson.h. */
enum { CW_LINKS_AROUND = 6 * (CW_MAX_DIM - 1) }; /* at most */
int cw_link_staples(const cw_lattice *lat, long link, long out[]);

/* Some links of a lattice, which are copied out of fields to be worked on by themselves. */
typedef struct {
  const cw_geometry *geom; /* borrowed */
  long n;                  /* links, in the order of memory of fields: places 0 .. n-1 */
  int32_t *place; /* (n_sites * dim) the place of a link; -1: it is not in the patch; owned */
  uint32_t *row;  /* (n) outer * dim + direction of the link there; owned */
  int *group;     /* (n) its v; owned */
} cw_patch;

/* The links of sets (n_sets) and all that share a plaquette with them. The caller destroys *out in any
 * case. CW_ENOMEM. Takes a time proportional to the lattice. */
cw_status cw_patch_create(cw_context *ctx, const cw_geometry *geom, int n_sets,
                          const cw_link_set *sets, cw_patch *out);
void cw_patch_destroy(cw_patch *patch); /* zeroed or destroyed before: nothing */

/* A real field with n_comp components per site for n_config configurations. Lanes beyond n_config
 * in the last block are computed like the others and never read. */
typedef struct {
  const cw_geometry *geom; /* borrowed */
  const cw_patch *patch;   /* NULL: the whole lattice. Else data are the links of a patch,
                                data[block][place][configuration][number],
                              the numbers of a link side by side, for those who say that they take it;
                              borrowed */
  int n_comp;
  int B; /* configurations per block: CW_LANES / geom->V */
  long n_config;
  long n_blocks;
  long first_chain; /* global index of configuration 0: keys its random draws */
  double *data;     /* (n_blocks, n_outer, n_comp, CW_LANES), 64-byte aligned */
  bool owns_data;
} cw_field;

cw_status cw_field_create(cw_context *ctx, const cw_geometry *geom, int n_comp, long n_config,
                          cw_field *out);
/* Of the links of a patch alone, otherwise like x; and copies between the two, of the configurations
 * that go (n_config), NULL: of all. CW_ENOMEM. The caller destroys *out. */
cw_status cw_field_create_patch(cw_context *ctx, const cw_patch *patch, const cw_field *x,
                                cw_field *out);
void cw_field_to_patch(cw_field *patch, const cw_field *x);
void cw_field_from_patch(cw_field *x, const cw_field *patch, const bool *go);
/* Of n configurations, which are dealt to ranks in whole blocks of B, those of a rank. Local. */
void cw_field_share(const cw_context *ctx, long n, long B, int rank, long *first, long *count);
/* This rank's share of n configurations of all ranks; first_chain is set. what: what they are, for
 * CW_EINVAL: fewer blocks than ranks. CW_ENOMEM. Local. */
cw_status cw_field_deal(cw_context *ctx, const cw_geometry *geom, int n_comp, long n,
                        const char *what, cw_field *out);
void cw_field_destroy(cw_field *x);
size_t cw_field_block_size(const cw_field *x);          /* doubles per block */
cw_field cw_field_block(const cw_field *x, long block); /* a view of one block; owns nothing */
cw_field cw_field_blocks(const cw_field *x, long first, long n); /* the same of n of them */
void cw_field_copy(cw_field *to, const cw_field *from);          /* same shape */
/* Outer sites [begin, end) of one block: lanes that are not kept get the numbers of old, of the
 * same shape. keep (CW_LANES). */
void cw_field_restore(cw_field *x, const cw_field *old, const bool *keep, long begin, long end);
/* Where configuration i of this rank has its first number: its others follow at every B doubles of its block. */
double *cw_field_lane(const cw_field *x, long i);
/* Configuration i to and from a row of cw_field_block_size / B doubles, in the order of its lanes:
 * between fields of the same shape and split. */
void cw_field_pack(const cw_field *x, long i, double *row);
void cw_field_unpack(cw_field *x, long i, const double *row);
double cw_field_get(const cw_field *x, long config, long site, int comp); /* slow; global site */
void cw_field_set(cw_field *x, long config, long site, int comp, double value);
/* to(x + e) = from(x), e one step in direction 2*mu (forward) or 2*mu + 1 (backward); same shape,
 * other data. Shared out over so many threads. */
void cw_field_translate(cw_field *to, const cw_field *from, int direction, int threads);

/* Fills with independent N(0,1): component c of site s of chain first_chain+i is number k =
 * s*n_comp+c < 2^37 of step's draw < 2^28: one of pair k/2, with site and draw as of cw_draw_of. */
void cw_field_normal(cw_isa isa, cw_field *x, cw_rng rng, uint32_t step, uint32_t draw);

/* ---- masks ---- */

/* Which units of a lattice, its sites or its links, are changed together while all others stay. The
 * units of one direction (sites: all) are dealt to 2, 4, 8 or 16 classes by the parities of their
 * coordinates, so that those of a class are as far apart as parities allow:
 *   half      the checkerboard: the parity of the sum of all coordinates;
 *   quarter   parities of sums of two coordinates (two directions: of each coordinate);
 *   eighth    four directions: x and x + (1, 1, 1, 1), and all an even vector away (three: each
 *             coordinate's parity);
 *   sixteenth the parity of each of four coordinates.
 * No two links of a class share a plaquette. Coordinates are taken in turn from the direction of the
 * link. */
typedef enum { CW_MASK_HALF = 0, CW_MASK_QUARTER, CW_MASK_EIGHTH, CW_MASK_SIXTEENTH } cw_mask_kind;
extern const char *const cw_mask_words[]; /* "half", ...; NULL-terminated, in this order */

enum { CW_NO_CLASS = 255 }; /* of units outside of the box */
typedef struct {
  int units;         /* per site: 1, the site itself, or dim, the links that start there */
  int n_class;       /* units * 2, 4, 8 or 16: those of unit u are the u-th so many */
  uint8_t *class_of; /* (n_outer, units, CW_LANES); lanes of a row may differ if V > 1 */
  /* Rows outer*units + unit with a unit of class c in some lane: row[begin[c]] .. row[begin[c+1] -
   * 1], ascending. */
  long *begin; /* (n_class + 1) */
  int *row;
  long *count; /* (n_class) units of each class on the lattice */
} cw_mask;

/* box: the sites, or starts of links, that are in a class; coordinates are counted from its origin.
 * NULL: all. CW_EINVAL, with the phrase of cw_mask_refuses; CW_ENOMEM. The caller destroys *out. */
cw_status cw_mask_create(cw_context *ctx, const cw_geometry *geom, int units, cw_mask_kind kind,
                         const cw_box *box, cw_mask *out);
void cw_mask_destroy(cw_mask *mask);
/* Why there is no such mask, as a phrase for the user: the lattice has too few directions, or an odd
 * extent that the box does not cut. false: there is one. */
bool cw_mask_refuses(const cw_lattice *lat, cw_mask_kind kind, const cw_box *box, char why[160]);

/* part (n_sub/V, n, CW_LANES): n partial sums per canonical sub-lattice and lane: 1, or those of
 * its slices. out[B]: their sum in fixed order. */
void cw_sum_parts(const cw_geometry *geom, const double *part, int n, double *out);

#ifdef __cplusplus
}
#endif
#endif
