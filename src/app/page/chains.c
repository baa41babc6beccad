/* Figures of Markov chains: histories, histograms, autocorrelations, thermalisation. */
#include <string.h>

#include "app/page/page.h"

/* "history.q" of the prefix "history." is "q"; NULL: another curve. */
static const char *behind(const cw_curve *curve, const char *prefix) {
  size_t n = strlen(prefix);
  return strncmp(curve->name, prefix, n) == 0 ? curve->name + n : NULL;
}

/* The histories of one primary: the first chain's curve, and those of the chains after it. */
typedef struct {
  const char *primary;
  const cw_curve *chain[CW_MOST_HISTORIES];
  int n;
} histories;

static histories find_histories(const cw_analysis_stage *s, const char *primary) {
  histories h = {.primary = primary};
  for (int k = 0; k < CW_MOST_HISTORIES; k++) {
    char name[CW_RESULT_NAME];
    int n = snprintf(name, sizeof name, "history.%.40s", primary);
    if (k > 0) snprintf(name + n, sizeof name - (size_t)n, ".%d", k);
    if ((h.chain[h.n] = cw_stage_curve(s, name)) == NULL) break;
    h.n++;
  }
  return h;
}

/* How far chains are moved apart to stand above each other: a little more than they spread. */
static double stacking(int n, const cw_stacked *line) {
  double low = INFINITY, high = -INFINITY;
  for (int k = 0; k < n; k++) cw_spread(&line[k], &low, &high);
  if (!(high > low)) return 1;
  double unit = pow(10, floor(log10(high - low)));
  return ceil(1.1 * (high - low) / unit) * unit;
}

/* What was thrown away before the first measurement, and how far measurements are apart. */
static void say_thermalisation(cw_prose *p, const cw_part *part) {
  if (part->discarded > 0)
    cw_say(p, " Measuring began after %ld discarded step%s.", part->discarded,
           part->discarded == 1 ? "" : "s");
  if (part->every > 1) cw_say(p, " A measurement is every %ld steps.", part->every);
}

static cw_status history_figure(const cw_case_page *to, const cw_analysis_stage *s,
                                const histories *h) {
  char title[120];
  cw_prose caption = {0};
  cw_stacked line[CW_MOST_HISTORIES];
  for (int k = 0; k < h->n; k++)
    line[k] = (cw_stacked){"", h->chain[k], h->chain[k]->n, 1, 0, s->part.colour};
  double shift = stacking(h->n, line);
  snprintf(title, sizeof title, "%s: history of %s", s->part.label, h->primary);
  CW_TRY(cw_page_figure_begin(to->page, title, "measurement", h->primary, false, false));
  for (int k = 0; k < h->n; k++) {
    line[k].shift = k * shift;
    CW_TRY(cw_page_stacked(to, &line[k]));
  }
  if (h->n > 1)
    cw_say(&caption, "%s %d chains above each other, %g apart; the axis numbers each.",
           h->n < s->n_chain ? "The first" : "All", h->n, shift);
  else
    cw_say(&caption, s->n_chain > 1 ? "The first chain." : "The chain.");
  say_thermalisation(&caption, &s->part);
  const cw_curve *first = h->chain[0];
  if (first->thinned) cw_say(&caption, " Not every measurement is drawn.");
  return cw_page_figure_end(to->page, caption.text);
}

static cw_status histogram_figure(const cw_case_page *to, const cw_analysis_stage *s,
                                  const char *primary) {
  char name[CW_RESULT_NAME], title[120];
  snprintf(name, sizeof name, "histogram.%.40s", primary);
  const cw_curve *curve = cw_stage_curve(s, name);
  if (curve == NULL) return CW_OK;
  snprintf(title, sizeof title, "%s: distribution of %s", s->part.label, primary);
  CW_TRY(cw_page_figure_begin(to->page, title, primary, "density", false, false));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_STEPS, s->part.colour, curve->n, curve->x, curve->y,
                       NULL));
  return cw_page_figure_end(to->page, s->n_chain > 1 ? "All chains." : "The chain.");
}

static cw_status history_figures(const cw_case_page *to, const cw_analysis_stage *s) {
  for (int i = 0; i < s->n_curves; i++) {
    const char *primary = behind(&s->curve[i], "history.");
    if (primary == NULL || strchr(primary, '.') != NULL) continue;
    histories h = find_histories(s, primary);
    CW_TRY(history_figure(to, s, &h));
    CW_TRY(histogram_figure(to, s, primary));
  }
  return CW_OK;
}

/* A curve over lags of each featured quantity, in a band of its error, and its window. */
static cw_status draw_lags(const cw_case_page *to, const cw_analysis_stage *s, const char *prefix) {
  int n = 0;
  for (int i = 0; i < s->n_curves; i++) {
    const cw_curve *curve = &s->curve[i];
    const char *quantity = behind(curve, prefix);
    const cw_result *r = quantity != NULL ? cw_stage_result(s, quantity, -1) : NULL;
    if (r == NULL || !isfinite(r->e.tau_int)) continue;
    CW_TRY(cw_page_mark(to->page, n, (double)(r->e.window * cw_every_of(to->c, s, r->group)), ""));
    CW_TRY(cw_page_curve(to->page, quantity, CW_DRAW_BAND, n++, curve->n, curve->x, curve->y,
                         curve->dy));
  }
  return CW_OK;
}

static cw_status autocorrelation_figure(const cw_case_page *to, const cw_analysis_stage *s) {
  char title[120];
  cw_prose caption = {0};
  snprintf(title, sizeof title, "%s: autocorrelation", s->part.label);
  CW_TRY(cw_page_figure_begin(to->page, title, "lag t in measurements", "ρ(t)", false, false));
  CW_TRY(draw_lags(to, s, "autocorrelation."));
  cw_say(&caption, "%sDashed: the windows up to which they are summed.",
         s->n_chain > 1 ? "Pooled over chains. " : "");
  for (int i = 0; i < s->n_curves; i++) {
    const char *quantity = behind(&s->curve[i], "autocorrelation.");
    const cw_result *r = quantity != NULL ? cw_stage_result(s, quantity, -1) : NULL;
    if (r != NULL && r->e.cut)
      cw_say(&caption, " That of %s has not died out within the length of the chains.", quantity);
    if (r != NULL && !isfinite(r->e.tau_int))
      cw_say(&caption, " %s has none%s%s.", quantity, r->e.why != NULL ? ": " : "",
             r->e.why != NULL ? r->e.why : "");
  }
  return cw_page_figure_end(to->page, caption.text);
}

static cw_status tau_figure(const cw_case_page *to, const cw_analysis_stage *s) {
  char title[120];
  cw_prose caption = {0};
  snprintf(title, sizeof title, "%s: integrated autocorrelation time", s->part.label);
  CW_TRY(cw_page_figure_begin(to->page, title, "window W in measurements",
                              "τ_int(W) in measurements", false, false));
  CW_TRY(draw_lags(to, s, "tau_int."));
  cw_say(&caption, "What the sum up to W gives. Dashed: the windows, at which τ_int is read off.");
  for (int i = 0; i < s->n_curves; i++) {
    const char *quantity = behind(&s->curve[i], "tau_int.");
    const cw_result *r = quantity != NULL ? cw_stage_result(s, quantity, -1) : NULL;
    if (r != NULL && r->e.scatter_sigma > CW_SCATTER_SIGMA)
      cw_say(&caption, " Of %s τ_int = %.3g is quoted instead, from the scatter of the chains.",
             quantity, r->e.tau_int * (double)cw_every_of(to->c, s, r->group));
  }
  return cw_page_figure_end(to->page, caption.text);
}

static cw_status thermalisation_figure(const cw_case_page *to, const cw_analysis_stage *s) {
  const cw_curve *curve = cw_stage_curve(s, "thermalisation");
  if (curve == NULL) return CW_OK;
  char title[120];
  snprintf(title, sizeof title, "%s: thermalisation", s->part.label);
  CW_TRY(cw_page_figure_begin(to->page, title, "step", "mean action", false, false));
  CW_TRY(cw_page_curve(to->page, "", CW_DRAW_LINE, s->part.colour, curve->n, curve->x, curve->y,
                       NULL));
  CW_TRY(cw_page_mark(to->page, CW_GREY, s->part.discarded > 0 ? (double)s->part.discarded : NAN,
                      "measuring begins"));
  return cw_page_figure_end(to->page, s->n_chain > 1 ? "Mean over chains, of what is thrown away."
                                                     : "Of what is thrown away.");
}

cw_status cw_page_chains(const cw_case_page *to) {
  bool begun = false;
  for (int i = 0; i < to->c->n_stages; i++) {
    const cw_analysis_stage *s = &to->c->stage[i];
    bool drawn = s->present && cw_stage_is(s, CW_IS_CHAINS | CW_IS_MEASURED);
    if (!drawn) continue; /* of the rungs of a ladder the last one is */
    if (!begun) CW_TRY(cw_page_heading(to->page, to->level, "Markov chains"));
    begun = true;
    CW_TRY(history_figures(to, s));
    CW_TRY(autocorrelation_figure(to, s));
    CW_TRY(tau_figure(to, s));
    CW_TRY(thermalisation_figure(to, s));
  }
  return CW_OK;
}
