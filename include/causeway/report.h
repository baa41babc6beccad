/* causeway/report.h - one self-contained HTML page out of text, tables and figures. Computes
 * nothing.
 *
 * Figures are drawn by gnuplot as SVG and inlined; without gnuplot the page says so in their place.
 * All text is plain UTF-8 and is escaped. Every function that returns a status fails with CW_ENOMEM
 * only, unless it says more. Local. */
#ifndef CAUSEWAY_REPORT_H
#define CAUSEWAY_REPORT_H

#include "causeway/core.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  CW_DRAW_LINE,   /* a line; dy is ignored */
  CW_DRAW_POINTS, /* points, with error bars if dy is given */
  CW_DRAW_OPEN,   /* the same with open points */
  CW_DRAW_STEPS,  /* a histogram: filled steps, x at the middle of the bins */
  CW_DRAW_BAND    /* a line within a shaded band y +- dy */
} cw_draw;

#define CW_FIGURE_COLOURS 17 /* colours of curves; they repeat beyond */

typedef struct cw_page cw_page; /* a page under construction */

/* subtitle: "" for none. The caller destroys *out. */
cw_status cw_page_create(cw_context *ctx, const char *title, const char *subtitle, cw_page **out);
void cw_page_destroy(cw_page *page); /* NULL is allowed */

cw_status cw_page_heading(cw_page *page, int level,
                          const char *text); /* level 2 or 3; the title is 1 */
cw_status cw_page_paragraph(cw_page *page, const char *text);
cw_status cw_page_warning(cw_page *page, const char *text); /* a paragraph that stands out */
cw_status cw_page_preformatted(cw_page *page, const char *summary,
                               const char *text); /* folded away behind summary */
/* The main numbers of the page in large type: names (n), values (n). */
cw_status cw_page_facts(cw_page *page, int n, const char *const *names, const char *const *values);

/* A table: begin with column heads, add rows of as many cells, end. The first column is set left,
 * the others right. What follows a line break in a cell is set small, below the rest. caption: ""
 * for none. */
cw_status cw_page_table_begin(cw_page *page, const char *caption, int n_column,
                              const char *const *heads);
/* marked: the cell that stands out; -1: none. */
cw_status cw_page_table_row(cw_page *page, const char *const *cells, int marked);
cw_status cw_page_table_end(cw_page *page);

/* A figure: begin, add curves, end. Figures that follow each other stand side by side where the
 * screen allows it. */
cw_status cw_page_figure_begin(cw_page *page, const char *title, const char *x_label,
                               const char *y_label, bool log_x, bool log_y);
/* x, y, dy (n): copied; dy may be NULL. Points that are not finite, or not positive on a
 * logarithmic axis, are left out. colour: its number, from 0; the same number is the same colour on
 * the whole page. label: "" for none. */
cw_status cw_page_curve(cw_page *page, const char *label, cw_draw how, int colour, long n,
                        const double *x, const double *y, const double *dy);
/* A dashed vertical line over the whole height at x, which the axis then reaches, and label at its top, on the
 * left; "": none. */
cw_status cw_page_mark(cw_page *page, int colour, double x, const char *label);
/* Curves that stand above each other in strips: in this one, of values from low to high, they are drawn
 * shift higher, and the axis has its own numbers there. A figure with one strip is like one with
 * none. */
cw_status cw_page_strip(cw_page *page, double low, double high, double shift);
/* Instead of curves: n horizontal bars, the first uppermost, with error bars where error is finite.
 * Each begins at 0, on a logarithmic axis below the smallest, and has its name above it; the figure is as
 * high as they need. name, colour, value, error (n): copied; error may be NULL. What cannot be drawn
 * leaves a gap under its name. */
cw_status cw_page_bars(cw_page *page, int n, const char *const *name, const int *colour,
                       const double *value, const double *error);
/* caption: "" for none. */
cw_status cw_page_figure_end(cw_page *page, const char *caption);

/* Writes the page to a temporary file beside path and renames it. CW_EIO if it cannot. */
cw_status cw_page_write(cw_page *page, const char *path);

/* First line of "gnuplot --version" into text (size); "" if there is no gnuplot. */
void cw_gnuplot_version(char *text, size_t size);

/* A value with its error in the notation of the field, two digits of the error:
 * 0.74415(44), 12.3(1.4), 1.25(31)e-07; an error beyond the digits of a
 * double is written out, 2(4e-13); without a finite error: six digits of the value; "-" for a
 * value that is not finite. text (CW_VALUE_TEXT). */
#define CW_VALUE_TEXT 48
void cw_format_value(double value, double error, char *text);

#ifdef __cplusplus
}
#endif
#endif
