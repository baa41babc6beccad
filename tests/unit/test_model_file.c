/* Model files: written and read again, damaged, of other formats, and flows found by their ends. */
#include "support/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan/model_file.h"
#include "ensemble/h5.h"
#include "ensemble/seal.h"

/* U(1) from beta = 6 over 6.5 to 7, and no number of the second flow. */
static const char FLOW[] = "layers:\n  - kind: residual\n    steps: 3\n";
static const char *const TEXTS[CW_MODEL_TEXTS] = {"u1",          "isotropic", "beta", FLOW,
                                                  "job: test\n", "",          "fit",  "by hand"};

static void put(cw_model_file *f, const char *name, int rank, const long *dim, const double *data) {
  check_ok(ctx, cw_arrays_put(ctx, &f->arrays, name, rank, dim, data));
}

static void fill(cw_model_file *f) {
  const double number[] = {0.25, 0.01, NAN, NAN};
  cw_model_file_begin(f);
  for (int i = 0; i < CW_MODEL_TEXTS; i++) f->text[i].text = strdup(TEXTS[i]);
  put(f, "lattice", 1, (long[]){2}, (double[]){8, 6});
  put(f, "positions", 1, (long[]){3}, (double[]){0, 0.5, 1});
  put(f, "ends", 3, (long[]){2, 2, 1}, (double[]){6, 6.5, 6.5, 7});
  put(f, "theta", 2, (long[]){2, 3}, (double[]){1, 2, 3, 4, 5, 6});
  put(f, "configurations", 1, (long[]){2}, (double[]){100, 100});
  for (int i = 0; i < CW_MODEL_NUMBERS; i++) put(f, cw_model_numbers[i], 2, (long[]){2, 2}, number);
}

static const char *written(const char *name) {
  cw_model_file f;
  fill(&f);
  check_ok(ctx, cw_model_file_write(ctx, path_of(name), &f));
  cw_model_file_clear(&f);
  return path_of(name);
}

static void test_round_trip(void **state) {
  (void)state;
  cw_model_file f;
  char end[80];
  check_ok(ctx, cw_model_file_read(ctx, written("a.h5"), &f));
  for (int i = 0; i < CW_MODEL_TEXTS; i++) assert_string_equal(f.text[i].text, TEXTS[i]);
  assert_int_equal(f.n, 2);
  assert_int_equal(f.n_theta, 3);
  assert_int_equal(f.lat.dim, 2);
  assert_int_equal(f.lat.extent[1], 6);
  for (int i = 0; i < 6; i++) assert_true(f.theta[i] == i + 1);
  assert_true(f.number[CW_MODEL_K][0] == 0.25 && isnan(f.number[CW_MODEL_K][2]));
  assert_true(f.position[1] == 0.5 && f.configurations[1] == 100);
  cw_model_file_end(&f, 1, 0, end, sizeof end);
  assert_string_equal(end, "{beta: 6.5}");
  cw_model_file_clear(&f);
}

/* ------------------------------------------------------------------- damage */

static uint8_t *slurp(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = malloc(1 << 20);
  assert_non_null(file);
  *size = fread(bytes, 1, 1 << 20, file);
  fclose(file);
  return bytes;
}

static void read_bytes(const uint8_t *bytes, size_t size, cw_status expected, const char *message) {
  cw_model_file f;
  const char *path = path_of("bad.h5");
  FILE *file = fopen(path, "wb");
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
  check_failure(ctx, cw_model_file_read(ctx, path, &f), expected, message);
  cw_model_file_clear(&f);
}

static void test_damage_is_named(void **state) {
  (void)state;
  size_t size;
  uint8_t *bytes = slurp(written("b.h5"), &size);
  for (size_t i = 0; i < size; i += size / 40) {
    bytes[i] ^= 4;
    read_bytes(bytes, size, CW_ECORRUPT, "bad.h5' is ");
    bytes[i] ^= 4;
  }
  read_bytes(bytes, size / 2, CW_ECORRUPT, "bad.h5' is truncated or damaged");
  read_bytes(bytes, 7, CW_ECORRUPT, "bad.h5' is truncated: 7 bytes are left");
  free(bytes);
  cw_model_file f;
  check_failure(ctx, cw_model_file_read(ctx, path_of("none.h5"), &f), CW_EIO, "none.h5");
  cw_model_file_clear(&f);
}

static void read_sealed(const char *format, long version, cw_status expected, const char *message) {
  cw_medium m = {.fd = CW_MEDIUM_MEMORY};
  const cw_h5_id file = cw_h5_create(&m);
  assert_true(file >= 0 && cw_h5_put_text(file, "format", format) &&
              cw_h5_put_long(file, "version", version) &&
              cw_h5_put_text(file, "causeway", "9.8.7") && cw_h5_close(file, &m));
  cw_seal(&m);
  read_bytes(m.bytes, m.size, expected, message);
  free(m.bytes);
}

static void test_other_formats(void **state) {
  (void)state;
  read_sealed("causeway-model", 2, CW_EINVAL, "is in format version 2 (written by causeway 9.8.7)");
  read_sealed("causeway-segment", 1, CW_ECORRUPT, "bad.h5' is not a model of causeway");
  read_sealed("causeway-model", 1, CW_ECORRUPT, "cannot read the label of the model");
}

/* One array of a file is another: it is neither written nor read. */
static void with_array(const char *name, int rank, const long *dim, double value) {
  cw_model_file f;
  char message[80];
  double data[8];
  for (int i = 0; i < 8; i++) data[i] = value;
  fill(&f);
  put(&f, name, rank, dim, data);
  snprintf(message, sizeof message, "its array '%s' is not what a model holds", name);
  check_failure(ctx, cw_model_file_write(ctx, path_of("c.h5"), &f), CW_ECORRUPT, message);
  cw_model_file_clear(&f);
}

static void test_arrays_that_are_no_model(void **state) {
  (void)state;
  with_array("lattice", 1, (long[]){2}, 0.5);
  with_array("lattice", 1, (long[]){5}, 4);
  with_array("lattice", 1, (long[]){4}, 4096);
  with_array("positions", 1, (long[]){2}, 0.5);
  with_array("ends", 3, (long[]){2, 2, 2}, 6);
  with_array("ends", 3, (long[]){2, 2, 1}, NAN);
  with_array("theta", 2, (long[]){2, 0}, 1);
  with_array("theta", 1, (long[]){6}, 1);
  with_array("theta", 2, (long[]){2, 3}, INFINITY);
  with_array("K", 2, (long[]){2, 1}, 1);
}

/* ----------------------------------------------------------------- does it fit? */

static void read_job(const char *theory, const char *ladder, const char *layer, cw_plans *plans) {
  char text[800];
  cw_job *job = NULL;
  snprintf(text, sizeof text,
           "job: a\nlattice: [4, 4]\ntheory: %s\nladder: %s\nleast_squares: {sampler: heatbath, "
           "flow: {layers: [%s]}}\n",
           theory, ladder, layer);
  check_ok(ctx, cw_job_parse(ctx, text, strlen(text), "a.yaml", &job));
  check_ok(ctx, cw_plans_read(ctx, job, plans));
  cw_job_destroy(job);
}

/* flow (3). message NULL: it fits. */
static void fits(const char *theory, const char *ladder, const char *layer, int *flow,
                 const char *message) {
  cw_model_file f;
  cw_plans plans;
  cw_training t;
  read_job(theory, ladder, layer, &plans);
  const cw_section *s = plans.plan[0].section;
  assert_true(s->method->trains(plans.plan, s, &t));
  check_ok(ctx, cw_model_file_read(ctx, written("d.h5"), &f));
  cw_status st = cw_model_file_fits(ctx, "d.h5", &f, plans.plan, t.model, flow);
  if (message == NULL)
    check_ok(ctx, st);
  else
    check_failure(ctx, st, CW_EINVAL, message);
  cw_model_file_clear(&f);
  cw_plans_clear(&plans);
}

static void test_flows_are_found_by_their_ends(void **state) {
  (void)state;
  int flow[3] = {9, 9, 9};
  const char *u1 = "{kind: u1, beta: 7}", *layer = "{kind: residual, steps: 3}";
  fits(u1, "{from: {beta: 6}, rungs: 3}", layer, flow, NULL);
  assert_true(flow[0] == 0 && flow[1] == 1);
  fits(u1, "{from: {beta: 6.5}, rungs: 2}", layer, flow, NULL);
  assert_int_equal(flow[0], 1);
  fits(u1, "{from: {beta: 6.5}, rungs: 3}", layer, flow,
       "start: expected a flow from {beta: 6.5} to {beta: 6.75}, of rungs 0 and 1, found {beta: "
       "6.5} to {beta: 7} as flow 1 of 2 in model 'd.h5'");
  fits("{kind: u1, beta: 6}", "{from: {beta: 7}, rungs: 3}", layer, flow,
       "expected a flow from {beta: 7} to {beta: 6.5}");
}

static void test_other_theories_and_layers(void **state) {
  (void)state;
  int flow[3];
  const char *u1 = "{kind: u1, beta: 7}", *ladder = "{from: {beta: 6}, rungs: 3}";
  fits("{kind: su2, beta: 7}", ladder, "{kind: residual, steps: 3}", flow,
       "expected flows of theory 'su2' in form 'isotropic', found those of 'u1' in form "
       "'isotropic'");
  fits("{kind: u1, form: defect, beta: 7, factor: 1}", ladder, "{kind: residual, steps: 3}", flow,
       "in form 'defect'");
  fits(u1, ladder, "{kind: residual}", flow, "of layer 0 expected steps 2, found 3");
  fits(u1, ladder, "{kind: residual, steps: 3, mask: quarter}", flow,
       "of layer 0 expected mask 'quarter', found 'half'");
  fits(u1, ladder, "{kind: residual, steps: 3, repeat: 2}", flow, "expected 2, found 1");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
                                     cmocka_unit_test(test_damage_is_named),
                                     cmocka_unit_test(test_other_formats),
                                     cmocka_unit_test(test_arrays_that_are_no_model),
                                     cmocka_unit_test(test_flows_are_found_by_their_ends),
                                     cmocka_unit_test(test_other_theories_and_layers)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
