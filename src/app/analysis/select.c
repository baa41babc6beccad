/* Results by patterns of their names. */
#include <stdlib.h>
#include <string.h>

#include "app/analysis/analysis.h"
#include "app/analysis/fill.h"

/* Of the characters of a pattern '*' stands for any number of others, '?' for one of them; brackets are
 * those of names. */
bool cw_is_like(const char *pattern, const char *name) {
  const char *star = NULL, *from = name;
  while (*name != '\0') {
    if (*pattern == '*') {
      star = pattern++;
      from = name;
    } else if (*pattern == '?' || *pattern == *name) {
      pattern++;
      name++;
    } else if (star != NULL) { /* one character more for the last star */
      pattern = star + 1;
      name = ++from;
    } else {
      return false;
    }
  }
  while (*pattern == '*') pattern++;
  return *pattern == '\0';
}

void cw_full_name(const cw_analysis_case *c, const cw_result *r, char name[CW_FULL_NAME]) {
  snprintf(name, CW_FULL_NAME, "%s%s%s", c->name, c->name[0] != '\0' ? "." : "", r->name);
}

typedef struct {
  int n;
  const char *const *pattern;
  bool *matched; /* (n) */
} selection;

/* Behind the last dot of a name, of which there may be none. */
static const char *last_part(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot != NULL ? dot + 1 : name;
}

static bool is_wanted(const selection *s, const cw_analysis_case *c, const cw_result *r) {
  char name[CW_FULL_NAME];
  bool wanted = false;
  cw_full_name(c, r, name);
  const char *const names[] = {name, r->name, last_part(r->name), r->quantity};
  for (int i = 0; i < s->n; i++)
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
      if (cw_is_like(s->pattern[i], names[k])) s->matched[i] = wanted = true;
  return wanted;
}

/* A name, and all of its method, from malloc; NULL: no memory. */
static void name_both(const char *name, char *meaning[2]) {
  char method[CW_FULL_NAME + 2];
  snprintf(method, sizeof method, "%.*s*", (int)(last_part(name) - name), name);
  meaning[0] = strdup(name);
  meaning[1] = strdup(method);
}

/* What may have been meant: these, with the name of the case and without, or the quantity alone. */
enum { MEANINGS = 5 };
static void name_meanings(const cw_analysis_case *c, const cw_result *r, char **meaning) {
  char name[CW_FULL_NAME];
  cw_full_name(c, r, name);
  name_both(name, meaning);
  name_both(r->name, meaning + 2);
  meaning[4] = strdup(last_part(name));
}

cw_status cw_analysis_visit(const cw_analysis *a, cw_result_visit *visit, void *self) {
  for (int i = 0; i < a->n_cases; i++) {
    const cw_analysis_case *c = &a->cases[i];
    for (const cw_analysis_stage *s = c->stage; s < c->stage + c->n_stages; s++)
      for (int k = 0; k < s->n_results; k++) CW_TRY(visit(self, c, s, &s->result[k]));
    for (int k = 0; k < c->n_results; k++) CW_TRY(visit(self, c, NULL, &c->result[k]));
  }
  return CW_OK;
}

typedef struct {
  char **text; /* (n + 1); NULL: only count */
  long n;
} meanings;

static cw_status add_meanings(void *self, const cw_analysis_case *c, const cw_analysis_stage *s,
                              const cw_result *r) {
  meanings *m = self;
  (void)s;
  if (m->text != NULL) name_meanings(c, r, m->text + m->n);
  m->n += MEANINGS;
  return CW_OK;
}

static cw_status fail_unmatched(cw_context *ctx, const char *command, int n,
                                cw_analysis *const *list, const char *pattern) {
  meanings m = {0};
  for (int i = 0; i < n; i++) (void)cw_analysis_visit(list[i], add_meanings, &m);
  m.text = calloc((size_t)m.n + 1, sizeof *m.text);
  if (m.text == NULL) return cw_no_memory(ctx);
  m.n = 0;
  for (int i = 0; i < n; i++) (void)cw_analysis_visit(list[i], add_meanings, &m);
  bool whole = true;
  for (long i = 0; i < m.n; i++) whole = whole && m.text[i] != NULL;
  const char *near = whole ? cw_nearest(pattern, (const char *const *)m.text) : NULL;
  cw_status st;
  if (!whole)
    st = cw_no_memory(ctx);
  else if (near != NULL)
    st = cw_fail(ctx, CW_EINVAL, "%s: no result is called '%.60s'; did you mean '%s'?", command,
                 pattern, near);
  else
    st = cw_fail(ctx, CW_EINVAL, "%s: no result is called '%.60s' ('causeway show DIR' lists them)",
                 command, pattern);
  for (long i = 0; i < m.n; i++) free(m.text[i]);
  free(m.text);
  return st;
}

/* Drops those of a list that are not wanted. */
static void keep_wanted(const selection *s, const cw_analysis_case *c, cw_result *list, int *n) {
  int kept = 0;
  for (int i = 0; i < *n; i++) {
    if (is_wanted(s, c, &list[i]))
      list[kept++] = list[i];
    else
      cw_result_clear(&list[i]);
  }
  *n = kept;
}

static void select_from(const selection *s, cw_analysis *a) {
  a->selected = true;
  for (int i = 0; i < a->n_cases; i++) {
    cw_analysis_case *c = &a->cases[i];
    for (int k = 0; k < c->n_stages; k++)
      keep_wanted(s, c, c->stage[k].result, &c->stage[k].n_results);
    keep_wanted(s, c, c->result, &c->n_results);
  }
}

static cw_status note_matches(void *self, const cw_analysis_case *c, const cw_analysis_stage *s,
                              const cw_result *r) {
  (void)s;
  (void)is_wanted(self, c, r);
  return CW_OK;
}

cw_status cw_analysis_select(cw_context *ctx, const char *command, int n, cw_analysis *const *list,
                             int n_pattern, const char *const *pattern) {
  if (n_pattern == 0) return CW_OK;
  selection s = {n_pattern, pattern, calloc((size_t)n_pattern, sizeof *s.matched)};
  cw_status st = s.matched != NULL ? CW_OK : cw_no_memory(ctx);
  for (int i = 0; st == CW_OK && i < n; i++) st = cw_analysis_visit(list[i], note_matches, &s);
  for (int i = 0; st == CW_OK && i < n_pattern; i++)
    if (!s.matched[i]) st = fail_unmatched(ctx, command, n, list, pattern[i]);
  for (int i = 0; st == CW_OK && i < n; i++) select_from(&s, list[i]);
  free(s.matched);
  return st;
}
