/* The search: from the job's own values along one axis after the other, as long as that costs less. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/tune/tune.h"
#include "causeway/report.h"

enum { MOST_TRIALS = 1000 };

typedef struct {
  char *words; /* what the point was; owned */
  cw_estimate cost;
} trial;

typedef struct {
  const cw_tune_job *j;
  cw_tune_exchange *last; /* whose configurations the next trial starts from */
  long n;
  trial tried[MOST_TRIALS];
  long best; /* number of the trial */
  cw_tune_point point;
  cw_tune_found found; /* of the best */
  cw_estimate again;   /* its cost by draws of its own */
} search;

/* ------------------------------------------------------------------ printing */

static const char *unit(const cw_tune_job *j) { return j->by_visits ? "updates" : "seconds"; }

static void print_heads(const cw_tune_job *j) {
  char proposal[40], cost[40];
  snprintf(proposal, sizeof proposal, "%s/proposal", unit(j));
  snprintf(cost, sizeof cost, "%s/%s", unit(j), j->aim == CW_TUNE_SWAPS ? "swap" : "change");
  printf("%-7s %-14s %-14s %-18s", "trial", "acceptance", "K", proposal);
  if (j->aim == CW_TUNE_TUNNELLING) printf(" %-16s", "changes/step");
  printf(" %-18s %s\n", cost, "job");
  fflush(stdout);
}

static void print_cell(int width, cw_estimate e) {
  char text[CW_VALUE_TEXT];
  cw_format_value(e.value, e.error, text);
  printf(" %-*s", width, text);
}

static void print_trial(const cw_tune_job *j, const char *number, const cw_tune_found *f,
                        const char *words) {
  printf("%-7s", number);
  print_cell(14, f->acceptance);
  print_cell(14, f->K);
  print_cell(18, f->proposal);
  if (j->aim == CW_TUNE_TUNNELLING) print_cell(16, f->changes);
  print_cell(18, f->cost);
  printf(" %s\n", words);
  fflush(stdout);
}

/* -------------------------------------------------------------------- trials */

static double error_of(cw_estimate e) { return isfinite(e.error) ? e.error : 0; }

/* By more than two errors of the difference: of many trials that cost the same some seem to cost less. */
static bool costs_less(cw_estimate a, cw_estimate b) {
  if (!isfinite(a.value) || !isfinite(b.value)) return isfinite(a.value) && !isfinite(b.value);
  return a.value + 2 * hypot(error_of(a), error_of(b)) < b.value;
}

static bool is_tried(const search *s, const char *words) {
  for (long i = 0; i < s->n; i++)
    if (strcmp(s->tried[i].words, words) == 0) return true;
  return false;
}

/* Runs the exchange at a point. *refused: the job cannot be so. */
static cw_status run(search *s, const cw_tune_point *p, long number, long steps, bool *refused,
                     cw_tune_found *found) {
  cw_tune_exchange *now = NULL;
  long thermalise;
  *refused = false;
  cw_status st = cw_tune_open(s->j, p, number, s->last, &now, &thermalise);
  if (st == CW_EINVAL && s->last != NULL) {
    printf("%-7ld refused: %s\n", number + 1, cw_error(s->j->ctx));
    cw_clear_error(s->j->ctx);
    cw_tune_close(now);
    *refused = true;
    return CW_OK;
  }
  if (st == CW_OK) st = cw_tune_measure(s->j, number, thermalise, steps, now, found);
  cw_tune_close(s->last);
  s->last = now;
  return st;
}

/* A trial of a point that was not tried yet. *better: it is the best now. found: what it found, its cost NAN
 * where it was not run. */
static cw_status attempt(search *s, const cw_tune_point *p, bool *better, cw_tune_found *found) {
  cw_tune_text words = {.used = 0};
  char number[32];
  bool refused;
  *better = false;
  found->cost = cw_estimate_undefined(0);
  cw_tune_describe(s->j, p, &words);
  if (s->n == MOST_TRIALS || is_tried(s, words.text)) return CW_OK;
  trial *t = &s->tried[s->n];
  *t = (trial){.words = strdup(words.text), .cost = found->cost};
  if (t->words == NULL) return cw_fail(s->j->ctx, CW_ENOMEM, "no memory for a trial");
  CW_TRY(run(s, p, s->n++, s->j->steps, &refused, found));
  if (refused) return CW_OK;
  t->cost = found->cost;
  *better = s->n == 1 || costs_less(found->cost, s->found.cost);
  snprintf(number, sizeof number, "%ld%s", s->n, *better ? " *" : "");
  print_trial(s->j, number, found, words.text);
  if (!*better) return CW_OK;
  s->best = s->n - 1;
  s->point = *p;
  s->found = *found;
  return CW_OK;
}

/* Along an axis as long as it gets better. Other rungs have a second chance, where they accept alike. */
static cw_status go(search *s, cw_tune_axis *axis, int i, int direction, bool *moved) {
  for (bool better = true; better;) {
    cw_tune_point p = s->point;
    cw_tune_found found;
    if (!axis(s->j, s->found.accept, &p, i, direction)) return CW_OK;
    CW_TRY(attempt(s, &p, &better, &found));
    if (!better && p.n != s->point.n && isfinite(found.cost.value) &&
        cw_tune_equalise(s->j, found.accept, p.n, &p))
      CW_TRY(attempt(s, &p, &better, &found));
    *moved = *moved || better;
  }
  return CW_OK;
}

static cw_status pass_over_axes(search *s, bool *moved) {
  *moved = false;
  for (cw_tune_axis *const *axis = cw_tune_axes(s->j->aim); *axis != NULL; axis++)
    for (int i = 0; i < CW_MAX_LEVELS; i++)
      for (int direction = 1; direction >= -1; direction -= 2)
        CW_TRY(go(s, *axis, i, direction, moved));
  return CW_OK;
}

/* ---------------------------------------------------------------------- ends */

/* The least of many costs is too small on average: draws of its own say what it is. */
static cw_status run_again(search *s) {
  cw_tune_text words = {.used = 0};
  cw_tune_found found;
  bool refused;
  CW_TRY(run(s, &s->point, s->n, 2 * s->j->steps, &refused, &found));
  CW_REQUIRE(!refused);
  cw_tune_describe(s->j, &s->point, &words);
  print_trial(s->j, "again", &found, words.text);
  s->again = found.cost;
  return CW_OK;
}

static void print_alike(const search *s) {
  bool any = false;
  for (long i = 0; i < s->n; i++) {
    if (i == s->best || !isfinite(s->tried[i].cost.value)) continue;
    if (costs_less(s->found.cost, s->tried[i].cost)) continue;
    printf("%s%ld", any ? ", " : "within the errors no worse than the best, trial: ", i + 1);
    any = true;
  }
  if (any) printf("\n");
}

static cw_status print_end(search *s) {
  if (!isfinite(s->found.cost.value))
    return cw_fail(s->j->ctx, CW_ENUMERIC,
                   "tune: no change of sector in %ld trials of %ld steps: more of them by --steps",
                   s->n, s->j->steps);
  print_alike(s);
  const cw_estimate was = s->tried[0].cost;
  if (s->best == 0 && s->n > 1)
    printf("what the job says is the best of %ld trials\n", s->n);
  else if (s->best > 0 && isfinite(was.value))
    printf("costs %.2g of what the job costs\n", s->again.value / was.value);
  cw_tune_print_lines(s->j, &s->point);
  return CW_OK;
}

cw_status cw_tune_search(const cw_tune_job *j) {
  cw_tune_found found;
  bool moved;
  search *s = calloc(1, sizeof *s);
  if (s == NULL) return cw_fail(j->ctx, CW_ENOMEM, "no memory for a search");
  s->j = j;
  print_heads(j);
  cw_status st = attempt(s, &j->start, &moved, &found);
  for (long pass = 0; pass < j->rounds && moved && st == CW_OK; pass++)
    st = pass_over_axes(s, &moved);
  if (st == CW_OK) st = run_again(s);
  if (st == CW_OK) st = print_end(s);
  if (st == CW_EINTERRUPTED && s->n > 1) cw_tune_print_lines(j, &s->point);
  for (long i = 0; i < s->n; i++) free(s->tried[i].words);
  cw_tune_close(s->last);
  free(s);
  return st;
}
