/* causeway info FILE: what a configuration is, and whether it is what it says. Reading the
 * file verifies it; the rest is printing. Models are for model.c. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/json.h"
#include "app/cli/options.h"
#include "app/run/stage.h"

typedef struct {
  const char *path;
  cw_configuration conf;
  cw_configuration_info info;
} subject;

/* ---------------------------------------------------------- measured numbers */

/* What is printed, in this order, of fields on links and on sites; the name is also the key in
 * JSON. */
static const struct {
  const char *name, *format, *meaning;
  bool by_colours, of_sites; /* the meaning goes on with the number of colours */
} numbers[] = {
    {"plaquette", "%.12f", "mean of Re tr P / ", true, false},
    {"plaquette_spatial", "%.12f", "planes xy, xz, yz", false, false},
    {"plaquette_temporal", "%.12f", "planes xt, yt, zt", false, false},
    {"link_trace", "%.12f", "mean of Re tr U / ", true, false},
    {"unitarity", "%.2e", "largest |(U U^dagger - 1)_ij|", false, false},
    {"determinant", "%.2e", "largest |det U - 1|", false, false},
    {"energy_density", "%.12f", "clover energy density E, in a^-4", false, false},
    {"q", "%.12f", "clover topological charge of the field as it is, not smoothed", false, false},
    {"mean", "%.12f", "mean of all numbers", false, true},
    {"mean_square", "%.12f", "mean of their squares", false, true},
};
enum {
  SPATIAL = 1,
  TEMPORAL,
  N_CHECKED = 6,
  ENERGY = N_CHECKED,
  CHARGE,
  MEAN,
  MEAN_SQUARE,
  N_NUMBERS
};

static bool is_shown(const subject *s, int i) {
  return numbers[i].of_sites != cw_kind(s->conf.kind)->on_links;
}

/* The value of a quantity on the only configuration of o; NAN: there is none. */
static double quantity(const cw_observer *o, const double *primary, const char *name) {
  const cw_quantity *q = cw_quantity_find(o->ops, name);
  return q != NULL ? cw_quantity_value(o, q, primary, 0) : NAN;
}

static cw_status measure_clover(cw_context *ctx, const cw_theory *th, const cw_configuration *conf,
                                double value[N_NUMBERS]) {
  const cw_observer o = cw_observer_make(cw_observable_for(th), th, NULL);
  double *primary = cw_alloc((size_t)o.ops->n_primary(&o) * sizeof *primary);
  cw_field x = {0};
  cw_status st = primary != NULL ? CW_OK : cw_fail(ctx, CW_ENOMEM, "no memory for observables");
  if (st == CW_OK) st = cw_field_create(ctx, th->geom, th->n_comp, 1, &x);
  if (st == CW_OK) {
    cw_set_configuration(conf, &x, 0);
    st = cw_measure(ctx, &o, &x, primary, NULL);
  }
  if (st == CW_OK) {
    value[ENERGY] = quantity(&o, primary, "energy_density");
    value[CHARGE] = quantity(&o, primary, "q_bare");
  }
  cw_field_destroy(&x);
  free(primary);
  return st;
}

/* Of SU(3) in four dimensions, which has them. */
static cw_status measure_su3(cw_context *ctx, const subject *s, double value[N_NUMBERS]) {
  const cw_lattice *lat = &s->conf.lat;
  cw_geometry *geom = NULL;
  cw_theory th = {0};
  int V = cw_geometry_choose(lat, cw_kind_components(CW_LINK_SU3, lat), 1);
  cw_status st = cw_geometry_create(ctx, lat, V, &geom);
  if (st == CW_OK) st = cw_theory_create(ctx, cw_theory_find("su3"), geom, 0, &(double){1}, &th);
  if (st == CW_OK) st = measure_clover(ctx, &th, &s->conf, value);
  cw_theory_destroy(&th);
  cw_geometry_destroy(geom);
  return st;
}

static void measure_sites(const cw_configuration *conf, double value[N_NUMBERS]) {
  const long n = cw_lattice_sites(&conf->lat) * conf->n_comp;
  double sum = 0, squares = 0;
  for (long i = 0; i < n; i++) {
    sum += conf->data[i];
    squares += conf->data[i] * conf->data[i];
  }
  value[MEAN] = sum / (double)n;
  value[MEAN_SQUARE] = squares / (double)n;
}

static cw_status measure(cw_context *ctx, const subject *s, double value[N_NUMBERS]) {
  const cw_configuration_info *i = &s->info;
  const double checked[N_CHECKED] = {i->plaquette,  i->plaquette_spatial, i->plaquette_temporal,
                                     i->link_trace, i->unitarity,         i->determinant};
  for (int k = 0; k < N_NUMBERS; k++) value[k] = k < N_CHECKED ? checked[k] : NAN;
  if (s->conf.lat.dim != 4) value[SPATIAL] = value[TEMPORAL] = NAN; /* other planes than they say */
  if (!cw_kind(s->conf.kind)->on_links) measure_sites(&s->conf, value);
  if (s->conf.kind != CW_LINK_SU3 || s->conf.lat.dim != 4) return CW_OK;
  return measure_su3(ctx, s, value);
}

/* ------------------------------------------------------------------ printing */

static const char *verdict(const cw_configuration_info *info, cw_configuration_check check) {
  return info->wrong & check ? " (WRONG, ignored)" : " (verified)";
}

/* What the file states and whether we found it to be so, into text (size). */
static const char *stated_words(const cw_configuration_info *info, char *text, size_t size) {
  const char *plaquette = verdict(info, CW_CHECK_PLAQUETTE),
             *trace = verdict(info, CW_CHECK_LINK_TRACE);
  bool both = info->has_plaquette && info->has_link_trace, alike = strcmp(plaquette, trace) == 0;
  if (!info->has_plaquette && !info->has_link_trace) return "no plaquette, no link trace";
  snprintf(text, size, "%s%s%s%s%s", info->has_plaquette ? "plaquette" : "",
           info->has_plaquette && !(both && alike) ? plaquette : "", both ? ", " : "",
           info->has_link_trace ? "link trace" : "", info->has_link_trace ? trace : "");
  return text;
}

/* NULL: the numbers are text. */
static const char *byte_order(const cw_configuration_info *info) {
  if (info->format->text) return NULL;
  return info->big_endian ? "big" : "little";
}

/* "4 x 4 x 4 x 8 (x, y, z, t; 512 sites)" */
static void print_lattice(const cw_lattice *lat) {
  static const char *const axes[] = {"x", "x, y", "x, y, z", "x, y, z, t"};
  printf("%-20s", "lattice");
  for (int mu = 0; mu < lat->dim; mu++) printf("%s%d", mu > 0 ? " x " : "", lat->extent[mu]);
  printf(" (%s; %ld sites)\n", axes[lat->dim - 1], cw_lattice_sites(lat));
}

static void print_field(const cw_configuration *conf) {
  printf("%-20s%s", "field", cw_kind_title(conf->kind));
  if (!cw_kind(conf->kind)->on_links && conf->n_comp > 1)
    printf(", %d numbers per site", conf->n_comp);
  if (conf->theory[0] != '\0') printf("; theory %s: %s", conf->theory, conf->parameters);
  printf("\n");
}

static void print_numbers(const subject *s) {
  const cw_configuration_info *info = &s->info;
  const char *order = byte_order(info);
  printf("%-20s%d bits", "numbers", info->precision);
  if (order != NULL) printf(", %s endian", order);
  if (order == NULL) printf(", as text");
  if (cw_kind(s->conf.kind)->on_links) printf(", %d row%s", info->rows, info->rows == 1 ? "" : "s");
  printf("\n");
}

static void print_measured(const subject *s, const double value[N_NUMBERS]) {
  for (int i = 0; i < N_NUMBERS; i++) {
    char text[40], colours[8] = "";
    if (!is_shown(s, i) || isnan(value[i])) continue;
    snprintf(text, sizeof text, numbers[i].format, value[i]);
    if (numbers[i].by_colours)
      snprintf(colours, sizeof colours, "%d", cw_kind(s->conf.kind)->n_colours);
    printf("%-20s%-18s%s%s\n", numbers[i].name, text, numbers[i].meaning, colours);
  }
}

const char *cw_checksum_text(const cw_configuration_info *info) {
  if (info->has_checksum) return info->checksum;
  return info->format->sealed ? "of the whole file (verified)" : "none";
}

static void print_text(const subject *s, const double value[N_NUMBERS]) {
  const cw_configuration_info *info = &s->info;
  char stated[100];
  printf("%-20s%s\n", "file", s->path);
  printf("%-20s%s\n", "format", info->format->name);
  print_field(&s->conf);
  print_lattice(&s->conf.lat);
  print_numbers(s);
  printf("%-20s%s%s\n", "checksum", cw_checksum_text(info),
         info->has_checksum ? verdict(info, CW_CHECK_CHECKSUM) : "");
  printf("%-20s%s\n", "header", stated_words(info, stated, sizeof stated));
  print_measured(s, value);
  for (int i = 0; i < info->n_warnings; i++) printf("%-20s%s\n", "WARNING", info->warning[i]);
}

static json_t *lattice_json(const cw_lattice *lat) {
  json_t *list = json_array();
  for (int mu = 0; mu < lat->dim; mu++) json_array_append_new(list, json_integer(lat->extent[mu]));
  return list;
}

/* NULL where nothing is known. */
static json_t *text_json(const char *text) {
  return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *to_json(const subject *s, const double value[N_NUMBERS]) {
  const cw_configuration_info *info = &s->info;
  json_t *warnings = json_array(), *measured = json_object(), *ignored = json_array();
  for (int k = 0; cw_check_names()[k] != NULL; k++)
    if (s->conf.ignored & 1u << k) json_array_append_new(ignored, json_string(cw_check_names()[k]));
  for (int i = 0; i < info->n_warnings; i++)
    json_array_append_new(warnings, json_string(info->warning[i]));
  for (int i = 0; i < N_NUMBERS; i++)
    if (is_shown(s, i)) json_object_set_new(measured, numbers[i].name, cw_json_number(value[i]));
  return json_pack(
      "{s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:i, s:s?, s:i, s:o, s:b, s:b, s:o, s:o, s:o}", "file",
      s->path, "format", info->format->name, "field", cw_kind(s->conf.kind)->name, "components",
      cw_kind(s->conf.kind)->on_links ? 1 : s->conf.n_comp, "theory", text_json(s->conf.theory),
      "parameters", text_json(s->conf.parameters), "lattice", lattice_json(&s->conf.lat),
      "precision", info->precision, "byte_order", byte_order(info), "rows", info->rows, "checksum",
      info->has_checksum ? json_string(info->checksum) : json_null(), "states_plaquette",
      (int)info->has_plaquette, "states_link_trace", (int)info->has_link_trace, "ignored_checks",
      ignored, "measured", measured, "warnings", warnings);
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

static cw_status inspect(cw_context *ctx, const char *path, const cw_configuration_options *known,
                         bool json) {
  subject s = {.path = path};
  double value[N_NUMBERS];
  CW_TRY(cw_configuration_read(ctx, path, known, &s.conf, &s.info));
  cw_status st = measure(ctx, &s, value);
  if (st == CW_OK && json) st = print_json(ctx, &s, value);
  if (st == CW_OK && !json) print_text(&s, value);
  cw_configuration_clear(&s.conf);
  return st;
}

/* HDF5 files are models, unless they say that they are configurations; all ranks do as rank 0 sees
 * it. */
static bool is_model(cw_context *ctx, const char *path) {
  static const char signature[8] = "\x89HDF\r\n\x1a\n";
  char bytes[sizeof signature];
  FILE *file = cw_rank(ctx) == 0 ? fopen(path, "rb") : NULL;
  bool yes = file != NULL && fread(bytes, sizeof bytes, 1, file) == 1 &&
             memcmp(bytes, signature, sizeof bytes) == 0;
  if (file != NULL) fclose(file);
  yes = yes && !cw_configuration_is_own(path);
  cw_broadcast(ctx, &yes, sizeof yes);
  return yes;
}

cw_status cw_command_info(cw_context *ctx, int argc, char **argv) {
  const char *path = NULL, *lattice = NULL, *ignore = NULL;
  bool json = false;
  int n;
  cw_lattice lat;
  cw_configuration_options known = {.ignore = 0};
  const cw_option options[] = {{.word = "--lattice", .value = &lattice},
                               {.word = "--ignore-checks", .value = &ignore},
                               {.word = "--json", .flag = &json},
                               {.word = NULL}};
  CW_TRY(cw_options_read(ctx, "info", argc, argv, options, "one file", &path, 1, &n));
  if (n < 1)
    return cw_fail(ctx, CW_EINVAL,
                   "usage: causeway info FILE [--lattice X,Y,Z,T] [--ignore-checks CHECK,...] "
                   "[--json]");
  if (is_model(ctx, path)) {
    if (lattice != NULL || ignore != NULL)
      return cw_fail(ctx, CW_EINVAL, "info: %s: is for configurations, and '%s' is a model",
                     lattice != NULL ? "--lattice" : "--ignore-checks", path);
    return cw_info_model(ctx, path, json);
  }
  if (lattice != NULL) CW_TRY(cw_options_lattice(ctx, "info", lattice, &lat));
  if (lattice != NULL) known.lattice = &lat;
  if (ignore != NULL)
    CW_TRY(
        cw_options_bits(ctx, "info", "--ignore-checks", ignore, cw_check_names(), &known.ignore));
  cw_status st = CW_OK;
  if (cw_rank(ctx) == 0) st = inspect(ctx, path, &known, json);
  return cw_agree(ctx, st);
}
