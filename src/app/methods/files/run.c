/* One file per step. A file that is missing, damaged or of another theory is named and passed over.
 */
#include <stdio.h>

#include "app/methods/files/files.h"

typedef struct {
  const cw_section *section;
  cw_field x; /* one configuration */
  long rows_done;
  cw_record primary[CW_MAX_GROUPS];
  cw_record file,
      ignored;       /* of each row: number of its file, checks that failed and were ignored */
  cw_record refused; /* numbers of files */
} files;

static cw_status record_number(cw_case *c, cw_record *r, double value) {
  double *row = cw_record_row(r, 1);
  if (row == NULL) return cw_fail(c->ctx, CW_ENOMEM, "no memory for a record");
  *row = value;
  return CW_OK;
}

static cw_status measure(cw_case *c, files *f, long number, const cw_configuration *conf) {
  cw_set_configuration(conf, &f->x, 0);
  CW_TRY(cw_measure_groups(c, &f->x, f->rows_done, f->primary));
  CW_TRY(record_number(c, &f->file, (double)number));
  CW_TRY(record_number(c, &f->ignored, conf->ignored));
  f->rows_done++;
  return CW_OK;
}

/* The failure st of a file is no failure of the run, unless memory lacks. */
static cw_status pass_over(cw_case *c, files *f, long number, cw_status st) {
  if (st != CW_EIO && st != CW_ECORRUPT && st != CW_EINVAL) return st;
  cw_warn(c->ctx, "not measured: %s", cw_error(c->ctx));
  cw_clear_error(c->ctx);
  return record_number(c, &f->refused, (double)number);
}

static cw_status step(cw_stage *s, cw_case *c, long t) {
  files *f = s->self;
  const cw_files_plan *plan = f->section->own;
  const char *path = cw_files_path(f->section, t);
  cw_configuration conf = {0};
  cw_configuration_info info;
  cw_status st =
      cw_agree(c->ctx, cw_read_configuration(c, path, plan->ignore_checks, &conf, &info));
  if (st != CW_OK) {
    cw_configuration_clear(&conf);
    return pass_over(c, f, t, st);
  }
  cw_warn_configuration(c, path, conf.ignored != 0, &info);
  st = measure(c, f, t, &conf);
  cw_configuration_clear(&conf);
  return st;
}

static cw_status save(cw_stage *s, cw_case *c, cw_arrays *set) {
  files *f = s->self;
  const double rows = (double)f->rows_done;
  CW_TRY(cw_put_groups(c, set, f->primary, 1));
  CW_TRY(cw_record_put(c, set, "file", &f->file, 1));
  CW_TRY(cw_record_put(c, set, "ignored", &f->ignored, 1));
  CW_TRY(cw_record_put(c, set, "refused", &f->refused, 1));
  return cw_put_alike(c, set, "state.rows", 0, NULL, &rows);
}

static cw_status load(cw_stage *s, cw_case *c, const cw_arrays *last) {
  (void)c;
  ((files *)s->self)->rows_done = (long)cw_arrays_scalar(last, "state.rows", 0);
  return CW_OK;
}

static void note(const cw_stage *s, char *text, size_t size) {
  const files *f = s->self;
  snprintf(text, size, "%ld measured", f->rows_done);
}

static cw_status open_files(cw_case *c, const cw_section *s, files *f) {
  *f = (files){.section = s};
  if (cw_ranks(c->ctx) > 1)
    return cw_fail(c->ctx, CW_EINVAL,
                   "section '%s' measures one configuration at a time, on one rank: found %d ranks",
                   s->kind.name, cw_ranks(c->ctx));
  CW_TRY(cw_field_create(c->ctx, c->geom, c->theory.n_comp, 1, &f->x));
  cw_kind(c->theory.ops->kind)->cold(&f->x); /* lanes without a configuration */
  return CW_OK;
}

static void close_files(files *f) {
  cw_field_destroy(&f->x);
  for (int g = 0; g < CW_MAX_GROUPS; g++) cw_record_free(&f->primary[g]);
  cw_record_free(&f->file);
  cw_record_free(&f->ignored);
  cw_record_free(&f->refused);
}

cw_status cw_run_files(cw_case *c, const cw_section *s) {
  files f;
  cw_status st = cw_agree(c->ctx, open_files(c, s, &f));
  cw_stage stage = {.name = s->kind.name,
                    .n_steps = ((const cw_files_plan *)s->own)->n,
                    .self = &f,
                    .step = step,
                    .save = save,
                    .load = load,
                    .note = note};
  if (st == CW_OK) st = cw_stage_run(c, &stage);
  close_files(&f);
  return st;
}
