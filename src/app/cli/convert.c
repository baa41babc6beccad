/* causeway convert IN OUT: a configuration from any format that can be read, or from a run,
 * to one that can be written. The data paths are convert_file() and convert_run(). */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cli/commands.h"
#include "app/analysis/kept.h"
#include "app/cli/options.h"

/* What the user asked for; 0: not said. */
typedef struct {
  const char *in, *out;
  const cw_format *format;
  int precision, rows;
  cw_configuration_options known;
  bool overwrite;
  cw_kept_choice kept; /* if IN is a run */
} request;

/* The options, as words. */
typedef struct {
  const char *format, *precision, *rows, *lattice, *ignore, *in_case, *stage, *config;
} words;

/* ------------------------------------------------------------ what to write */

/* The format that the ending of a name asks for; NULL: none. */
static const cw_format *format_of_name(const char *path) {
  const char *dot = strrchr(path, '.');
  for (int i = 0; dot != NULL && cw_formats[i] != NULL; i++)
    for (int k = 0; cw_formats[i]->ending[k] != NULL; k++)
      if (strcmp(dot, cw_formats[i]->ending[k]) == 0) return cw_formats[i];
  return NULL;
}

static cw_status no_format(cw_context *ctx, const char *path) {
  const char *ending[CW_MAX_FORMATS + 1], *name[CW_MAX_FORMATS + 1];
  char group[CW_MAX_FORMATS][40], endings[400], names[400];
  int n = 0;
  for (int i = 0; cw_formats[i] != NULL; i++) {
    if (cw_formats[i]->ending[0] == NULL) continue;
    ending[n] = cw_join_words(cw_formats[i]->ending, " or ", " or ", group[n], sizeof group[n]);
    n++;
  }
  ending[n] = NULL;
  cw_join_words(ending, " nor in ", " nor in ", endings, sizeof endings);
  cw_join_words(cw_format_names(true, name), " or --format ", " or --format ", names, sizeof names);
  return cw_fail(ctx, CW_EINVAL, "convert: which format? '%s' ends neither in %s; say --format %s",
                 path, endings, names);
}

/* wanted: of --precision or, of matrices of so many colours, --rows; 0: not said. */
static cw_status check_number(cw_context *ctx, const request *r, int wanted, int n_colours) {
  const bool rows = n_colours > 0;
  const char *name[CW_MAX_FORMATS + 1];
  char names[400];
  int n = 0, has[3];
  if (wanted == 0) return CW_OK;
  for (int i = 0; cw_formats[i] != NULL; i++) {
    const cw_format *f = cw_formats[i];
    if (rows) cw_format_rows(f, n_colours, has);
    if (!cw_format_has(rows ? has : f->precision, wanted)) continue;
    if (f == r->format) return CW_OK;
    name[n++] = f->name;
  }
  name[n] = NULL;
  if (n == 0)
    return cw_fail(ctx, CW_EINVAL,
                   "convert: --rows %d: no format writes so many of %d x %d matrices", wanted,
                   n_colours, n_colours);
  return cw_fail(ctx, CW_EINVAL, "convert: --%s %d: only format %s has it",
                 rows ? "rows" : "precision", wanted,
                 cw_join_words(name, ", ", " or ", names, sizeof names));
}

/* What is written where the user says nothing: the usual number of rows; the precision of what is
 * read, or the next higher one of the format, which keeps every bit. */
static cw_status fill_in(cw_context *ctx, request *r, const cw_configuration *conf, int precision) {
  const int n = cw_kind(conf->kind)->on_links ? cw_kind(conf->kind)->n_colours : 1;
  int rows[3];
  CW_TRY(check_number(ctx, r, r->rows, n));
  cw_format_rows(r->format, n, rows);
  if (r->rows == 0) r->rows = rows[0];
  if (r->precision != 0) return CW_OK;
  r->precision = precision;
  if (precision == 32 && !cw_format_has(r->format->precision, 32)) r->precision = 64;
  return CW_OK;
}

/* The values of options, as words, into r, whose IN and OUT are set. */
static cw_status understand(cw_context *ctx, const words *w, request *r) {
  static const char *const precisions[] = {"32", "64", NULL}, *const numbers[] = {"1", "2", "3",
                                                                                  NULL};
  const char *formats[CW_MAX_FORMATS + 1];
  int k;
  r->format = format_of_name(r->out);
  if (w->format != NULL) {
    cw_format_names(true, formats);
    CW_TRY(cw_options_choice(ctx, "convert", "--format", w->format, formats, &k));
    r->format = cw_format_find(formats[k]);
  }
  if (w->precision != NULL) {
    CW_TRY(cw_options_choice(ctx, "convert", "--precision", w->precision, precisions, &k));
    r->precision = k == 0 ? 32 : 64;
  }
  if (w->rows != NULL) {
    CW_TRY(cw_options_choice(ctx, "convert", "--rows", w->rows, numbers, &k));
    r->rows = k + 1;
  }
  r->kept = (cw_kept_choice){.run = r->in, .in_case = w->in_case, .stage = w->stage, .index = -1};
  if (w->config != NULL)
    CW_TRY(cw_options_count(ctx, "convert", "--config", w->config, &r->kept.index));
  if (r->format == NULL) return no_format(ctx, r->out);
  return check_number(ctx, r, r->precision, 0);
}

static cw_status check_target(cw_context *ctx, const request *r) {
  struct stat about;
  if (r->overwrite || lstat(r->out, &about) != 0) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "convert: '%s' exists; --overwrite replaces it", r->out);
}

static void print_warnings(cw_context *ctx, const char *path, const cw_configuration_info *info) {
  for (int i = 0; i < info->n_warnings; i++) cw_warn(ctx, "'%s': %s", path, info->warning[i]);
}

static void print_lattice(const cw_lattice *lat) {
  for (int mu = 0; mu < lat->dim; mu++) printf("%s%d", mu > 0 ? "x" : "", lat->extent[mu]);
}

/* plaquette: NAN where there is none. */
static void print_written(const request *r, int precision, double plaquette) {
  printf("%s: %s, %d bits", r->out, r->format->name, precision);
  if (!isnan(plaquette)) printf(", plaquette %.12f", plaquette);
  printf("\n");
}

/* ---------------------------------------------------------------- from a file */

static void print_done(const request *r, const cw_configuration *conf,
                       const cw_configuration_info *info) {
  printf("%s: %s, ", r->in, info->format->name);
  print_lattice(&conf->lat);
  printf(", %d bits, checksum %s%s\n", info->precision, cw_checksum_text(info),
         info->wrong & CW_CHECK_CHECKSUM ? " (WRONG, ignored)" : "");
  print_written(r, r->precision, info->plaquette);
}

static cw_status convert_file(cw_context *ctx, request *r) {
  cw_configuration conf;
  cw_configuration_info info;
  CW_TRY(check_target(ctx, r));
  CW_TRY(cw_configuration_read(ctx, r->in, &r->known, &conf, &info));
  cw_status st = fill_in(ctx, r, &conf, info.precision);
  if (st == CW_OK)
    st = cw_configuration_write(ctx, r->out, r->format, r->precision, r->rows, &conf);
  if (st == CW_OK) print_warnings(ctx, r->in, &info);
  if (st == CW_OK) print_done(r, &conf, &info);
  cw_configuration_clear(&conf);
  return st;
}

/* ----------------------------------------------------------------- from a run */

static void print_done_run(const request *r, const cw_kept_place *place, const cw_lattice *lat,
                           const cw_configuration_info *info) {
  printf("%s: stage '%s', configuration %ld of 0 to %ld (row %ld, chain %ld), ", r->in,
         place->stage, place->index, place->count - 1, place->row, place->chain);
  print_lattice(lat);
  printf("\n");
  print_written(r, info->precision, info->plaquette);
}

/* Writes conf and reads it back, which measures and verifies it. */
static cw_status write_kept(cw_context *ctx, request *r, const cw_kept_place *place,
                            cw_configuration *conf) {
  cw_configuration_info info;
  CW_TRY(fill_in(ctx, r, conf, 64));
  CW_TRY(cw_configuration_write(ctx, r->out, r->format, r->precision, r->rows, conf));
  cw_configuration_clear(conf);
  CW_TRY(cw_configuration_read(ctx, r->out, NULL, conf, &info));
  print_warnings(ctx, r->out, &info);
  print_done_run(r, place, &conf->lat, &info);
  return CW_OK;
}

/* Collective: so are stores. */
static cw_status convert_run(cw_context *ctx, request *r) {
  cw_configuration conf;
  cw_kept_place place;
  CW_TRY(cw_agree(ctx, cw_rank(ctx) == 0 ? check_target(ctx, r) : CW_OK));
  cw_status st = cw_kept_read(ctx, &r->kept, &conf, &place);
  if (st == CW_OK && cw_rank(ctx) == 0) st = write_kept(ctx, r, &place, &conf);
  cw_configuration_clear(&conf);
  return cw_agree(ctx, st);
}

/* -------------------------------------------------------------------- command */

/* Is IN a directory? All ranks do as rank 0 sees it. */
static bool is_run(cw_context *ctx, const char *in) {
  struct stat about;
  bool yes = cw_rank(ctx) == 0 && stat(in, &about) == 0 && S_ISDIR(about.st_mode);
  cw_broadcast(ctx, &yes, sizeof yes);
  return yes;
}

/* Options that the other kind of IN has. */
static cw_status check_options(cw_context *ctx, const words *w, bool run) {
  if (run && w->lattice != NULL)
    return cw_fail(ctx, CW_EINVAL, "convert: --lattice: a run knows its lattice");
  if (run && w->ignore != NULL)
    return cw_fail(ctx, CW_EINVAL, "convert: --ignore-checks: is for files, and IN is a run");
  if (!run && (w->in_case != NULL || w->stage != NULL || w->config != NULL))
    return cw_fail(
        ctx, CW_EINVAL,
        "convert: --case, --stage and --config choose from a run, and IN is no directory");
  return CW_OK;
}

cw_status cw_command_convert(cw_context *ctx, int argc, char **argv) {
  const char *place[2] = {NULL};
  words w = {0};
  request r = {0};
  cw_lattice lat;
  int n;
  const cw_option options[] = {{.word = "--format", .value = &w.format},
                               {.word = "--precision", .value = &w.precision},
                               {.word = "--rows", .value = &w.rows},
                               {.word = "--lattice", .value = &w.lattice},
                               {.word = "--ignore-checks", .value = &w.ignore},
                               {.word = "--case", .value = &w.in_case},
                               {.word = "--stage", .value = &w.stage},
                               {.word = "--config", .value = &w.config},
                               {.word = "--overwrite", .flag = &r.overwrite},
                               {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "convert", argc, argv, options, "IN and OUT", place, 2, &n));
  if (n < 2)
    return cw_fail(ctx, CW_EINVAL,
                   "usage: causeway convert IN OUT [--format FORMAT] [--precision 32|64] "
                   "[--rows 1|2|3] [--lattice X,Y,Z,T] [--ignore-checks CHECK,...] [--case NAME] "
                   "[--stage NAME] [--config N] [--overwrite]");
  r.in = place[0];
  r.out = place[1];
  CW_TRY(understand(ctx, &w, &r));
  if (w.lattice != NULL) CW_TRY(cw_options_lattice(ctx, "convert", w.lattice, &lat));
  if (w.lattice != NULL) r.known.lattice = &lat;
  if (w.ignore != NULL)
    CW_TRY(cw_options_bits(ctx, "convert", "--ignore-checks", w.ignore, cw_check_names(),
                           &r.known.ignore));
  bool run = is_run(ctx, r.in);
  CW_TRY(check_options(ctx, &w, run));
  if (run) return convert_run(ctx, &r);
  return cw_agree(ctx, cw_rank(ctx) == 0 ? convert_file(ctx, &r) : CW_OK);
}
