/* MILC version 5: a binary header of 96 bytes, then the links in 32 bits, 3 rows, all in the byte
 * order of the machine that wrote it:
 *    0  i32  magic 20103         4  i32  nx, ny, nz, nt
 *   20  time stamp, 64 bytes    84  i32  order of the sites, 0: x fastest, t slowest
 *   88  u32  sum29              92  u32  sum31
 * Source: MILC, generic/io_lat4.c and include/file_types.h. */
#include "ensemble/gauge/bytes.h"
#include "ensemble/gauge/formats.h"

enum { HEADER_BYTES = 96, MAGIC = 20103 };

cw_status cw_milc_header(const cw_gauge_file *file, cw_gauge_header *h) {
  uint8_t header[HEADER_BYTES];
  uint64_t extent[4];
  CW_TRY(cw_gauge_read(file, 0, header, sizeof header, "the MILC header"));
  bool big = cw_get32(header, true) == MAGIC;
  uint32_t order = cw_get32(header + 84, big);
  h->format = CW_FORMAT_MILC;
  h->at = HEADER_BYTES;
  h->layout = (cw_site_layout){.precision = 32, .rows = 3, .big_endian = big};
  for (int mu = 0; mu < 4; mu++) extent[mu] = cw_get32(header + 4 + 4 * mu, big);
  CW_TRY(cw_gauge_lattice(file, extent, "the MILC header", &h->lat));
  if (order != 0)
    return cw_gauge_fail(file, CW_EINVAL,
                         "expected sites in lexicographic order (0), found order %u: have MILC "
                         "write it as a serial file",
                         order);
  h->sum_kind = CW_SUM_MILC;
  h->has_checksum = true;
  h->sum_a = cw_get32(header + 88, big);
  h->sum_b = cw_get32(header + 92, big);
  return cw_gauge_links_last(file, h);
}
