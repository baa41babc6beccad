/* What page.c and figure.c share: a page is a growing text. */
#ifndef CW_REPORT_PAGE_H
#define CW_REPORT_PAGE_H

#include <stdio.h>

#include "causeway/report.h"

/* A text that grows at its end. */
typedef struct {
  FILE *stream;
  char *text;
  size_t size;
} cw_text;

enum { CW_MOST_STRIPS = 16 };
#define CW_MOVED_APART                                                                             \
  0.45 /* points at integers may be moved by less, so that they do not hide each other */

typedef struct {
  bool open;
  bool log_x, log_y;
  int n_curves;
  long n_points;                     /* that can be drawn */
  double x_min, x_max, y_min, y_max; /* of those, error bars included */
  int n_bars;                        /* horizontal, in a row of height 1 each; 0: curves */
  bool has_steps, has_points;        /* histograms start at 0; points keep away from the frame */
  bool is_whole; /* the abscissae of points are integers, but for what moves them apart */
  struct {
    double low, high, shift;
  } strip[CW_MOST_STRIPS];
  int n_strips;
  char *title;  /* plain */
  cw_text data; /* gnuplot data blocks */
  cw_text axes; /* labels and scales */
  cw_text plot; /* clauses of the plot command */
} cw_figure;

/* What kind of element stands last: figures that follow each other share one grid. */
typedef enum { CW_BLOCK_FLOW, CW_BLOCK_FIGURES, CW_BLOCK_TABLE } cw_block;

struct cw_page {
  cw_context *ctx; /* borrowed */
  cw_text html;
  cw_block block;
  int n_column; /* of the open table */
  int n_figures;
  cw_figure figure;
};

cw_status cw_text_open(cw_context *ctx, cw_text *text);
void cw_text_close(cw_text *text); /* frees */
/* CW_ENOMEM if anything written so far did not fit; otherwise text->text and text->size are valid
 * until the next write. */
cw_status cw_text_flush(cw_context *ctx, cw_text *text);

void cw_html_escape(FILE *out, const char *text);

/* Draws the figure with gnuplot. *svg: an svg element, freed by the caller; NULL if gnuplot gave
 * none, and why (80) says why not. */
cw_status cw_figure_draw(cw_context *ctx, cw_figure *figure, char **svg, char *why);

#endif
