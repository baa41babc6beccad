/* Job files: reading and parsing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/job/tree.h"

static cw_status read_file(cw_context *ctx, const char *path, char *text, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return cw_fail(ctx, CW_EIO, "cannot open '%s': %s", path, strerror(errno));
  *size = fread(text, 1, CW_JOB_MAX_BYTES + 1, file);
  cw_status st =
      ferror(file) ? cw_fail(ctx, CW_EIO, "cannot read '%s': %s", path, strerror(errno)) : CW_OK;
  fclose(file);
  return st;
}

cw_status cw_job_load(cw_context *ctx, const char *path, cw_job **out) {
  size_t size = 0;
  char *text = malloc(CW_JOB_MAX_BYTES + 1);
  if (text == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for '%s'", path);
  cw_status st = read_file(ctx, path, text, &size);
  if (st == CW_OK) st = cw_job_parse(ctx, text, size, path, out);
  free(text);
  return st;
}

cw_status cw_job_parse(cw_context *ctx, const char *text, size_t size, const char *name,
                       cw_job **out) {
  cw_job *job = NULL;
  if (size > CW_JOB_MAX_BYTES)
    return cw_fail(ctx, CW_EINVAL, "%s: a job file of more than %d bytes", name, CW_JOB_MAX_BYTES);
  CW_TRY(cw_job_create(ctx, &job));
  cw_status st = cw_job_parse_value(job, text, size, name, true, &job->root);
  if (st == CW_OK && job->root->kind != CW_NODE_MAP)
    st = cw_fail(ctx, CW_EINVAL, "%s: %s; expected a mapping, as in 'theory: {kind: phi4}'", name,
                 cw_node_is_null(job->root) ? "the job is empty" : "this is no job");
  if (st == CW_OK)
    *out = job;
  else
    cw_job_destroy(job);
  return st;
}
