/* Swaps as they were, beside those of Gaussian works and those that a fit of the flows predicted. */
#include <math.h>
#include <string.h>

#include "app/methods/rex/rex.h"
#include "app/page/page.h"

/* The stage that trained the flows of swaps, if it predicts their K; NULL: it does not. */
static const cw_analysis_stage *predicting(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_analysis_stage *t = cw_analysis_find_stage(to->c, s->part.training);
  return t != NULL && cw_stage_result(t, "K", 0) != NULL ? t : NULL;
}

/* What the flows of the ladder's steps first .. first + n - 1 add up to: (sum sqrt K)^2 if nothing
 * relaxes between them, sum K if everything does. */
typedef struct {
  cw_estimate most;
  double least;
} prediction;

static prediction predict(const cw_analysis_stage *fit, int first, int n) {
  prediction p = {.most = cw_estimate_undefined(0)};
  double length = 0, square = 0;
  for (int k = first; k < first + n; k++) {
    const cw_result *K = cw_stage_result(fit, "K", k);
    if (K == NULL || !(K->e.value > 0)) return (prediction){cw_estimate_undefined(0), NAN};
    length += sqrt(K->e.value);
    square += K->e.error * K->e.error / K->e.value;
    p.least += K->e.value;
  }
  p.most.value = length * length;
  p.most.error = length * sqrt(square);
  return p;
}

static void cell(char text[CW_VALUE_TEXT], cw_estimate e) {
  cw_cell_number(text, NAN, "");
  if (isfinite(e.value)) cw_format_value(e.value, e.error, text);
}

/* The cells of a prediction: with relaxation between several flows it is a bound. */
static void predicted_cells(const prediction *p, int n, char K[2 * CW_VALUE_TEXT],
                            char acceptance[2 * CW_VALUE_TEXT]) {
  char most[CW_VALUE_TEXT], least[CW_VALUE_TEXT];
  const char *at_most = n > 1 ? "≤ " : "", *at_least = n > 1 ? "≥ " : "";
  cell(most, p->most);
  cell(least, cw_gaussian_acceptance_of(p->most));
  snprintf(K, 2 * CW_VALUE_TEXT, "%s%s", at_most, most);
  snprintf(acceptance, 2 * CW_VALUE_TEXT, "%s%s", at_least, least);
  if (n == 1 || !isfinite(p->least)) return;
  snprintf(K + strlen(K), CW_VALUE_TEXT, "\n%.3g if all relaxes", p->least);
  snprintf(acceptance + strlen(acceptance), CW_VALUE_TEXT, "\n%.3g if all relaxes",
           cw_gaussian_acceptance(p->least));
}

static cw_status pair_row(const cw_case_page *to, const cw_analysis_stage *s,
                          const cw_analysis_stage *fit, int pair) {
  char name[64], K[CW_VALUE_TEXT], acceptance[CW_VALUE_TEXT], gaussian[CW_VALUE_TEXT],
      of_fit[2][2 * CW_VALUE_TEXT];
  const int n = cw_rex_stride(s->section->own);
  const cw_result *measured = cw_stage_result(s, "K", pair);
  snprintf(name, sizeof name, "%d and %d", pair * n, (pair + 1) * n);
  cw_cell_result(K, measured);
  cw_cell_result(acceptance, cw_stage_result(s, "swap_acceptance", pair));
  cell(gaussian, cw_gaussian_acceptance_of(measured->e));
  if (fit != NULL) {
    const prediction p = predict(fit, pair * n, n);
    predicted_cells(&p, n, of_fit[0], of_fit[1]);
  }
  return cw_page_table_row(
      to->page, (const char *[]){name, K, acceptance, gaussian, of_fit[0], of_fit[1]}, -1);
}

static void say_caption(cw_prose *p, const cw_analysis_stage *s, const cw_analysis_stage *fit) {
  const int n = cw_rex_stride(s->section->own);
  cw_say(p,
         "%s: swaps, and the mean works K of their proposals up and down together. Gaussian works "
         "of that K are accepted with erfc(√K/2).",
         s->part.label);
  if (fit == NULL) return;
  cw_say(p, " %s predicts K", fit->part.label);
  if (n == 1)
    cw_say(p, " of its flows from configurations that the fit did not see.");
  else
    cw_say(p,
           " of each of the %d flows on a way, from configurations that the fit did not see. They "
           "add up to (Σ√K)² if nothing relaxes on the rungs between, and to ΣK if everything "
           "does: steps of the sampler there relax, so that (Σ√K)² is an upper bound.",
           n);
}

cw_status cw_draw_rex_works(const cw_case_page *to, const cw_analysis_stage *s) {
  enum { MOST_PAIRS = 24 }; /* more are in the figures alone */
  static const char *const heads[] = {"rungs",          "K",        "acceptance",
                                      "Gaussian works", "K of fit", "acceptance of fit"};
  const int n = cw_rex_pairs(to->c->plan, s->section->own);
  const cw_analysis_stage *fit = predicting(to, s);
  cw_prose caption = {0};
  if (n > MOST_PAIRS || cw_stage_result(s, "K", n - 1) == NULL) return CW_OK;
  say_caption(&caption, s, fit);
  CW_TRY(cw_page_table_begin(to->page, caption.text, fit != NULL ? 6 : 4, heads));
  for (int k = 0; k < n; k++) CW_TRY(pair_row(to, s, fit, k));
  return cw_page_table_end(to->page);
}
