#include "app/cli/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

json_t *cw_json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

cw_status cw_json_write(cw_context *ctx, json_t *root, FILE *out) {
  if (root == NULL) return cw_no_memory(ctx);
  const int failed = json_dumpf(root, out, JSON_INDENT(2));
  json_decref(root);
  fputc('\n', out);
  if (failed != 0) return cw_fail(ctx, CW_EIO, "cannot write results: %s", strerror(errno));
  return cw_flush_results(ctx, out);
}
