/* Section `figures` of a job: what the report draws through the cases, one figure for each item.
 *
 *   figures:
 *     - {title: Free energy per site, against: theory.kappa, of: [F_q_per_site, F_chain_per_site]}
 *     - {title: Coverage, against: theory.kappa, of: [w_hat, forward.ess], cases: "*16x8*"}
 *
 * A result is a quantity, of the case or of every section that gives it, or SECTION.QUANTITY. */
#ifndef CW_APP_FIGURES_H
#define CW_APP_FIGURES_H

#include <stdbool.h>

enum { CW_MAX_FIGURES = 24, CW_MAX_DRAWN = 8, CW_FIGURE_TEXT = 96 };

/* Of the results: their values with errors, their errors, or tau_int of chains. */
typedef enum { CW_DRAW_VALUE, CW_DRAW_ERROR, CW_DRAW_TAU, CW_DRAW_COST } cw_drawn_number;

/* Which result. */
typedef struct {
  char section[64];  /* "": of the case, or of any section */
  char quantity[64]; /* without its index */
  int index;         /* of a vector quantity; -1: a scalar */
} cw_drawn;

typedef struct {
  char title[CW_FIGURE_TEXT];
  char against
      [CW_FIGURE_TEXT];       /* "theory.kappa": a number of the job; "lattice": the first extent */
  char cases[CW_FIGURE_TEXT]; /* pattern of their names */
  double x;                   /* that number in this case; NAN: it has none */
  cw_drawn_number draw;
  bool log_x, log_y;
  bool power; /* the exponent of each row of points is fitted */
  int n;
  cw_drawn of[CW_MAX_DRAWN];
} cw_figure_plan;

#endif
