/* The page of an analysis, report.html. */
#ifndef CW_APP_REPORT_H
#define CW_APP_REPORT_H

#include "app/analysis/analysis.h"

/* Writes it to path. CW_EIO, CW_ENOMEM. Local. */
cw_status cw_analysis_page(cw_context *ctx, const cw_analysis *a, const char *path);

#endif
