/* The bulk of a configuration file in four dimensions: links one after the other, four of them a
 * portion; rows of a matrix; re and im of its columns. The formats differ in the order of links, in
 * byte order, precision, rows and checksum. */
#ifndef CW_GAUGE_SITES_H
#define CW_GAUGE_SITES_H

#include "ensemble/disk.h"
#include "ensemble/gauge/file.h"

enum { CW_LINK_REALS = 18, CW_SITE_REALS = 4 * CW_LINK_REALS }; /* in memory, of SU(3): the most */

/* Where link number k of a file belongs: its number in cw_configuration, 4 site + direction. */
typedef long cw_link_order(const cw_lattice *lat, long k);

/* How a real and a matrix are stored, and in which order. */
typedef struct {
  int n;         /* colours: matrices are n x n */
  int precision; /* 32 or 64 */
  int rows;      /* n or n - 1 */
  bool big_endian;
  cw_link_order *order; /* NULL: sites, x running fastest, t slowest; directions x, y, z, t */
} cw_site_layout;

size_t cw_site_bytes(const cw_site_layout *layout);
/* Bytes of all sites; cannot overflow for a lattice of at most CW_MAX_SITES sites. */
uint64_t cw_sites_bytes(const cw_site_layout *layout, const cw_lattice *lat);

/* A kind of checksums. */
struct cw_checksum_kind {
  const char *name; /* what files call it */
  int n_words;      /* 1: a; 2: a and b */
  /* A portion of four links: a site, in the usual order. */
  void (*add)(cw_site_sum *sum, const uint8_t *site, size_t bytes, bool big_endian);
};

struct cw_site_sum {
  const cw_checksum_kind *kind; /* NULL: nothing is added */
  uint32_t a, b;
  uint64_t n; /* of cw_sum_rotated so far */
};

/* a ^= rotl(w, n mod 29), b ^= rotl(w, n mod 31), w being the n-th. */
void cw_sum_rotated(cw_site_sum *sum, uint32_t w);

/* All rows in 64 bits, as in memory. */
cw_site_layout cw_site_layout_of_memory(int n);

/* Our number of site number k of a file, and its coordinates: x runs fastest, t slowest. */
long cw_site_of_file(const cw_lattice *lat, long k, int coord[4]);

/* Reads all sites from byte at on into link, in the order of cw_configuration, and adds them to
 * sum. A last row that is left out is made (cw_last_row). CW_ECORRUPT: the file
 * ends before (checked first), or a number is not finite. */
cw_status cw_sites_read(const cw_gauge_file *file, uint64_t at, const cw_site_layout *layout,
                        const cw_lattice *lat, double *link, cw_site_sum *sum);

/* Adds all sites to sum and, unless out is NULL, writes them. */
cw_status cw_sites_write(cw_context *ctx, const cw_site_layout *layout,
                         const cw_configuration *conf, cw_disk_file *out, cw_site_sum *sum);

/* The last row of a matrix u (n, n, 2) of SU(n) out of those above it: conj(row 0 x row 1) of
 * SU(3), (-conj b, conj a) under (a, b) of SU(2), 1 of SU(1). */
void cw_last_row(int n, double *u);

#endif
