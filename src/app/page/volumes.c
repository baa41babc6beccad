/* Figures over the cases of a job that differ in their lattice alone: what grows with the number of
 * sites, beside the law that it follows where the quality per site is the same. */
#include <math.h>

#include "app/page/page.h"

/* Cases in which a number is known. */
typedef struct {
  int n;
  double V[CW_MAX_CASES], y[CW_MAX_CASES], dy[CW_MAX_CASES];
} by_volume;

/* The same theory, on as many volumes as there are cases. */
static bool same_but_lattice(const cw_analysis *a) {
  const cw_plan *first = a->cases[0].plan;
  for (int i = 1; i < a->n_cases; i++) {
    const cw_plan *p = a->cases[i].plan;
    if (p->theory != first->theory || p->form != first->form || p->lat.dim != first->lat.dim)
      return false;
    for (int k = 0; p->theory->params[p->form][k].name != NULL; k++)
      if (p->param[k] != first->param[k]) return false;
    for (int k = 0; k < i; k++)
      if (cw_lattice_sites(&p->lat) == cw_lattice_sites(&a->cases[k].plan->lat)) return false;
  }
  return true;
}

static void add(by_volume *to, const cw_analysis_case *c, double y, double dy) {
  if (!isfinite(y) || !(y > 0)) return;
  to->V[to->n] = (double)cw_lattice_sites(&c->plan->lat);
  to->y[to->n] = y;
  to->dy[to->n++] = dy;
}

/* Of the pair of rungs with the largest K, K being measured where swaps are. */
static void add_K(by_volume *K, by_volume *accepted, const cw_analysis_case *c) {
  const cw_analysis_stage *s = NULL;
  for (int i = 0; i < c->n_stages; i++)
    if (cw_stage_result(&c->stage[i], "swap_acceptance", 0) != NULL) s = &c->stage[i];
  if (s == NULL) return;
  const int k = cw_stage_extreme(s, "K", 1);
  if (k < 0) return;
  const cw_result *one = cw_stage_result(s, "K", k), *p = cw_stage_result(s, "swap_acceptance", k);
  add(K, c, one->e.value, one->e.error);
  if (p != NULL) add(accepted, c, p->e.value, p->e.error);
}

/* Per site, of all volumes: sum of y_i/V_i with weights (V_i/dy_i)^2. */
static double per_site(const by_volume *b) {
  double sum = 0, weights = 0;
  for (int i = 0; i < b->n; i++) {
    const double w = b->V[i] / b->dy[i];
    if (!isfinite(w)) continue;
    sum += w * w * b->y[i] / b->V[i];
    weights += w * w;
  }
  return sum / weights;
}

static double itself(double K) { return K; }
static double ess_of(double minus_ln) { return exp(-minus_ln); }

/* b, and law(k V) of the same k. */
static cw_status figure(cw_page *page, const by_volume *b, double k, double (*law)(double),
                        const char *title, const char *label, bool log_y, const char *caption) {
  enum { POINTS = 33 };
  double x[POINTS], y[POINTS], low = b->V[0], high = b->V[0];
  for (int i = 1; i < b->n; i++) {
    low = fmin(low, b->V[i]);
    high = fmax(high, b->V[i]);
  }
  for (int i = 0; i < POINTS; i++) {
    x[i] = low * pow(high / low, (double)i / (POINTS - 1));
    y[i] = law(k * x[i]);
  }
  CW_TRY(cw_page_figure_begin(page, title, "sites", label, true, log_y));
  CW_TRY(cw_page_curve(page, "the same per site", CW_DRAW_LINE, CW_GREY, POINTS, x, y, NULL));
  CW_TRY(cw_page_curve(page, "measured", CW_DRAW_POINTS, CW_BLUE, b->n, b->V, b->y, b->dy));
  return cw_page_figure_end(page, caption);
}

static bool enough(const by_volume *b, double k) { return b->n >= 3 && isfinite(k); }

cw_status cw_page_volumes(cw_page *page, const cw_analysis *a) {
  by_volume K = {0}, accepted = {0}, ess = {0}, loss = {0};
  if (a->n_cases < 3 || !same_but_lattice(a)) return CW_OK;
  for (int i = 0; i < a->n_cases; i++) {
    const cw_analysis_case *c = &a->cases[i];
    const double e = c->flow.ess, n = (double)c->flow.n_q;
    add_K(&K, &accepted, c);
    if (!(e > 0 && e < 1 && n > 1)) continue;
    /* Of Gaussian log-weights of variance s^2 = -ln ESS, known to s^2 sqrt(2/n). */
    add(&ess, c, e, -e * log(e) * sqrt(2 / n));
    add(&loss, c, -log(e), -log(e) * sqrt(2 / n));
  }
  const double k = per_site(&K), s2 = per_site(&loss);
  if (!enough(&K, k) && !enough(&loss, s2)) return CW_OK;
  CW_TRY(cw_page_heading(page, 2, "From volume to volume"));
  if (enough(&K, k)) {
    CW_TRY(figure(page, &K, k, itself, "Mean works of a swap, up and down together", "K", true,
                  "Of the pair of rungs with the largest K. Line: in proportion to the number of "
                  "sites."));
    CW_TRY(figure(page, &accepted, k, cw_gaussian_acceptance, "Swaps", "acceptance", false,
                  "Line: erfc(√K/2) of the line for K."));
  }
  if (enough(&loss, s2))
    CW_TRY(figure(page, &ess, s2, ess_of, "Effective sample size per sample of the model", "ESS",
                  false, "Line: ESS(V) = ESS(V₀)^(V/V₀)."));
  return CW_OK;
}
