/* JSON of the commands. */
#ifndef CW_APP_CLI_JSON_H
#define CW_APP_CLI_JSON_H

#include <jansson.h>

#include "app/cli/commands.h"

/* null where it is not finite. */
json_t *cw_json_number(double x);
/* Writes root, which is freed here, and a line break. CW_ENOMEM: root is NULL; CW_EIO. */
cw_status cw_json_write(cw_context *ctx, json_t *root, FILE *out);

#endif
