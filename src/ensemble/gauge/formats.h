/* What a format's table (cw_format, causeway/configuration.h) works with: its header fills
 * cw_gauge_header, from which everything else is common; its writer gets cw_gauge_writing. Local.
 */
#ifndef CW_GAUGE_FORMATS_H
#define CW_GAUGE_FORMATS_H

#include "ensemble/gauge/sites.h"

/* A number that a header states about the links. */
typedef struct {
  bool given;
  double value, tolerance;
} cw_gauge_stated;

/* What a file says of itself. */
struct cw_gauge_header {
  cw_field_kind kind; /* of links, unless the format knows others; see cw_gauge_kind */
  int n_comp;         /* of a field on sites */
  cw_lattice lat;
  cw_site_layout layout; /* n: colours of the kind; of fields on sites 1 */
  uint64_t at;           /* first byte of the links; the file is long enough to hold them all */
  bool has_checksum;
  uint32_t sum_a, sum_b; /* as many as its kind has */
  cw_gauge_stated plaquette, link_trace;
  unsigned ignored; /* checks that the file says were ignored where its links come from */
  char theory[32], parameters[480]; /* as of cw_configuration; "": not stated */
  double *values;                   /* from malloc: numbers that came along with the header, for
                                       read; NULL: none */
};

/* A file that has just begun, and what goes into it. All borrowed. */
struct cw_gauge_writing {
  cw_context *ctx;
  const cw_configuration *conf;
  cw_site_layout layout;
  const cw_configuration_info *measured; /* of the links as they will read back */
  const char *name;                      /* of the file, without its folders */
  cw_disk_file *out;
};

/* The format of an open file. CW_EINVAL: none that we know. */
cw_status cw_gauge_recognise(const cw_gauge_file *file, const cw_format **format);

/* Notes what kind of field the file holds, and the colours of the layout. what: where it says so.
 * CW_EINVAL: another was expected. */
cw_status cw_gauge_kind(const cw_gauge_file *file, cw_field_kind kind, const char *what,
                        cw_gauge_header *header);

/* cw_format.read of formats whose links are a block of binary numbers, as sites.h says. */
cw_status cw_gauge_read_block(const cw_gauge_file *file, const cw_gauge_header *header,
                              double *link, cw_site_sum *sum);

/* Fails with CW_ECORRUPT unless the file holds all sites from header->at on; bytes behind them are
 * warned of. For formats in which such a block comes last. */
cw_status cw_gauge_block_last(const cw_gauge_file *file, const cw_gauge_header *header);

#endif
