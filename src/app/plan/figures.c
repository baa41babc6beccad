/* What the report draws through the cases of a job. */
#include "app/plan/figures.h"

#include <stdio.h>
#include <string.h>

#include "app/plan/plan.h"

/* ---- the number of the job on the axis ---- */

static const char *const others[] = {"theory", "ladder", "model", NULL}; /* that are no methods' */

static bool is_section(const char *word, size_t n) {
  for (int i = 0; others[i] != NULL; i++)
    if (strlen(others[i]) == n && strncmp(others[i], word, n) == 0) return true;
  for (int i = 0; cw_methods[i] != NULL; i++)
    for (int k = 0; cw_methods[i]->kind(k).name != NULL; k++)
      if (strlen(cw_methods[i]->kind(k).name) == n &&
          strncmp(cw_methods[i]->kind(k).name, word, n) == 0)
        return true;
  return false;
}

/* The key of path in the job, all of which is read: NAN where the case has no such section. */
static cw_status read_number(cw_node *root, cw_node *figure, const char *path, double *x) {
  cw_node *map = root;
  const char *word = path;
  size_t n = strcspn(word, ".");
  *x = NAN;
  if (!is_section(word, n) || word[n] == '\0')
    return cw_job_fail(figure, "against",
                       "expected lattice or a number of the job such as theory.beta or "
                       "chain.nodes, found '%s'",
                       path);
  for (; word[n] == '.'; word += n + 1, n = strcspn(word, ".")) {
    char key[CW_FIGURE_TEXT];
    snprintf(key, sizeof key, "%.*s", (int)n, word);
    if (!cw_job_has(map, key) && map == root) return CW_OK;
    CW_TRY(cw_job_map(map, key, CW_JOB_MUST, &map));
  }
  if (!cw_job_has(map, word))
    return cw_job_fail(figure, "against", "the job has no key '%s'", path);
  return cw_job_double(map, word, CW_JOB_REQUIRED_DOUBLE, -1e300, 1e300, x);
}

/* ---- results ---- */

static cw_status read_results(cw_node *figure, const cw_plan *p, cw_figure_plan *f) {
  cw_node *list;
  CW_TRY(cw_job_list(figure, "of", CW_JOB_MUST, &list));
  if (cw_job_count(list) < 1 || cw_job_count(list) > CW_MAX_DRAWN)
    return cw_job_fail(figure, "of", "expected 1 to %d results, found %d", CW_MAX_DRAWN,
                       cw_job_count(list));
  for (cw_node *n = cw_job_first(list); n != NULL; n = cw_job_next(n)) {
    const char *text;
    cw_expect e = {.index = -1};
    cw_drawn *d = &f->of[f->n++];
    CW_TRY(cw_job_as_text(n, &text));
    CW_TRY(cw_read_result_name(n, text, p, &e));
    *d = (cw_drawn){.index = e.index};
    snprintf(d->section, sizeof d->section, "%s", e.section);
    snprintf(d->quantity, sizeof d->quantity, "%s", e.quantity);
  }
  return CW_OK;
}

static const char *const draw_words[] = {"value", "error", "tau_int", "cost", NULL};
static const char *const fit_words[] = {"none", "power", NULL};

static cw_status read_figure(cw_node *root, cw_node *map, const cw_plan *p, cw_figure_plan *f) {
  int draw, fit;
  CW_TRY(cw_job_as_map(map));
  CW_TRY(cw_read_text(map, "title", NULL, f->title, sizeof f->title));
  CW_TRY(cw_read_text(map, "against", NULL, f->against, sizeof f->against));
  CW_TRY(read_results(map, p, f));
  CW_TRY(cw_read_text(map, "cases", "*", f->cases, sizeof f->cases));
  CW_TRY(cw_job_choice(map, "draw", "number of a result", draw_words, CW_DRAW_VALUE, &draw));
  f->draw = (cw_drawn_number)draw;
  CW_TRY(cw_job_bool(map, "log_x", 0, &f->log_x));
  CW_TRY(cw_job_bool(map, "log_y", 0, &f->log_y));
  CW_TRY(cw_job_choice(map, "fit", "law of the axis", fit_words, 0, &fit));
  f->power = fit > 0;
  if (f->power && f->draw == CW_DRAW_ERROR)
    return cw_job_fail(map, "fit", "errors have no errors, which a fit needs");
  if (strcmp(f->against, "lattice") != 0) return read_number(root, map, f->against, &f->x);
  f->x = p->lat.extent[0];
  return CW_OK;
}

cw_status cw_read_figures(cw_node *job, cw_node *root, cw_plan *p) {
  cw_node *list;
  CW_TRY(cw_job_list(job, "figures", CW_JOB_MAY, &list));
  if (list == NULL) return CW_OK;
  if (cw_job_count(list) > CW_MAX_FIGURES)
    return cw_job_fail(job, "figures", "%d figures, at most %d", cw_job_count(list),
                       CW_MAX_FIGURES);
  for (cw_node *n = cw_job_first(list); n != NULL; n = cw_job_next(n)) {
    CW_TRY(read_figure(root, n, p, &p->figure[p->n_figures++]));
    CW_TRY(cw_job_finish(n));
  }
  return CW_OK;
}
