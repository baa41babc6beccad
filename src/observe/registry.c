#include <omp.h>
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

int cw_primary_number(const cw_observer *o, const char *name) {
  for (int i = 0; i < o->ops->n_primary(o); i++) {
    char found[32];
    o->ops->primary_name(o, i, found);
    if (strcmp(found, name) == 0) return i;
  }
  return -1;
}

/* Measures one block into the rows of its configurations; the rows of padding lanes are dropped. */
static cw_status measure_block(const cw_observer *o, const cw_field *block, double *out,
                               cw_arena *work) {
  size_t row = (size_t)o->ops->n_primary(o) * sizeof(double);
  if (work == NULL) return CW_ENOMEM;
  cw_arena_mark mark = cw_arena_save(work);
  double *rows = cw_arena_alloc(work, (size_t)block->B * row);
  cw_status st = rows != NULL ? o->ops->measure(o, block, rows, work) : CW_ENOMEM;
  if (st == CW_OK) memcpy(out, rows, (size_t)block->n_config * row);
  cw_arena_rewind(work, mark);
  return st;
}

static cw_status measure_blocks(cw_context *ctx, const cw_observer *o, const cw_field *x,
                                double *out, cw_arena *work) {
  int n_primary = o->ops->n_primary(o);
  int threads = x->n_blocks < cw_threads(ctx) ? (int)x->n_blocks : cw_threads(ctx);
  cw_status worst = CW_OK;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long b = 0; b < x->n_blocks; b++) {
    cw_field block = cw_field_block(x, b);
    cw_arena *mine = cw_arena_of_thread(work, omp_get_thread_num());
    cw_status st = measure_block(o, &block, out + b * x->B * n_primary, mine);
    if (st != CW_OK) {
#pragma omp atomic write
      worst = st;
    }
  }
  return worst;
}

cw_status cw_measure(cw_context *ctx, const cw_observer *o, const cw_field *x, double *out,
                     cw_arena *work) {
  cw_arena *own = work == NULL ? cw_arena_create(0) : NULL;
  cw_status st = measure_blocks(ctx, o, x, out, work != NULL ? work : own);
  cw_arena_destroy(own);
  if (st != CW_OK) return cw_fail(ctx, st, "no memory to measure '%s' observables", o->ops->name);
  return CW_OK;
}
