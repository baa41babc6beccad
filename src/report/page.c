/* The HTML of a page. Elements are written in the order of the calls; nothing is kept but the text
 * and the open figure. */
#include "report/page.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char style[] =
#include "report/style.inc"
    ;

/* --------------------------------------------------------------------- text */

cw_status cw_text_open(cw_context *ctx, cw_text *text) {
  text->text = NULL;
  text->size = 0;
  text->stream = open_memstream(&text->text, &text->size);
  if (text->stream == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a page");
  return CW_OK;
}

void cw_text_close(cw_text *text) {
  if (text->stream != NULL) fclose(text->stream);
  free(text->text);
  *text = (cw_text){0};
}

cw_status cw_text_flush(cw_context *ctx, cw_text *text) {
  if (fflush(text->stream) != 0 || ferror(text->stream))
    return cw_fail(ctx, CW_ENOMEM, "no memory for a page");
  return CW_OK;
}

void cw_html_escape(FILE *out, const char *text) {
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '&')
      fputs("&amp;", out);
    else if (*c == '<')
      fputs("&lt;", out);
    else if (*c == '>')
      fputs("&gt;", out);
    else if (*c == '"')
      fputs("&quot;", out);
    else if ((unsigned char)*c >= ' ' || *c == '\n' || *c == '\t')
      fputc(*c, out); /* other control characters have no place in HTML */
  }
}

static void element(FILE *out, const char *open, const char *text, const char *close) {
  fputs(open, out);
  cw_html_escape(out, text);
  fputs(close, out);
}

static cw_status written(cw_page *page) {
  if (ferror(page->html.stream)) return cw_fail(page->ctx, CW_ENOMEM, "no memory for a page");
  return CW_OK;
}

/* The stream, with an open grid of figures closed unless block is one. */
static FILE *begin_block(cw_page *page, cw_block block) {
  CW_REQUIRE(page->block != CW_BLOCK_TABLE && !page->figure.open);
  FILE *out = page->html.stream;
  if (page->block == CW_BLOCK_FIGURES && block != CW_BLOCK_FIGURES) fputs("</div>\n", out);
  if (block == CW_BLOCK_FIGURES && page->block != CW_BLOCK_FIGURES)
    fputs("<div class=\"figures\">\n", out);
  page->block = block;
  return out;
}

/* --------------------------------------------------------------- page and text */

cw_status cw_page_create(cw_context *ctx, const char *title, const char *subtitle, cw_page **out) {
  cw_page *page = calloc(1, sizeof *page);
  if (page == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for a page");
  page->ctx = ctx;
  cw_status st = cw_text_open(ctx, &page->html);
  if (st != CW_OK) {
    free(page);
    return st;
  }
  FILE *html = page->html.stream;
  fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        html);
  element(html, "<title>", title, "</title>\n<style>\n");
  fputs(style, html);
  element(html, "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>", title, "</h1>\n");
  if (subtitle[0] != '\0') element(html, "<p class=\"subtitle\">", subtitle, "</p>\n");
  fputs("</header>\n", html);
  *out = page;
  return written(page);
}

static void figure_clear(cw_figure *figure) {
  cw_text_close(&figure->data);
  cw_text_close(&figure->axes);
  cw_text_close(&figure->plot);
  free(figure->title);
  *figure = (cw_figure){0};
}

void cw_page_destroy(cw_page *page) {
  if (page == NULL) return;
  figure_clear(&page->figure);
  cw_text_close(&page->html);
  free(page);
}

cw_status cw_page_heading(cw_page *page, int level, const char *text) {
  CW_REQUIRE(level == 2 || level == 3);
  FILE *out = begin_block(page, CW_BLOCK_FLOW);
  element(out, level == 2 ? "<h2>" : "<h3>", text, level == 2 ? "</h2>\n" : "</h3>\n");
  return written(page);
}

cw_status cw_page_paragraph(cw_page *page, const char *text) {
  element(begin_block(page, CW_BLOCK_FLOW), "<p>", text, "</p>\n");
  return written(page);
}

cw_status cw_page_warning(cw_page *page, const char *text) {
  element(begin_block(page, CW_BLOCK_FLOW), "<p class=\"warning\">", text, "</p>\n");
  return written(page);
}

cw_status cw_page_preformatted(cw_page *page, const char *summary, const char *text) {
  FILE *out = begin_block(page, CW_BLOCK_FLOW);
  element(out, "<details><summary>", summary, "</summary>\n");
  element(out, "<pre>", text, "</pre></details>\n");
  return written(page);
}

cw_status cw_page_facts(cw_page *page, int n, const char *const *names, const char *const *values) {
  FILE *out = begin_block(page, CW_BLOCK_FLOW);
  fputs("<dl class=\"facts\">\n", out);
  for (int i = 0; i < n; i++) {
    element(out, "<div><dt>", names[i], "</dt>");
    element(out, "<dd>", values[i], "</dd></div>\n");
  }
  fputs("</dl>\n", out);
  return written(page);
}

/* ------------------------------------------------------------------- tables */

static void cell(FILE *out, const char *tag, const char *attributes, const char *text) {
  size_t first = strcspn(text, "\n");
  fprintf(out, "<%s%s>", tag, attributes);
  for (size_t i = 0; i < first; i++) cw_html_escape(out, (char[2]){text[i], '\0'});
  if (text[first] == '\n') element(out, "<small>", text + first + 1, "</small>");
  fprintf(out, "</%s>", tag);
}

cw_status cw_page_table_begin(cw_page *page, const char *caption, int n_column,
                              const char *const *heads) {
  CW_REQUIRE(n_column >= 1);
  FILE *out = begin_block(page, CW_BLOCK_FLOW);
  fputs("<div class=\"table\"><table>\n", out);
  if (caption[0] != '\0') element(out, "<caption>", caption, "</caption>\n");
  fputs("<thead><tr>", out);
  for (int i = 0; i < n_column; i++) cell(out, "th", " scope=\"col\"", heads[i]);
  fputs("</tr></thead>\n<tbody>\n", out);
  page->block = CW_BLOCK_TABLE;
  page->n_column = n_column;
  return written(page);
}

cw_status cw_page_table_row(cw_page *page, const char *const *cells, int marked) {
  CW_REQUIRE(page->block == CW_BLOCK_TABLE);
  FILE *out = page->html.stream;
  fputs("<tr>", out);
  for (int i = 0; i < page->n_column; i++)
    cell(out, i == 0 ? "th" : "td", i == marked ? " class=\"marked\"" : "", cells[i]);
  fputs("</tr>\n", out);
  return written(page);
}

cw_status cw_page_table_end(cw_page *page) {
  CW_REQUIRE(page->block == CW_BLOCK_TABLE);
  fputs("</tbody>\n</table></div>\n", page->html.stream);
  page->block = CW_BLOCK_FLOW;
  return written(page);
}

/* ------------------------------------------------------------------ figures */

/* A string constant of gnuplot: only the quote is special in single quotes. Controls and backquotes
 * are dropped. */
static void quoted(FILE *out, const char *text) {
  fputc('\'', out);
  for (const char *c = text; *c != '\0'; c++) {
    if ((unsigned char)*c < ' ' || *c == '`') continue;
    if (*c == '\'') fputc('\'', out);
    fputc(*c, out);
  }
  fputc('\'', out);
}

cw_status cw_page_figure_begin(cw_page *page, const char *title, const char *x_label,
                               const char *y_label, bool log_x, bool log_y) {
  begin_block(page, CW_BLOCK_FIGURES);
  cw_figure *figure = &page->figure;
  *figure = (cw_figure){.open = true,
                        .log_x = log_x,
                        .log_y = log_y,
                        .title = strdup(title),
                        .is_whole = true,
                        .x_min = INFINITY,
                        .x_max = -INFINITY,
                        .y_min = INFINITY,
                        .y_max = -INFINITY};
  if (figure->title == NULL) return cw_fail(page->ctx, CW_ENOMEM, "no memory for a figure");
  CW_TRY(cw_text_open(page->ctx, &figure->data));
  CW_TRY(cw_text_open(page->ctx, &figure->axes));
  CW_TRY(cw_text_open(page->ctx, &figure->plot));
  FILE *axes = figure->axes.stream;
  fputs("set xlabel ", axes);
  quoted(axes, x_label);
  fputs("\nset ylabel ", axes);
  quoted(axes, y_label);
  fputc('\n', axes);
  return CW_OK;
}

static void widen(cw_figure *figure, double x, double low, double high) {
  figure->x_min = fmin(figure->x_min, x);
  figure->x_max = fmax(figure->x_max, x);
  figure->y_min = fmin(figure->y_min, low);
  figure->y_max = fmax(figure->y_max, high);
}

/* One line "x y low high" per point that can be drawn; returns how many. */
static long write_points(cw_figure *figure, FILE *out, long n, const double *x, const double *y,
                         const double *dy) {
  long drawn = 0;
  for (long i = 0; i < n; i++) {
    double error = dy != NULL && isfinite(dy[i]) ? dy[i] : 0;
    bool bad = !isfinite(x[i]) || !isfinite(y[i]) || (figure->log_x && x[i] <= 0) ||
               (figure->log_y && y[i] <= 0);
    if (bad) continue;
    double low = y[i] - error;
    if (figure->log_y && low <= 0) low = y[i];
    fprintf(out, "%.8g %.8g %.8g %.8g\n", x[i], y[i], low, y[i] + error);
    widen(figure, x[i], low, y[i] + error);
    drawn++;
  }
  return drawn;
}

/* Light and dark pages show all of them; neighbours differ most. */
static const char *colour_of(int colour) {
  static const char *const colours[CW_FIGURE_COLOURS] = {
      "#3b7dd8", "#e0791a", "#2a9d5c", "#a05bc4", "#d6494f", "#1d9aa8",
      "#8a8f98", "#8c6239", "#e06aae", "#c9a200", "#86b81b", "#6a5ae0",
      "#22b8e6", "#a02c4c", "#35c49a", "#84821e", "#5f7186"};
  return colours[colour % CW_FIGURE_COLOURS];
}

static void clause(cw_figure *figure, const char *columns, const char *how, int colour,
                   const char *label) {
  FILE *out = figure->plot.stream;
  fprintf(out, "%s$d%d using %s with %s lc rgb '%s' ", ftell(out) > 0 ? ", " : "", figure->n_curves,
          columns, how, colour_of(colour));
  if (label[0] == '\0') {
    fputs("notitle", out);
  } else {
    fputs("title ", out);
    quoted(out, label);
  }
}

static void draw(cw_figure *figure, const char *label, cw_draw how, int colour, long n,
                 bool with_error) {
  const char *line = n > 600 ? "lines lw 0.8" : "lines lw 1.6";
  switch (how) {
  case CW_DRAW_LINE:
    clause(figure, "1:2", line, colour, label);
    break;
  case CW_DRAW_POINTS:
    figure->has_points = true;
    if (with_error) clause(figure, "1:3:(0):($4-$3)", "vectors nohead lw 1.4", colour, "");
    clause(figure, "1:2", with_error ? "points pt 7 ps 0.5" : "points pt 7 ps 0.4", colour, label);
    break;
  case CW_DRAW_OPEN:
    figure->has_points = true;
    if (with_error) clause(figure, "1:3:(0):($4-$3)", "vectors nohead lw 1.4", colour, "");
    clause(figure, "1:2", "points pt 6 ps 0.6", colour, label);
    break;
  case CW_DRAW_STEPS:
    figure->has_steps = true;
    clause(figure, "1:2", "filledcurves y1=0", colour, "");
    clause(figure, "1:2", "lines lw 1.2", colour, label);
    break;
  case CW_DRAW_BAND:
    clause(figure, "1:3:4", "filledcurves", colour, "");
    clause(figure, "1:2", line, colour, label);
    break;
  }
}

static cw_status add_curve(cw_page *page, const char *label, cw_draw how, int colour, long n,
                           const double *x, const double *y, const double *dy) {
  cw_figure *figure = &page->figure;
  fprintf(figure->data.stream, "$d%d << CW_END\n", figure->n_curves);
  long drawn = write_points(figure, figure->data.stream, n, x, y, dy);
  for (long i = 0; i < n && (how == CW_DRAW_POINTS || how == CW_DRAW_OPEN); i++)
    figure->is_whole = figure->is_whole && !(fabs(x[i] - nearbyint(x[i])) > CW_MOVED_APART);
  fputs("CW_END\n", figure->data.stream);
  if (drawn > 0) draw(figure, label, how, colour, drawn, dy != NULL);
  figure->n_curves++;
  figure->n_points += drawn;
  return CW_OK;
}

/* The outline of a histogram: up from 0 at the left edge of the first bin, down at the right edge
 * of the last. */
static cw_status add_outline(cw_page *page, const char *label, int colour, long n, const double *x,
                             const double *y) {
  double *line = malloc(((size_t)n * 4 + 4) * sizeof *line), *height = line + 2 * n + 2;
  if (line == NULL) return cw_fail(page->ctx, CW_ENOMEM, "no memory for a figure");
  double half = n > 1 ? 0.5 * (x[1] - x[0]) : 0.5;
  for (long i = 0; i < n; i++) {
    line[2 * i + 1] = x[i] - half;
    line[2 * i + 2] = x[i] + half;
    height[2 * i + 1] = height[2 * i + 2] = y[i];
  }
  line[0] = n > 0 ? line[1] : 0;
  line[2 * n + 1] = n > 0 ? line[2 * n] : 0;
  height[0] = height[2 * n + 1] = 0;
  cw_status st =
      add_curve(page, label, CW_DRAW_STEPS, colour, n > 0 ? 2 * n + 2 : 0, line, height, NULL);
  free(line);
  return st;
}

cw_status cw_page_curve(cw_page *page, const char *label, cw_draw how, int colour, long n,
                        const double *x, const double *y, const double *dy) {
  CW_REQUIRE(page->figure.open && colour >= 0 && n >= 0);
  if (how == CW_DRAW_STEPS) return add_outline(page, label, colour, n, x, y);
  return add_curve(page, label, how, colour, n, x, y, how == CW_DRAW_LINE ? NULL : dy);
}

cw_status cw_page_mark(cw_page *page, int colour, double x, const char *label) {
  cw_figure *figure = &page->figure;
  CW_REQUIRE(figure->open && colour >= 0);
  FILE *axes = figure->axes.stream;
  if (!isfinite(x) || (figure->log_x && x <= 0)) return CW_OK;
  figure->x_min = fmin(figure->x_min, x);
  figure->x_max = fmax(figure->x_max, x);
  fprintf(axes,
          "set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead lw 1.2 dt (6,4) lc rgb "
          "'%s'\n",
          x, x, colour_of(colour));
  if (label[0] == '\0') return CW_OK;
  fputs("set label ", axes);
  quoted(axes, label);
  fprintf(axes, " at first %.9g, graph 0.93 right offset -0.6,0\n", x);
  return CW_OK;
}

cw_status cw_page_strip(cw_page *page, double low, double high, double shift) {
  cw_figure *figure = &page->figure;
  CW_REQUIRE(figure->open && figure->n_strips < CW_MOST_STRIPS && !figure->log_y);
  const int k = figure->n_strips++;
  figure->strip[k].low = low;
  figure->strip[k].high = high;
  figure->strip[k].shift = shift;
  return CW_OK;
}

/* The left end of bars that go to value - error or value: on a logarithmic axis there is no 0. */
static double left_end(const cw_figure *figure, int n, const double *value, const double *error) {
  double least = INFINITY;
  if (!figure->log_x) return 0;
  for (int i = 0; i < n; i++) {
    const double low = error != NULL && error[i] < value[i] ? value[i] - error[i] : value[i];
    if (low > 0) least = fmin(least, low);
  }
  return least / 3;
}

/* One bar from the left end of the axis, its upper edge half a row below the top of its row. */
static void add_bar(cw_figure *figure, double top, int colour, double from, double value,
                    double error) {
  const double lower = top - 0.9, upper = top - 0.45, middle = 0.5 * (lower + upper);
  const double dx = isfinite(error) ? error : 0, low = fmax(value - dx, from), high = value + dx;
  fprintf(figure->data.stream, "$d%d << CW_END\n%.8g %.8g %.8g %.8g %.8g %.8g %.8g\nCW_END\n",
          figure->n_curves, from, value, lower, upper, middle, low, high);
  clause(figure, "(($1+$2)/2):5:1:2:3:4", "boxxyerror fs solid 0.55 noborder", colour, "");
  if (dx > 0) clause(figure, "6:5:($7-$6):(0)", "vectors nohead lw 1.6", colour, "");
  widen(figure, from, 0, top);
  widen(figure, high, 0, top);
  figure->n_curves++;
  figure->n_points++;
}

cw_status cw_page_bars(cw_page *page, int n, const char *const *name, const int *colour,
                       const double *value, const double *error) {
  cw_figure *figure = &page->figure;
  CW_REQUIRE(figure->open && figure->n_curves == 0 && n >= 0);
  const double from = left_end(figure, n, value, error);
  figure->n_bars = n;
  for (int i = 0; i < n; i++) {
    fputs("set label ", figure->axes.stream);
    quoted(figure->axes.stream, name[i]);
    fprintf(figure->axes.stream, " at graph 0, first %.9g left offset 0.5,0\n", n - i - 0.2);
    if (isfinite(value[i]) && (!figure->log_x || value[i] > 0))
      add_bar(figure, n - i, colour[i], from, value[i], error != NULL ? error[i] : 0);
  }
  return CW_OK;
}

cw_status cw_page_figure_end(cw_page *page, const char *caption) {
  cw_figure *figure = &page->figure;
  CW_REQUIRE(figure->open);
  char *svg = NULL, why[80] = "";
  cw_status st = cw_figure_draw(page->ctx, figure, &svg, why);
  FILE *out = page->html.stream;
  if (st == CW_OK) {
    element(out, "<figure>\n<h4>", figure->title, "</h4>\n");
    if (svg != NULL) {
      element(out, "<div role=\"img\" aria-label=\"", figure->title, "\">");
      fputs(svg, out);
      fputs("</div>\n", out);
    } else {
      element(out, "<p class=\"absent\">", why, "</p>\n");
    }
    if (caption[0] != '\0') element(out, "<figcaption>", caption, "</figcaption>\n");
    fputs("</figure>\n", out);
    page->n_figures++;
  }
  free(svg);
  figure_clear(figure);
  return st == CW_OK ? written(page) : st;
}

/* ------------------------------------------------------------------ writing */

/* Writes text and what closes the page to a new file; returns 0 or an errno. */
static int write_file(const char *path, const cw_text *html, bool close_figures) {
  FILE *file = fopen(path, "w");
  if (file == NULL) return errno;
  int problem = 0;
  if (fwrite(html->text, 1, html->size, file) != html->size) problem = errno;
  if (close_figures) fputs("</div>\n", file);
  fputs("</main>\n</body>\n</html>\n", file);
  if (fflush(file) != 0 || ferror(file)) problem = errno != 0 ? errno : EIO;
  if (problem == 0 && fsync(fileno(file)) != 0 && errno != EINVAL) problem = errno;
  if (fclose(file) != 0 && problem == 0) problem = errno;
  return problem;
}

cw_status cw_page_write(cw_page *page, const char *path) {
  CW_REQUIRE(page->block != CW_BLOCK_TABLE && !page->figure.open);
  CW_TRY(cw_text_flush(page->ctx, &page->html));
  size_t length = strlen(path) + 8;
  char *temporary = malloc(length);
  if (temporary == NULL)
    return cw_fail(page->ctx, CW_ENOMEM, "no memory for the name of '%s'", path);
  snprintf(temporary, length, "%s.tmp", path);
  int problem = write_file(temporary, &page->html, page->block == CW_BLOCK_FIGURES);
  if (problem == 0 && rename(temporary, path) != 0) problem = errno;
  if (problem != 0) unlink(temporary);
  free(temporary);
  if (problem != 0)
    return cw_fail(page->ctx, CW_EIO, "cannot write '%s': %s", path, strerror(problem));
  return CW_OK;
}
