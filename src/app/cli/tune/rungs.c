/* Rungs, and how many of them, for equal acceptance of all swaps. Every round runs replica exchange for a
 * while, and moves the rungs by what it saw. */
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/tune/tune.h"

bool cw_tune_equalise(const cw_tune_job *j, const double *accept, int n, cw_tune_point *p) {
  double t[CW_MAX_RUNGS];
  if (cw_equal_rungs(j->ctx, p->n, p->t, accept, n, t) != CW_OK) {
    cw_clear_error(j->ctx);
    return false;
  }
  p->n = n;
  for (int k = 0; k < n; k++) { /* as they will be printed */
    char text[32];
    snprintf(text, sizeof text, "%.5g", t[k]);
    p->t[k] = strtod(text, NULL);
  }
  return true;
}

static void print_round(long round, const cw_tune_point *p, const double *accept, int needed,
                        double target) {
  printf("round %ld: %d rungs; for %.3g ", round + 1, p->n, target);
  if (needed > 0)
    printf("%d are needed\n  positions ", needed);
  else
    printf("how many are needed cannot be estimated\n  positions ");
  for (int k = 0; k < p->n; k++) printf(" %.4f", p->t[k]);
  printf("\n  acceptance");
  for (int k = 0; k < p->n - 1; k++) printf(" %.3f ", accept[k]);
  printf("\n");
}

static cw_status round_of(const cw_tune_job *j, long number, cw_tune_point *p,
                          cw_tune_exchange **last) {
  cw_tune_exchange *now = NULL;
  cw_tune_found found;
  long thermalise;
  cw_status st = cw_tune_open(j, p, number, *last, &now, &thermalise);
  if (st == CW_OK) st = cw_tune_measure(j, number, thermalise, j->steps, now, &found);
  cw_tune_close(*last);
  *last = now;
  CW_TRY(st);
  int needed = cw_rungs_needed(p->n, found.accept, j->target);
  if (needed > CW_MAX_RUNGS) needed = CW_MAX_RUNGS;
  print_round(number, p, found.accept, needed, j->target);
  if (number + 1 == j->rounds) return CW_OK;
  const cw_tune_point old = *p;
  p->n = needed;
  return cw_equal_rungs(j->ctx, old.n, old.t, found.accept, needed, p->t);
}

cw_status cw_tune_rungs(const cw_tune_job *j) {
  cw_tune_point p = j->start;
  cw_tune_exchange *last = NULL;
  cw_status st = CW_OK;
  for (long round = 0; round < j->rounds && st == CW_OK; round++)
    st = round_of(j, round, &p, &last);
  cw_tune_close(last);
  if (st == CW_OK) cw_tune_print_lines(j, &p);
  return st;
}
