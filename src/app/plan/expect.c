/* What a job expects of its results. */
#include "app/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causeway/report.h"

enum { MAX_WORDS = 200 };

/* What a name may stand for: every quantity of the job with its number of entries. */
typedef struct {
  const char *quantity[MAX_WORDS + 1]; /* NULL-terminated */
  int count[MAX_WORDS];                /* 0: a scalar */
  int group[MAX_WORDS];                /* of observables; -1: none */
  int n;
  const char *section[CW_MAX_SECTIONS + 1]; /* those that measure */
} names;

static void add_name(names *known, const char *quantity, int count, int group) {
  if (known->n == MAX_WORDS) return;
  known->group[known->n] = group;
  known->quantity[known->n] = quantity;
  known->count[known->n++] = count;
}

static bool measures(const cw_section *s) {
  return s->method->needs &
         (CW_MEASURES_FIRST_GROUP | CW_MEASURES_ALL_GROUPS | CW_MEASURES_ELSEWHERE);
}

static bool is_known(const names *known, const char *quantity) {
  for (int i = 0; i < known->n; i++)
    if (known->group[i] < 0 && strcmp(known->quantity[i], quantity) == 0) return true;
  return false;
}

/* All that methods may give, whether this job has them or not, so that the message can say that no
 * section gives it. */
static void list_given(names *known) {
  for (int i = 0; cw_methods[i] != NULL; i++)
    for (const cw_given *g = cw_methods[i]->given; g != NULL && g->quantity != NULL; g++)
      if (!is_known(known, g->quantity)) add_name(known, g->quantity, 0, -1);
}

static void list_names(const cw_plan *p, names *known) {
  cw_probe probe;
  int n = 0;
  cw_probe_make(p, &probe);
  *known = (names){0};
  for (int g = 0; g < p->n_groups; g++) {
    const cw_observer o = cw_observer_make(p->group[g].ops, &probe.theory, p->group[g].param);
    for (const cw_quantity *q = o.ops->quantities; q->name != NULL; q++)
      add_name(known, q->name, q->count != NULL ? q->count(&o) : 0, g);
  }
  list_given(known);
  for (int i = 0; i < p->n_sections; i++)
    if (measures(&p->section[i])) known->section[n++] = p->section[i].kind.name;
}

static int find_word(const char *word, const char *const *known) {
  for (int i = 0; known[i] != NULL; i++)
    if (strcmp(known[i], word) == 0) return i;
  return -1;
}

static cw_status check_word(const cw_node *entry, const char *what, const char *word,
                            const char *const *known) {
  char list[400];
  if (find_word(word, known) >= 0) return CW_OK;
  const char *near = cw_nearest(word, known);
  if (near != NULL)
    return cw_job_fail(entry, NULL, "unknown %s '%s'; did you mean '%s'?", what, word, near);
  cw_list_words(known, list, sizeof list);
  return cw_job_fail(entry, NULL, "unknown %s '%s' (known: %s)", what, word, list);
}

/* Is it a number that the section itself gives, or gives to the case? */
static bool is_given(const cw_plan *p, const cw_section *s, const char *quantity, bool of_case) {
  for (const cw_given *g = s->method->given; g != NULL && g->quantity != NULL; g++)
    if (g->of_case == of_case && strcmp(g->quantity, quantity) == 0)
      return g->when == NULL || g->when(p, s);
  return false;
}

/* Does a section of the job estimate derivatives? name "": any. */
static bool gives_derivatives(const cw_plan *p, const char *name) {
  for (int i = 0; i < p->n_sections; i++)
    if ((p->section[i].method->needs & CW_GIVES_DERIVATIVES) != 0 &&
        (name[0] == '\0' || strcmp(name, p->section[i].kind.name) == 0))
      return true;
  return false;
}

/* Does a section of the job give that quantity, of that group of observables (-1: of none)?
 * name "": any of those that see the theory at the job's parameters. */
static bool is_measured(const cw_plan *p, const char *name, const char *quantity, int group) {
  unsigned measured = CW_MEASURES_ALL_GROUPS;
  if (group == 0) measured |= CW_MEASURES_FIRST_GROUP | CW_MEASURES_ELSEWHERE;
  for (int i = 0; i < p->n_sections; i++) {
    const cw_section *s = &p->section[i];
    if (name[0] == '\0' && s->method->needs & CW_MEASURES_ELSEWHERE) continue;
    if (name[0] != '\0' && strcmp(name, s->kind.name) != 0) continue;
    if (group >= 0 ? (s->method->needs & measured) != 0 : is_given(p, s, quantity, false))
      return true;
  }
  return false;
}

static bool is_of_case(const cw_plan *p, const char *quantity) {
  for (int i = 0; i < p->n_sections; i++)
    if (is_given(p, &p->section[i], quantity, true)) return true;
  return false;
}

/* An expectation that no result will meet is a mistake. */
static cw_status check_use(const cw_node *entry, const cw_plan *p, const cw_expect *e, int group) {
  if (e->derivative && group >= 0) return CW_OK; /* such a section is there */
  if (is_measured(p, e->section, e->quantity, group)) return CW_OK;
  if (e->section[0] == '\0' && is_of_case(p, e->quantity)) return CW_OK;
  if (e->section[0] != '\0')
    return cw_job_fail(entry, NULL, "section '%s' does not give '%s'", e->section, e->quantity);
  return cw_job_fail(entry, NULL, "no section of the job gives '%s'", e->quantity);
}

static cw_status check_index(const cw_node *entry, const cw_expect *e, int count) {
  if (count == 0 && e->index >= 0)
    return cw_job_fail(entry, NULL, "'%s' is one number, without an index", e->quantity);
  if (count > 0 && (e->index < 0 || e->index >= count))
    return cw_job_fail(entry, NULL, "'%s' has the entries [0] to [%d]", e->quantity, count - 1);
  return CW_OK;
}

/* "hmc.potential[2]" into its parts. */
static cw_status read_key(const cw_node *entry, const char *key, cw_expect *e) {
  const char *dot = strchr(key, '.'), *rest = dot ? dot + 1 : key;
  size_t n = strcspn(rest, "[");
  if (n >= CW_EXPECT_NAME || rest - key > CW_EXPECT_NAME)
    return cw_job_fail(entry, NULL, "a name of more than %d bytes", CW_EXPECT_NAME - 1);
  if (dot != NULL) snprintf(e->section, sizeof e->section, "%.*s", (int)(dot - key), key);
  snprintf(e->quantity, sizeof e->quantity, "%.*s", (int)n, rest);
  e->index = -1;
  if (rest[n] == '\0') return CW_OK;
  char *end = NULL;
  long index = rest[n + 1] >= '0' && rest[n + 1] <= '9' ? strtol(rest + n + 1, &end, 10) : 0;
  if (end == NULL || strcmp(end, "]") != 0 || index > 1000000)
    return cw_job_fail(entry, NULL, "expected QUANTITY[NUMBER], found '%.60s'", key);
  e->index = (int)index;
  return CW_OK;
}

/* d_QUANTITY, where a section estimates derivatives. */
static void find_derivative(const cw_plan *p, cw_expect *e) {
  e->derivative = strncmp(e->quantity, "d_", 2) == 0 && gives_derivatives(p, e->section);
  if (e->derivative) memmove(e->quantity, e->quantity + 2, strlen(e->quantity) - 1);
}

static cw_status read_entry(cw_node *entry, const cw_plan *p, const names *known, cw_expect *e) {
  CW_TRY(read_key(entry, cw_job_key(entry), e));
  find_derivative(p, e);
  if (e->section[0] != '\0') CW_TRY(check_word(entry, "section", e->section, known->section));
  const cw_observable_ops *unmeasured = cw_group_of_quantity(p, e->quantity);
  if (unmeasured != NULL && find_word(e->quantity, known->quantity) < 0)
    return cw_job_fail(entry, NULL,
                       "nothing measures '%s', a number of '%s': expected 'measure: {%s: {}}'",
                       e->quantity, unmeasured->name, unmeasured->name);
  CW_TRY(check_word(entry, "quantity", e->quantity, known->quantity));
  int which = find_word(e->quantity, known->quantity);
  CW_TRY(check_index(entry, e, known->count[which]));
  CW_TRY(check_use(entry, p, e, known->group[which]));
  CW_TRY(cw_job_as_map(entry));
  CW_TRY(cw_job_double(entry, "value", CW_JOB_REQUIRED_DOUBLE, -1e300, 1e300, &e->value));
  CW_TRY(cw_job_double(entry, "error", 0, 0, 1e300, &e->error));
  CW_TRY(cw_read_text(entry, "source", "", e->source, sizeof e->source));
  return cw_job_finish(entry);
}

cw_status cw_read_result_name(const cw_node *entry, const char *name, const cw_plan *p,
                              cw_expect *e) {
  const char *section[CW_MAX_WORDS] = {NULL};
  names known;
  int n = 0;
  list_names(p, &known);
  for (int i = 0; cw_methods[i] != NULL; i++)
    for (int k = 0; cw_methods[i]->kind(k).name != NULL && n < CW_MAX_WORDS - 1; k++)
      section[n++] = cw_methods[i]->kind(k).name;
  CW_TRY(read_key(entry, name, e));
  if (e->section[0] != '\0') CW_TRY(check_word(entry, "section", e->section, section));
  CW_TRY(check_word(entry, "quantity", e->quantity, known.quantity));
  const int which = find_word(e->quantity, known.quantity);
  return known.group[which] < 0 ? CW_OK : check_index(entry, e, known.count[which]);
}

cw_status cw_read_expect(cw_node *root, cw_plan *p) {
  cw_node *map;
  names known;
  CW_TRY(cw_job_map(root, "expect", CW_JOB_MAY, &map));
  if (map == NULL) return CW_OK;
  if (cw_job_count(map) > CW_MAX_EXPECT)
    return cw_job_fail(map, NULL, "%d expectations, at most %d", cw_job_count(map), CW_MAX_EXPECT);
  list_names(p, &known);
  for (cw_node *n = cw_job_first(map); n != NULL; n = cw_job_next(n))
    CW_TRY(read_entry(n, p, &known, &p->expect[p->n_expect++]));
  return CW_OK;
}
