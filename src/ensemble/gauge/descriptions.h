/* What the records of a LIME file say of its links; the same for ILDG and SciDAC, whose files may
 * hold records of both. Local. */
#ifndef CW_GAUGE_DESCRIPTIONS_H
#define CW_GAUGE_DESCRIPTIONS_H

#include "ensemble/gauge/formats.h"

/* cw_format.header: dimensions, precision, checksum. Records that say the same must agree.
 * Sources: ILDG Metadata Working Group, "ILDG binary file format", rev. 1.1; USQCD, QIO (scidac-*
 * records and checksum). */
cw_status cw_gauge_describe(const cw_gauge_file *file, cw_gauge_header *header);

/* suma and sumb: a ^= rotl(c, r mod 29), b ^= rotl(c, r mod 31), c the crc32 (zlib) of a site's
 * bytes and r its number in the file. Source: QIO, DML_checksum_accum. */
extern const cw_checksum_kind cw_checksum_scidac;

#endif
