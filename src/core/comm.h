/* Start and stop of the message passing layer; private to src/core. */
#ifndef CW_CORE_COMM_H
#define CW_CORE_COMM_H

#include "core/context.h"

void cw_comm_start(cw_context *ctx, bool use_mpi);
void cw_comm_stop(cw_context *ctx);

#endif
