/* What a stage takes from another: trained parameters, kept configurations. */
#include <stdio.h>
#include <string.h>

#include "app/run/stage.h"

const cw_array *cw_trained_parameters(const cw_arrays *last, int n, long *size, long *n_theta) {
  const cw_array *alone = cw_arrays_get(last, "state.theta");
  const cw_array *a = alone != NULL ? alone : cw_arrays_get(last, "state.trainer");
  if (a == NULL) return NULL;
  *size = cw_array_size(a) / n;
  *n_theta = alone != NULL ? *size : cw_trainer_state_theta(*size);
  return a;
}

static cw_status take_parameters(cw_case *c, const char *from, const char *name,
                                 const cw_lattice *lat, const cw_arrays *last, int n,
                                 cw_model *const *model) {
  long size, theirs;
  const cw_array *a = cw_trained_parameters(last, n, &size, &theirs);
  if (a == NULL)
    return cw_fail(c->ctx, CW_EINVAL, "start: the training '%s' of %s has not begun", name, from);
  if (size * n != cw_array_size(a) || (a->rank == 2 ? a->dim[0] : 1) != n)
    return cw_fail(c->ctx, CW_EINVAL, "start: training '%s' of %s is not of %d flows", name, from,
                   n);
  for (int k = 0; k < n; k++)
    CW_TRY(cw_model_take_theta(c->ctx, model[k], lat, from, theirs, a->data + k * size));
  return CW_OK;
}

static cw_status fail_no_training(cw_case *c, const cw_start_from *from, bool has_case,
                                  const char *stage) {
  if (!has_case)
    return cw_fail(c->ctx, CW_EINVAL, "start: run '%s' has no case '%s'", from->run, from->name);
  if (stage == NULL)
    return cw_fail(c->ctx, CW_EINVAL, "start: run '%s' has no training of a model", from->run);
  return cw_fail(c->ctx, CW_EINVAL, "start: run '%s' has no training '%s'", from->run, stage);
}

/* The store's name of the training in the other run, or in this one, and its lattice. The model must be alike: other
 * parameters would be as many numbers without a meaning. */
static cw_status name_training(cw_case *c, const cw_start_from *from, const cw_store *store,
                               const char *stage, const cw_model_spec *spec, char name[160],
                               cw_lattice *lat) {
  cw_plans theirs = {0};
  cw_training t;
  char why[CW_START_WHY];
  const cw_plan *p = NULL;
  cw_status st = cw_plans_of_store(c->ctx, store, &theirs);
  for (int i = 0; st == CW_OK && i < theirs.n; i++)
    if (strcmp(theirs.plan[i].name, from->name) == 0) p = &theirs.plan[i];
  if (st == CW_OK && (p == NULL || !cw_find_training(p, stage, &t)))
    st = fail_no_training(c, from, p != NULL, stage);
  if (st == CW_OK && cw_start_misfits(p, t.model, c->plan, spec, why))
    st = cw_fail(c->ctx, CW_EINVAL, "start: the parameters of run '%s' %s", from->run, why);
  if (st == CW_OK) {
    cw_stage_name(p, t.stage, name);
    *lat = p->lat;
  }
  cw_plans_clear(&theirs);
  return st;
}

/* Cases run in their order: an earlier one of this run has been trained to the end. */
static cw_status start_from_run(cw_case *c, const cw_start_from *from, const char *stage,
                                const cw_model_spec *spec, int n, cw_model *const *model) {
  cw_store *other = NULL;
  cw_arrays last = {0};
  cw_lattice lat;
  char name[160], text[CW_START_TEXT];
  const bool here = cw_starts_here(from);
  snprintf(text, sizeof text, "%s '%s'", here ? "case" : "run", here ? from->name : from->run);
  cw_status st = here ? CW_OK : cw_store_open(c->ctx, from->run, &other);
  cw_store *store = other != NULL ? other : c->store;
  if (st == CW_OK) st = cw_agree(c->ctx, name_training(c, from, store, stage, spec, name, &lat));
  if (st == CW_OK && cw_store_segments(store, name) > 0) st = cw_store_read(store, name, -1, &last);
  if (st == CW_OK) st = take_parameters(c, text, name, &lat, &last, n, model);
  cw_arrays_clear(&last);
  cw_store_close(other);
  return st;
}

/* Then its store holds the parameters. */
static bool has_begun(const cw_case *c, const char *stage) {
  return stage != NULL && cw_has_begun(c->plan, c->store, stage);
}

cw_status cw_start_parameters(cw_case *c, const cw_start_from *from, const char *stage,
                              const cw_model_spec *spec, int n, cw_model *const *model) {
  if (!cw_has_start(from) || n == 0 || has_begun(c, stage)) return CW_OK;
  return cw_agree(c->ctx, from->model[0] != '\0'
                              ? cw_start_from_model(c, from->model, spec, n, model)
                              : start_from_run(c, from, stage, spec, n, model));
}

/* Rows [begin, end) of the array's first dimension. */
static void rows_of_part(long n, cw_kept_part part, long *begin, long *end) {
  *begin = part == CW_KEPT_TO_JUDGE ? n / 2 : 0;
  *end = part == CW_KEPT_TO_TRAIN ? n / 2 : n;
}

void cw_kept_row(const cw_field *kept, long row, cw_field *x) {
  for (long i = 0; i < x->n_config; i++)
    for (long s = 0; s < x->geom->n_sites; s++)
      for (int k = 0; k < x->n_comp; k++)
        cw_field_set(x, i, s, k, cw_field_get(kept, row * x->n_config + i, s, k));
}

cw_status cw_kept_configurations(cw_case *c, const cw_section *data, cw_kept_part part,
                                 cw_field *x) {
  cw_arrays all = {0};
  char name[160];
  long begin = 0, end = 0, size = c->geom->n_sites * c->theory.n_comp;
  cw_stage_name(c->plan, data->kind.name, name);
  *x = (cw_field){0};
  cw_status st = cw_store_read_all(c->store, name, &all);
  const cw_array *config = cw_arrays_get(&all, "config");
  bool fits = config != NULL && config->rank == 3 && config->dim[2] == size;
  if (fits) rows_of_part(config->dim[0], part, &begin, &end);
  if (st == CW_OK && (!fits || end - begin < 1 || config->dim[1] < 1))
    st = cw_fail(c->ctx, CW_ECORRUPT, "%s: stage '%s' has too few kept configurations",
                 cw_store_dir(c->store), name);
  if (st == CW_OK)
    st = cw_field_create(c->ctx, c->geom, c->theory.n_comp, (end - begin) * config->dim[1], x);
  if (st == CW_OK)
    for (long i = 0; i < x->n_config; i++)
      cw_copy_in(x, i, config->data + (begin * config->dim[1] + i) * size);
  cw_arrays_clear(&all);
  return st;
}
