/* Gauge configuration files: those of other codes to all digits they state, our own read back to
 * the bit, and every way in which a file can be wrong. */
#define _GNU_SOURCE
#define SCRATCH_THREADS 2
#include "support/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "causeway/configuration.h"
#include "ensemble/gauge/xml.h"

static const cw_lattice LAT = {4, {2, 4, 2, 6}};

static void expect_unreadable(const char *name, cw_status expected, const char *part) {
  cw_configuration c;
  cw_configuration_info info;
  cw_status st = cw_configuration_read(ctx, path_of(name), NULL, &c, &info);
  assert_null(c.data);
  if (st != CW_OK) assert_non_null(strstr(cw_error(ctx), name));
  check_failure(ctx, st, expected, part);
}

/* ------------------------------------------------------------ configurations */

static double complex_dot(const double *a, const double *b, double *im) { /* sum conj(a) b */
  double re = 0;
  *im = 0;
  for (int k = 0; k < 3; k++) {
    re += a[2 * k] * b[2 * k] + a[2 * k + 1] * b[2 * k + 1];
    *im += a[2 * k] * b[2 * k + 1] - a[2 * k + 1] * b[2 * k];
  }
  return re;
}

static void normalise(double *row) {
  double im, norm = sqrt(complex_dot(row, row, &im));
  for (int k = 0; k < 6; k++) row[k] /= norm;
}

/* SU(3) by Gram-Schmidt of Gaussian rows, twice for full precision; third row conj(a x b). */
static void random_matrix(cw_rng rng, uint32_t link, double *u) {
  for (uint32_t k = 0; k < 6; k++) cw_normal2(CW_ISA_BASE, rng, link, 0, 0, k, u + 2 * k);
  for (int pass = 0; pass < 2; pass++) {
    normalise(u);
    double im, re = complex_dot(u, u + 6, &im);
    for (int k = 0; k < 3; k++) {
      u[6 + 2 * k] -= re * u[2 * k] - im * u[2 * k + 1];
      u[6 + 2 * k + 1] -= re * u[2 * k + 1] + im * u[2 * k];
    }
    normalise(u + 6);
  }
  for (int c = 0; c < 3; c++) {
    const double *a = u, *b = u + 6;
    int i = 2 * ((c + 1) % 3), j = 2 * ((c + 2) % 3);
    u[12 + 2 * c] = a[i] * b[j] - a[i + 1] * b[j + 1] - a[j] * b[i] + a[j + 1] * b[i + 1];
    u[13 + 2 * c] = -(a[i] * b[j + 1] + a[i + 1] * b[j] - a[j] * b[i + 1] - a[j + 1] * b[i]);
  }
}

static size_t reals(const cw_lattice *lat) { return (size_t)cw_lattice_sites(lat) * 72; }

static cw_configuration random_configuration(const cw_lattice *lat) {
  cw_configuration c = {
      .lat = *lat, .kind = CW_LINK_SU3, .data = cw_alloc(reals(lat) * sizeof(double))};
  cw_rng rng = cw_rng_stream(5, "configuration");
  assert_non_null(c.data);
  for (uint32_t link = 0; link < reals(lat) / 18; link++)
    random_matrix(rng, link, c.data + 18 * (size_t)link);
  return c;
}

static double largest_difference(const cw_configuration *a, const cw_configuration *b) {
  double most = 0;
  for (size_t i = 0; i < reals(&a->lat); i++) most = fmax(most, fabs(a->data[i] - b->data[i]));
  return most;
}

/* ---------------------------------------------------------------- round trips */

static void check_round_trip(const char *format, int precision, int rows, double tolerance) {
  cw_configuration a = random_configuration(&LAT), b;
  cw_configuration_info info;
  const char *path = path_of("round");
  check_ok(ctx, cw_configuration_write(ctx, path, cw_format_find(format), precision, rows, &a));
  check_ok(ctx, cw_configuration_read(ctx, path, &(cw_configuration_options){.lattice = &LAT}, &b,
                                      &info));
  assert_string_equal(info.format->name, format);
  assert_int_equal(info.precision, precision);
  assert_int_equal(info.rows, rows);
  assert_true(info.big_endian && info.has_checksum);
  assert_int_equal(info.has_plaquette, strcmp(format, "nersc") == 0);
  assert_int_equal(info.n_warnings, 0);
  assert_memory_equal(&a.lat, &b.lat, sizeof a.lat);
  double most = largest_difference(&a, &b);
  print_message("%s, %d bits, %d rows: links agree within %.2g; U U^dagger - 1 within %.2g\n",
                format, precision, rows, most, info.unitarity);
  assert_true(most <= tolerance);
  assert_true(info.unitarity <= fmax(4 * tolerance, 1e-15));
  if (tolerance == 0) assert_memory_equal(a.data, b.data, reals(&LAT) * sizeof(double));
  cw_configuration_clear(&a);
  cw_configuration_clear(&b);
}

static void test_round_trips(void **state) {
  (void)state;
  const double half_ulp = 0x1p-25; /* of a float in [1/2, 1) */
  check_round_trip("ildg", 64, 3, 0);
  check_round_trip("nersc", 64, 3, 0);
  check_round_trip("nersc", 64, 2, 1e-15);
  check_round_trip("ildg", 32, 3, half_ulp);
  check_round_trip("nersc", 32, 3, half_ulp);
  check_round_trip("nersc", 32, 2, 6 * half_ulp); /* products of two rounded rows */
}

/* What every reader must find in the same links: the plaquette through another route than the
 * library's, with U U U^dagger U^dagger written out as a product of four. */
static double plaquette_of(const cw_configuration *c) {
  double sum = 0;
  for (long s = 0; s < cw_lattice_sites(&c->lat); s++)
    for (int mu = 0; mu < 4; mu++)
      for (int nu = 0; nu < mu; nu++) {
        int x[4];
        cw_lattice_coord(&c->lat, s, x);
        x[mu]++;
        long s_mu = cw_lattice_site(&c->lat, x);
        x[mu]--;
        x[nu]++;
        long s_nu = cw_lattice_site(&c->lat, x);
        const double *m[4] = {c->data + 18 * (4 * s + mu), c->data + 18 * (4 * s_mu + nu),
                              c->data + 18 * (4 * s_nu + mu), c->data + 18 * (4 * s + nu)};
        for (int i = 0; i < 81; i++) { /* a_ij b_jk conj(c_lk) conj(d_il) */
          int p = i / 27, q = i / 9 % 3, r = i / 3 % 3, l = i % 3;
          const double *f[4] = {m[0] + 2 * (3 * p + q), m[1] + 2 * (3 * q + r),
                                m[2] + 2 * (3 * l + r), m[3] + 2 * (3 * p + l)};
          double re = 1, im = 0;
          for (int k = 0; k < 4; k++) {
            double y = k < 2 ? f[k][1] : -f[k][1], t = re * f[k][0] - im * y;
            im = re * y + im * f[k][0];
            re = t;
          }
          sum += re;
        }
      }
  return sum / (18 * (double)cw_lattice_sites(&c->lat));
}

static void test_measured(void **state) {
  (void)state;
  cw_configuration a = random_configuration(&LAT), b;
  cw_configuration_info info;
  double trace = 0;
  for (size_t i = 0; i < reals(&LAT); i += 18) trace += a.data[i] + a.data[i + 8] + a.data[i + 16];
  check_ok(ctx, cw_configuration_write(ctx, path_of("m"), cw_format_find("ildg"), 64, 3, &a));
  check_ok(ctx, cw_configuration_read(ctx, path_of("m"), NULL, &b, &info));
  check_close(info.plaquette, plaquette_of(&a), 1e-14);
  check_close((info.plaquette_spatial + info.plaquette_temporal) / 2, info.plaquette, 1e-14);
  check_close(info.link_trace, trace / (double)(reals(&LAT) / 6), 1e-14);
  assert_true(info.unitarity < 1e-15 && info.determinant < 2e-15);
  cw_configuration_clear(&b);

  cw_configuration_clear(&a);
}

/* ------------------------------------------------- files of other codes */

typedef struct {
  const char *name;
  const char *format;
  int precision, extent[4];
  bool big_endian;
  double plaquette;
  const char *checksum;
} known_file;

static const known_file known[] = {
    {"milc_l4444.ildg", "ildg", 32, {4, 4, 4, 4}, true, 0.594850158947, "37affb9c / 2fc07bbf"},
    {"milc_l4444.scidac", "scidac", 32, {4, 4, 4, 4}, true, 0.594850158947, "37affb9c / 2fc07bbf"},
    {"milc_l4444.milc", "milc", 32, {4, 4, 4, 4}, false, 0.594850158947, "02352c05 / d137321d"},
    {"lat_nersc_l8t4", "nersc", 64, {8, 8, 8, 4}, true, 0.503866446950, "b379560a"},
    {"lat_ildg_l8t4", "ildg", 64, {8, 8, 8, 4}, true, 0.503866446950, "10d0ea1a / a6a1b3b8"},
};
enum { N_KNOWN = sizeof known / sizeof *known };

static void check_known(const known_file *k, cw_configuration *c) {
  char path[500];
  cw_configuration_info info;
  snprintf(path, sizeof path, "%s/%s", CW_SHARED_DATA, k->name);
  check_ok(ctx, cw_configuration_read(ctx, path, NULL, c, &info));
  print_message("%s: %s, plaquette %.12f, link trace %.12f, unitarity %.1e, det %.1e\n", k->name,
                info.checksum, info.plaquette, info.link_trace, info.unitarity, info.determinant);
  assert_string_equal(info.format->name, k->format);
  assert_int_equal(info.precision, k->precision);
  assert_int_equal(info.big_endian, k->big_endian);
  assert_string_equal(info.checksum, k->checksum);
  assert_memory_equal(c->lat.extent, k->extent, sizeof k->extent);
  assert_int_equal(info.n_warnings, 0);
  /* all twelve digits of the list, which are rounded */
  assert_true(fabs(info.plaquette - k->plaquette) <= 0.5000001e-12);
}

static void test_other_codes(void **state) {
  (void)state;
  struct stat about;
  if (stat(CW_SHARED_DATA, &about) != 0) {
    print_message("The files of other codes are not there (%s): this part is skipped.\n",
                  CW_SHARED_DATA);
    skip();
  }
  cw_configuration c[N_KNOWN];
  for (int i = 0; i < N_KNOWN; i++) check_known(&known[i], &c[i]);
  /* The same links whichever way they were stored. */
  assert_true(largest_difference(&c[0], &c[1]) == 0);
  assert_true(largest_difference(&c[0], &c[2]) == 0);
  /* These two differ already in the files: in half of the numbers, by up to 5.6e-16. */
  assert_true(largest_difference(&c[3], &c[4]) <= 5.6e-16);
  for (int i = 0; i < N_KNOWN; i++) cw_configuration_clear(&c[i]);
}

/* ------------------------------------------------------------- damaged files */

static uint8_t *load(const char *name, size_t *size) {
  FILE *f = fopen(path_of(name), "rb");
  uint8_t *bytes = malloc(1 << 20);
  assert_true(f != NULL && bytes != NULL);
  *size = fread(bytes, 1, 1 << 20, f);
  fclose(f);
  return bytes;
}

static void store(const char *name, const uint8_t *bytes, size_t size) {
  FILE *f = fopen(path_of(name), "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, size, f), size);
  assert_int_equal(fclose(f), 0);
}

/* Overwrites the first occurrence of from in bytes. */
static void edit(uint8_t *bytes, size_t size, const char *from, const char *to) {
  uint8_t *at = memmem(bytes, size, from, strlen(from));
  assert_non_null(at);
  memcpy(at, to, strlen(to));
}

static void write_sample(const char *name, const char *format, int precision) {
  cw_configuration a = random_configuration(&LAT);
  check_ok(ctx,
           cw_configuration_write(ctx, path_of(name), cw_format_find(format), precision, 3, &a));
  cw_configuration_clear(&a);
}

/* Every file that is cut somewhere is refused, and never with a crash. */
static void test_truncation(void **state) {
  (void)state;
  static const char *const formats[] = {"ildg", "nersc"};
  for (int i = 0; i < 2; i++) {
    size_t size;
    write_sample("whole", formats[i], 32);
    uint8_t *bytes = load("whole", &size);
    for (size_t cut = 1; cut < size; cut += cut < 1500 || size - cut < 600 ? 1 : 997) {
      cw_configuration c;
      cw_configuration_info info;
      store("cut", bytes, size - cut);
      cw_status st = cw_configuration_read(ctx, path_of("cut"), NULL, &c, &info);
      /* ILDG: with the whole last record, the checksum, gone it is a file without one. */
      bool no_checksum = st == CW_OK && info.n_warnings == 1 &&
                         strstr(info.warning[0], "no scidac-checksum") != NULL;
      bool no_padding = st == CW_OK && cut < 8 && info.n_warnings == 1 &&
                        strstr(info.warning[0], "not padded") != NULL;
      if (st == CW_OK && !(strcmp(formats[i], "ildg") == 0 && (no_checksum || no_padding))) {
        print_error("%s was read with %zu of %zu bytes\n", formats[i], size - cut, size);
        fail();
      }
      if (st == CW_OK) cw_configuration_clear(&c);
      cw_clear_error(ctx);
    }
    free(bytes);
  }
}

/* A flipped bit anywhere in the links is found by the checksum. */
static void test_flipped_bits(void **state) {
  (void)state;
  static const char *const formats[] = {"ildg", "nersc"};
  for (int i = 0; i < 2; i++) {
    size_t size;
    write_sample("whole", formats[i], 64);
    uint8_t *bytes = load("whole", &size);
    for (size_t at = 1100; at < size - 700; at += 1999) {
      bytes[at] ^= 1;
      store("flip", bytes, size);
      bytes[at] ^= 1;
      expect_unreadable("flip", CW_ECORRUPT, "expected");
    }
    free(bytes);
  }
}

static void check_edit(const char *format, const char *from, const char *to, cw_status expected,
                       const char *part) {
  size_t size;
  write_sample("edited", format, 64);
  uint8_t *bytes = load("edited", &size);
  edit(bytes, size, from, to);
  store("edited", bytes, size);
  free(bytes);
  expect_unreadable("edited", expected, part);
}

static void test_headers(void **state) {
  (void)state;
  const char *const ildg = "ildg", *const nersc = "nersc";
  check_edit(ildg, "<lt>6<", "<lt>7<", CW_ECORRUPT,
             "expected 64512 bytes for a lattice 2x4x2x7 of SU(3) in 64 bits, found 55296");
  check_edit(ildg, "<lt>6<", "<lt>0<", CW_ECORRUPT, "absurd dimensions 2x4x2x0");
  check_edit(ildg, "<lt>6<", "<lt>x<", CW_ECORRUPT, "expected a number in <lt>, found 'x'");
  check_edit(ildg, "<lx>", "<ly>", CW_ECORRUPT, "expected <lx>");
  check_edit(ildg, ">64<", ">32<", CW_ECORRUPT, "in 32 bits, found");
  check_edit(ildg, ">64<", ">63<", CW_ECORRUPT, "expected precision 32 or 64, found 63");
  check_edit(ildg, "su3gauge", "su4gauge", CW_EINVAL, "found 'su4gauge'");
  check_edit(ildg, "su3gauge", "su2gauge", CW_ECORRUPT, "of SU(2) in 64 bits, found 55296");
  check_edit(ildg, "ildg-binary-data", "ildg-binary-dada", CW_ECORRUPT, "found none");
  check_edit(ildg, "<suma>", "<sumb>", CW_ECORRUPT, "expected a short text in <sumb>");
  check_edit(ildg, "ildg-format", "ildg-formal", CW_EINVAL, "--lattice");
  check_edit(nersc, "_3x3", "_3x4", CW_EINVAL, "found '4D_SU3_GAUGE_3x4'");
  check_edit(nersc, "DIMENSION_4 = 6", "DIMENSION_4 = 9", CW_ECORRUPT, "truncated");
  check_edit(nersc, "DIMENSION_4 = 6", "DIMENSION_5 = 6", CW_ECORRUPT, "DIMENSION_4 = ...");
  check_edit(nersc, "IEEE64BIG", "IEEE64PIG", CW_EINVAL, "found 'IEEE64PIG'");
  check_edit(nersc, "PLAQUETTE = ", "PLAQUETTE = 9", CW_ECORRUPT, "wrong PLAQUETTE: expected 9");
  check_edit(nersc, "LINK_TRACE = ", "LINK_TRACE = 9", CW_ECORRUPT, "wrong LINK_TRACE: expected 9");
  check_edit(nersc, "END_HEADER", "END_HEATER", CW_ECORRUPT, "END_HEADER");
  check_edit(nersc, "BEGIN_HEADER", "BEGIN_HEATER", CW_EINVAL, "starts with 'BEGIN_HEATER'");
}

static void test_no_file(void **state) {
  (void)state;
  expect_unreadable("absent", CW_EIO, "cannot open");
  check_ok(ctx, mkdir(path_of("folder"), 0777) == 0 ? CW_OK : CW_EIO);
  expect_unreadable("folder", CW_EIO, "it is not a file");
  check_ok(ctx, mkfifo(path_of("pipe"), 0666) == 0 ? CW_OK : CW_EIO);
  expect_unreadable("pipe", CW_EIO, "it is not a file");
  store("empty", (const uint8_t *)"", 0);
  expect_unreadable("empty", CW_EINVAL, "0 bytes");
  store("noise", (const uint8_t *)"\a\nnoise", 7);
  expect_unreadable("noise", CW_EINVAL, "starts with '\?\?noise'");
}

static void test_expected_lattice(void **state) {
  (void)state;
  cw_configuration c;
  cw_configuration_info info;
  cw_lattice other = {4, {6, 2, 4, 2}}, absurd = {4, {1 << 20, 1 << 20, 1 << 20, 1 << 20}};
  write_sample("x", "nersc", 64);
  const cw_configuration_options wrong = {.lattice = &other}, far = {.lattice = &absurd};
  check_failure(ctx, cw_configuration_read(ctx, path_of("x"), &wrong, &c, &info), CW_EINVAL,
                "expected a lattice 6x2x4x2, found 2x4x2x6");
  check_failure(ctx, cw_configuration_read(ctx, path_of("x"), &far, &c, &info), CW_EINVAL,
                "extents");
}

/* -------------------------------------------------------------------- writing */

static void expect_unwritable(const char *format, int precision, int rows,
                              const cw_configuration *c, cw_status expected, const char *part) {
  struct stat about;
  check_failure(
      ctx, cw_configuration_write(ctx, path_of("none"), cw_format_find(format), precision, rows, c),
      expected, part);
  assert_int_not_equal(stat(path_of("none"), &about), 0);
}

static void test_bad_requests(void **state) {
  (void)state;
  cw_configuration a = random_configuration(&LAT);
  expect_unwritable("milc", 32, 3, &a, CW_EINVAL, "found milc");
  expect_unwritable("ildg", 16, 3, &a, CW_EINVAL, "found 16");
  expect_unwritable("ildg", 64, 2, &a, CW_EINVAL, "expected 3 rows");
  expect_unwritable("nersc", 64, 1, &a, CW_EINVAL, "expected 3 rows or 2");
  a.data[100] = NAN;
  expect_unwritable("ildg", 64, 3, &a, CW_ENUMERIC, "holds nan");
  const cw_configuration one = {
      .lat = {4, {1, 1, 1, 1}}, .kind = CW_LINK_SU3, .data = a.data + 144};
  check_failure(ctx,
                cw_configuration_write(ctx, "/nonexistent/x", cw_format_find("ildg"), 64, 3, &one),
                CW_EIO, "cannot write '/nonexistent/x'");
  check_failure(ctx, cw_configuration_write(ctx, "/tmp/", cw_format_find("ildg"), 64, 3, &one),
                CW_EIO, "no name");
  cw_configuration_clear(&a);
}

/* Rewriting replaces, gives the same bytes, and leaves nothing else behind. */
static void test_same_bytes(void **state) {
  (void)state;
  size_t n1, n2;
  write_sample("same", "ildg", 64);
  uint8_t *first = load("same", &n1);
  write_sample("same", "ildg", 64);
  uint8_t *second = load("same", &n2);
  assert_int_equal(n1, n2);
  assert_memory_equal(first, second, n1);
  assert_int_not_equal(access(path_of(".same.tmp"), F_OK), 0);
  free(first);
  free(second);
}

/* ------------------------------------------------------------------------ XML */

static void check_xml(const char *xml, const char *tag, cw_xml expected, const char *text) {
  char value[16], *tight = malloc(strlen(xml)); /* no byte behind it: ASan watches */
  assert_non_null(tight);
  memcpy(tight, xml, strlen(xml));
  cw_xml found = cw_xml_text(tight, strlen(xml), tag, value, sizeof value);
  if (found != expected || (found == CW_XML_FOUND && strcmp(value, text) != 0)) {
    print_error("%s: <%s> gave %d '%s'\n", xml, tag, (int)found, value);
    fail();
  }
  free(tight);
}

static void test_xml(void **state) {
  (void)state;
  check_xml("<?xml version='1.0'?><a><lx>4</lx></a>", "lx", CW_XML_FOUND, "4");
  check_xml("<lx unit=\"a>b\" >\n 4 </lx>", "lx", CW_XML_FOUND, "4");
  check_xml("<p:lx>4</p:lx>", "lx", CW_XML_FOUND, "4");
  check_xml("<!-- <lx>5</lx> --><lx>4</lx>", "lx", CW_XML_FOUND, "4");
  check_xml("<lxx>5</lxx><lx></lx>", "lx", CW_XML_FOUND, "");
  check_xml("<lx>4</lx><ly>5</ly><lx> 4</lx><!-- <lx>6</lx> -->", "lx", CW_XML_FOUND, "4");
  check_xml("<lx>4</lx><ly>5</ly><lx>6</lx>", "lx", CW_XML_CONTRADICTS, "");
  check_xml("<lx>4</lx><lx>4", "lx", CW_XML_BAD, "");
  check_xml("<lxx>5</lxx>", "lx", CW_XML_MISSING, "");
  check_xml("<!-- <lx>4</lx>", "lx", CW_XML_MISSING, "");
  check_xml("<lx/>", "lx", CW_XML_BAD, "");
  check_xml("<lx>4", "lx", CW_XML_BAD, "");
  check_xml("<lx>4<", "lx", CW_XML_BAD, "");
  check_xml("<lx>4</ly>", "lx", CW_XML_BAD, "");
  check_xml("<lx>4</", "lx", CW_XML_BAD, "");
  check_xml("<lx", "lx", CW_XML_BAD, "");
  check_xml("<lx a='", "lx", CW_XML_BAD, "");
  check_xml("<lx><b>4</b></lx>", "lx", CW_XML_BAD, "");
  check_xml("<lx>12345678901234567890</lx>", "lx", CW_XML_BAD, "");
  check_xml("<", "lx", CW_XML_MISSING, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_xml),
      cmocka_unit_test(test_round_trips),
      cmocka_unit_test(test_measured),
      cmocka_unit_test(test_other_codes),
      cmocka_unit_test(test_truncation),
      cmocka_unit_test(test_flipped_bits),
      cmocka_unit_test(test_headers),
      cmocka_unit_test(test_no_file),
      cmocka_unit_test(test_expected_lattice),
      cmocka_unit_test(test_bad_requests),
      cmocka_unit_test(test_same_bytes),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
