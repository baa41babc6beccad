#include <math.h>
#include <string.h>

#include "causeway/observe.h"

#define CW_OBSERVABLE(name) extern const cw_observable_ops cw_observable_##name;
#include "observe/observables.def"
#undef CW_OBSERVABLE

#define CW_OBSERVABLE(name) &cw_observable_##name,
const cw_observable_ops *const cw_observables[] = {
#include "observe/observables.def"
    NULL};
#undef CW_OBSERVABLE

const cw_observable_ops *cw_observable_find(const char *name) {
  for (int i = 0; cw_observables[i] != NULL; i++)
    if (strcmp(cw_observables[i]->name, name) == 0) return cw_observables[i];
  return NULL;
}

const cw_observable_ops *cw_observable_for(const cw_theory *th) {
  for (int i = 0; cw_observables[i] != NULL; i++)
    if (cw_observables[i]->standard && cw_observables[i]->fits(th)) return cw_observables[i];
  return NULL;
}

cw_observer cw_observer_make(const cw_observable_ops *ops, const cw_theory *th,
                             const double *params) {
  cw_observer o = {.ops = ops, .th = th};
  for (int i = 0; ops->params != NULL && ops->params[i].name != NULL; i++)
    o.param[i] = params != NULL ? params[i] : ops->params[i].preset;
  return o;
}

double cw_quantity_value(const cw_observer *o, const cw_quantity *q, const double *primary_mean,
                         int i) {
  if (q->correlator != NULL) return NAN;
  return q->value != NULL ? q->value(o, primary_mean, i) : primary_mean[q->mean_of - 1 + i];
}

const cw_quantity *cw_quantity_find(const cw_observable_ops *ops, const char *name) {
  for (const cw_quantity *q = ops->quantities; q->name != NULL; q++)
    if (strcmp(q->name, name) == 0) return q;
  return NULL;
}

const cw_primary *cw_primary_find(const cw_observable_ops *ops, const char *name) {
  for (const cw_primary *p = ops->notable; p != NULL && p->name != NULL; p++)
    if (strcmp(p->name, name) == 0) return p;
  return NULL;
}

double cw_sector_of(cw_sector_rule rule, double x) {
  return rule == CW_SECTOR_INTEGER ? round(x) : copysign(1, x);
}

const cw_primary *cw_entropy_primary(const cw_observable_ops *ops) {
  for (const cw_primary *p = ops->notable; p != NULL && p->name != NULL; p++)
    if (p->gives_entropy) return p;
  return NULL;
}

const char *cw_primary_units(const cw_observer *o, int i) {
  if (o->ops->primary_units != NULL) return o->ops->primary_units(o, i);
  for (const cw_quantity *q = o->ops->quantities; q->name != NULL; q++) {
    const int first = q->mean_of - 1, n = q->count != NULL ? q->count(o) : 1;
    if (q->mean_of > 0 && i >= first && i < first + n) return q->units;
  }
  return "1";
}

int cw_primary_number(const cw_observer *o, const char *name) {
  for (int i = 0; i < o->ops->n_primary(o); i++) {
    char found[32];
    o->ops->primary_name(o, i, found);
    if (strcmp(found, name) == 0) return i;
  }
  return -1;
}

typedef struct {
  const cw_observer *o;
  const cw_field *x;
  double *out;
} measurement;

/* One block into the rows of its configurations; the rows of padding lanes are dropped. */
static cw_status measure_block(const void *self, long b, cw_arena *work) {
  const measurement *m = self;
  const size_t n_primary = (size_t)m->o->ops->n_primary(m->o);
  const cw_field block = cw_field_block(m->x, b);
  double *rows = cw_arena_alloc(work, (size_t)block.B * n_primary * sizeof *rows);
  if (rows == NULL) return CW_ENOMEM;
  CW_TRY(m->o->ops->measure(m->o, &block, rows, work));
  memcpy(m->out + (size_t)(b * block.B) * n_primary, rows,
         (size_t)block.n_config * n_primary * sizeof *rows);
  return CW_OK;
}

cw_status cw_measure(cw_context *ctx, const cw_observer *o, const cw_field *x, double *out,
                     cw_arena *work) {
  cw_arena *own = work == NULL ? cw_arena_create(0) : NULL;
  cw_observer speaking = *o;
  speaking.ctx = ctx;
  const measurement m = {&speaking, x, out};
  cw_status st =
      cw_for_blocks(cw_threads(ctx), x->n_blocks, work != NULL ? work : own, measure_block, &m);
  cw_arena_destroy(own);
  /* of what else may fail the group has left its own message */
  if (st != CW_OK) return cw_fail(ctx, st, "no memory to measure '%s' observables", o->ops->name);
  return CW_OK;
}
