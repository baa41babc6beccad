#include "app/commands.h"
cw_status cw_command_check(cw_context *ctx, int argc, char **argv) { (void)argc; (void)argv; return cw_fail(ctx, CW_EINVAL, "soon"); }
