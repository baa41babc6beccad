/* Which keys of a job may change once its run has begun: those that say how much is to be done, while no bit
 * that is there would be another; and those that say nothing about bits. Read judge first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/plan/plan.h"

typedef struct {
  cw_context *ctx;
  const cw_store *store;
  const cw_plans *was, *is;
  const char *path, *before, *after; /* of the difference; the values NULL: not there */
} change;

static cw_status refuse(const change *c, const char *why) {
  return cw_fail(c->ctx, CW_EINVAL, "%s: the run in '%s' has %s, asked for is %s: %s", c->path,
                 cw_store_run(c->store), c->before != NULL ? c->before : "none",
                 c->after != NULL ? c->after : "none", why);
}

static const cw_plan *case_named(const cw_plans *plans, const char *name, size_t n) {
  for (int i = 0; i < plans->n; i++)
    if (strlen(plans->plan[i].name) == n && memcmp(plans->plan[i].name, name, n) == 0)
      return &plans->plan[i];
  return NULL;
}

/* Is path that key, or below it? */
static bool is_under(const char *path, const char *key) {
  const size_t n = strlen(key);
  return strncmp(path, key, n) == 0 && (path[n] == '\0' || path[n] == '.');
}

static bool has_begun(const change *c, const cw_plan *p, const cw_section *s) {
  cw_training t;
  if (cw_has_begun(p, c->store, s->kind.name)) return true;
  return s->method->trains != NULL && s->method->trains(p, s, &t) &&
         cw_has_begun(p, c->store, t.stage);
}

/* A section that took from s what s gave at its end, and has begun; NULL: none. */
static const cw_section *taker(const change *c, const cw_plan *p, const cw_section *s) {
  cw_training t;
  const bool of_model = s->method->trains != NULL && s->method->trains(p, s, &t) && !t.is_ladder;
  for (int i = 0; i < p->n_sections; i++) {
    const cw_section *o = &p->section[i];
    const bool takes = (o->method->takes != NULL && o->method->takes(o) == s) ||
                       (of_model && (o->method->needs & CW_NEEDS_MODEL));
    if (o != s && takes && has_begun(c, p, o)) return o;
  }
  return NULL;
}

/* Has a section of q begun that goes by the job's model? */
static bool model_is_used(const change *c, const cw_plan *q) {
  for (int i = 0; i < q->n_sections; i++)
    if ((q->section[i].method->needs & CW_NEEDS_MODEL) && has_begun(c, q, &q->section[i]))
      return true;
  return false;
}

/* Flows of q that started from those of a training of p. */
static bool flows_are_used(const change *c, const cw_plan *q, const cw_plan *p,
                           const cw_training *of) {
  for (int i = 0; i < q->n_sections; i++) {
    const cw_section *s = &q->section[i];
    cw_training t;
    if (s->method->trains == NULL || !s->method->trains(q, s, &t) || t.start == NULL) continue;
    if (cw_starts_here(t.start) && strcmp(t.start->name, p->name) == 0 &&
        strcmp(t.stage, of->stage) == 0 && has_begun(c, q, s))
      return true;
  }
  return false;
}

/* A case that started from what section s of p trained, and has begun with it; NULL: none. */
static const cw_plan *case_from(const change *c, const cw_plan *p, const cw_section *s) {
  cw_training t;
  if (s->method->trains == NULL || !s->method->trains(p, s, &t)) return NULL;
  for (int i = 0; i < c->is->n; i++) {
    const cw_plan *q = &c->is->plan[i];
    const bool of_model =
        !t.is_ladder && cw_starts_here(&q->start) && strcmp(q->start.name, p->name) == 0;
    if ((of_model && model_is_used(c, q)) || flows_are_used(c, q, p, &t)) return q;
  }
  return NULL;
}

/* ---- sections ---- */

static const cw_growth *growth_of(const cw_section *s, const char *key) {
  const cw_growth *g = s->method->grows;
  for (; g != NULL && g->key != NULL; g++)
    if (strcmp(g->key, key) == 0) return g;
  return NULL;
}

static cw_status judge_begun(const change *c, const cw_plan *p, const cw_section *was,
                             const cw_section *is, const cw_growth *g) {
  char why[300], *end;
  const cw_section *other = g->taken ? taker(c, p, is) : NULL;
  if (other != NULL) {
    snprintf(why, sizeof why, "section '%s' has begun with what it left", other->kind.name);
    return refuse(c, why);
  }
  const cw_plan *later = g->taken ? case_from(c, p, is) : NULL;
  if (later != NULL) {
    snprintf(why, sizeof why, "case '%s', which starts from it, has begun", later->name);
    return refuse(c, why);
  }
  if (g->before && cw_has_begun(p, c->store, is->kind.name))
    return refuse(c, "the section has begun with what that left");
  if (strtod(c->after, &end) < strtod(c->before, &end))
    return refuse(c, "what is there cannot become less");
  if (is->method->refuse_growth != NULL && is->method->refuse_growth(was, is, why, sizeof why))
    return refuse(c, why);
  return CW_OK;
}

static cw_status judge_section(const change *c, const cw_plan *p, const cw_section *was,
                               const cw_section *is, const char *key) {
  const cw_growth *g = growth_of(is, key);
  if (g == NULL || c->before == NULL || c->after == NULL)
    return refuse(c, "it cannot change in a run; choose another directory (run --out) for it");
  return has_begun(c, p, is) ? judge_begun(c, p, was, is, g) : CW_OK;
}

/* ---- measurements ---- */

static cw_status judge_measure(const change *c, const cw_plan *p, const char *key) {
  const unsigned measures =
      CW_MEASURES_ALL_GROUPS | CW_MEASURES_FIRST_GROUP | CW_MEASURES_ELSEWHERE;
  const char *last = strrchr(key, '.');
  char why[200];
  if (last == NULL || strcmp(last, ".every") != 0 || c->before == NULL || c->after == NULL)
    return refuse(c, "of measurements only 'every' can change in a run");
  for (int i = 0; i < p->n_sections; i++) {
    const cw_section *s = &p->section[i];
    if ((s->method->needs & measures) == 0 || !has_begun(c, p, s)) continue;
    snprintf(why, sizeof why, "section '%s' has begun to measure", s->kind.name);
    return refuse(c, why);
  }
  return CW_OK;
}

/* ---- a difference ---- */

static cw_status judge_key(const change *c, const cw_plan *was, const cw_plan *is,
                           const char *key) {
  static const char *const free_keys[] = {"about", "checkpoint", "expect", "figures"};
  for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
    if (is_under(key, free_keys[i])) return CW_OK;
  if (is_under(key, "measure")) return judge_measure(c, is, key + strlen("measure"));
  for (int i = 0; i < is->n_sections; i++) {
    const cw_section *s = &is->section[i], *before = cw_plan_section(was, s->kind.name);
    if (is_under(key, s->kind.name) && before != NULL && key[strlen(s->kind.name)] == '.')
      return judge_section(c, is, before, s, key + strlen(s->kind.name) + 1);
  }
  return refuse(c, "it cannot change in a run; choose another directory (run --out) for it");
}

static cw_status judge(void *self, const char *path, const char *before, const char *after) {
  change *c = self;
  const char *key = path;
  size_t n = 0;
  c->path = path;
  c->before = before;
  c->after = after;
  if (strncmp(path, "cases.", strlen("cases.")) == 0) {
    key = path + strlen("cases.");
    n = strcspn(key, ".");
  }
  const cw_plan *was = case_named(c->was, key, n), *is = case_named(c->is, key, n);
  if (n > 0 && (was == NULL || is == NULL || key[n] == '\0'))
    return refuse(c, "a run keeps its cases");
  if (n > 0) return judge_key(c, was, is, key + n + 1);
  return judge_key(c, &c->was->plan[0], &c->is->plan[0], key);
}

cw_status cw_plans_check_change(cw_context *ctx, const cw_store *store, const cw_plans *was,
                                const cw_plans *is) {
  change c = {.ctx = ctx, .store = store, .was = was, .is = is};
  cw_job *before = NULL, *after = NULL;
  cw_status st = cw_job_parse(ctx, was->text, strlen(was->text), "job", &before);
  if (st == CW_OK) st = cw_job_parse(ctx, is->text, strlen(is->text), "job", &after);
  if (st == CW_OK) st = cw_job_compare(cw_job_root(before), cw_job_root(after), judge, &c);
  cw_job_destroy(before);
  cw_job_destroy(after);
  return st;
}
