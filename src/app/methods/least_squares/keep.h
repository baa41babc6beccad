/* Flows that are not fitted. */
#ifndef CW_APP_LEAST_SQUARES_KEEP_H
#define CW_APP_LEAST_SQUARES_KEEP_H

#include "app/run/stage.h"

/* Stores the parameters that the flows start with as the stage of that name, or brings them back from
 * there. Collective. */
cw_status cw_keep_flows(cw_case *c, const char *stage, cw_flows *flows);

#endif
