/* causeway convert IN OUT: a gauge configuration from any format that can be read to one that can
 * be written. The data path is convert(). */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/commands.h"
#include "app/options.h"
#include "causeway/configuration.h"

/* What the user asked for; 0: not said. */
typedef struct {
  const char *in, *out;
  cw_format format;
  int precision, rows;
  const cw_lattice *expected;
  bool overwrite;
} request;

/* .ildg and .lime are ILDG, .nersc is NERSC. */
static cw_format format_of_name(const char *path) {
  const char *dot = strrchr(path, '.');
  if (dot == NULL) return CW_FORMAT_UNKNOWN;
  if (strcmp(dot, ".ildg") == 0 || strcmp(dot, ".lime") == 0) return CW_FORMAT_ILDG;
  return strcmp(dot, ".nersc") == 0 ? CW_FORMAT_NERSC : CW_FORMAT_UNKNOWN;
}

/* The values of options, as words, into r. */
static cw_status understand(cw_context *ctx, const char *format, const char *precision,
                            const char *rows, request *r) {
  static const char *const formats[] = {"ildg", "nersc", NULL};
  static const char *const precisions[] = {"32", "64", NULL}, *const numbers[] = {"2", "3", NULL};
  int k;
  r->format = format_of_name(r->out);
  if (format != NULL) {
    CW_TRY(cw_options_choice(ctx, "convert", "--format", format, formats, &k));
    r->format = k == 0 ? CW_FORMAT_ILDG : CW_FORMAT_NERSC;
  }
  if (precision != NULL) {
    CW_TRY(cw_options_choice(ctx, "convert", "--precision", precision, precisions, &k));
    r->precision = k == 0 ? 32 : 64;
  }
  if (rows != NULL) {
    CW_TRY(cw_options_choice(ctx, "convert", "--rows", rows, numbers, &k));
    r->rows = k + 2;
  }
  if (r->format == CW_FORMAT_UNKNOWN)
    return cw_fail(ctx, CW_EINVAL,
                   "convert: which format? '%s' ends neither in .ildg or .lime nor in .nersc; say "
                   "--format ildg or --format nersc",
                   r->out);
  if (r->rows == 2 && r->format == CW_FORMAT_ILDG)
    return cw_fail(ctx, CW_EINVAL, "convert: --rows 2: only format nersc has it");
  return CW_OK;
}

static cw_status check_target(cw_context *ctx, const request *r) {
  struct stat about;
  if (r->overwrite || lstat(r->out, &about) != 0) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "convert: '%s' exists; --overwrite replaces it", r->out);
}

static void print_done(const request *r, const cw_configuration *conf,
                       const cw_configuration_info *info, int precision) {
  const int *e = conf->lat.extent;
  printf("%s: %s, %dx%dx%dx%d, %d bits, checksum %s\n", r->in, cw_format_name(info->format), e[0],
         e[1], e[2], e[3], info->precision, info->has_checksum ? info->checksum : "none");
  printf("%s: %s, %d bits, plaquette %.12f\n", r->out, cw_format_name(r->format), precision,
         info->plaquette);
}

static cw_status convert(cw_context *ctx, const request *r) {
  cw_configuration conf;
  cw_configuration_info info;
  CW_TRY(check_target(ctx, r));
  CW_TRY(cw_configuration_read(ctx, r->in, r->expected, &conf, &info));
  int precision = r->precision != 0 ? r->precision : info.precision, rows = r->rows == 2 ? 2 : 3;
  cw_status st = cw_configuration_write(ctx, r->out, r->format, precision, rows, &conf);
  for (int i = 0; st == CW_OK && i < info.n_warnings; i++)
    cw_log(ctx, "warning: '%s': %s", r->in, info.warning[i]);
  if (st == CW_OK) print_done(r, &conf, &info, precision);
  cw_configuration_clear(&conf);
  return st;
}

cw_status cw_command_convert(cw_context *ctx, int argc, char **argv) {
  const char *place[2] = {NULL}, *format = NULL, *precision = NULL, *rows = NULL, *lattice = NULL;
  request r = {0};
  cw_lattice lat;
  int n;
  const cw_option options[] = {{.word = "--format", .value = &format},
                               {.word = "--precision", .value = &precision},
                               {.word = "--rows", .value = &rows},
                               {.word = "--lattice", .value = &lattice},
                               {.word = "--overwrite", .flag = &r.overwrite},
                               {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "convert", argc, argv, options, "IN and OUT", place, 2, &n));
  if (n < 2)
    return cw_fail(ctx, CW_EINVAL,
                   "usage: causeway convert IN OUT [--format ildg|nersc] [--precision 32|64] "
                   "[--rows 2|3] [--lattice X,Y,Z,T] [--overwrite]");
  r.in = place[0];
  r.out = place[1];
  CW_TRY(understand(ctx, format, precision, rows, &r));
  if (lattice != NULL) CW_TRY(cw_options_lattice(ctx, "convert", lattice, &lat));
  r.expected = lattice != NULL ? &lat : NULL;
  cw_status st = CW_OK;
  if (cw_rank(ctx) == 0) st = convert(ctx, &r);
  return cw_agree(ctx, st);
}
