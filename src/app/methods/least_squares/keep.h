/* Parameters of flows in the store, and flows that are not fitted. */
#ifndef CW_APP_LEAST_SQUARES_KEEP_H
#define CW_APP_LEAST_SQUARES_KEEP_H

#include "app/run/stage.h"

/* The parameters of all flows as the array state.theta (n, n_theta), and back. cw_put_flows is collective,
 * cw_get_flows local. CW_ECORRUPT: it does not fit the flows. */
cw_status cw_put_flows(cw_case *c, cw_arrays *set, const cw_flows *flows);
cw_status cw_get_flows(cw_case *c, const char *stage, const cw_arrays *last, cw_flows *flows);
/* Stores the parameters that the flows start with as the stage of that name, or brings them back from
 * there. Collective. */
cw_status cw_keep_flows(cw_case *c, const char *stage, cw_flows *flows);

#endif
