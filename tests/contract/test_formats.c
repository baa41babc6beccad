/* What every format of configurations owes (cw_format), for every kind of field, precision and number
 * of rows that it writes: its table is whole, its files are recognised by it alone and read back to the bits
 * that they keep, with every check that it promises, and no damage goes unnoticed. */
#define _GNU_SOURCE
#include "support/check.h"
#include "support/directory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "causeway/configuration.h"
#include "causeway/group.h"
#include "ensemble/gauge/formats.h"

enum { ODD, EVEN, FLAT, LINE, LATTICES, KINDS = CW_SITE_SPIN + 1 };
static const cw_lattice lattice[LATTICES] = {
    {4, {3, 1, 2, 2}}, {4, {2, 2, 4, 2}}, {2, {3, 4}}, {1, {5}}};
static const double HALF_ULP = 0x1p-25; /* of a float in [1/2, 1) */

static cw_context *ctx;
static char *base; /* a fresh directory */
static cw_configuration fields[KINDS][LATTICES];

static long reals_of(const cw_configuration *c) {
  return cw_lattice_sites(&c->lat) * cw_configuration_site_reals(c);
}

static void copy_links(const cw_field *x, cw_configuration *out) {
  const int n_real = cw_kind(out->kind)->n_real, n = cw_kind(out->kind)->n_colours;
  for (long l = 0; l < x->geom->n_sites * out->lat.dim; l++) {
    double link[18];
    for (int k = 0; k < n_real; k++)
      link[k] = cw_field_get(x, 0, l / out->lat.dim, (int)(l % out->lat.dim) * n_real + k);
    cw_link_to_matrix(out->kind, link, out->data + l * 2 * n * n);
  }
}

/* Links from the Haar measure, signs, and pairs of normal numbers. */
static void make_field(cw_field_kind kind, const cw_lattice *lat, cw_configuration *out) {
  cw_geometry *geom;
  cw_field x;
  const bool links = cw_kind(kind)->on_links;
  *out = (cw_configuration){.lat = *lat, .kind = kind, .n_comp = kind == CW_SITE_REAL ? 2 : 1};
  out->data = cw_alloc((size_t)reals_of(out) * sizeof(double));
  assert_non_null(out->data);
  check_ok(ctx, cw_geometry_create(ctx, lat, 1, &geom));
  check_ok(ctx,
           cw_field_create(ctx, geom, links ? cw_kind_components(kind, lat) : out->n_comp, 1, &x));
  cw_kind(kind)->hot(CW_ISA_BASE, &x, cw_rng_stream(2, "formats"), 0);
  for (int i = 0; !links && i < reals_of(out); i++)
    out->data[i] = cw_field_get(&x, 0, i / out->n_comp, i % out->n_comp);
  if (links) copy_links(&x, out);
  cw_field_destroy(&x);
  cw_geometry_destroy(geom);
}

static void of_every_field(void (*do_it)(cw_field_kind kind, const cw_lattice *lat,
                                         cw_configuration *field)) {
  for (int k = 0; k < KINDS; k++)
    for (int l = 0; l < LATTICES; l++) do_it((cw_field_kind)k, &lattice[l], &fields[k][l]);
}

static void clear_field(cw_field_kind kind, const cw_lattice *lat, cw_configuration *field) {
  (void)kind;
  (void)lat;
  cw_configuration_clear(field);
}

static int setup(void **state) {
  (void)state;
  ctx = test_context(1);
  base = new_directory();
  of_every_field(make_field);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  of_every_field(clear_field);
  remove_directory(base);
  cw_context_destroy(ctx);
  return 0;
}

/* -------------------------------------------------------------------- tables */

/* precision or rows: different numbers, each one of two. */
static void check_numbers(const int *numbers, int one, int other) {
  for (int i = 0; numbers[i] != 0; i++) {
    assert_true(numbers[i] == one || numbers[i] == other);
    assert_true(i == 0 || numbers[i] != numbers[0]);
  }
}

static void check_table(const cw_format *f) {
  const unsigned all = CW_CHECK_CHECKSUM | CW_CHECK_PLAQUETTE | CW_CHECK_LINK_TRACE;
  assert_true(f->name[0] != '\0' && f->title[0] != '\0' && f->source[0] != '\0');
  assert_ptr_equal(cw_format_find(f->name), f);
  assert_true(f->recognises != NULL && f->header != NULL && f->read != NULL);
  check_numbers(f->precision, 32, 64);
  check_numbers(f->rows, 3, 2);
  assert_int_equal(f->precision[0] != 0, f->write != NULL);
  assert_int_equal(f->rows[0] != 0, f->write != NULL);
  assert_true(f->ending[0] == NULL || f->write != NULL);
  assert_int_equal(f->checks & ~all, 0);
  assert_true(f->kinds != 0 && f->kinds < 1u << KINDS);
  assert_int_equal((f->checks & CW_CHECK_CHECKSUM) != 0, f->checksum != NULL);
  for (int i = 0; f->ending[i] != NULL; i++) assert_int_equal(f->ending[i][0], '.');
}

static bool share_an_ending(const cw_format *f, const cw_format *g) {
  for (int i = 0; f->ending[i] != NULL; i++)
    for (int k = 0; g->ending[k] != NULL; k++)
      if (strcmp(f->ending[i], g->ending[k]) == 0) return true;
  return false;
}

static void test_tables(void **state) {
  (void)state;
  int n = 0;
  for (; cw_formats[n] != NULL; n++) {
    check_table(cw_formats[n]);
    for (int i = 0; i < n; i++) {
      assert_string_not_equal(cw_formats[i]->name, cw_formats[n]->name);
      assert_false(share_an_ending(cw_formats[i], cw_formats[n]));
    }
  }
  assert_true(n >= 4);
  assert_null(cw_format_find("no such format"));
}

/* ------------------------------------------------- every form that is written */

typedef struct {
  const cw_format *format;
  cw_configuration *field;
  int precision, rows;
} form;

typedef void form_test(const form *f);

static int colours_of(const cw_configuration *c) {
  return cw_kind(c->kind)->on_links ? cw_kind(c->kind)->n_colours : 1;
}

static void of_every_form_of(const cw_format *f, cw_configuration *field, form_test *test) {
  int rows[3];
  cw_format_rows(f, colours_of(field), rows);
  assert_int_not_equal(rows[0], 0);
  for (int p = 0; f->precision[p] != 0; p++)
    for (int r = 0; rows[r] != 0; r++) {
      const form it = {f, field, f->precision[p], rows[r]};
      print_message("%s, %s in %d dimensions, %d bits, %d rows\n", f->name,
                    cw_kind_title(field->kind), field->lat.dim, it.precision, it.rows);
      test(&it);
    }
}

/* Of lattices of four dimensions one that the format knows, which for most has odd extents. */
static bool is_wanted(const cw_format *f, int l) {
  return lattice[l].dim == 4 ? l == (f->even ? EVEN : ODD) : f->any_dim;
}

static void of_every_form(form_test *test) {
  for (int i = 0; cw_formats[i] != NULL; i++)
    for (int k = 0; k < KINDS; k++)
      for (int l = 0; l < LATTICES; l++) {
        const cw_format *f = cw_formats[i];
        if (f->write == NULL || !(f->kinds & 1u << k) || !is_wanted(f, l)) continue;
        of_every_form_of(f, &fields[k][l], test);
      }
}

static const char *write_it(const form *f, const char *name) {
  const char *path = path_in(base, name);
  check_ok(ctx, cw_configuration_write(ctx, path, f->format, f->precision, f->rows, f->field));
  return path;
}

static double largest_difference(const form *f, const cw_configuration *c) {
  const cw_configuration *links = f->field;
  double most = 0;
  assert_true(cw_lattice_equal(&c->lat, &links->lat));
  assert_int_equal(c->kind, links->kind);
  if (!cw_kind(c->kind)->on_links) assert_int_equal(c->n_comp, links->n_comp);
  for (long i = 0; i < reals_of(links); i++) most = fmax(most, fabs(c->data[i] - links->data[i]));
  return most;
}

/* What a form may lose: nothing; a third row made of two; rounding to 32 bits; both. */
static double loss(const form *f) {
  const bool whole = f->rows == colours_of(f->field);
  if (f->precision == 64) return whole ? 0 : 1e-15;
  return whole ? HALF_ULP : 6 * HALF_ULP;
}

static void check_promises(const form *f, const cw_configuration_info *info) {
  const bool links = cw_kind(f->field->kind)->on_links;
  const bool planes = links && f->field->lat.dim > 1;
  const unsigned checks = f->format->checks;
  assert_ptr_equal(info->format, f->format);
  assert_int_equal(info->precision, f->precision);
  assert_int_equal(info->rows, f->rows);
  assert_int_equal(info->has_checksum, (checks & CW_CHECK_CHECKSUM) != 0);
  assert_int_equal(info->has_plaquette, planes && (checks & CW_CHECK_PLAQUETTE) != 0);
  assert_int_equal(info->has_link_trace, links && (checks & CW_CHECK_LINK_TRACE) != 0);
}

static void round_trip(const form *f) {
  cw_configuration again;
  cw_configuration_info info;
  check_ok(ctx, cw_configuration_read(ctx, write_it(f, "round"), NULL, &again, &info));
  check_promises(f, &info);
  assert_int_equal(info.n_warnings, 0);
  assert_int_equal(again.ignored, 0);
  assert_true(largest_difference(f, &again) <= loss(f));
  cw_configuration_clear(&again);
}

static void test_round_trips(void **state) {
  (void)state;
  of_every_form(round_trip);
}

/* Checks that were ignored where the links come from stay with them. */
static void keep_doubts(const form *f) {
  cw_configuration again;
  cw_configuration_info info;
  for (unsigned doubts = 1; doubts < 8; doubts++) {
    f->field->ignored = doubts;
    const char *path = write_it(f, "doubts");
    f->field->ignored = 0;
    check_ok(ctx, cw_configuration_read(ctx, path, NULL, &again, &info));
    assert_int_equal(again.ignored, doubts);
    assert_int_equal(info.wrong, 0);
    assert_int_equal(info.n_warnings, 1);
    cw_configuration_clear(&again);
  }
}

static void test_doubts(void **state) {
  (void)state;
  of_every_form(keep_doubts);
}

static void recognised_by_one(const form *f) {
  cw_configuration_info info = {0};
  cw_gauge_file file;
  const cw_format *found;
  uint8_t start[CW_FORMAT_START];
  check_ok(ctx, cw_gauge_open(ctx, write_it(f, "one"), NULL, &info, &file));
  check_ok(ctx, cw_gauge_recognise(&file, &found));
  assert_ptr_equal(found, f->format);
  check_ok(ctx, cw_gauge_read(&file, 0, start, sizeof start, "the start"));
  for (int i = 0; cw_formats[i] != NULL; i++)
    assert_int_equal(cw_formats[i]->recognises(&file, start), cw_formats[i] == f->format);
  assert_int_equal(info.n_warnings, 0);
  cw_gauge_close(&file);
}

static void test_recognised(void **state) {
  (void)state;
  of_every_form(recognised_by_one);
}

/* -------------------------------------------------------------------- damage */

enum { MOST_BYTES = 1 << 17 };

static size_t load(const char *path, uint8_t *bytes) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(bytes, 1, MOST_BYTES, f);
  fclose(f);
  assert_true(n > 0 && n < MOST_BYTES);
  return n;
}

/* What becomes of these bytes: refused with one line, or read. They lie in memory: thousands of
 * files on disk would take minutes. */
static cw_status read_bytes(const uint8_t *bytes, size_t n, cw_configuration *c,
                            cw_configuration_info *info) {
  char path[64];
  int fd = memfd_create("damaged", 0);
  assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  cw_status st = cw_configuration_read(ctx, path, NULL, c, info);
  close(fd);
  if (st != CW_OK) {
    assert_true(st == CW_ECORRUPT || st == CW_EINVAL);
    assert_non_null(strstr(cw_error(ctx), path));
    assert_null(strchr(cw_error(ctx), '\n'));
    cw_clear_error(ctx);
  }
  return st;
}

/* A file that ends too early is refused; where all links and what describes them are there, a
 * warning will do. */
static void cut(const form *f) {
  uint8_t *bytes = malloc(MOST_BYTES);
  assert_non_null(bytes);
  size_t size = load(write_it(f, "whole"), bytes);
  for (size_t n = 0; n < size; n += n < 1200 || size - n < 600 ? (SANITIZED ? 3 : 1) : 97) {
    cw_configuration c;
    cw_configuration_info info;
    if (read_bytes(bytes, n, &c, &info) != CW_OK) continue;
    assert_true(info.n_warnings > 0);
    assert_true(largest_difference(f, &c) <= loss(f));
    cw_configuration_clear(&c);
  }
  free(bytes);
}

static void test_cut(void **state) {
  (void)state;
  of_every_form(cut);
}

/* A flipped bit does not change links where there is a checksum, and where there is none, by no
 * more than the group lets pass. */
static void flip(const form *f) {
  uint8_t *bytes = malloc(MOST_BYTES);
  const bool sealed = f->format->checksum != NULL || f->format->sealed;
  const double allowed = sealed ? 0 : CW_UNITARITY;
  assert_non_null(bytes);
  size_t size = load(write_it(f, "whole"), bytes);
  for (size_t i = 0; i < size; i += i < 1200 || size - i < 600 ? (SANITIZED ? 3 : 1) : 31) {
    cw_configuration c;
    cw_configuration_info info;
    bytes[i] ^= (uint8_t)(1u << i % 8);
    cw_status st = read_bytes(bytes, size, &c, &info);
    bytes[i] ^= (uint8_t)(1u << i % 8);
    if (st != CW_OK) continue;
    assert_true(largest_difference(f, &c) <= loss(f) + allowed);
    cw_configuration_clear(&c);
  }
  free(bytes);
}

static void test_flipped(void **state) {
  (void)state;
  of_every_form(flip);
}

/* ------------------------------------------------------------------- requests */

static void expect_unwritable(const cw_format *format, int precision, int rows, const char *part) {
  const char *path = path_in(base, "none");
  check_failure(
      ctx, cw_configuration_write(ctx, path, format, precision, rows, &fields[CW_LINK_SU3][EVEN]),
      CW_EINVAL, part);
  assert_int_not_equal(access(path, F_OK), 0);
}

static void test_requests(void **state) {
  (void)state;
  expect_unwritable(NULL, 64, 3, "to write, found unknown");
  for (int i = 0; cw_formats[i] != NULL; i++) {
    const cw_format *f = cw_formats[i];
    if (f->write == NULL) expect_unwritable(f, 64, 3, f->name);
    if (f->write == NULL) continue;
    for (int bits = 16; bits <= 128; bits += 16)
      if (!cw_format_has(f->precision, bits))
        expect_unwritable(f, bits, f->rows[0], "expected precision");
    for (int rows = 0; rows <= 4; rows++)
      if (!cw_format_has(f->rows, rows)) expect_unwritable(f, f->precision[0], rows, "rows");
  }
}

/* A field that a format cannot hold is refused by its name. */
static void test_other_fields(void **state) {
  (void)state;
  for (int i = 0; cw_formats[i] != NULL; i++)
    for (int k = 0; k < KINDS; k++) {
      const cw_format *f = cw_formats[i];
      if (f->write == NULL || f->kinds & 1u << k) continue;
      check_failure(ctx,
                    cw_configuration_write(ctx, path_in(base, "none"), f, f->precision[0], 1,
                                           &fields[k][EVEN]),
                    CW_EINVAL, cw_kind_title((cw_field_kind)k));
    }
}

static void expect_found(const char *path, const cw_configuration_options *known,
                         const char *found) {
  cw_configuration c;
  cw_configuration_info info;
  check_failure(ctx, cw_configuration_read(ctx, path, known, &c, &info), CW_EINVAL, found);
}

/* Whoever wants another field, or another lattice, is told what there is. */
static void other_wanted(const form *f) {
  const cw_field_kind own = f->field->kind, other = (own + 1) % KINDS;
  const cw_lattice larger = {3, {2, 2, 3}};
  const char *path = write_it(f, "other");
  char found[64];
  snprintf(found, sizeof found, "expected %s, found %s", cw_kind_title(other), cw_kind_title(own));
  expect_found(path, &(cw_configuration_options){.kind = &other, .n_comp = 1}, found);
  expect_found(path, &(cw_configuration_options){.lattice = &larger}, "expected a lattice 2x2x3");
  if (own != CW_SITE_REAL) return;
  expect_found(path, &(cw_configuration_options){.kind = &own, .n_comp = 3},
               "expected 3 numbers per site, found 2");
}

static void test_other_wanted(void **state) {
  (void)state;
  of_every_form(other_wanted);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tables),       cmocka_unit_test(test_round_trips),
      cmocka_unit_test(test_doubts),       cmocka_unit_test(test_recognised),
      cmocka_unit_test(test_cut),          cmocka_unit_test(test_flipped),
      cmocka_unit_test(test_requests),     cmocka_unit_test(test_other_fields),
      cmocka_unit_test(test_other_wanted),
  };
  return cmocka_run_group_tests_name("formats contract", tests, setup, teardown);
}
