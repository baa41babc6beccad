/* What the contract tests cannot know: the order of sites, directions, rows and columns, from a
 * file that is written here, line by line. A format that mixes up two directions both ways passes
 * every contract test and fails here. */
#include "support/check.h"
#include "support/directory.h"

#include "causeway/configuration.h"

static const cw_lattice LAT = {4, {2, 3, 1, 4}};

/* Link mu at x: diag(e^{ia}, e^{-ia}, 1), where a depends on x_mu alone, so that every plaquette is
 * 1. */
static double angle(int mu, const int x[4]) { return 0.1 * (mu + 1) + 0.02 * x[mu]; }

static void matrix(int mu, const int x[4], double *u) {
  const double a = angle(mu, x);
  for (int k = 0; k < 18; k++) u[k] = 0;
  u[0] = u[8] = cos(a); /* rows 0 and 1; columns 0 and 1 */
  u[1] = sin(a);
  u[9] = -sin(a);
  u[16] = 1;
}

static void write_by_hand(const char *path) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "CAUSEWAY LINKS 1\n2 3 1 4\nPLAQUETTE 1\nIGNORED_CHECKS checksum\n");
  for (int t = 0; t < 4; t++)
    for (int y = 0; y < 3; y++)
      for (int x = 0; x < 2; x++)
        for (int mu = 0; mu < 4; mu++) {
          double u[18];
          matrix(mu, (const int[4]){x, y, 0, t}, u);
          for (int k = 0; k < 18; k++) fprintf(f, "%.17g\n", u[k]);
        }
  assert_int_equal(fclose(f), 0);
}

static void check_links(const cw_configuration *c) {
  for (long site = 0; site < cw_lattice_sites(&LAT); site++)
    for (int mu = 0; mu < 4; mu++) {
      int x[4];
      double u[18];
      cw_lattice_coord(&LAT, site, x);
      matrix(mu, x, u);
      assert_memory_equal(c->data + 18 * (4 * site + mu), u, sizeof u);
    }
}

static void test_order(void **state) {
  cw_context *ctx = *state;
  cw_configuration c;
  cw_configuration_info info;
  char *base = new_directory();
  const char *path = path_in(base, "hand.txt"), *again = path_in(base, "again.txt");
  write_by_hand(path);
  check_ok(ctx, cw_configuration_read(ctx, path, NULL, &c, &info));
  assert_ptr_equal(info.format, cw_format_find("plain"));
  assert_true(cw_lattice_equal(&c.lat, &LAT));
  assert_int_equal(c.ignored, CW_CHECK_CHECKSUM);
  assert_true(info.has_plaquette && !info.has_checksum && !info.has_link_trace);
  check_links(&c);
  check_ok(ctx, cw_configuration_write(ctx, again, cw_format_find("plain"), 64, 3, &c));
  cw_configuration_clear(&c);
  check_ok(ctx, cw_configuration_read(ctx, again, NULL, &c, &info));
  check_links(&c);
  cw_configuration_clear(&c);
  remove_directory(base);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};
  return cmocka_run_group_tests_name("plain text", tests, test_open_context_1, test_close_context);
}
