/* SciDAC files as QIO writes them: LIME records scidac-* around the links, all rows, big endian.
 * They are read only: ILDG files hold the same and more. Source: USQCD, LIME and QIO. */
#include "ensemble/gauge/bytes.h"
#include "ensemble/gauge/descriptions.h"
#include "ensemble/gauge/records.h"

static bool recognises(const cw_gauge_file *file, const uint8_t *start) {
  return cw_get32(start, true) == CW_LIME_MAGIC && cw_gauge_is_scidac(file);
}

extern const cw_format cw_format_scidac;
const cw_format cw_format_scidac = {
    .name = "scidac",
    .title = "SciDAC",
    .source = "USQCD, LIME and QIO",
    .kinds = 1u << CW_LINK_U1 | 1u << CW_LINK_SU2 | 1u << CW_LINK_SU3,
    .checks = CW_CHECK_CHECKSUM,
    .checksum = &cw_checksum_scidac,
    .recognises = recognises,
    .header = cw_gauge_describe,
    .read = cw_gauge_read_block,
};
