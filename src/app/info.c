/* causeway info FILE: what a gauge configuration is, and whether it is what it says. Reading the
 * file verifies it; the rest is printing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "app/commands.h"
#include "app/options.h"
#include "causeway/configuration.h"

typedef struct {
  const char *path;
  cw_configuration conf;
  cw_configuration_info info;
} subject;

/* ---------------------------------------------------------- measured numbers */

static cw_status plaquette(cw_context *ctx, const subject *s, double *value) {
  (void)ctx;
  *value = s->info.plaquette;
  return CW_OK;
}

static cw_status plaquette_spatial(cw_context *ctx, const subject *s, double *value) {
  (void)ctx;
  *value = s->info.plaquette_spatial;
  return CW_OK;
}

static cw_status plaquette_temporal(cw_context *ctx, const subject *s, double *value) {
  (void)ctx;
  *value = s->info.plaquette_temporal;
  return CW_OK;
}

static cw_status link_trace(cw_context *ctx, const subject *s, double *value) {
  (void)ctx;
  *value = s->info.link_trace;
  return CW_OK;
}

static cw_status unitarity(cw_context *ctx, const subject *s, double *value) {
  (void)ctx;
  *value = s->info.unitarity;
  return CW_OK;
}

static cw_status determinant(cw_context *ctx, const subject *s, double *value) {
  (void)ctx;
  *value = s->info.determinant;
  return CW_OK;
}

/* What is printed, in this order; the name is also the key in JSON. */
static const struct {
  const char *name, *format, *meaning;
  cw_status (*measure)(cw_context *ctx, const subject *s, double *value);
} numbers[] = {
    {"plaquette", "%.12f", "mean of Re tr P / 3", plaquette},
    {"plaquette_spatial", "%.12f", "planes xy, xz, yz", plaquette_spatial},
    {"plaquette_temporal", "%.12f", "planes xt, yt, zt", plaquette_temporal},
    {"link_trace", "%.12f", "mean of Re tr U / 3", link_trace},
    {"unitarity", "%.2e", "largest |(U U^dagger - 1)_ij|", unitarity},
    {"determinant", "%.2e", "largest |det U - 1|", determinant},
};
enum { N_NUMBERS = sizeof numbers / sizeof *numbers };

static cw_status measure(cw_context *ctx, const subject *s, double value[N_NUMBERS]) {
  for (int i = 0; i < N_NUMBERS; i++) CW_TRY(numbers[i].measure(ctx, s, &value[i]));
  return CW_OK;
}

/* ------------------------------------------------------------------ printing */

/* What the file states and we found to be so. */
static const char *stated_words(const cw_configuration_info *info) {
  if (info->has_plaquette && info->has_link_trace) return "plaquette, link trace (verified)";
  if (info->has_plaquette) return "plaquette (verified)";
  return info->has_link_trace ? "link trace (verified)" : "no plaquette, no link trace";
}

static void print_text(const subject *s, const double value[N_NUMBERS]) {
  const cw_configuration_info *info = &s->info;
  const int *extent = s->conf.lat.extent;
  printf("%-20s%s\n", "file", s->path);
  printf("%-20s%s\n", "format", cw_format_name(info->format));
  printf("%-20s%d x %d x %d x %d (x, y, z, t; %ld sites)\n", "lattice", extent[0], extent[1],
         extent[2], extent[3], cw_lattice_sites(&s->conf.lat));
  printf("%-20s%d bits, %s endian, %d rows\n", "numbers", info->precision,
         info->big_endian ? "big" : "little", info->rows);
  printf("%-20s%s%s\n", "checksum", info->has_checksum ? info->checksum : "none",
         info->has_checksum ? " (verified)" : "");
  printf("%-20s%s\n", "header", stated_words(info));
  for (int i = 0; i < N_NUMBERS; i++) {
    char text[40];
    snprintf(text, sizeof text, numbers[i].format, value[i]);
    printf("%-20s%-18s%s\n", numbers[i].name, text, numbers[i].meaning);
  }
  for (int i = 0; i < info->n_warnings; i++) printf("%-20s%s\n", "WARNING", info->warning[i]);
}

static json_t *to_json(const subject *s, const double value[N_NUMBERS]) {
  const cw_configuration_info *info = &s->info;
  const int *e = s->conf.lat.extent;
  json_t *warnings = json_array(), *measured = json_object();
  for (int i = 0; i < info->n_warnings; i++)
    json_array_append_new(warnings, json_string(info->warning[i]));
  for (int i = 0; i < N_NUMBERS; i++)
    json_object_set_new(measured, numbers[i].name,
                        isfinite(value[i]) ? json_real(value[i]) : json_null());
  return json_pack("{s:s, s:s, s:[i,i,i,i], s:i, s:s, s:i, s:o, s:b, s:b, s:o, s:o}", "file",
                   s->path, "format", cw_format_name(info->format), "lattice", e[0], e[1], e[2],
                   e[3], "precision", info->precision, "byte_order",
                   info->big_endian ? "big" : "little", "rows", info->rows, "checksum",
                   info->has_checksum ? json_string(info->checksum) : json_null(),
                   "states_plaquette", (int)info->has_plaquette, "states_link_trace",
                   (int)info->has_link_trace, "measured", measured, "warnings", warnings);
}

static cw_status print_json(cw_context *ctx, const subject *s, const double value[N_NUMBERS]) {
  json_t *document = to_json(s, value);
  if (document == NULL)
    return cw_fail(ctx, CW_EINVAL, "'%.200s': the name of the file is not UTF-8", s->path);
  int bad = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
  json_decref(document);
  if (bad != 0) return cw_fail(ctx, CW_EIO, "cannot write to standard output");
  putchar('\n');
  return CW_OK;
}

static cw_status inspect(cw_context *ctx, const char *path, const cw_lattice *expected, bool json) {
  subject s = {.path = path};
  double value[N_NUMBERS];
  CW_TRY(cw_configuration_read(ctx, path, expected, &s.conf, &s.info));
  cw_status st = measure(ctx, &s, value);
  if (st == CW_OK && json) st = print_json(ctx, &s, value);
  if (st == CW_OK && !json) print_text(&s, value);
  cw_configuration_clear(&s.conf);
  return st;
}

cw_status cw_command_info(cw_context *ctx, int argc, char **argv) {
  const char *path = NULL, *lattice = NULL;
  bool json = false;
  int n;
  cw_lattice lat;
  const cw_option options[] = {
      {.word = "--lattice", .value = &lattice}, {.word = "--json", .flag = &json}, {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "info", argc, argv, options, "one file", &path, 1, &n));
  if (n < 1)
    return cw_fail(ctx, CW_EINVAL, "usage: causeway info FILE [--lattice X,Y,Z,T] [--json]");
  if (lattice != NULL) CW_TRY(cw_options_lattice(ctx, "info", lattice, &lat));
  cw_status st = CW_OK;
  if (cw_rank(ctx) == 0) st = inspect(ctx, path, lattice != NULL ? &lat : NULL, json);
  return cw_agree(ctx, st);
}
