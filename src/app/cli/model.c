/* causeway info FILE of a model: which flows it holds, and how good they are here and on larger
 * lattices. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/cli/json.h"
#include "app/plan/model_file.h"

enum { ENDS = 240, SHOWN = 16 }; /* of parameters */

static const int larger[] = {2, 4, 16}; /* times the sites of the lattice of the fit */
enum { N_LARGER = sizeof larger / sizeof *larger };

static const double *number(const cw_model_file *f, int which, int flow) {
  return f->number[which] + 2 * flow;
}

/* Acceptance of swaps on so many times the sites, and its error: K is in proportion to them, works
 * taken as Gaussian. */
static double acceptance_at(const cw_model_file *f, int flow, int times, double *error) {
  const double *K = number(f, CW_MODEL_K, flow), at = K[0] * times;
  *error = -K[1] * times * cw_gaussian_acceptance_slope(at);
  return cw_gaussian_acceptance(at);
}

/* ------------------------------------------------------------------ in words */

/* "0.123(4)", or "unknown". */
static const char *value_text(double value, double error, char text[CW_VALUE_TEXT]) {
  if (isnan(value)) return "unknown";
  cw_format_value(value, error, text);
  return text;
}

static const char *number_text(const cw_model_file *f, int which, int flow,
                               char text[CW_VALUE_TEXT]) {
  const double *x = number(f, which, flow);
  return value_text(x[0], x[1], text);
}

/* Lines of text, each behind so many blanks. */
static void print_lines(const char *text, int indent) {
  for (size_t n; *text != '\0'; text += text[n] == '\n' ? n + 1 : n) {
    n = strcspn(text, "\n");
    printf("%*s%.*s\n", indent, "", (int)n, text);
  }
}

static void print_head(const char *path, const cw_model_file *f) {
  const char *in_case = f->text[CW_MODEL_CASE].text;
  printf("%-20s%s\n%-20scauseway-model (verified)\n%-20s%s, form %s\n%-20s", "file", path, "format",
         "theory", f->text[CW_MODEL_THEORY].text, f->text[CW_MODEL_FORM].text, "lattice");
  for (int d = 0; d < f->lat.dim; d++) printf("%s%d", d > 0 ? " x " : "", f->lat.extent[d]);
  printf(" (%ld sites)\n", cw_lattice_sites(&f->lat));
  printf("%-20s%d, of %ld parameter%s each\n", "flows", f->n, f->n_theta,
         f->n_theta == 1 ? "" : "s");
  printf("%-20ssection '%s'%s%s%s of the job below\n", "made by", f->text[CW_MODEL_SECTION].text,
         in_case[0] != '\0' ? " in case '" : "", in_case, in_case[0] != '\0' ? "'" : "");
  printf("%-20s%s\n", "numbers", f->text[CW_MODEL_JUDGED].text);
  printf("\nkey 'flow' of a job, to which 'start: {model: %s}' is added:\n", path);
  print_lines(f->text[CW_MODEL_FLOW_TEXT].text, 4);
}

static void print_volumes(const cw_model_file *f, int flow) {
  char text[CW_VALUE_TEXT];
  const long sites = cw_lattice_sites(&f->lat);
  if (!(number(f, CW_MODEL_K, flow)[0] > 0)) return;
  for (int i = 0; i < N_LARGER; i++) {
    double error;
    const double a = acceptance_at(f, flow, larger[i], &error);
    char label[20];
    snprintf(label, sizeof label, "  on %d x the sites", larger[i]);
    printf("%-20s%-18sacceptance, %ld sites\n", label, value_text(a, error, text),
           larger[i] * sites);
  }
}

static void print_flow(const cw_model_file *f, int k) {
  char from[ENDS], to[ENDS], text[2][CW_VALUE_TEXT];
  cw_model_file_end(f, k, 0, from, sizeof from);
  cw_model_file_end(f, k, 1, to, sizeof to);
  printf("\nflow %d, from %s to %s\n", k, from, to);
  printf("%-20s%.10g to %.10g of the ladder of that job\n", "  positions", f->position[k],
         f->position[k + 1]);
  printf("%-20s%.0f\n", "  configurations", f->configurations[k]);
  printf("%-20s%-18sshare of the variance of the work that the flow leaves\n", "  rho",
         number_text(f, CW_MODEL_RHO, k, text[0]));
  printf("%-20s%-18smean works there and back; %s without the flow\n", "  K",
         number_text(f, CW_MODEL_K, k, text[0]), number_text(f, CW_MODEL_K_WITHOUT, k, text[1]));
  printf("%-20s%-18sthat is so much per site\n", "  K_per_site",
         number_text(f, CW_MODEL_K_PER_SITE, k, text[0]));
  printf("%-20s%-18sof swaps, as K predicts; %s without the flow\n", "  acceptance",
         number_text(f, CW_MODEL_ACCEPTANCE, k, text[0]),
         number_text(f, CW_MODEL_ACCEPTANCE_WITHOUT, k, text[1]));
  print_volumes(f, k);
  printf("%-20s", "  theta");
  for (long i = 0; i < f->n_theta && i < SHOWN; i++)
    printf("%s%.6g", i > 0 ? ", " : "", f->theta[k * f->n_theta + i]);
  printf("%s\n", f->n_theta > SHOWN ? ", ..." : "");
}

static void print_words(const char *path, const cw_model_file *f) {
  print_head(path, f);
  for (int k = 0; k < f->n; k++) print_flow(f, k);
  printf("\nthe job that made it:\n");
  print_lines(f->text[CW_MODEL_JOB].text, 4);
}

/* ------------------------------------------------------------------- as JSON */

/* What sets or appends returns 0, or -1: no memory. What makes returns NULL then. */
static json_t *unless(int bad, json_t *made) {
  if (bad == 0) return made;
  json_decref(made);
  return NULL;
}

static json_t *reals(const double *x, long n) {
  json_t *list = json_array();
  int bad = 0;
  for (long i = 0; i < n; i++) bad += json_array_append_new(list, cw_json_number(x[i]));
  return unless(bad, list);
}

static json_t *value_and_error(double value, double error) {
  json_t *map = json_object();
  int bad = json_object_set_new(map, "value", cw_json_number(value));
  bad += json_object_set_new(map, "error", cw_json_number(error));
  return unless(bad, map);
}

static json_t *end_of(const cw_model_file *f, int flow, int end) {
  json_t *map = json_object();
  int bad = 0;
  for (int i = 0; i < f->n_params; i++)
    bad += json_object_set_new(map, f->param[i],
                               cw_json_number(f->ends[(flow * 2 + end) * f->n_params + i]));
  return unless(bad, map);
}

static json_t *volumes_of(const cw_model_file *f, int flow) {
  json_t *list = json_array();
  int bad = 0;
  for (int i = 0; i < N_LARGER; i++) {
    double error;
    const double a = acceptance_at(f, flow, larger[i], &error);
    json_t *one = value_and_error(a, error);
    bad += json_object_set_new(one, "sites", json_integer(larger[i] * cw_lattice_sites(&f->lat)));
    bad += json_array_append_new(list, one);
  }
  return unless(bad, list);
}

static json_t *flow_to_json(const cw_model_file *f, int k) {
  json_t *map = json_object();
  int bad = json_object_set_new(map, "from", end_of(f, k, 0));
  bad += json_object_set_new(map, "to", end_of(f, k, 1));
  bad += json_object_set_new(map, "positions", reals(f->position + k, 2));
  bad += json_object_set_new(map, "configurations", cw_json_number(f->configurations[k]));
  for (int i = 0; i < CW_MODEL_NUMBERS; i++)
    bad += json_object_set_new(map, cw_model_numbers[i],
                               value_and_error(number(f, i, k)[0], number(f, i, k)[1]));
  bad += json_object_set_new(map, "acceptance_on_larger", volumes_of(f, k));
  bad += json_object_set_new(map, "theta", reals(f->theta + k * f->n_theta, f->n_theta));
  return unless(bad, map);
}

static json_t *to_json(const cw_model_file *f) {
  json_t *map = json_object(), *lattice = json_array(), *flows = json_array();
  int bad = json_object_set_new(map, "format", json_string("causeway-model"));
  for (int i = 0; i < CW_MODEL_TEXTS; i++)
    bad += json_object_set_new(map, f->text[i].name, json_string(f->text[i].text));
  for (int d = 0; d < f->lat.dim; d++)
    bad += json_array_append_new(lattice, json_integer(f->lat.extent[d]));
  for (int k = 0; k < f->n; k++) bad += json_array_append_new(flows, flow_to_json(f, k));
  bad += json_object_set_new(map, "lattice", lattice);
  bad += json_object_set_new(map, "flows", flows);
  return unless(bad, map);
}

static cw_status print_json(cw_context *ctx, const char *path, const cw_model_file *f) {
  json_t *document = to_json(f);
  if (document == NULL)
    return cw_fail(ctx, CW_ENOMEM, "no memory for '%s' as JSON, or its texts are not UTF-8", path);
  int bad = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
  json_decref(document);
  if (bad != 0) return cw_fail(ctx, CW_EIO, "cannot write to standard output");
  putchar('\n');
  return CW_OK;
}

cw_status cw_info_model(cw_context *ctx, const char *path, bool json) {
  cw_model_file f;
  cw_status st = cw_model_file_read(ctx, path, &f);
  if (st == CW_OK && cw_rank(ctx) == 0) {
    if (json)
      st = print_json(ctx, path, &f);
    else
      print_words(path, &f);
  }
  cw_model_file_clear(&f);
  return cw_agree(ctx, st);
}
