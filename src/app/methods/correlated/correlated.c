/* Section `correlated`: differences and derivatives of observables by correlated ensembles. */
#include "app/methods/correlated/correlated.h"

#include <stdio.h>
#include <string.h>

static cw_section_kind kind(int i) {
  if (i > 0) return (cw_section_kind){.name = NULL};
  return (cw_section_kind){"correlated", "Correlated ensembles",
                           "derivatives of observables, with the noise of two ensembles cancelled",
                           CW_OLIVE};
}

static const cw_mcmc_plan *chains(const cw_section *s) {
  return &((const cw_correlated_plan *)s->own)->mcmc;
}

/* ---- the line of targets ---- */

void cw_correlated_params(const cw_plan *p, const cw_correlated_plan *r, double position,
                          double param[CW_MAX_PARAMS]) {
  for (int k = 0; k < CW_MAX_PARAMS; k++)
    param[k] = p->param[k] + position * (r->to[k] - p->param[k]);
}

void cw_correlated_couplings(const cw_plan *p, const cw_correlated_plan *r, double position,
                             double *c) {
  double param[CW_MAX_PARAMS];
  cw_correlated_params(p, r, position, param);
  p->theory->couplings(p->form, &p->lat, param, c);
}

/* The parameter that alone changes on the line; -1: several do. */
static int only_parameter(const cw_plan *p, const cw_correlated_plan *r) {
  const cw_param *table = p->theory->params[p->form];
  int found = -1, n = 0;
  for (int k = 0; k < CW_MAX_PARAMS && table[k].name != NULL; k++)
    if (r->to[k] != p->param[k]) found = k, n++;
  return n == 1 ? found : -1;
}

void cw_correlated_variable(const cw_plan *p, const cw_correlated_plan *r, bool in_print,
                            char *text, size_t size) {
  const int k = only_parameter(p, r);
  const char *name = k >= 0 ? p->theory->params[p->form][k].name : "lambda";
  const cw_symbol *symbol = p->theory->symbols;
  for (; in_print && symbol != NULL && symbol->word != NULL; symbol++)
    if (strcmp(symbol->word, name) == 0) name = symbol->symbol;
  snprintf(text, size, "%s", k < 0 && in_print ? "λ" : name);
}

/* ---- estimators ---- */

static const char *const words[] = {[CW_BASE] = "",
                                    [CW_COVARIANCE] = ".covariance",
                                    [CW_LINEARISED] = ".linearised",
                                    [CW_REWEIGHTING] = ".reweighting",
                                    [CW_FLOW] = ".flow",
                                    [CW_IMAGES] = ".image"};
static const char *const titles[] = {[CW_BASE] = "Correlated ensembles",
                                     [CW_COVARIANCE] = "Covariance with the action",
                                     [CW_LINEARISED] = "Linearised flow",
                                     [CW_REWEIGHTING] = "Reweighting",
                                     [CW_FLOW] = "Flow",
                                     [CW_IMAGES] = "Images under the flow"};

/* The target opposite to target up; -1: there is none. */
static int opposite(const cw_correlated_plan *r, int up) {
  for (int k = 0; k < r->n_targets; k++)
    if (r->position[k] == -r->position[up]) return k;
  return -1;
}

static bool has_pair(const cw_correlated_plan *r) {
  for (int k = 0; k < r->n_targets; k++)
    if (opposite(r, k) >= 0) return true;
  return false;
}

/* number: of several of the kind, from 0; word says of what. */
static void add(cw_estimator *list, int *n, const cw_plan *p, const cw_section *s,
                cw_estimator_kind kind, int up, int down, const char *word, int number) {
  const cw_correlated_plan *r = s->own;
  char lambda[32];
  cw_correlated_variable(p, r, false, lambda, sizeof lambda);
  cw_estimator *e = &list[(*n)++];
  *e = (cw_estimator){.kind = kind, .up = up, .down = down};
  if (word != NULL)
    snprintf(e->name, sizeof e->name, "%.12s%.12s.%.4s%d", s->kind.name, words[kind], word, number);
  else
    snprintf(e->name, sizeof e->name, "%.12s%.12s", s->kind.name, words[kind]);
  int at = snprintf(e->label, sizeof e->label, "%s", titles[kind]);
  if (up >= 0 && down < 0)
    at += snprintf(e->label + at, sizeof e->label - (size_t)at, " at %.4g", r->position[up]);
  else if (up >= 0)
    at += snprintf(e->label + at, sizeof e->label - (size_t)at, " by -+%.4g", r->position[up]);
  if (kind != CW_BASE && kind != CW_IMAGES)
    snprintf(e->label + at, sizeof e->label - (size_t)at, ", d/d%.16s", lambda);
}

/* Of one kind of difference: pairs of opposite targets, and single ones. */
static void add_differences(cw_estimator *list, int *n, const cw_plan *p, const cw_section *s,
                            cw_estimator_kind kind) {
  const cw_correlated_plan *r = s->own;
  int pairs = 0;
  for (int k = 0; k < r->n_targets; k++)
    if (r->position[k] > 0 && opposite(r, k) >= 0) {
      add(list, n, p, s, kind, k, opposite(r, k), pairs > 0 ? "pair" : NULL, pairs);
      pairs++;
    }
  for (int k = 0; k < r->n_targets && r->differences; k++) add(list, n, p, s, kind, k, -1, "to", k);
}

int cw_list_estimators(const cw_plan *p, const cw_section *s,
                       cw_estimator list[CW_MOST_ESTIMATORS]) {
  const cw_correlated_plan *r = s->own;
  int n = 0;
  add(list, &n, p, s, CW_BASE, -1, -1, NULL, 0);
  if (r->tangent) add(list, &n, p, s, CW_LINEARISED, -1, -1, NULL, 0);
  if (r->at_targets) {
    add_differences(list, &n, p, s, CW_FLOW);
    for (int k = 0; k < r->n_targets && r->differences; k++)
      add(list, &n, p, s, CW_IMAGES, k, -1, "to", k);
  }
  add(list, &n, p, s, CW_COVARIANCE, -1, -1, NULL, 0);
  add_differences(list, &n, p, s, CW_REWEIGHTING);
  return n;
}

double cw_estimator_step(const cw_correlated_plan *r, const cw_estimator *e) {
  return r->step * (r->position[e->up] - (e->down >= 0 ? r->position[e->down] : 0));
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  cw_estimator list[CW_MOST_ESTIMATORS];
  const cw_correlated_plan *r = s->own;
  const int n = cw_list_estimators(p, s, list);
  for (int i = 0; i < n; i++) {
    out[i] = cw_part_of(s, CW_IS_INNER, "steps", 0);
    snprintf(out[i].name, sizeof out[i].name, "%s", list[i].name);
    snprintf(out[i].label, sizeof out[i].label, "%s", list[i].label);
    if (list[i].kind == CW_FLOW || list[i].kind == CW_LINEARISED)
      cw_part_by_flows(p, r->flow, &out[i]);
  }
  out[0].is = CW_IS_CHAINS | CW_IS_MEASURED | CW_IS_REFERENCE;
  out[0].wanted = cw_measured_rows(p, &r->mcmc);
  return n;
}

void cw_image_array(const cw_plan *p, int image, int g, char name[80]) {
  char primary[64];
  cw_primary_name(p, g, primary);
  snprintf(name, 80, "image%d.%s", image, primary);
}

/* ---- reading ---- */

static cw_status read_line(cw_node *map, const cw_plan *p, cw_correlated_plan *r) {
  static const double both[] = {-1, 1};
  CW_TRY(cw_read_other_params(map, "to", p, r->to));
  if (memcmp(r->to, p->param, sizeof r->to) == 0)
    return cw_job_fail(map, "to", "these are the parameters of section 'theory'");
  const int k = only_parameter(p, r);
  CW_TRY(cw_job_double(map, "step", k >= 0 ? r->to[k] - p->param[k] : 1, -1e6, 1e6, &r->step));
  if (r->step == 0) return cw_job_fail(map, "step", "expected a number that is not 0");
  CW_TRY(cw_job_double_list(map, "positions", both, 2, -1e6, 1e6, CW_MOST_TARGETS, r->position,
                            &r->n_targets));
  for (int i = 0; i < r->n_targets; i++) {
    double param[CW_MAX_PARAMS];
    if (r->position[i] == 0)
      return cw_job_fail(map, "positions", "0 is the base itself: expected other positions");
    for (int j = 0; j < i; j++)
      if (r->position[j] == r->position[i])
        return cw_job_fail(map, "positions", "%g is there twice", r->position[i]);
    cw_correlated_params(p, r, r->position[i], param);
    const char *why = p->theory->refuse ? p->theory->refuse(p->form, &p->lat, param) : NULL;
    if (why != NULL) return cw_job_fail(map, "positions", "at %g: %s", r->position[i], why);
  }
  return cw_job_bool(map, "differences", !has_pair(r), &r->differences);
}

/* The last flow of the ladder ends at the job's theory: with its parameters, scaled, it goes on along
 * the ladder's line, forwards and backwards. */
static cw_status find_share(cw_node *map, const cw_plan *p, cw_correlated_plan *r) {
  const double *before = p->ladder.param[p->ladder.n - 2];
  double along = 0, square = 0, most = 0;
  for (int k = 0; k < CW_MAX_PARAMS; k++) {
    along += (r->to[k] - p->param[k]) * (p->param[k] - before[k]);
    square += (p->param[k] - before[k]) * (p->param[k] - before[k]);
  }
  r->share = along / square;
  for (int k = 0; k < CW_MAX_PARAMS; k++)
    most = fmax(most, fabs(r->to[k] - p->param[k] - r->share * (p->param[k] - before[k])));
  if (most <= 1e-9 * fabs(r->share) * sqrt(square)) return CW_OK;
  return cw_job_fail(map, "to",
                     "flows of '%s' go along the ladder: expected parameters on its line",
                     r->flow->kind.name);
}

static cw_status read_images(cw_node *map, const cw_plan *p, cw_correlated_plan *r) {
  static const char *const which[] = {"all", "targets", "tangent", NULL};
  int found;
  CW_TRY(find_share(map, p, r));
  CW_TRY(cw_job_choice(map, "images", "images", which, 0, &found));
  r->at_targets = found != 2;
  r->tangent = found != 1;
  return CW_OK;
}

/* ---- extrapolation ---- */

/* The scalar quantity of that name of a group that fits the theory; NULL: there is none. */
static const cw_quantity *find_quantity(const cw_plan *p, const char *name,
                                        const cw_observable_ops **group) {
  cw_probe probe;
  cw_probe_make(p, &probe);
  for (int i = 0; cw_observables[i] != NULL; i++) {
    const cw_quantity *q =
        cw_observables[i]->fits(&probe.theory) ? cw_quantity_find(cw_observables[i], name) : NULL;
    if (q == NULL || q->count != NULL) continue;
    *group = cw_observables[i];
    return q;
  }
  return NULL;
}

static cw_status read_factor(cw_node *entry, const cw_plan *p, cw_power_product *out) {
  const cw_observable_ops *group = NULL;
  const cw_quantity *q = find_quantity(p, cw_job_key(entry), &group);
  if (q == NULL)
    return cw_job_fail(entry, NULL, "the theory has no such quantity that is one number");
  if (out->n == CW_MOST_FACTORS)
    return cw_job_fail(entry, NULL, "at most %d factors", CW_MOST_FACTORS);
  if (out->n > 0 && group != out->group)
    return cw_job_fail(entry, NULL, "expected a quantity of '%s', as the others", out->group->name);
  out->group = group;
  out->q[out->n++] = q;
  return CW_OK;
}

/* {t0: 0.5, w0: -1}: quantities and their powers. */
static cw_status read_product(cw_node *map, const char *key, const cw_plan *p,
                              cw_power_product *out) {
  cw_node *factors;
  CW_TRY(cw_job_map(map, key, CW_JOB_MUST, &factors));
  for (cw_node *n = cw_job_first(factors); n != NULL; n = cw_job_next(n))
    CW_TRY(read_factor(n, p, out));
  if (out->n == 0) return cw_job_fail(map, key, "expected a quantity and its power");
  for (int i = 0; i < out->n; i++)
    CW_TRY(
        cw_job_double(factors, out->q[i]->name, CW_JOB_REQUIRED_DOUBLE, -100, 100, &out->power[i]));
  return cw_job_finish(factors);
}

static cw_status read_extrapolation(cw_node *map, const cw_plan *p, cw_correlated_plan *r) {
  cw_node *e;
  CW_TRY(cw_job_map(map, "extrapolate", CW_JOB_MAY, &e));
  if (e == NULL) return CW_OK;
  CW_TRY(read_product(e, "of", p, &r->of));
  CW_TRY(read_product(e, "in", p, &r->in));
  if (r->of.group != r->in.group)
    return cw_job_fail(e, "in", "expected quantities of '%s', as in 'of'", r->of.group->name);
  return cw_job_finish(e);
}

static cw_status read(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_correlated_plan *r = s->own;
  (void)root;
  CW_TRY(read_line(map, p, r));
  CW_TRY(cw_read_flow_section(map, p, &r->flow));
  if (r->flow != NULL) CW_TRY(read_images(map, p, r));
  CW_TRY(read_extrapolation(map, p, r));
  CW_TRY(cw_read_which_sampler(map, &r->mcmc));
  CW_TRY(cw_read_mcmc(map, p, &r->mcmc));
  if (r->mcmc.keep > 0) return cw_job_fail(map, "keep", "a base ensemble is not kept");
  return CW_OK;
}

static const cw_growth grows[] = {{.key = "steps"}, {0}};

static const cw_section *takes(const cw_section *s) {
  return ((const cw_correlated_plan *)s->own)->flow;
}

static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  const int images = cw_images(s->own);
  (void)p;
  if (images > 0) t->held *= 2;
  t->rows *= 1 + images;
}

static const cw_given given[] = {{.quantity = "ess"},
                                 {.quantity = "ess_reweighting"},
                                 {.quantity = "correlation"},
                                 {.quantity = "extrapolated"},
                                 {0}};

extern const cw_method cw_method_correlated;
const cw_method cw_method_correlated = {.name = "correlated",
                                        .needs = CW_MEASURES_ALL_GROUPS | CW_GIVES_DERIVATIVES,
                                        .plan_size = sizeof(cw_correlated_plan),
                                        .kind = kind,
                                        .read = read,
                                        .run = cw_run_correlated,
                                        .parts = parts,
                                        .chains = chains,
                                        .given = given,
                                        .takings = takings,
                                        .grows = grows,
                                        .takes = takes,
                                        .fill = cw_fill_correlated,
                                        .warn = cw_warn_correlated,
                                        .chapter = CW_CHAPTER_OWN,
                                        .draw = cw_draw_correlated};
