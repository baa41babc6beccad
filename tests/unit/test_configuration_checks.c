/* What a reader verifies and a writer asks for: links in SU(3), checks that are ignored by bits,
 * and the record of them in what is written. */
#define _GNU_SOURCE
#include "support/scratch.h"

#include <string.h>

#include "causeway/configuration.h"

static const cw_lattice LAT = {4, {2, 2, 2, 2}};
enum { REALS = 16 * 72 };

/* diag(1/s, s exp(i a), exp(-i a)) on every link, a = 0.1 times its number: in SU(3) for s = 1. */
static cw_configuration diagonal(double s) {
  cw_configuration c = {.lat = LAT, .kind = CW_LINK_SU3, .data = cw_alloc(REALS * sizeof(double))};
  assert_non_null(c.data);
  for (int k = 0; k < REALS / 18; k++) {
    double *u = c.data + 18 * (size_t)k, a = 0.1 * k;
    u[0] = 1 / s;
    u[8] = s * cos(a);
    u[9] = s * sin(a);
    u[16] = cos(a);
    u[17] = -sin(a);
  }
  return c;
}

static const char *write_it(const cw_configuration *c, const char *format, int precision,
                            int rows) {
  const char *path = path_in(base, "file");
  check_ok(ctx, cw_configuration_write(ctx, path, cw_format_find(format), precision, rows, c));
  return path;
}

/* Every precision and number of rows refuses what every reader would, and leaves nothing. */
static void test_only_the_group_is_written(void **state) {
  (void)state;
  static const struct {
    double s;
    bool good;
  } cases[] = {{1, true}, {1 + 4e-6, true}, {1 + 6e-6, false}, {1.1, false}, {1e200, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    cw_configuration c = diagonal(cases[i].s), again;
    cw_configuration_info info;
    for (int form = 0; form < 6; form++) {
      const char *format = form < 2 ? "ildg" : "nersc";
      const char *path = path_in(base, "form");
      cw_status st = cw_configuration_write(ctx, path, cw_format_find(format), form % 2 ? 64 : 32,
                                            form < 4 ? 3 : 2, &c);
      if (cases[i].good) {
        check_ok(ctx, st);
        check_ok(ctx, cw_configuration_read(ctx, path, NULL, &again, &info));
        cw_configuration_clear(&again);
        remove(path);
      } else {
        check_failure(ctx, st, CW_EINVAL, "is not written: links are not in SU(3)");
        assert_int_not_equal(remove(path), 0);
      }
    }
    cw_configuration_clear(&c);
  }
}

/* det U = -1: unitary, and two rows of it would come back as another matrix. */
static void test_determinant(void **state) {
  (void)state;
  cw_configuration c = diagonal(1);
  c.data[16] = -c.data[16];
  c.data[17] = -c.data[17];
  check_failure(ctx,
                cw_configuration_write(ctx, path_in(base, "d"), cw_format_find("nersc"), 64, 2, &c),
                CW_EINVAL, "det U - 1 up to 2,");
  cw_configuration_clear(&c);
}

/* Overwrites n bytes of the file, skip behind the beginning of mark in its header. */
static void edit(const char *path, const char *mark, size_t skip, const char *to, size_t n) {
  char bytes[1 << 12];
  FILE *f = fopen(path, "r+b");
  assert_non_null(f);
  assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
  const char *at = memmem(bytes, sizeof bytes, mark, strlen(mark));
  assert_non_null(at);
  assert_int_equal(fseek(f, at - bytes + (long)skip, SEEK_SET), 0);
  assert_int_equal(fwrite(to, 1, n, f), n);
  assert_int_equal(fclose(f), 0);
}

static void test_ignored(void **state) {
  (void)state;
  cw_configuration c = diagonal(1), again;
  cw_configuration_info info;
  const cw_configuration_options all = {.ignore = CW_CHECK_CHECKSUM | CW_CHECK_PLAQUETTE |
                                                  CW_CHECK_LINK_TRACE},
                                 one = {.ignore = CW_CHECK_CHECKSUM};
  const char *path = write_it(&c, "nersc", 64, 3);
  check_ok(ctx, cw_configuration_read(ctx, path, &all, &again, &info));
  assert_int_equal(info.wrong, 0);
  assert_int_equal(again.ignored, 0);
  cw_configuration_clear(&again);
  edit(path, "PLAQUETTE = ", 12, "7", 1);
  check_failure(ctx, cw_configuration_read(ctx, path, NULL, &again, &info), CW_ECORRUPT,
                "wrong PLAQUETTE: expected 7");
  check_failure(ctx, cw_configuration_read(ctx, path, &one, &again, &info), CW_ECORRUPT,
                "wrong PLAQUETTE");
  check_ok(ctx, cw_configuration_read(ctx, path, &all, &again, &info));
  assert_int_equal(info.wrong, CW_CHECK_PLAQUETTE);
  assert_int_equal(again.ignored, CW_CHECK_PLAQUETTE);
  cw_configuration_clear(&c);
  c = again;
  c.ignored |= CW_CHECK_CHECKSUM;
  static const char *const written[] = {"ildg", "nersc"};
  for (int i = 0; i < 2; i++) {
    check_ok(ctx, cw_configuration_read(ctx, write_it(&c, written[i], 64, 3), NULL, &again, &info));
    assert_int_equal(info.wrong, 0);
    assert_int_equal(again.ignored, CW_CHECK_CHECKSUM | CW_CHECK_PLAQUETTE);
    assert_non_null(strstr(info.warning[0], "were ignored: checksum, plaquette"));
    cw_configuration_clear(&again);
  }
  cw_configuration_clear(&c);
}

/* Only for who projects: links outside the group are read if that is asked for, and said to be so.
 */
static void test_outside_the_group(void **state) {
  (void)state;
  cw_configuration c = diagonal(1), again;
  cw_configuration_info info;
  const cw_configuration_options checks = {.ignore = CW_CHECK_CHECKSUM | CW_CHECK_PLAQUETTE |
                                                     CW_CHECK_LINK_TRACE},
                                 any = {.ignore = checks.ignore | CW_CHECK_UNITARITY};
  const char *path = write_it(&c, "nersc", 64, 3);
  edit(path, "END_HEADER\n", 11, "\x3f\xf8", 2); /* the first 1 becomes 1.5 */
  check_failure(ctx, cw_configuration_read(ctx, path, &checks, &again, &info), CW_ECORRUPT,
                "U U^dagger - 1 is up to 1.25 and det U - 1 up to 0.5,");
  check_ok(ctx, cw_configuration_read(ctx, path, &any, &again, &info));
  assert_true(info.wrong & CW_CHECK_UNITARITY);
  assert_false(again.ignored & CW_CHECK_UNITARITY); /* the links tell it themselves */
  check_close(again.data[0], 1.5, 0);
  check_close(info.unitarity, 1.25, 1e-15);
  check_failure(ctx, cw_configuration_write(ctx, path, cw_format_find("ildg"), 64, 3, &again),
                CW_EINVAL, "U U^dagger - 1 is up to 1.25 and det U - 1 up to 0.5,");
  cw_configuration_clear(&again);
  cw_configuration_clear(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_only_the_group_is_written),
      cmocka_unit_test(test_determinant),
      cmocka_unit_test(test_ignored),
      cmocka_unit_test(test_outside_the_group),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
