/* MILC version 5: a binary header of 96 bytes, then the links in 32 bits, 3 rows, all in the byte
 * order of the machine that wrote it:
 *    0  i32  magic 20103         4  i32  nx, ny, nz, nt
 *   20  time stamp, 64 bytes    84  i32  order of the sites, 0: x fastest, t slowest
 *   88  u32  sum29              92  u32  sum31
 * Source: MILC, generic/io_lat4.c and include/file_types.h. */
#include "ensemble/gauge/bytes.h"
#include "ensemble/gauge/formats.h"

enum { HEADER_BYTES = 96, MAGIC = 20103 };

static bool recognises(const cw_gauge_file *file, const uint8_t *start) {
  (void)file;
  return cw_get32(start, true) == MAGIC || cw_get32(start, false) == MAGIC;
}

static cw_status read_header(const cw_gauge_file *file, cw_gauge_header *h) {
  uint8_t header[HEADER_BYTES];
  uint64_t extent[4];
  CW_TRY(cw_gauge_read(file, 0, header, sizeof header, "the MILC header"));
  bool big = cw_get32(header, true) == MAGIC;
  uint32_t order = cw_get32(header + 84, big);
  h->at = HEADER_BYTES;
  h->layout = (cw_site_layout){.precision = 32, .rows = 3, .big_endian = big};
  CW_TRY(cw_gauge_kind(file, CW_LINK_SU3, "a MILC file", h));
  for (int mu = 0; mu < 4; mu++) extent[mu] = cw_get32(header + 4 + 4 * mu, big);
  CW_TRY(cw_gauge_lattice(file, extent, "the MILC header", &h->lat));
  if (order != 0)
    return cw_gauge_fail(file, CW_EINVAL,
                         "expected sites in lexicographic order (0), found order %u: have MILC "
                         "write it as a serial file",
                         order);
  h->has_checksum = true;
  h->sum_a = cw_get32(header + 88, big);
  h->sum_b = cw_get32(header + 92, big);
  return cw_gauge_block_last(file, h);
}

/* a ^= rotl(w, k mod 29), b ^= rotl(w, k mod 31), w the 32-bit word number k. Source: MILC, io_lat:
 * sum29 and sum31. */
static void add_site(cw_site_sum *sum, const uint8_t *site, size_t bytes, bool big_endian) {
  for (size_t i = 0; i < bytes; i += 4) cw_sum_rotated(sum, cw_get32(site + i, big_endian));
}

static const cw_checksum_kind checksum = {"sum29 / sum31", 2, add_site};

extern const cw_format cw_format_milc;
const cw_format cw_format_milc = {
    .name = "milc",
    .title = "MILC v5",
    .source = "MILC, generic/io_lat4.c",
    .kinds = 1u << CW_LINK_SU3,
    .checks = CW_CHECK_CHECKSUM,
    .checksum = &checksum,
    .recognises = recognises,
    .header = read_header,
    .read = cw_gauge_read_block,
};
