/* The axes along which points are searched: how a value goes to the next one tried. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/tune/tune.h"

/* Twice or half. */
static bool halve_or_double(long *n, long most, int direction) {
  if (direction > 0 ? *n > most / 2 : *n < 2) return false;
  *n = direction > 0 ? 2 * *n : *n / 2;
  return true;
}

/* ---------------------------------------------------------------- of the way */

static bool steps(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                  int direction) {
  (void)j, (void)accept;
  return i == 0 && halve_or_double(&p->steps, CW_WAY_STEPS, direction);
}

/* Twice that, where twice makes no difference yet. */
static bool leaps(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                  int direction) {
  return steps(j, accept, p, i, direction) && steps(j, accept, p, i, direction);
}

/* By a quarter, to two digits. What follows has no effect on a way of one step. */
static bool power(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                  int direction) {
  char text[32];
  (void)j, (void)accept;
  snprintf(text, sizeof text, "%.2g", p->power * (direction > 0 ? 1.25 : 0.8));
  p->power = strtod(text, NULL);
  return i == 0 && p->steps > 1 && p->power >= 0.05 && p->power <= 20;
}

static bool mutations(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                      int direction) {
  (void)j, (void)accept;
  return i == 0 && p->steps > 1 && halve_or_double(&p->mutations, 1000, direction);
}

enum { SELDOMER = 4 }; /* turns of a set to one of the next wider one */

static bool is_narrowest(const cw_tune_set *s) { return s->extent <= (s->around ? 0 : 1); }

/* Another set before the others, one hop narrower, which takes the turns that the first had; the first
 * keeps one of some. On a way that updates everything: the links within two hops of the defect. */
static bool narrower(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                     int direction) {
  (void)accept;
  if (i > 0 || direction < 0 || p->steps == 1 || p->n_sets == CW_MAX_LEVELS) return false;
  if (p->n_sets == 0 && !j->can_restrict) return false;
  if (p->n_sets > 0 && is_narrowest(&p->set[0])) return false;
  for (int l = p->n_sets; l > 0; l--) p->set[l] = p->set[l - 1];
  if (p->n_sets++ == 0) {
    p->set[0] = (cw_tune_set){.around = true, .extent = 2, .count = 1};
    return true;
  }
  p->set[0].extent--;
  for (int l = 1; l < p->n_sets; l++) p->set[l].count *= SELDOMER;
  return true;
}

/* Another set after the others, one hop wider, which takes a turn of some of the last one. */
static bool wider(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                  int direction) {
  (void)j, (void)accept;
  if (i > 0 || direction < 0 || p->n_sets == 0 || p->n_sets == CW_MAX_LEVELS) return false;
  cw_tune_set *last = &p->set[p->n_sets - 1];
  last[1] = *last;
  last[1].extent++;
  last[1].count *= SELDOMER;
  return p->set[p->n_sets++].count < p->steps;
}

static bool drop(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                 int direction) {
  (void)j, (void)accept;
  if (direction < 0 || i >= p->n_sets || p->n_sets == 1 || p->steps == 1) return false;
  p->n_sets--;
  for (int l = i; l < p->n_sets; l++) p->set[l] = p->set[l + 1];
  return true;
}

static bool every(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                  int direction) {
  (void)j, (void)accept;
  return i < p->n_sets && halve_or_double(&p->set[i].count, p->steps, direction);
}

/* ------------------------------------------------------------- of the ladder */

/* One replica more or less, with as many steps from end to end as before. */
static bool rungs(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                  int direction) {
  const int n = p->n + direction;
  if (i > 0 || j->fixed_rungs || n < 2 || n > CW_MAX_RUNGS) return false;
  p->steps = (long)fmax(1, round((double)(p->steps * (p->n - 1)) / (n - 1)));
  return cw_tune_equalise(j, accept, n, p);
}

static bool positions(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                      int direction) {
  if (i > 0 || direction < 0 || j->fixed_rungs || p->n < 3) return false;
  return cw_tune_equalise(j, accept, p->n, p);
}

/* ------------------------------------------------------------- of the defect */

static double defect_links(const cw_tune_point *p) {
  double n = 1;
  for (int d = 0; d < CW_TUNE_EDGES; d++) n *= p->edge[d] > 0 ? p->edge[d] : 1;
  return n;
}

/* Works grow with the links of the defect: as many more steps of the way or, as lengths go with the root
 * of works, intervals of the ladder. */
static bool follow_works(const cw_tune_job *j, double ratio, cw_tune_point *p) {
  double t[CW_MAX_RUNGS];
  if (p->steps > 0) {
    p->steps = (long)fmax(1, round((double)p->steps * ratio));
    return p->steps <= CW_WAY_STEPS;
  }
  const int n = 1 + (int)fmax(1, round((p->n - 1) * sqrt(ratio)));
  if (n == p->n) return true;
  if (j->fixed_rungs || n > CW_MAX_RUNGS) return false;
  for (int k = 0; k < n; k++) {
    const double at = (double)k * (p->n - 1) / (n - 1);
    const int left = (int)fmin(floor(at), p->n - 2);
    t[k] = p->t[left] + (at - left) * (p->t[left + 1] - p->t[left]);
  }
  p->n = n;
  memcpy(p->t, t, sizeof t);
  return true;
}

/* All of them by one. */
static bool edges(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                  int direction) {
  const double before = defect_links(p);
  (void)accept;
  if (i > 0) return false;
  for (int d = 0; d < CW_TUNE_EDGES; d++) {
    if (p->edge[d] == 0 || j->start.edge[d] == 0) continue;
    p->edge[d] += direction;
    if (p->edge[d] < 1) return false;
  }
  return follow_works(j, defect_links(p) / before, p);
}

/* By a tenth. */
static bool factor(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                   int direction) {
  (void)j, (void)accept;
  p->factor = round(10 * p->factor + direction) / 10;
  return i == 0 && p->factor >= 0 && p->factor < 1;
}

static bool sweeps(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                   int direction) {
  (void)j, (void)accept;
  return i < p->n_levels && halve_or_double(&p->level[i].count, 1000, direction);
}

/* ------------------------------------------------------------------------- */

cw_tune_axis *const *cw_tune_axes(cw_tune_aim aim) {
  static cw_tune_axis *const of_swaps[] = {steps, leaps,     power, narrower,  wider, drop,
                                           every, mutations, rungs, positions, NULL};
  static cw_tune_axis *const of_tunnelling[] = {edges, factor, sweeps, NULL};
  return aim == CW_TUNE_TUNNELLING ? of_tunnelling : of_swaps;
}
