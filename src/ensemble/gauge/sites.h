/* The bulk of a configuration file: all sites, x running fastest and t slowest; four links a site,
 * directions x, y, z, t; rows of a matrix; re and im of three columns. The formats differ in byte
 * order, precision, rows and checksum only. */
#ifndef CW_GAUGE_SITES_H
#define CW_GAUGE_SITES_H

#include "ensemble/disk.h"
#include "ensemble/gauge/file.h"

enum { CW_LINK_REALS = 18, CW_SITE_REALS = 4 * CW_LINK_REALS }; /* in memory */

/* How a real and a matrix are stored. */
typedef struct {
  int precision; /* 32 or 64 */
  int rows;      /* 3 or 2 */
  bool big_endian;
} cw_site_layout;

size_t cw_site_bytes(const cw_site_layout *layout);
/* Bytes of all sites; cannot overflow for a lattice of at most CW_MAX_SITES sites. */
uint64_t cw_sites_bytes(const cw_site_layout *layout, const cw_lattice *lat);

typedef enum {
  /* a ^= rotl(c, r mod 29), b ^= rotl(c, r mod 31), c the crc32 (zlib) of a site's bytes and r its
   * number in the file. Source: QIO, DML_checksum_accum. */
  CW_SUM_SCIDAC,
  /* a: sum of all 32-bit words, in the byte order of the file. Source: NERSC Gauge Connection,
   * archive format. */
  CW_SUM_NERSC,
  /* a ^= rotl(w, k mod 29), b ^= rotl(w, k mod 31), w the 32-bit word number k. Source: MILC,
   * io_lat: sum29 and sum31. */
  CW_SUM_MILC
} cw_sum_kind;

typedef struct {
  cw_sum_kind kind;
  uint32_t a, b;
  uint64_t n; /* sites or words so far */
} cw_site_sum;

/* Reads all sites from byte at on into link, in the order of cw_configuration, and adds them to
 * sum. The third of two rows is the complex conjugate of their cross product. CW_ECORRUPT: the file
 * ends before (checked first), or a number is not finite. */
cw_status cw_sites_read(const cw_gauge_file *file, uint64_t at, const cw_site_layout *layout,
                        const cw_lattice *lat, double *link, cw_site_sum *sum);

/* Adds all sites to sum and, unless out is NULL, writes them. */
cw_status cw_sites_write(cw_context *ctx, const cw_site_layout *layout,
                         const cw_configuration *conf, cw_disk_file *out, cw_site_sum *sum);

/* row2 = conj(row0 x row1) of a matrix u (3, 3, 2): the third row of SU(3). */
void cw_third_row(double *u);

#endif
