/* What every format of configurations owes (cw_format), for every precision and number of rows that
 * it writes: its table is whole, its files are recognised by it alone and read back to the bits
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

enum { ODD, EVEN, KINDS, MOST_SITES = 32, MOST_REALS = MOST_SITES * CW_SITE_REALS };
static const cw_lattice lattice[KINDS] = {{4, {3, 1, 2, 2}}, {4, {2, 2, 4, 2}}};
static const double HALF_ULP = 0x1p-25; /* of a float in [1/2, 1) */

static cw_context *ctx;
static char *base; /* a fresh directory */
static cw_configuration links_of[KINDS];

static long reals_of(const cw_configuration *c) {
  return cw_lattice_sites(&c->lat) * CW_SITE_REALS;
}

/* Those that a format knows. */
static cw_configuration *links_for(const cw_format *f) { return &links_of[f->even ? EVEN : ODD]; }

/* Links from the Haar measure. */
static void make_links(const cw_lattice *lat, cw_configuration *links) {
  cw_geometry *geom;
  cw_field x;
  *links = (cw_configuration){.lat = *lat, .link = cw_alloc(MOST_REALS * sizeof(double))};
  assert_non_null(links->link);
  check_ok(ctx, cw_geometry_create(ctx, lat, 1, &geom));
  check_ok(ctx, cw_field_create(ctx, geom, cw_kind_components(CW_LINK_SU3, lat), 1, &x));
  cw_kind(CW_LINK_SU3)->hot(CW_ISA_BASE, &x, cw_rng_stream(2, "formats"), 0);
  for (int i = 0; i < reals_of(links); i++)
    links->link[i] = cw_field_get(&x, 0, i / CW_SITE_REALS, i % CW_SITE_REALS);
  cw_field_destroy(&x);
  cw_geometry_destroy(geom);
}

static int setup(void **state) {
  (void)state;
  ctx = test_context(1);
  base = new_directory();
  for (int k = 0; k < KINDS; k++) make_links(&lattice[k], &links_of[k]);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (int k = 0; k < KINDS; k++) cw_configuration_clear(&links_of[k]);
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
  int precision, rows;
} form;

typedef void form_test(const form *f);

static void of_every_form(form_test *test) {
  for (int i = 0; cw_formats[i] != NULL; i++) {
    const cw_format *f = cw_formats[i];
    if (f->write == NULL) continue;
    for (int p = 0; f->precision[p] != 0; p++)
      for (int r = 0; f->rows[r] != 0; r++) {
        const form it = {f, f->precision[p], f->rows[r]};
        print_message("%s, %d bits, %d rows\n", f->name, it.precision, it.rows);
        test(&it);
      }
  }
}

static const char *write_it(const form *f, const char *name) {
  const char *path = path_in(base, name);
  check_ok(ctx, cw_configuration_write(ctx, path, f->format, f->precision, f->rows,
                                       links_for(f->format)));
  return path;
}

static double largest_difference(const form *f, const cw_configuration *c) {
  const cw_configuration *links = links_for(f->format);
  double most = 0;
  assert_true(cw_lattice_equal(&c->lat, &links->lat));
  for (long i = 0; i < reals_of(links); i++) most = fmax(most, fabs(c->link[i] - links->link[i]));
  return most;
}

/* What a form may lose: nothing; a third row made of two; rounding to 32 bits; both. */
static double loss(const form *f) {
  if (f->precision == 64) return f->rows == 3 ? 0 : 1e-15;
  return f->rows == 3 ? HALF_ULP : 6 * HALF_ULP;
}

static void check_promises(const form *f, const cw_configuration_info *info) {
  const unsigned checks = f->format->checks;
  assert_ptr_equal(info->format, f->format);
  assert_int_equal(info->precision, f->precision);
  assert_int_equal(info->rows, f->rows);
  assert_int_equal(info->has_checksum, (checks & CW_CHECK_CHECKSUM) != 0);
  assert_int_equal(info->has_plaquette, (checks & CW_CHECK_PLAQUETTE) != 0);
  assert_int_equal(info->has_link_trace, (checks & CW_CHECK_LINK_TRACE) != 0);
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
    links_for(f->format)->ignored = doubts;
    const char *path = write_it(f, "doubts");
    links_for(f->format)->ignored = 0;
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
  for (size_t n = 0; n < size; n += n < 1200 || size - n < 600 ? 1 : 97) {
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
  const double allowed = f->format->checksum != NULL ? 0 : CW_UNITARITY;
  assert_non_null(bytes);
  size_t size = load(write_it(f, "whole"), bytes);
  for (size_t i = 0; i < size; i += i < 1200 || size - i < 600 ? 1 : 31) {
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
  check_failure(ctx, cw_configuration_write(ctx, path, format, precision, rows, &links_of[EVEN]),
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tables),   cmocka_unit_test(test_round_trips),
      cmocka_unit_test(test_doubts),   cmocka_unit_test(test_recognised),
      cmocka_unit_test(test_cut),      cmocka_unit_test(test_flipped),
      cmocka_unit_test(test_requests),
  };
  return cmocka_run_group_tests_name("formats contract", tests, setup, teardown);
}
