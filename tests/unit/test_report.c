/* The page writer: notation of numbers, escaping, figures with and without gnuplot, atomic writing.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "causeway/report.h"
#include "support/check.h"

static void expect_text(double value, double error, const char *expected) {
  char text[CW_VALUE_TEXT];
  cw_format_value(value, error, text);
  assert_string_equal(text, expected);
}

static void values_follow_the_notation_of_the_field(void **state) {
  (void)state;
  expect_text(0.74415, 0.00044, "0.74415(44)");
  expect_text(-0.74415, 0.00044, "-0.74415(44)");
  expect_text(10.59, 0.0996, "10.59(10)"); /* the error rounds up to a new digit */
  expect_text(10.59, 0.9949, "10.59(99)");
  expect_text(12.34, 0.9951, "12.3(1.0)");
  expect_text(12.34, 1.43, "12.3(1.4)");
  expect_text(1234.4, 56.2, "1234(56)");
  expect_text(1234.4, 561.7, "1234(562)");
  expect_text(-64.7812, 0.0021, "-64.7812(21)");
  expect_text(0, 0.0031, "0.0000(31)");
  expect_text(1.25e-7, 0.31e-7, "1.25(31)e-07");
  expect_text(2.5e9, 1e7, "2.500(10)e+09");
  expect_text(3.25, NAN, "3.25");
  expect_text(3.25, 0, "3.25(0)");
  expect_text(1, 1e-30, "1(1e-30)");
  expect_text(NAN, 1, "-");
  expect_text(INFINITY, 1, "-");
}

/* ------------------------------------------------------------------- pages */

static char *read_text(const char *path) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  char *text = calloc(1, 1 << 20);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
  fclose(file);
  return text;
}

static int count(const char *text, const char *word) {
  int n = 0;
  for (const char *c = text; (c = strstr(c, word)) != NULL; c += strlen(word)) n++;
  return n;
}

static void draw(cw_context *ctx, cw_page *page, const char *title, const char *label, double first,
                 bool log_y) {
  double x[] = {1, 2, 3, 4}, y[] = {first, 0.5, NAN, 0.25}, dy[] = {0.1, 0.1, 0.1, 0.9};
  check_ok(ctx, cw_page_figure_begin(page, title, "x", label, false, log_y));
  check_ok(ctx, cw_page_curve(page, label, CW_DRAW_LINE, 0, 4, x, y, NULL));
  check_ok(ctx, cw_page_curve(page, "", CW_DRAW_POINTS, 1, 4, x, y, dy));
  check_ok(ctx, cw_page_curve(page, "", CW_DRAW_POINTS, 1, 4, x, y, NULL));
  check_ok(ctx, cw_page_curve(page, label, CW_DRAW_STEPS, 2, 4, x, y, NULL));
  check_ok(ctx, cw_page_curve(page, label, CW_DRAW_BAND, 3, 4, x, y, dy));
  check_ok(ctx, cw_page_figure_end(page, "a caption"));
}

static void draw_bars(cw_context *ctx, cw_page *page, const char *title, const char *name,
                      bool log_x) {
  const char *names[] = {name, "without an error", "unknown", "an error beyond 0"};
  const int colour[] = {0, 1, 2, 3};
  const double value[] = {0.125, 10, NAN, 1}, error[] = {0.02, NAN, 1, 2};
  check_ok(ctx, cw_page_figure_begin(page, title, name, "", log_x, false));
  check_ok(ctx, cw_page_bars(page, 4, names, colour, value, error));
  check_ok(ctx, cw_page_figure_end(page, "a caption"));
}

/* A page with one of everything, all texts hostile, written to path. */
static void make_page(cw_context *ctx, const char *path) {
  static const char evil[] = "<b>&\"x\"'`touch evil`'; system('touch evil') #\n\\";
  const char *pair[] = {evil, "1.0\nsmall <print>"};
  cw_page *page = NULL;
  check_ok(ctx, cw_page_create(ctx, evil, "subtitle", &page));
  check_ok(ctx, cw_page_facts(page, 2, pair, pair));
  check_ok(ctx, cw_page_heading(page, 2, evil));
  check_ok(ctx, cw_page_paragraph(page, evil));
  check_ok(ctx, cw_page_warning(page, evil));
  draw(ctx, page, evil, evil, 1, false);
  draw(ctx, page, "two", "two", -1, true);
  draw_bars(ctx, page, evil, evil, true);
  check_ok(ctx, cw_page_table_begin(page, evil, 2, pair));
  check_ok(ctx, cw_page_table_row(page, pair, 1));
  check_ok(ctx, cw_page_table_end(page));
  check_ok(ctx, cw_page_preformatted(page, evil, evil));
  check_ok(ctx, cw_page_figure_begin(page, "empty", "x", "y", false, false));
  check_ok(ctx,
           cw_page_curve(page, "none", CW_DRAW_LINE, 0, 1, (double[]){1}, (double[]){NAN}, NULL));
  check_ok(ctx, cw_page_figure_end(page, ""));
  check_ok(ctx, cw_page_write(page, path));
  cw_page_destroy(page);
}

static void a_page_is_whole_and_escaped(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char dir[] = "/tmp/cw_report_XXXXXX";
  assert_non_null(mkdtemp(dir));
  assert_int_equal(chdir(dir), 0);
  make_page(ctx, "page.html");
  char *html = read_text("page.html");
  assert_int_equal(strncmp(html, "<!doctype html>", 15), 0);
  assert_string_equal(html + strlen(html) - 8, "</html>\n");
  assert_int_equal(count(html, "<svg"), 3);
  assert_int_equal(count(html, "<figure"), 4);
  assert_int_equal(count(html, "No data to draw."), 1);
  assert_int_equal(count(html, "<b>"), 0);
  assert_int_equal(count(html, "<print>"), 0);
  assert_int_equal(count(html, "<small>small &lt;print&gt;</small>"), 2);
  assert_int_equal(count(html, "class=\"marked\""), 1);
  assert_int_equal(count(html, "<div"), count(html, "</div>"));
  assert_int_equal(count(html, "<g "), count(html, "</g>"));
  assert_int_equal(count(html, "\"black\"") + count(html, "'black'"), 0);
  assert_int_equal(count(html, "http://") + count(html, "https://"),
                   count(html, "http://www.w3.org/"));
  assert_int_equal(count(html, "<script") + count(html, "<link"), 0);
  assert_int_not_equal(access("evil", F_OK), 0);          /* nothing of a label was ever executed */
  assert_int_not_equal(access("page.html.tmp", F_OK), 0); /* and nothing is left behind */
  free(html);
  unlink("page.html");
  assert_int_equal(chdir("/"), 0);
  rmdir(dir);
  cw_context_destroy(ctx);
}

/* A gnuplot of the test keeps the script, in which every number stands. */
static char *script_of_bars(cw_context *ctx, bool log_x) {
  char dir[] = "/tmp/cw_report_XXXXXX", tool[64], kept[64], *old = strdup(getenv("PATH")),
       path[4096];
  cw_page *page = NULL;
  assert_non_null(mkdtemp(dir));
  snprintf(tool, sizeof tool, "%s/gnuplot", dir);
  snprintf(kept, sizeof kept, "%s/script", dir);
  FILE *file = fopen(tool, "w");
  fprintf(file, "#!/bin/sh\ncat >%s\necho '<svg></svg>'\n", kept);
  fclose(file);
  assert_int_equal(chmod(tool, 0755), 0);
  snprintf(path, sizeof path, "%s:%s", dir, old);
  setenv("PATH", path, 1);
  check_ok(ctx, cw_page_create(ctx, "t", "", &page));
  draw_bars(ctx, page, "bars", "first", log_x);
  cw_page_destroy(page);
  setenv("PATH", old, 1);
  char *script = read_text(kept);
  unlink(tool);
  unlink(kept);
  rmdir(dir);
  free(old);
  return script;
}

static void bars_have_names_and_errors(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  for (int log_x = 0; log_x < 2; log_x++) {
    char *script = script_of_bars(ctx, log_x);
    const char *begin = log_x ? "0.035" : "0"; /* a third of 0.125 - 0.02 */
    char first[80], last[80];
    assert_non_null(strstr(script, "size 620,240 ")); /* four rows */
    assert_non_null(strstr(script, "set yrange [0:4]"));
    assert_int_equal(strstr(script, "set logscale x") != NULL, log_x);
    assert_int_equal(count(script, "set label '"), 4);
    assert_non_null(strstr(script, "set label 'unknown' at graph 0, first 1.8 left"));
    assert_int_equal(count(script, "boxxyerror"), 3); /* one is unknown */
    assert_int_equal(count(script, "vectors"), 2);    /* one has no error */
    snprintf(first, sizeof first, "\n%s 0.125 3.1 3.55 3.325 0.105 0.145\n", begin);
    snprintf(last, sizeof last, "\n%s 1 0.1 0.55 0.325 %s 3\n", begin, begin);
    assert_non_null(strstr(script, first));
    assert_non_null(strstr(script, last));
    free(script);
  }
  cw_context_destroy(ctx);
}

static void without_gnuplot_the_page_says_so(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  char path[] = "/tmp/cw_report_XXXXXX", version[80];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  char *old = strdup(getenv("PATH"));
  cw_gnuplot_version(version, sizeof version);
  assert_int_equal(strncmp(version, "gnuplot ", 8), 0);
  setenv("PATH", "/nonexistent", 1);
  cw_gnuplot_version(version, sizeof version);
  make_page(ctx, path);
  setenv("PATH", old, 1);
  assert_string_equal(version, "");
  char *html = read_text(path);
  assert_int_equal(count(html, "<svg"), 0);
  assert_int_equal(count(html, "gnuplot is not installed"), 3);
  free(html);
  free(old);
  unlink(path);
  cw_context_destroy(ctx);
}

static void a_page_that_cannot_be_written_fails(void **state) {
  (void)state;
  cw_context *ctx = test_context(1);
  cw_page *page = NULL;
  check_ok(ctx, cw_page_create(ctx, "t", "", &page));
  assert_int_equal(cw_page_write(page, "/nonexistent/page.html"), CW_EIO);
  assert_non_null(strstr(cw_error(ctx), "/nonexistent/page.html"));
  cw_clear_error(ctx);
  if (access("/dev/full", W_OK) == 0) { /* a full disk: every write fails */
    char dir[] = "/tmp/cw_report_XXXXXX", path[64], temporary[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/p", dir);
    snprintf(temporary, sizeof temporary, "%s/p.tmp", dir);
    assert_int_equal(symlink("/dev/full", temporary), 0);
    assert_int_equal(cw_page_write(page, path), CW_EIO);
    assert_int_not_equal(access(path, F_OK), 0);
    rmdir(dir);
  }
  cw_page_destroy(page);
  cw_context_destroy(ctx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_follow_the_notation_of_the_field),
      cmocka_unit_test(a_page_is_whole_and_escaped),
      cmocka_unit_test(bars_have_names_and_errors),
      cmocka_unit_test(without_gnuplot_the_page_says_so),
      cmocka_unit_test(a_page_that_cannot_be_written_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
