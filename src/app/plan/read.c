/* Reading a job: lattice and theory, the sections in their order, and its cases. Read cw_plans_read
 * first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan/plan.h"

static const char *const *theory_words(const char *words[CW_MAX_WORDS]) {
  int n = 0;
  for (; cw_theories[n] && n < CW_MAX_WORDS - 1; n++) words[n] = cw_theories[n]->name;
  words[n] = NULL;
  return words;
}

static cw_status read_lattice(cw_node *root, cw_plan *p) {
  CW_TRY(cw_job_int_list(root, "lattice", NULL, 0, 1, 1 << 20, CW_MAX_DIM, p->lat.extent,
                         &p->lat.dim));
  double sites = 1;
  for (int d = 0; d < p->lat.dim; d++) sites *= p->lat.extent[d];
  if (sites > (double)CW_MAX_SITES)
    return cw_job_fail(root, "lattice", "%.0f sites, at most %ld can be handled", sites,
                       CW_MAX_SITES);
  return CW_OK;
}

static cw_status read_theory(cw_node *root, cw_plan *p) {
  cw_node *map;
  const char *words[CW_MAX_WORDS];
  int which;
  CW_TRY(cw_job_map(root, "theory", CW_JOB_MUST, &map));
  CW_TRY(cw_job_choice(map, "kind", "theory", theory_words(words), CW_JOB_REQUIRED, &which));
  p->theory = cw_theories[which];
  CW_TRY(cw_job_choice(map, "form", "form", p->theory->forms, 0, &p->form));
  CW_TRY(cw_job_params(map, p->theory->params[p->form], p->param));
  const char *why = p->theory->refuse ? p->theory->refuse(p->form, &p->lat, p->param) : NULL;
  return why ? cw_job_fail(map, NULL, "%s", why) : CW_OK;
}

/* The name of a job is that of a folder, too. */
static cw_status read_name(cw_node *root, cw_plan *p) {
  CW_TRY(cw_read_text(root, "job", NULL, p->job, sizeof p->job));
  bool good = p->job[0] != '.' && strchr(p->job, '/') == NULL;
  for (const char *c = p->job; *c != '\0'; c++) good = good && (unsigned char)*c >= ' ';
  if (good) return CW_OK;
  return cw_job_fail(root, "job",
                     "'%s' is no name for a folder: expected one without '/' and control "
                     "characters, which does not begin with '.'",
                     p->job);
}

/* Something must be done, and what is made for it used; a misspelt section would be neither. */
static cw_status check_whole(cw_node *root, const cw_plan *p) {
  char words[300];
  const bool works = p->n_sections > 0;
  const bool idle_model = p->has_model && !cw_plan_has(p, CW_NEEDS_MODEL);
  const bool idle_ladder = p->ladder.n > 0 && !cw_plan_has(p, CW_NEEDS_LADDER);
  if (!works || idle_model || idle_ladder) CW_TRY(cw_job_finish(root));
  if (idle_model)
    return cw_job_fail(root, "model", "nothing uses it: add a section %s",
                       cw_section_words(CW_NEEDS_MODEL, words, sizeof words));
  if (idle_ladder)
    return cw_job_fail(root, "ladder", "nothing walks it: add a section %s",
                       cw_section_words(CW_NEEDS_LADDER, words, sizeof words));
  if (works) return CW_OK;
  return cw_job_fail(root, NULL,
                     "nothing to do: add a section that samples, such as one named after a sampler "
                     "(causeway list samplers)");
}

static cw_status read_plan(cw_context *ctx, cw_node *root, cw_plan *p) {
  long seed;
  CW_TRY(read_name(root, p));
  CW_TRY(cw_read_text(root, "about", "", p->about, sizeof p->about));
  CW_TRY(cw_job_long(root, "seed", 1, 0, UINT32_MAX, &seed));
  p->seed = (uint32_t)seed;
  CW_TRY(cw_job_double(root, "checkpoint", 20, 0.01, 1e6, &p->checkpoint));
  CW_TRY(read_lattice(root, p));
  CW_TRY(read_theory(root, p));
  CW_TRY(cw_read_model(root, p));
  CW_TRY(cw_read_ladder(root, p));
  CW_TRY(cw_read_methods(ctx, root, p));
  CW_TRY(cw_read_measure(root, p));
  CW_TRY(cw_read_expect(root, p));
  return check_whole(root, p);
}

static bool good_name(const char *name) {
  size_t n = strlen(name);
  return n > 0 && n < 48 &&
         strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

/* The base with one case merged in; read, then put back resolved, so that the job shows what ran.
 */
static cw_status read_case(cw_context *ctx, cw_job *job, cw_node *entry, cw_plans *plans, int i) {
  cw_plan *p = &plans->plan[i];
  cw_job *merged = NULL;
  const char *name = cw_job_key(entry);
  if (!good_name(name))
    return cw_job_fail(entry, NULL, "the name of a case is made of letters, digits, '_' and '-'");
  snprintf(p->name, sizeof p->name, "%s", name);
  CW_TRY(cw_job_as_map(entry));
  if (cw_job_has(entry, "figures"))
    return cw_job_fail(entry, "figures", "figures are of all cases: they stand beside them");
  CW_TRY(cw_job_merge(job, entry, &merged));
  cw_node *root = cw_job_root(merged);
  cw_job_remove(root, "cases");
  cw_job_remove(root, "figures");
  cw_status st = read_plan(ctx, root, p);
  if (st == CW_OK) st = cw_job_finish(root);
  if (st == CW_OK) st = cw_read_figures(cw_job_root(job), root, p);
  if (st == CW_OK) st = cw_check_starts(root, entry, plans, i);
  if (st == CW_OK) st = cw_job_replace(entry, root);
  cw_job_destroy(merged);
  return st;
}

/* Every case is whole now. What the base holds beyond the name of the job would, merged once more,
 * bring back what a case removed. */
static void drop_base(cw_node *root) {
  for (cw_node *n = cw_job_first(root), *next; n != NULL; n = next) {
    const char *key = cw_job_key(n);
    next = cw_job_next(n);
    bool stays = strcmp(key, "job") == 0 || strcmp(key, "about") == 0 || strcmp(key, "seed") == 0 ||
                 strcmp(key, "figures") == 0 || strcmp(key, "cases") == 0;
    if (!stays) cw_job_remove(root, key);
  }
}

static cw_status read_cases(cw_context *ctx, cw_job *job, cw_plans *out) {
  cw_node *cases;
  CW_TRY(cw_job_map(cw_job_root(job), "cases", CW_JOB_MAY, &cases));
  int n = cases ? cw_job_count(cases) : 0;
  if (n > CW_MAX_CASES) return cw_job_fail(cases, NULL, "%d cases, at most %d", n, CW_MAX_CASES);
  out->n = n > 0 ? n : 1;
  out->plan = calloc((size_t)out->n, sizeof *out->plan);
  if (out->plan == NULL) return cw_fail(ctx, CW_ENOMEM, "no memory for the job");
  if (n == 0) {
    CW_TRY(read_plan(ctx, cw_job_root(job), &out->plan[0]));
    CW_TRY(cw_read_figures(cw_job_root(job), cw_job_root(job), &out->plan[0]));
    CW_TRY(cw_job_finish(cw_job_root(job)));
    return cw_check_starts(cw_job_root(job), NULL, out, 0);
  }
  int i = 0;
  for (cw_node *c = cw_job_first(cases); c != NULL; c = cw_job_next(c))
    CW_TRY(read_case(ctx, job, c, out, i++));
  drop_base(cw_job_root(job)); /* it was read, and checked, once per case */
  cw_job_accept(cw_job_root(job));
  return CW_OK;
}

cw_status cw_plans_read(cw_context *ctx, cw_job *job, cw_plans *out) {
  *out = (cw_plans){0};
  cw_status st = read_cases(ctx, job, out);
  if (st == CW_OK) st = cw_job_emit(cw_job_root(job), &out->text);
  if (st != CW_OK) cw_plans_clear(out);
  return st;
}
