/* Which records of a LIME file describe its links. A file may hold several binary records, each
 * with its own descriptions in front of it and its checksum behind it. Local. */
#ifndef CW_GAUGE_RECORDS_H
#define CW_GAUGE_RECORDS_H

#include "ensemble/gauge/lime.h"

/* Records of one type that describe the same data; more than CW_MOST_ALIKE are refused. */
enum { CW_MOST_ALIKE = 8 };
typedef struct {
  int n;
  cw_lime_record record[CW_MOST_ALIKE];
} cw_alike_records;

/* The records that matter. */
typedef struct {
  cw_lime_record data; /* the first ildg-binary-data, else the first scidac-binary-data */
  bool is_ildg;        /* of data */
  cw_alike_records ildg_format, file_xml, record_xml, checksum;
  cw_alike_records origin; /* CW_ORIGIN_TYPE */
} cw_gauge_records;

/* Our own record: the checks that were ignored where the links come from, as words. */
#define CW_ORIGIN_TYPE "causeway-ignored-checks"

/* Reads all headers of records. With one binary record every description is its own. With several,
 * its own are those between the binary record before it and itself (behind the last one, that one's
 * too), and checksums between itself and the next; where it has none of its own, the first in
 * front of it is taken, but no checksum. Warns of several binary records, of missing padding and of
 * zeros behind the records. CW_ECORRUPT. */
cw_status cw_gauge_records_read(const cw_gauge_file *file, cw_gauge_records *out);

/* Do the records of a LIME file hold SciDAC's binary data and none of ILDG? Not, if they cannot be
 * read to the end. Reports nothing. */
bool cw_gauge_is_scidac(const cw_gauge_file *file);

#endif
