/* Results of several runs beside each other.
 *
 *   cw_comparison cmp;
 *   CW_TRY(cw_compare(ctx, n, list, &cmp));
 *   for (int i = 0; i < cmp.n_rows; i++) ... cmp.row[i].of[run] ...
 *   cw_comparison_clear(&cmp);
 */
#ifndef CW_APP_COMPARE_H
#define CW_APP_COMPARE_H

#include "app/analysis/analysis.h"

enum { CW_MOST_COMPARED = 16 }; /* runs */

/* What a run has of a result. */
typedef struct {
  const cw_analysis_case *c;
  const cw_analysis_stage *stage; /* NULL: the result belongs to no single method */
  const cw_result *result;        /* borrowed; NULL: the run does not have it */
  /* From the value of the first run that has it, in standard deviations, errors taken as independent;
   * NAN: it is that run or has the same job and seed, or an error is unknown. */
  double sigma;
  double seconds, training; /* of the stage, and of what it goes through; NAN: of no stage */
  /* error^2 times seconds, without the training and with it; the former does not depend on how long a
   * run is once its error falls with the root of the time. NAN: unknown. */
  double cost, cost_with_training;
} cw_compared;

typedef struct {
  char name[CW_FULL_NAME];
  cw_compared of[CW_MOST_COMPARED];
  int n; /* runs that have it */
} cw_compared_row;

typedef struct {
  int n_runs, n_rows;
  cw_compared_row *row; /* (n_rows), in the order of the first run that has it; owned */
} cw_comparison;

/* list (n), at most CW_MOST_COMPARED: borrowed by *out, which the caller clears. Local. CW_ENOMEM.
 * Cost: number of rows times number of results. */
cw_status cw_compare(cw_context *ctx, int n, cw_analysis *const *list, cw_comparison *out);
void cw_comparison_clear(cw_comparison *cmp);

/* What two runs have in common that makes their errors dependent. */
typedef enum {
  CW_RUNS_APART,
  CW_RUNS_SAME_SEED, /* of different jobs: the same random numbers wherever they draw alike */
  CW_RUNS_SAME       /* the same job and seed: the same numbers, as far as both have come */
} cw_kinship;
cw_kinship cw_runs_kinship(const cw_analysis *a, const cw_analysis *b);

#endif
