/* Markov chains of a sampler, as sections ask for them, and what sections take from each other. */
#include <stdio.h>
#include <string.h>

#include "app/plan/plan.h"
#include "causeway/configuration.h"

cw_status cw_read_text(cw_node *root, const char *key, const char *preset, char *out, size_t size) {
  const char *text;
  CW_TRY(cw_job_string(root, key, preset, &text));
  if (strlen(text) >= size)
    return cw_job_fail(root, key, "%zu bytes, at most %zu", strlen(text), size - 1);
  snprintf(out, size, "%s", text);
  return CW_OK;
}

static const char *const start_words[] = {"hot", "cold", NULL};

/* Where chains begin: the start file, and how it is to be taken. */
static const char *const file_keys[] = {"start_file", "project_start", "ignore_checks", NULL};

cw_status cw_read_ignored_checks(cw_node *map, unsigned *bits) {
  int check[8], n = 0;
  cw_node *list;
  *bits = 0;
  CW_TRY(cw_job_list(map, "ignore_checks", CW_JOB_MAY, &list));
  if (list != NULL)
    CW_TRY(cw_job_choices(map, "ignore_checks", "check", cw_check_names(), 8, check, &n));
  for (int i = 0; i < n; i++) *bits |= 1u << check[i];
  return CW_OK;
}

static cw_status read_start_file(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  CW_TRY(cw_read_text(map, "start_file", "", m->start_file, sizeof m->start_file));
  bool none = m->start_file[0] == '\0';
  for (int k = 1; none && file_keys[k] != NULL; k++)
    if (cw_job_has(map, file_keys[k]))
      return cw_job_fail(map, file_keys[k], "does nothing without 'start_file'");
  if (none) return CW_OK;
  if (cw_kind(p->theory->kind)->on_links)
    CW_TRY(cw_job_bool(map, "project_start", false, &m->project_start));
  else if (cw_job_has(map, "project_start"))
    return cw_job_fail(map, "project_start", "only links can be projected, found theory '%s'",
                       p->theory->name);
  return cw_read_ignored_checks(map, &m->ignore_checks);
}

static cw_status read_chain_start(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  int start;
  CW_TRY(cw_job_choice(map, "start", "start", start_words, CW_START_HOT, &start));
  m->start = (cw_start)start;
  return read_start_file(map, p, m);
}

static cw_status check_fit(const cw_plan *p, const cw_mcmc_plan *m, const cw_node *map) {
  cw_probe probe;
  cw_probe_make(p, &probe);
  if (!m->ops->fits(&probe.theory, m->param))
    return cw_job_fail(map, NULL, "sampler '%s' does not fit theory '%s' with these parameters",
                       m->ops->name, p->theory->name);
  const char *why = m->ops->refuse ? m->ops->refuse(p->theory, m->param, m->choice) : NULL;
  return why ? cw_job_fail(map, NULL, "%s", why) : CW_OK;
}

cw_status cw_read_sampler(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  CW_TRY(read_chain_start(map, p, m));
  CW_TRY(cw_job_params(map, m->ops->params, m->param));
  CW_TRY(cw_job_words(map, m->ops->choices_name, m->ops->choices, m->choice));
  return check_fit(p, m, map);
}

cw_status cw_read_which_sampler(cw_node *map, cw_mcmc_plan *m) {
  const char *words[CW_MAX_WORDS] = {NULL};
  int which;
  for (int i = 0; cw_samplers[i] && i < CW_MAX_WORDS - 1; i++) words[i] = cw_samplers[i]->name;
  CW_TRY(cw_job_choice(map, "sampler", "sampler", words, 0, &which));
  m->ops = cw_samplers[which];
  return CW_OK;
}

cw_status cw_read_mcmc(cw_node *map, const cw_plan *p, cw_mcmc_plan *m) {
  CW_TRY(cw_job_long(map, "chains", 64, 1, 1000000, &m->chains));
  CW_TRY(cw_job_long(map, "thermalise", 500, 0, 100000000, &m->thermalise));
  CW_TRY(cw_job_long(map, "steps", 2000, 1, 1000000000, &m->steps));
  CW_TRY(cw_job_long(map, "every", 1, 1, 1000000, &m->every));
  CW_TRY(cw_job_long(map, "keep", 0, 0, 1000000000, &m->keep));
  if (m->every > m->steps)
    return cw_job_fail(map, "every",
                       "nothing would be measured: expected at most %ld, the steps, found "
                       "%ld",
                       m->steps, m->every);
  if (m->keep > m->chains * (m->steps / m->every))
    return cw_job_fail(map, "keep", "%ld configurations cannot be kept of %ld measured", m->keep,
                       m->chains * (m->steps / m->every));
  if (m->steps + m->thermalise > UINT32_MAX) return cw_job_fail(map, "steps", "at most 2^32 steps");
  return cw_read_sampler(map, p, m);
}

cw_status cw_read_data_section(cw_node *root, cw_node *map, const cw_plan *p,
                               const cw_section **data) {
  const cw_section *keeping[CW_MAX_SECTIONS];
  const char *words[CW_MAX_SECTIONS + 1] = {NULL};
  char list[200];
  int n = 0, which;
  for (int i = 0; i < p->n_sections; i++) {
    if (!(p->section[i].method->needs & CW_KEEPS)) continue;
    words[n] = p->section[i].kind.name;
    keeping[n++] = &p->section[i];
  }
  for (int i = 0; n == 0 && cw_samplers[i]; i++) CW_TRY(cw_job_suspect(root, cw_samplers[i]->name));
  if (n == 0)
    return cw_job_fail(map, "data", "needs a section %s with 'keep' configurations",
                       cw_section_words(CW_KEEPS, list, sizeof list));
  CW_TRY(cw_job_choice(map, "data", "sampler section", words, 0, &which));
  *data = keeping[which];
  return CW_OK;
}

cw_status cw_read_data(cw_node *root, cw_node *map, const cw_plan *p, const cw_section **data) {
  CW_TRY(cw_read_data_section(root, map, p, data));
  const cw_mcmc_plan *m = cw_section_chains(*data);
  if (m->keep < 2 * m->chains)
    return cw_job_fail(map, "data",
                       "section '%s' must keep at least two configurations per chain; set %s.keep",
                       (*data)->kind.name, (*data)->kind.name);
  return CW_OK;
}
