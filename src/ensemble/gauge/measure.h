/* What every configuration file is checked by: plaquette, link trace, unitarity, determinant. Plain
 * loops over plain arrays. */
#ifndef CW_GAUGE_MEASURE_H
#define CW_GAUGE_MEASURE_H

#include "ensemble/gauge/sites.h"

/* Fills the measured numbers of info, for conf as it reads back from a file of that layout (32 bits
 * are rounded to, a last row that is left out made), so that a header can state them before the
 * file is there. Fixed order of sums: the same bits for any number of threads. Spins that are
 * neither +1 nor -1 have unitarity 1. CW_ENOMEM. */
cw_status cw_gauge_measure(cw_context *ctx, const cw_configuration *conf,
                           const cw_site_layout *layout, cw_configuration_info *info);

#endif
