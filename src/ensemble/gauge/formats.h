/* One format, one pair of functions: its header into cw_gauge_header, from which everything else is
 * common; and its writer. Local. */
#ifndef CW_GAUGE_FORMATS_H
#define CW_GAUGE_FORMATS_H

#include "ensemble/gauge/sites.h"

/* A number that a header states about the links. */
typedef struct {
  bool given;
  double value, tolerance;
} cw_gauge_stated;

/* What a file says of itself. */
typedef struct {
  cw_format format;
  cw_lattice lat;
  cw_site_layout layout;
  uint64_t at; /* first byte of the links; the file holds them all */
  cw_sum_kind sum_kind;
  bool has_checksum;
  uint32_t sum_a, sum_b; /* NERSC has one */
  cw_gauge_stated plaquette, link_trace;
  unsigned ignored; /* checks that the file says were ignored where its links come from */
} cw_gauge_header;

/* All of them fill *header, warn of what is missing, and fail as cw_configuration_read does. */
cw_status cw_ildg_header(const cw_gauge_file *file, cw_gauge_header *header); /* and SciDAC */
cw_status cw_nersc_header(const cw_gauge_file *file, cw_gauge_header *header);
cw_status cw_milc_header(const cw_gauge_file *file, cw_gauge_header *header);

/* Fails with CW_ECORRUPT unless the file holds all sites from header->at on; bytes behind them are
 * warned of. For formats in which the links come last. */
cw_status cw_gauge_links_last(const cw_gauge_file *file, const cw_gauge_header *header);

/* Into out, which has just begun. name: of the file. measured: as cw_gauge_measure fills it for
 * that layout. */
cw_status cw_ildg_write(cw_context *ctx, const cw_configuration *conf, const cw_site_layout *layout,
                        const char *name, cw_disk_file *out);
cw_status cw_nersc_write(cw_context *ctx, const cw_configuration *conf,
                         const cw_site_layout *layout, const cw_configuration_info *measured,
                         cw_disk_file *out);

#endif
